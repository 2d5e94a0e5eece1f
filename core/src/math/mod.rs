//! The CPU twins of the kernels' elementary functions: the same algorithms, in the same order of operations.
//!
//! The kernels have functions of their own because WGSL's lose every digit near 0. These twins are what the proofs
//! sweep: over all 2^32 inputs (`cargo xtask prove`), over a part in every test run, and against the kernels' own
//! results on a device. They are *not* the reference: operators' references call `libm` through
//! [`Real`](crate::Real) and share nothing with the kernels.
//!
//! `no_std`, f32, no other crate. A function is generic over [`Scalar`] so that the same steps also run on a number
//! with an error bound; call it with f32. [`TABLE`] holds, for each, the largest error measured on an IEEE machine and
//! the bound under WGSL's rules. NaN gives NaN: kernels decide that by bits.

mod exp;
mod expm1;
mod expm1m;
mod log;
mod log1mexp;
mod log1p;
mod log_sigmoid;
mod logaddexp;
mod scalar;
mod sigmoid;
mod softplus;
pub mod table;
mod tanh;
mod xlogy;

pub use exp::exp;
pub use expm1::expm1;
pub use expm1m::expm1m;
pub use log::log;
pub use log_sigmoid::log_sigmoid;
pub use log1mexp::log1mexp;
pub use log1p::log1p;
pub use logaddexp::{LogSumExp, logaddexp};
pub use scalar::Scalar;
pub use sigmoid::sigmoid;
pub use softplus::softplus;
pub use table::{FunctionBound, TABLE};
pub use tanh::tanh;
pub use xlogy::xlogy;
