//! Row functions of the family `reward`.

mod rto;
