//! The elementary functions on the numbers of a file: `libm`'s as the reference, the kernels' steps in Rust, and the
//! kernels' own text on a device.

use bellwether_core::{Dual, Error, Real, math};

use super::{Compute, Number, Output, Outputs, RunError, inputs, singles};
use crate::rig::Rig;

/// A function of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elementary {
    /// `e^x`.
    Exp,
    /// `e^x − 1`.
    Expm1,
    /// `e^x − 1 − x`.
    Expm1m,
    /// `ln x`.
    Log,
    /// `ln(1 + x)`.
    Log1p,
    /// `ln(1 − e^x)`.
    Log1mexp,
    /// `σ(x)`.
    Sigmoid,
    /// `ln σ(x)`.
    LogSigmoid,
    /// `ln(1 + e^x)`.
    Softplus,
    /// `tanh x`.
    Tanh,
}

impl Elementary {
    /// The function of a name as [`math::TABLE`] lists it.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "exp" => Self::Exp,
            "expm1" => Self::Expm1,
            "expm1m" => Self::Expm1m,
            "log" => Self::Log,
            "log1p" => Self::Log1p,
            "log1mexp" => Self::Log1mexp,
            "sigmoid" => Self::Sigmoid,
            "log_sigmoid" => Self::LogSigmoid,
            "softplus" => Self::Softplus,
            "tanh" => Self::Tanh,
            _ => return None,
        })
    }

    /// Whether the function has a finite value there.
    pub fn takes(self, x: f64) -> bool {
        x.is_finite()
            && match self {
                Self::Log => x > 0.0,
                Self::Log1p => x > -1.0,
                Self::Log1mexp => x < 0.0,
                _ => true,
            }
    }

    fn of<T: Real>(self, x: T) -> T {
        match self {
            Self::Exp => x.exp(),
            Self::Expm1 => x.exp_m1(),
            Self::Expm1m => x.expm1m(),
            Self::Log => x.ln(),
            Self::Log1p => x.ln_1p(),
            Self::Log1mexp => x.log1mexp(),
            Self::Sigmoid => x.sigmoid(),
            Self::LogSigmoid => x.log_sigmoid(),
            Self::Softplus => x.softplus(),
            Self::Tanh => x.tanh(),
        }
    }

    /// The kernels' steps, in Rust.
    fn twin(self, x: f32) -> f32 {
        match self {
            Self::Exp => math::exp(x),
            Self::Expm1 => math::expm1(x),
            Self::Expm1m => math::expm1m(x),
            Self::Log => math::log(x),
            Self::Log1p => math::log1p(x),
            Self::Log1mexp => math::log1mexp(x),
            Self::Sigmoid => math::sigmoid(x),
            Self::LogSigmoid => math::log_sigmoid(x),
            Self::Softplus => math::softplus(x),
            Self::Tanh => math::tanh(x),
        }
    }

    /// Value and slope in the kernels' language, by hand.
    const fn calls(self) -> [&'static str; 2] {
        match self {
            Self::Exp => ["bw_exp(v.x)", "bw_exp(v.x)"],
            Self::Expm1 => ["bw_expm1(v.x)", "bw_exp(v.x)"],
            Self::Expm1m => ["bw_expm1m(v.x)", "bw_expm1(v.x)"],
            Self::Log => ["bw_log(v.x)", "1.0 / v.x"],
            Self::Log1p => ["bw_log1p(v.x)", "1.0 / (1.0 + v.x)"],
            Self::Log1mexp => ["bw_log1mexp(v.x)", "bw_exp(v.x) / bw_expm1(v.x)"],
            Self::Sigmoid => ["bw_sigmoid(v.x)", "bw_sigmoid(v.x) * bw_sigmoid(-v.x)"],
            Self::LogSigmoid => ["bw_log_sigmoid(v.x)", "bw_sigmoid(-v.x)"],
            Self::Softplus => ["bw_softplus(v.x)", "bw_sigmoid(v.x)"],
            Self::Tanh => ["bw_tanh(v.x)", "4.0 * bw_sigmoid(2.0 * v.x) * bw_sigmoid(-2.0 * v.x)"],
        }
    }
}

/// A function on numbers.
#[derive(Clone, Debug)]
pub struct FunctionProblem {
    /// Its name in reports.
    pub op: &'static str,
    /// The function.
    pub function: Elementary,
    /// Where it is taken.
    pub x: Vec<f64>,
    /// What each slope is multiplied by.
    pub upstream: Vec<f64>,
}

fn named<T>([value, twin, slope]: [Vec<T>; 3]) -> Outputs<T> {
    vec![Output::new("value", 1, value), Output::new("twin", 1, twin), Output::new("slope", 1, slope)]
}

impl Compute for FunctionProblem {
    fn op(&self) -> &'static str {
        self.op
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let x = inputs::<T>(&self.x);
        let at = |&x: &T| self.function.of(Dual::<T, 1>::variable(x, 0));
        // The reference knows one value; the CPU has two ways to it.
        let twin = |x: &T| {
            if T::IS_BACKEND {
                T::lift(self.function.twin(x.value() as f32).into())
            } else {
                self.function.of(*x)
            }
        };
        Ok(named([
            x.iter().map(|x| at(x).re).collect(),
            x.iter().map(twin).collect(),
            x.iter().zip(inputs::<T>(&self.upstream)).map(|(x, up)| up.weigh(at(x).eps[0])).collect(),
        ]))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let [value, slope] = self.function.calls().map(|call| rig.function(call, &singles(&self.x)));
        let (value, upstream) = (value?, singles(&self.upstream));
        let slope = slope?.into_iter().zip(upstream).map(|(slope, up)| up * slope).collect();
        Ok(named([value.clone(), value, slope]))
    }
}
