//! What an operator is: parameters with a range, a formula, a paper, and the block of words its kernels read.

use crate::Error;
use crate::sig::Signature;

/// A published source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Authors and year.
    pub authors: &'static str,
    /// arXiv number, or an address where there is none.
    pub id: &'static str,
    /// Equation, section or algorithm.
    pub place: &'static str,
}

/// One parameter of an operator, for catalogues and error messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param {
    /// The name, as in the struct and in files.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// The allowed range.
    pub range: &'static str,
    /// The value when nothing is said.
    pub default: f64,
}

/// The page of one operator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// `family/name`: the path of the operator in every crate, its name in errors, tests and files.
    pub slug: &'static str,
    /// One line of purpose.
    pub title: &'static str,
    /// Inputs and outputs.
    pub signature: Signature,
    /// The formula in plain text.
    pub formula: &'static str,
    /// Parameters beyond those of the signature.
    pub params: &'static [Param],
    /// Where it is published.
    pub papers: &'static [Paper],
}

/// Words of operator parameters in a kernel's argument block, after the signature's header.
pub const PARAM_WORDS: usize = 4;

/// An operator: a plain `Copy` struct of parameters.
pub trait Op: Copy + Default + core::fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The page.
    const SPEC: Spec;

    /// Whether every parameter is in its range.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] names the first that is not.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The parameters as the kernel's `struct Params` reads them: f32 bits (counts as they are), in order, zeros behind.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [0; PARAM_WORDS]
    }
}

/// `Ok` when `ok`, else [`Error::InvalidParameter`]: the check that every parameter goes through.
///
/// # Errors
/// The named parameter is out of range.
pub const fn require(
    ok: bool,
    op: &'static str,
    arg: &'static str,
    given: f64,
    allowed: &'static str,
) -> Result<(), Error> {
    if ok { Ok(()) } else { Err(Error::InvalidParameter { op, arg, given, allowed }) }
}

/// The bits of a parameter as a kernel holds it: rounded to f32 once, here.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "kernels hold their parameters in f32; Bound::lift counts it"
)]
pub const fn word(x: f64) -> u32 {
    (x as f32).to_bits()
}
