//! Driver of the signature TokenMap.

use bellwether_core::sig::Reduction;
pub use bellwether_core::sig::token_map::MapOp;
use bellwether_core::sig::token_map::{MOST, MOST_PLANES};
use bellwether_core::{Dual, Error, Real};

use crate::rows::{Scalar, exactly, fill_planes, finite, holds_rows, product};

/// One number per input, constant or output of an operator; zeros behind those that it has.
pub type Few<T> = [T; MOST];

/// An operator of the signature, written from its paper.
pub trait MapRow: MapOp {
    /// The outputs of one element, in the order of [`MapOp::PLANES`].
    fn map<T: Real>(&self, inputs: Few<T>, constants: Few<T>) -> Few<T>;
}

/// Outputs, zeros behind them.
pub fn planes<T: Real, const N: usize>(outputs: [T; N]) -> Few<T> {
    let mut all = [T::zero(); MOST];
    all.iter_mut().zip(outputs).for_each(|(place, output)| *place = output);
    all
}

/// An array `[rows, len]` where it lies: element `(r, c)` is `data[r · row + c · col]`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// The array, from element (0, 0) on.
    pub data: &'a [T],
    /// Elements from one row to the next; 0: every row is the same.
    pub row: usize,
    /// Elements from one column to the next; 0: one value per row.
    pub col: usize,
}

impl<'a, T: Copy> View<'a, T> {
    /// Rows of `len` elements without gaps.
    #[must_use]
    pub const fn packed(data: &'a [T], len: usize) -> Self {
        Self { data, row: len, col: 1 }
    }

    pub(crate) fn at(&self, (r, c): (usize, usize)) -> T {
        self.data[r * self.row + c * self.col]
    }

    /// An error unless the array holds the shape.
    pub(crate) fn holds(
        &self,
        op: &'static str,
        arg: &'static str,
        (rows, len): (usize, usize),
    ) -> Result<(), Error> {
        let overflow = Error::SizeOverflow { op, arg };
        let rows = if len == 0 { 0 } else { rows };
        let width = len.saturating_sub(1).checked_mul(self.col).and_then(|last| last.checked_add(1));
        holds_rows(op, arg, self.data, (rows, width.ok_or(overflow)?, self.row))
    }
}

/// The arrays of a map.
#[derive(Clone, Copy, Debug)]
pub struct MapInputs<'a, T> {
    /// Rows of every array.
    pub rows: usize,
    /// Elements of a row.
    pub len: usize,
    /// The operator's inputs, in the order of [`MapOp::PLANES`].
    pub inputs: &'a [View<'a, T>],
    /// Its constants.
    pub constants: &'a [View<'a, T>],
    /// Which elements count: those whose word is not 0. `None`: all.
    pub mask: Option<View<'a, u32>>,
    /// The upstream gradient of each element's first output. `None`: 1.
    pub upstream: Option<View<'a, T>>,
}

impl<'a, T: Scalar> MapInputs<'a, T> {
    /// All elements count, each with upstream gradient 1.
    #[must_use]
    pub const fn new(
        (rows, len): (usize, usize),
        inputs: &'a [View<'a, T>],
        constants: &'a [View<'a, T>],
    ) -> Self {
        Self { rows, len, inputs, constants, mask: None, upstream: None }
    }

    /// Row and column of element `i`.
    const fn place(&self, i: usize) -> (usize, usize) {
        (i / self.len, i % self.len)
    }

    fn counts(&self, i: usize) -> bool {
        self.mask.is_none_or(|mask| mask.at(self.place(i)) != 0)
    }

    /// Every array but the mask, with its name.
    fn named<O: MapOp>(&self) -> impl Iterator<Item = (&'static str, View<'a, T>)> {
        let inputs = O::PLANES.inputs.iter().copied().zip(self.inputs.iter().copied());
        let constants = O::PLANES.constants.iter().copied().zip(self.constants.iter().copied());
        inputs.chain(constants).chain(self.upstream.map(|upstream| ("upstream", upstream)))
    }

    /// Shapes, that of the result too, then the elements that count; gives the number of all elements.
    fn check<O: MapOp>(&self, result: &[T]) -> Result<usize, Error> {
        let (slug, shape) = (O::SPEC.slug, (self.rows, self.len));
        let n = product(slug, "rows", self.rows, self.len)?;
        // First: with distances of 0 the inputs hold any number of elements, and all of them are looked at below.
        exactly(slug, "result", result, product(slug, "result", O::PLANES.count(), n)?)?;
        exactly(slug, "inputs", self.inputs, O::PLANES.inputs.len())?;
        exactly(slug, "constants", self.constants, O::PLANES.constants.len())?;
        self.named::<O>().try_for_each(|(name, view)| view.holds(slug, name, shape))?;
        self.mask.iter().try_for_each(|mask| mask.holds(slug, "mask", shape))?;
        for (name, view) in self.named::<O>() {
            let mut counted = (0..n).filter(|&i| self.counts(i)).map(|i| self.place(i));
            counted.try_for_each(|at| finite(slug, name, at, view.at(at).value()))?;
        }
        Ok(n)
    }
}

