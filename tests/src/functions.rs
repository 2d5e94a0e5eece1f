//! The proof of the elementary functions: their twins in [`math`] and the kernels' own, held to f64.
//!
//! An error is counted in units in the last place of f32 at the true value (2^-149 at least): the correctly rounded
//! result is within half a unit. [`FUNCTIONS`] lists what is held to what; [`sweep`] looks at every n-th f32 or at all,
//! [`grid`] at functions of several arguments, [`device`] at the kernels' text on a GPU, [`loose`] derives the bound
//! under WGSL's rules.

pub mod body;
pub mod device;
pub mod grid;
pub mod loose;
pub mod sweep;
mod truth;
mod worst;

use bellwether_core::Real;
use bellwether_core::math::{self, FunctionBound, LogSumExp, table};

use loose::Loose;
pub use worst::{Verdict, Worst};

/// Arguments of a call; those that a function does not have are 0.
pub type Args<T> = [T; 4];

/// A true value, and the magnitude whose last place is the unit.
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    /// The value, in f64.
    pub value: f64,
    /// Its own magnitude, or that of the largest term where terms cancel by definition.
    pub scale: f64,
}

impl From<f64> for Truth {
    fn from(value: f64) -> Self {
        Self { value, scale: value.abs() }
    }
}

/// One function: its row of the table, and the forms that are held to each other.
#[derive(Clone, Copy)]
pub struct Function {
    /// The committed numbers.
    pub bound: &'static FunctionBound,
    /// How many arguments it has.
    pub arity: usize,
    /// The twin.
    pub twin: fn(Args<f32>) -> f32,
    /// The same steps with an error bound.
    pub loose: fn(Args<Loose>) -> Loose,
    /// The true value.
    pub truth: fn(Args<f64>) -> Truth,
    /// The f32 reference's function of the same name, which is `libm`'s.
    pub reference: Option<fn(Args<f32>) -> f32>,
    /// The call in the kernels' language, of arguments `v.x`, `v.y`, `v.z`, `v.w`.
    pub call: &'static str,
}

macro_rules! one {
    ($bound:ident, $name:ident, $truth:expr, $reference:expr, $call:literal) => {
        Function {
            bound: &table::$bound,
            arity: 1,
            twin: |v| math::$name(v[0]),
            loose: |v| math::$name(v[0]),
            truth: |v| $truth(v[0]).into(),
            reference: Some(|v| $reference(v[0])),
            call: $call,
        }
    };
}

macro_rules! several {
    ($bound:ident, $arity:literal, $twin:expr, $loose:expr, $truth:expr, $call:literal) => {
        Function {
            bound: &table::$bound,
            arity: $arity,
            twin: $twin,
            loose: $loose,
            truth: $truth,
            reference: None,
            call: $call,
        }
    };
}

/// Every function of the table, in its order.
pub const FUNCTIONS: [Function; 13] = [
    one!(EXP, exp, libm::exp, Real::exp, "bw_exp(v.x)"),
    one!(EXPM1, expm1, libm::expm1, Real::exp_m1, "bw_expm1(v.x)"),
    one!(EXPM1M, expm1m, truth::expm1m, Real::expm1m, "bw_expm1m(v.x)"),
    one!(LOG, log, libm::log, Real::ln, "bw_log(v.x)"),
    one!(LOG1P, log1p, libm::log1p, Real::ln_1p, "bw_log1p(v.x)"),
    one!(LOG1MEXP, log1mexp, truth::log1mexp, Real::log1mexp, "bw_log1mexp(v.x)"),
    one!(SIGMOID, sigmoid, truth::sigmoid, Real::sigmoid, "bw_sigmoid(v.x)"),
    one!(LOG_SIGMOID, log_sigmoid, |x: f64| -truth::softplus(-x), Real::log_sigmoid, "bw_log_sigmoid(v.x)"),
    one!(SOFTPLUS, softplus, truth::softplus, Real::softplus, "bw_softplus(v.x)"),
    one!(TANH, tanh, libm::tanh, Real::tanh, "bw_tanh(v.x)"),
    several!(
        XLOGY,
        2,
        |v| math::xlogy(v[0], v[1]),
        |v| math::xlogy(v[0], v[1]),
        truth::xlogy,
        "bw_xlogy(v.x, v.y)"
    ),
    several!(
        LOGADDEXP,
        2,
        |v| math::logaddexp(v[0], v[1]),
        |v| math::logaddexp(v[0], v[1]),
        truth::logaddexp,
        "bw_logaddexp(v.x, v.y)"
    ),
    several!(
        LSE_MERGE,
        4,
        |v| merged(v).sum,
        |v| merged(v).sum,
        truth::merged,
        "bw_lse_merge(LogSumExp(v.x, v.z), LogSumExp(v.y, v.w)).sum"
    ),
];

/// Two states, their tops before their sums, merged.
fn merged<T: math::Scalar>(v: Args<T>) -> LogSumExp<T> {
    LogSumExp { top: v[0], sum: v[2] }.merge(LogSumExp { top: v[1], sum: v[3] })
}
