//! A problem: one operator on one set of inputs, to be run by the reference, by the CPU in f32 and by a GPU.
//!
//! A signature describes its problem once, over any scalar ([`Compute`]); the reference, the tolerance and the CPU
//! backend follow from the scalar it runs on.

mod actor;
mod derived;
mod distillation;
mod divergence_mean;
mod function;
mod fused_linear;
mod fused_pairs;
mod known;
mod layout;
mod list_rows;
mod logit_pairs;
mod mixed;
mod pair_rows;
mod pair_step;
mod policy_rows;
mod reverse_scan;
mod segment_stats;
mod sequence;
mod several;
mod single_step;
mod tdpo;
mod token_map;
mod token_rows;
mod top_rows;
mod triple;

use bellwether_core::{Bound, Error, Real, Storage};
use bellwether_cpu_ref::token_rows::Scalar;

pub use actor::{Actor, ActorCritic};
pub use derived::{
    Carried, Derive, Derived, OneValue, OptimalValue, RowSums, Shorter, Sides, Spread, Turned,
};
pub use distillation::Distillation;
pub use divergence_mean::DivergenceMean;
pub use function::{Elementary, FunctionProblem};
pub use fused_linear::LinearProblem;
pub use fused_pairs::{FusedPairProblem, Hard, HeadInputs};
pub use known::{BadUpstream, Fault, Pinned};
pub use layout::Layout;
pub use list_rows::ListProblem;
pub use logit_pairs::LogitPairProblem;
pub use mixed::Mixed;
pub use pair_rows::PairProblem;
pub use pair_step::{Head, StepPlanes, StepProblem};
pub use policy_rows::PolicyProblem;
pub use reverse_scan::{Rows, ScanProblem};
pub use segment_stats::{KeepBy, SegmentProblem, SegmentsBy};
pub use sequence::SequenceProblem;
pub use several::SeveralProblem;
pub use single_step::{RefLogps, SinglePlanes, SingleStep};
pub use tdpo::{TdpoPlanes, TdpoProblem};
pub use token_map::MapProblem;
pub use token_rows::{TokenProblem, Way};
pub use top_rows::TopProblem;
pub use triple::Triple;

use crate::rig::Rig;
use crate::storage;

/// A scalar that a problem can run on.
pub trait Number: Scalar {
    /// An input, as this scalar holds it.
    fn input(x: f64) -> Self;
    /// A value about which nothing is claimed.
    fn unknown() -> Self;
    /// The value, and how far an implementation may be from it.
    fn judged(self) -> Judged;
    /// Whether this is what a backend computes in, and not the reference.
    const IS_BACKEND: bool;
    /// The value as a wide array holds it.
    fn stored(self, storage: Storage) -> Self;
}

/// A reference value and the largest error that an implementation may show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The value.
    pub value: f64,
    /// The bound; infinite where the precision cannot represent the value.
    pub error: f64,
}

impl Number for f32 {
    const IS_BACKEND: bool = true;
    fn input(x: f64) -> Self {
        x as Self
    }
    fn unknown() -> Self {
        0.0
    }
    fn judged(self) -> Judged {
        Judged { value: self.into(), error: 0.0 }
    }
    fn stored(self, storage: Storage) -> Self {
        storage::round(self, storage)
    }
}

impl<const BITS: u32> Number for Bound<BITS> {
    const IS_BACKEND: bool = false;
    fn input(x: f64) -> Self {
        Self::exact(if BITS <= 24 { f64::from(x as f32) } else { x })
    }
    fn unknown() -> Self {
        Self::new(0.0, f64::INFINITY)
    }
    fn judged(self) -> Judged {
        Judged { value: self.value, error: self.error }
    }
    fn stored(self, storage: Storage) -> Self {
        Self::new(self.value, self.error + storage::rounding(self.value.abs() + self.error, storage))
    }
}

/// One named result.
#[derive(Clone, Debug, PartialEq)]
pub struct Output<T> {
    /// The name, as in the contract.
    pub name: &'static str,
    /// Elements per row, so that a fault can name its row.
    pub width: usize,
    /// The elements.
    pub data: Vec<T>,
}

impl<T> Output<T> {
    /// An output of `width` elements per row.
    pub const fn new(name: &'static str, width: usize, data: Vec<T>) -> Self {
        Self { name, width, data }
    }

    fn map<U>(self, f: impl Fn(T) -> U) -> Output<U> {
        Output { name: self.name, width: self.width, data: self.data.into_iter().map(f).collect() }
    }
}

/// The results of a problem, in the order of the contract.
pub type Outputs<T> = Vec<Output<T>>;