/// Outputs, gradients and status of element `i`.
fn row<O: MapRow, T: Scalar>(op: &O, x: &MapInputs<'_, T>, scale: T, i: usize) -> [T; MOST_PLANES] {
    let mut results = [T::zero(); MOST_PLANES];
    if !x.counts(i) {
        return results;
    }
    let at = x.place(i);
    let (mut inputs, mut constants) = ([Dual::zero(); MOST], [Dual::zero(); MOST]);
    for (j, view) in x.inputs.iter().enumerate() {
        inputs[j] = Dual::<T, MOST>::variable(view.at(at), j);
    }
    for (place, view) in constants.iter_mut().zip(x.constants) {
        *place = Dual::constant(view.at(at));
    }
    let outputs = op.map(inputs, constants);
    let weight = x.upstream.map_or(scale, |upstream| scale * upstream.at(at));
    let values = outputs.iter().map(|output| output.re).take(O::PLANES.outputs.len());
    let gradients = outputs[0].eps.into_iter().map(|slope| weight.weigh(slope)).take(x.inputs.len());
    results.iter_mut().zip(values.chain(gradients)).for_each(|(place, value)| *place = value);
    results
}

/// The outputs of every element and the gradients of the reduced first output: planes of `rows · len` elements each,
/// in the order of [`MapPlanes::result`](bellwether_core::sig::token_map::MapPlanes::result).
///
/// # Errors
/// Parameters out of range, shapes that disagree, NaN or infinity in an element that counts; `result` is then
/// untouched.
pub fn token_map<O: MapRow, T: Scalar>(
    op: &O,
    x: &MapInputs<'_, T>,
    reduction: Reduction,
    result: &mut [T],
) -> Result<(), Error> {
    let slug = O::SPEC.slug;
    op.check()?;
    reduction.check(slug)?;
    let n = x.check::<O>(result)?;
    let scale = T::lift(reduction.scale());
    fill_planes(n, result, |i| row(op, x, scale, i));
    Ok(())
}

#[cfg(test)]
mod tests {
    use bellwether_core::logprob::{K2, K3, Nll};

    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let logp = [-1.0, -2.0, f64::NAN, -4.0];
        let view = [View::packed(&logp, 2)];
        let run = |x: &MapInputs<'_, f64>| token_map(&Nll {}, x, Reduction::Sum, &mut [0.0; 12]);
        let x = MapInputs::new((2, 2), &view, &[]);
        let mut given = run(&x).unwrap_err();
        if let Error::NonFinite { given, .. } = &mut given {
            *given = 0.0; // a NaN equals nothing
        }
        let op = "logprob/nll";
        assert_eq!(given, Error::NonFinite { op, arg: "logp", row: 1, col: 0, given: 0.0 });
        let short = Error::ShapeMismatch { op, arg: "mask", expected: 4, given: 3 };
        let mask = Some(View::packed(&[1, 1, 0][..], 2));
        assert_eq!(run(&MapInputs { mask, ..x }), Err(short));
        let many = Error::ShapeMismatch { op, arg: "constants", expected: 0, given: 1 };
        assert_eq!(run(&MapInputs { constants: &view, ..x }), Err(many));
        let mask = Some(View::packed(&[1, 1, 0, 7][..], 2));
        assert_eq!(run(&MapInputs { mask, ..x }), Ok(()));
    }

    #[test]
    fn a_map_by_hand() {
        let (logp, reference) = ([-1.0, -3.0, f64::NAN], [-2.0]);
        let (logp, reference) = ([View::packed(&logp, 3)], [View { data: &reference, row: 0, col: 0 }]);
        let (mask, upstream) = ([1, 9, 0], [1.0, 10.0, f64::NAN]);
        let x = MapInputs {
            mask: Some(View::packed(&mask, 3)),
            upstream: Some(View::packed(&upstream, 3)),
            ..MapInputs::new((1, 3), &logp, &reference)
        };
        let mut result = [9.0; 9];
        token_map(&K2 {}, &x, Reduction::Mean { over: 2 }, &mut result).expect("a map");
        assert_eq!(
            result.map(f64::to_bits),
            [0.5, 0.5, 0.0, 0.5, -5.0, 0.0, 0.0, 0.0, 0.0].map(f64::to_bits)
        );
        token_map(&K3 {}, &x, Reduction::Sum, &mut result).expect("a map");
        let want = [
            (-1.0_f64).exp(),
            1.0_f64.exp() - 2.0,
            0.0,
            1.0 - (-1.0_f64).exp(),
            10.0 * (1.0 - 1.0_f64.exp()),
        ];
        assert!(result.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-14), "{result:?}");
    }
}
