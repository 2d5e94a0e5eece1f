//! Driver of the signature ReverseScan.

use bellwether_core::bound::Scan;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::reverse_scan::{
    MOST_CONSTANTS, MOST_INPUTS, MOST_OUTPUTS, MOST_STEPS, result as names,
};
pub use bellwether_core::sig::reverse_scan::{Order, ScanOp};
use bellwether_core::sig::segment_stats::{Segments, check_offsets};
use bellwether_core::{Dual, Error, Real};

use crate::rows::{Scalar, exactly, finite, product};
use crate::token_map::View;

/// The inputs of one step; zeros behind those that the operator has.
pub type Inputs<T> = [T; MOST_INPUTS];
/// Its constants.
pub type Constants<T> = [T; MOST_CONSTANTS];
/// Its outputs.
pub type Outputs<T> = [T; MOST_OUTPUTS];
/// `(a_t, b_t)` of `x_t = a_t + b_t x_{t+1}`.
pub type Pair<T> = (T, T);

/// How many numbers a step's outputs depend on, and which of them is `x_t`.
const SEEDS: usize = MOST_INPUTS + 1;
const STATE: usize = MOST_INPUTS;

/// An operator of the signature, written from its paper.
pub trait ScanRow: ScanOp {
    /// The pair of a step; `last`: no step of the row counts behind it.
    fn pair<T: Real>(&self, inputs: Inputs<T>, constants: Constants<T>, last: bool) -> Pair<T>;

    /// The outputs from `[x_t, x_{t+1}]`, in the order of [`ScanOp::PLANES`]. The first may not depend on `x_{t+1}`.
    fn finish<T: Real>(&self, x: [T; 2], inputs: Inputs<T>, constants: Constants<T>) -> Outputs<T>;
}

/// Outputs, zeros behind them.
pub fn outputs<T: Real, const N: usize>(own: [T; N]) -> Outputs<T> {
    let mut all = [T::zero(); MOST_OUTPUTS];
    all.iter_mut().zip(own).for_each(|(place, output)| *place = output);
    all
}

/// The arrays of a scan.
#[derive(Clone, Copy, Debug)]
pub struct ScanInputs<'a, T> {
    /// The rows: padded, or packed one behind another.
    pub rows: Segments<'a>,
    /// Steps of each padded row; `None`: all. Packed rows have none.
    pub lengths: Option<&'a [u32]>,
    /// The operator's inputs, in the order of [`ScanOp::PLANES`].
    pub inputs: &'a [View<'a, T>],
    /// Its constants.
    pub constants: &'a [View<'a, T>],
    /// Which steps count: those whose word is not 0. `None`: all.
    pub mask: Option<View<'a, u32>>,
    /// The upstream gradient of each step's first output. `None`: 1.
    pub upstream: Option<View<'a, T>>,
    /// Whether the result has gradients.
    pub gradients: bool,
    /// How the steps of padded rows follow one another in a plane of the result.
    pub order: Order,
}

/// One row: where its steps stand.
#[derive(Clone, Copy)]
struct Row {
    /// Row and column of the first step, as views count.
    first: (usize, usize),
    /// Where its result stands, and how far the next.
    place: [usize; 2],
    len: usize,
}

impl Row {
    const fn at(&self, t: usize) -> (usize, usize) {
        (self.first.0, self.first.1 + t)
    }

    const fn index(&self, t: usize) -> usize {
        self.place[0] + t * self.place[1]
    }
}

