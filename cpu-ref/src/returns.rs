//! Row functions of the family `returns`.

mod discounted;
mod gae;
mod lambda;