/// Splits the packed planes of a result into named outputs.
fn planes<T: Copy>(names: &[&'static str], packed: &[T]) -> Outputs<T> {
    let n = packed.len() / names.len();
    names.iter().enumerate().map(|(i, name)| Output::new(name, 1, packed[i * n..][..n].to_vec())).collect()
}

/// Why a backend gave no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The contract refused the inputs.
    #[error("{0}")]
    Contract(#[from] Error),
    /// The GPU host did.
    #[error("{0}")]
    Gpu(#[from] bellwether_gpu::Error),
    /// The program that runs the kernels did not.
    #[error("the program that runs the kernels: {0}")]
    Remote(String),
    /// A kernel wrote where it must not.
    #[error(
        "a kernel wrote to element {element} of {array}, which has {of} elements of its own to keep or to write"
    )]
    Overwrote {
        /// The array.
        array: &'static str,
        /// The element.
        element: usize,
        /// The array's length.
        of: usize,
    },
    /// A kernel did not write what it must.
    #[error("a kernel left element {element} of {array} unwritten")]
    Unwritten {
        /// The array.
        array: &'static str,
        /// The element.
        element: usize,
    },
}

/// What a signature says once: how its operators run on the CPU over any scalar, and on a GPU.
pub trait Compute {
    /// The operator's slug.
    fn op(&self) -> &'static str;
    /// Runs the reference driver.
    ///
    /// # Errors
    /// What the contract refuses.
    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error>;
    /// Runs the kernels.
    ///
    /// # Errors
    /// What the contract or the device refuses.
    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError>;
}

/// How precise the arithmetic is that the reference's bound is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// WGSL's f32, on inputs rounded to f32: our backends.
    Wgsl,
    /// IEEE f32, on inputs as they are: numbers of a file that were computed in f32.
    Single,
    /// f64: numbers of a file that were computed in f64.
    Double,
}

/// Where a problem can run.
#[derive(Clone, Copy)]
pub enum Backend<'a> {
    /// The reference's code in f32.
    CpuF32,
    /// Kernels on a device, in a dialect and a mode.
    Gpu(&'a Rig),
}

impl Backend<'_> {
    /// The name in reports.
    pub fn name(&self) -> &str {
        match self {
            Self::CpuF32 => "cpu f32",
            Self::Gpu(rig) => rig.name(),
        }
    }
}

/// A problem of any signature.
pub trait Problem {
    /// The operator's slug.
    fn op(&self) -> &'static str;
    /// The reference's values with the bound of an implementation of that precision.
    ///
    /// # Errors
    /// What the contract refuses.
    fn reference(&self, precision: Precision) -> Result<Outputs<Judged>, Error>;
    /// The values of a backend.
    ///
    /// # Errors
    /// What the contract or the device refuses.
    fn run(&self, backend: Backend<'_>) -> Result<Outputs<f64>, RunError>;
}

impl<C: Compute> Problem for C {
    fn op(&self) -> &'static str {
        Compute::op(self)
    }

    fn reference(&self, precision: Precision) -> Result<Outputs<Judged>, Error> {
        fn judged<T: Number>(outputs: Outputs<T>) -> Outputs<Judged> {
            outputs.into_iter().map(|o| o.map(Number::judged)).collect()
        }
        Ok(match precision {
            Precision::Wgsl => judged(self.cpu::<Bound<23>>()?),
            Precision::Single => judged(self.cpu::<Bound<24>>()?),
            Precision::Double => judged(self.cpu::<Bound<53>>()?),
        })
    }

    fn run(&self, backend: Backend<'_>) -> Result<Outputs<f64>, RunError> {
        let outputs = match backend {
            Backend::CpuF32 => self.cpu::<f32>()?,
            Backend::Gpu(rig) => self.gpu(rig)?,
        };
        Ok(outputs.into_iter().map(|o| o.map(f64::from)).collect())
    }
}

/// The inputs as scalars of a run.
fn inputs<T: Number>(xs: &[f64]) -> Vec<T> {
    xs.iter().map(|&x| T::input(x)).collect()
}

/// A wide array as a run of this scalar reads it.
fn wide<T: Number>(xs: &[f64], storage: Storage) -> Vec<T> {
    let stored = |x: f64| if storage == Storage::F32 { x } else { storage::round(x as f32, storage).into() };
    xs.iter().map(|&x| T::input(stored(x))).collect()
}

/// The inputs as a kernel takes them.
pub(crate) fn singles(xs: &[f64]) -> Vec<f32> {
    xs.iter().map(|&x| x as f32).collect()
}

/// A buffer to be filled.
fn zeros<T: Real>(n: usize) -> Vec<T> {
    vec![T::zero(); n]
}
