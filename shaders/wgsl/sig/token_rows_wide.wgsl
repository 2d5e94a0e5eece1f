// A workgroup per row.

const ROWS = 1u;
const LANES = 64u;