impl<'a, T: Scalar> ScanInputs<'a, T> {
    /// Padded rows all of whose steps count; no gradients.
    #[must_use]
    pub const fn new(
        (count, len): (usize, usize),
        inputs: &'a [View<'a, T>],
        constants: &'a [View<'a, T>],
    ) -> Self {
        let rows = Segments::Padded { count, len };
        let (lengths, mask, upstream, gradients, order) = (None, None, None, false, Order::BatchMajor);
        Self { rows, lengths, inputs, constants, mask, upstream, gradients, order }
    }

    fn row(&self, r: usize) -> Row {
        match self.rows {
            Segments::Padded { count, len } => {
                let [down, across] = self.order.distances(count, len);
                let len = self.lengths.map_or(len, |lengths| lengths[r] as usize);
                Row { first: (r, 0), place: [r * down, across], len }
            }
            Segments::Packed { .. } => {
                let range = self.rows.range(r);
                Row { first: (0, range.start), place: [range.start, 1], len: range.len() }
            }
        }
    }

    fn counts(&self, at: (usize, usize)) -> bool {
        self.mask.is_none_or(|mask| mask.at(at) != 0)
    }

    /// The steps of a row that count, the last one first.
    fn counted(&self, row: Row) -> impl DoubleEndedIterator<Item = usize> + Clone + '_ {
        (0..row.len).rev().filter(move |&t| self.counts(row.at(t)))
    }

    fn inputs_at(&self, at: (usize, usize)) -> Inputs<T> {
        let mut all = [T::zero(); MOST_INPUTS];
        all.iter_mut().zip(self.inputs).for_each(|(place, view)| *place = view.at(at));
        all
    }

    fn constants_at(&self, at: (usize, usize)) -> Constants<T> {
        let mut all = [T::zero(); MOST_CONSTANTS];
        all.iter_mut().zip(self.constants).for_each(|(place, view)| *place = view.at(at));
        all
    }

    /// Every array but the words, with its name.
    fn named<O: ScanOp>(&self) -> impl Iterator<Item = (&'static str, View<'a, T>)> {
        let inputs = O::PLANES.inputs.iter().copied().zip(self.inputs.iter().copied());
        let constants = O::PLANES.constants.iter().copied().zip(self.constants.iter().copied());
        inputs.chain(constants).chain(self.upstream.map(|upstream| ("upstream", upstream)))
    }

    /// The shape of every view.
    fn shape(&self, op: &'static str) -> Result<(usize, usize), Error> {
        match self.rows {
            Segments::Padded { count, len } if len <= MOST_STEPS => Ok((count, len)),
            Segments::Padded { .. } => Err(Error::SizeOverflow { op, arg: "len" }),
            Segments::Packed { offsets } => {
                let elements = offsets.last().map_or(0, |&end| end as usize);
                check_offsets(op, offsets, elements)?;
                Ok((1, elements))
            }
        }
    }

    fn check_lengths(&self, op: &'static str) -> Result<(), Error> {
        let Some(lengths) = self.lengths else { return Ok(()) };
        let len = match self.rows {
            Segments::Padded { count, len } => {
                exactly(op, "lengths", lengths, count)?;
                len
            }
            Segments::Packed { .. } => return exactly(op, "lengths", lengths, 0),
        };
        match lengths.iter().position(|&length| length as usize > len) {
            None => Ok(()),
            Some(row) => {
                let index = lengths[row].into();
                Err(Error::IndexOutOfRange { op, arg: "lengths", row, index, bound: len + 1 })
            }
        }
    }

    /// Shapes, that of the result too, then the steps that count; gives the number of all steps.
    fn check<O: ScanOp>(&self, result: &[T]) -> Result<usize, Error> {
        let slug = O::SPEC.slug;
        let shape = self.shape(slug)?;
        let n = product(slug, "rows", shape.0, shape.1)?;
        // First: with distances of 0 the inputs hold any number of steps, and all of them are looked at below.
        exactly(slug, "result", result, product(slug, "result", self.planes::<O>(), n)?)?;
        exactly(slug, "inputs", self.inputs, O::PLANES.inputs.len())?;
        exactly(slug, "constants", self.constants, O::PLANES.constants.len())?;
        self.named::<O>().try_for_each(|(name, view)| view.holds(slug, name, shape))?;
        self.mask.iter().try_for_each(|mask| mask.holds(slug, "mask", shape))?;
        self.check_lengths(slug)?;
        for (name, view) in self.named::<O>() {
            for row in (0..if n == 0 { 0 } else { self.rows.count() }).map(|r| self.row(r)) {
                let mut steps = self.counted(row).rev().map(|t| row.at(t));
                steps.try_for_each(|at| finite(slug, name, at, view.at(at).value()))?;
            }
        }
        Ok(n)
    }

    /// How many planes the result has.
    fn planes<O: ScanOp>(&self) -> usize {
        names(&O::PLANES, self.gradients).count()
    }
}

