//! Row functions of the family `policy`.

mod cispo;
mod clip;
mod gmpo;
mod sapo;
mod value_clip;
mod vespo;
