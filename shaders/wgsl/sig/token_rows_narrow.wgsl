// Eight rows of few columns per workgroup.

const ROWS = 8u;
const LANES = 8u;