/// From the last step to the first: outputs, and `x_{t+1}` where the first gradient will stand.
fn outputs_of<O: ScanRow, T: Scalar>(op: &O, x: &ScanInputs<'_, T>, row: Row, n: usize, result: &mut [T]) {
    let (mut state, mut scan, mut last) = (T::zero(), Scan::default(), true);
    for t in x.counted(row) {
        let (inputs, constants) = (x.inputs_at(row.at(t)), x.constants_at(row.at(t)));
        let next = state;
        state = next.affine(op.pair(inputs, constants, last), &mut scan);
        let outputs = op.finish([state, next], inputs, constants);
        let values = outputs.into_iter().take(O::PLANES.outputs.len()).chain(x.gradients.then_some(next));
        let places = result[row.index(t)..].iter_mut().step_by(n);
        places.zip(values).for_each(|(place, value)| *place = value);
        last = false;
    }
}

/// From the first step to the last: what `scale · Σ upstream · output` owes to `x_t` is `g_t = w_t + b_{t−1} g_{t−1}`,
/// `w_t` being what it owes to it through step `t`'s own output.
fn gradients_of<O: ScanRow, T: Scalar>(
    op: &O,
    x: &ScanInputs<'_, T>,
    scale: T,
    (row, n): (Row, usize),
    result: &mut [T],
) {
    let first = O::PLANES.outputs.len();
    let (mut owed, mut scan, mut before) = (T::zero(), Scan::default(), T::zero());
    let end = x.counted(row).next();
    for t in x.counted(row).rev() {
        let (at, i) = (row.at(t), row.index(t));
        let mut inputs = [Dual::<T, SEEDS>::zero(); MOST_INPUTS];
        let values = x.inputs_at(at);
        inputs.iter_mut().enumerate().for_each(|(j, place)| *place = Dual::variable(values[j], j));
        let constants = x.constants_at(at).map(Dual::constant);
        let (a, b) = op.pair(inputs, constants, Some(t) == end);
        let next = result[i + first * n];
        let state = Dual::variable(a.re + b.re * next, STATE);
        let output = op.finish([state, Dual::constant(next)], inputs, constants)[0];
        let weight = x.upstream.map_or(scale, |upstream| scale * upstream.at(at));
        owed = owed.affine((weight.weigh(output.eps[STATE]), before), &mut scan);
        before = b.re;
        for (j, place) in result[i + first * n..].iter_mut().step_by(n).take(x.inputs.len()).enumerate() {
            let slope = a.eps[j] + b.eps[j] * next;
            *place = weight.weigh(output.eps[j]) + owed.weigh(slope);
        }
    }
}

/// The outputs of every step and, where asked for, the gradients of the reduced first output: planes of one element per
/// step, in the order of [`result`](bellwether_core::sig::reverse_scan::result).
///
/// # Errors
/// Parameters out of range, shapes that disagree, NaN or infinity in a step that counts; `result` is then untouched.
pub fn reverse_scan<O: ScanRow, T: Scalar>(
    op: &O,
    x: &ScanInputs<'_, T>,
    reduction: Reduction,
    result: &mut [T],
) -> Result<(), Error> {
    op.check()?;
    reduction.check(O::SPEC.slug)?;
    let n = x.check::<O>(result)?;
    result.fill(T::zero());
    let scale = T::lift(reduction.scale());
    for row in (0..if n == 0 { 0 } else { x.rows.count() }).map(|r| x.row(r)) {
        outputs_of(op, x, row, n, result);
        if x.gradients {
            gradients_of(op, x, scale, (row, n), result);
        }
    }
    Ok(())
}
