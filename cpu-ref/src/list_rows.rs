//! Driver of the signature ListRows.

use bellwether_core::op::require;
use bellwether_core::sig::Reduction;
pub use bellwether_core::sig::list_rows::ListOp;
use bellwether_core::sig::list_rows::{MOST_ITEMS, MOST_OUTPUTS};
use bellwether_core::{Dual, Error, Real, status};

use crate::rows::{Scalar, exactly, fill_planes, fill_rows, finite, product};
use crate::token_map::View;

/// The outputs of an operator; zeros behind those that it has.
pub type Outputs<T> = [T; MOST_OUTPUTS];

/// How many derivatives one run of a row function gives.
const SEEDS: usize = 8;

/// One list, as a row function sees it: what counts of it, in any scalar.
pub trait Items<T> {
    /// How many items; at least the operator's `least`.
    fn len(&self) -> usize;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Input `input` of item `i`.
    fn input(&self, input: usize, i: usize) -> T;
    /// Constant `constant` of item `i`.
    fn constant(&self, constant: usize, i: usize) -> T;
    /// The rank of item `i`, from 0 for the best.
    fn rank(&self, i: usize) -> usize;
    /// The item of that rank.
    fn of_rank(&self, rank: usize) -> usize;
}

/// An operator of the signature, written from its paper.
pub trait ListRow: ListOp {
    /// The outputs of one list, in the order of [`ListOp::PLANES`].
    fn list<T: Real>(&self, items: &impl Items<T>) -> Outputs<T>;

    /// The derivative of the first output by an input of item `i`, where it costs less than running
    /// [`list`](ListRow::list) on [`Dual`]; `None`: it does not.
    fn slope<T: Real>(&self, _items: &impl Items<T>, _input: usize, _i: usize) -> Option<T> {
        None
    }
}

/// Outputs, zeros behind them.
pub fn outputs<T: Real, const N: usize>(own: [T; N]) -> Outputs<T> {
    let mut all = [T::zero(); MOST_OUTPUTS];
    all.iter_mut().zip(own).for_each(|(place, output)| *place = output);
    all
}

/// The arrays of lists.
#[derive(Clone, Copy, Debug)]
pub struct ListInputs<'a, T> {
    /// How many lists.
    pub lists: usize,
    /// Items of a list, padding counted.
    pub items: usize,
    /// The operator's inputs, in the order of [`ListOp::PLANES`].
    pub inputs: &'a [View<'a, T>],
    /// Its constants.
    pub constants: &'a [View<'a, T>],
    /// The rank of every item, 1 for the best; `None` where the operator reads none.
    pub rank: Option<View<'a, u32>>,
    /// The items of each list; `None`: all are as long as can be.
    pub length: Option<&'a [u32]>,
    /// The upstream gradient of each list's first output; `None`: 1.
    pub upstream: Option<&'a [T]>,
}

/// A list and the order of its items.
struct One<'x, 'a, T> {
    x: &'x ListInputs<'a, T>,
    row: usize,
    len: usize,
    /// Items by rank. 16 bits hold [`MOST_ITEMS`].
    order: [u16; MOST_ITEMS],
}

impl<T: Scalar> Items<T> for One<'_, '_, T> {
    fn len(&self) -> usize {
        self.len
    }
    fn input(&self, input: usize, i: usize) -> T {
        self.x.inputs[input].at((self.row, i))
    }
    fn constant(&self, constant: usize, i: usize) -> T {
        self.x.constants[constant].at((self.row, i))
    }
    fn rank(&self, i: usize) -> usize {
        self.x.rank.map_or(0, |rank| rank.at((self.row, i)) as usize - 1)
    }
    fn of_rank(&self, rank: usize) -> usize {
        self.order[rank].into()
    }
}

/// The same list with [`SEEDS`] inputs, of item `first` and its neighbours, as variables.
struct Seeded<'o, 'x, 'a, T> {
    one: &'o One<'x, 'a, T>,
    input: usize,
    first: usize,
}

impl<T: Scalar> Items<Dual<T, SEEDS>> for Seeded<'_, '_, '_, T> {
    fn len(&self) -> usize {
        self.one.len
    }
    fn input(&self, input: usize, i: usize) -> Dual<T, SEEDS> {
        let value = self.one.input(input, i);
        if input == self.input && (self.first..self.first + SEEDS).contains(&i) {
            Dual::variable(value, i - self.first)
        } else {
            Dual::constant(value)
        }
    }
    fn constant(&self, constant: usize, i: usize) -> Dual<T, SEEDS> {
        Dual::constant(self.one.constant(constant, i))
    }
    fn rank(&self, i: usize) -> usize {
        self.one.rank(i)
    }
    fn of_rank(&self, rank: usize) -> usize {
        self.one.of_rank(rank)
    }
}

impl<'a, T: Scalar> ListInputs<'a, T> {
    /// Lists as long as can be, each with upstream gradient 1.
    #[must_use]
    pub const fn new(
        (lists, items): (usize, usize),
        inputs: &'a [View<'a, T>],
        constants: &'a [View<'a, T>],
        rank: Option<View<'a, u32>>,
    ) -> Self {
        Self { lists, items, inputs, constants, rank, length: None, upstream: None }
    }

    fn len(&self, row: usize) -> usize {
        self.length.map_or(self.items, |length| length[row] as usize)
    }

    fn one(&self, row: usize) -> One<'_, 'a, T> {
        let (len, mut order) = (self.len(row), [0; MOST_ITEMS]);
        if let Some(rank) = self.rank {
            (0..len).for_each(|i| order[rank.at((row, i)) as usize - 1] = i as u16);
        }
        One { x: self, row, len, order }
    }

    /// Shapes, those of the results too, then the lists.
    fn check<O: ListOp>(&self, result: &[T], gradients: &[T]) -> Result<(), Error> {
        let (op, shape) = (O::SPEC.slug, (self.lists, self.items));
        require(self.items <= MOST_ITEMS, op, "items", self.items as f64, "0..=1024")?;
        // First: with distances of 0 the inputs hold any number of lists, and all of them are looked at below.
        exactly(op, "result", result, product(op, "result", O::PLANES.count(), self.lists)?)?;
        let all = product(op, "gradients", self.lists, self.items)?;
        exactly(op, "gradients", gradients, product(op, "gradients", O::PLANES.inputs.len(), all)?)?;
        exactly(op, "inputs", self.inputs, O::PLANES.inputs.len())?;
        exactly(op, "constants", self.constants, O::PLANES.constants.len())?;
        self.named::<O>().try_for_each(|(name, view)| view.holds(op, name, shape))?;
        if let Some(length) = self.length {
            exactly(op, "length", length, self.lists)?;
        }
        if let Some(upstream) = self.upstream {
            exactly(op, "upstream", upstream, self.lists)?;
        }
        exactly(op, "rank", self.rank.as_slice(), usize::from(O::PLANES.ranked))?;
        self.rank.iter().try_for_each(|rank| rank.holds(op, "rank", shape))?;
        (0..self.lists).try_for_each(|row| self.check_list::<O>(row))
    }

    /// Length, numbers and ranks of one list.
    fn check_list<O: ListOp>(&self, row: usize) -> Result<(), Error> {
        let (op, len) = (O::SPEC.slug, self.len(row));
        if len > self.items {
            let (index, bound) = (len as i64, self.items + 1);
            return Err(Error::IndexOutOfRange { op, arg: "length", row, index, bound });
        }
        for (name, view) in self.named::<O>() {
            (0..len).try_for_each(|i| finite(op, name, (row, i), view.at((row, i)).value()))?;
        }
        self.upstream.iter().try_for_each(|up| finite(op, "upstream", (row, 0), up[row].value()))?;
        self.rank.iter().try_for_each(|rank| check_ranks(op, row, len, |i| rank.at((row, i))))
    }

    /// Inputs and constants with their names.
    fn named<O: ListOp>(&self) -> impl Iterator<Item = (&'static str, View<'a, T>)> {
        let inputs = O::PLANES.inputs.iter().copied().zip(self.inputs.iter().copied());
        inputs.chain(O::PLANES.constants.iter().copied().zip(self.constants.iter().copied()))
    }
}

/// Ranks are a permutation of `1..=len`.
fn check_ranks(op: &'static str, row: usize, len: usize, rank: impl Fn(usize) -> u32) -> Result<(), Error> {
    let mut seen = [false; MOST_ITEMS];
    for given in (0..len).map(rank) {
        let place = (given as usize).wrapping_sub(1);
        if place >= len {
            let (index, bound) = (given.into(), len + 1);
            return Err(Error::IndexOutOfRange { op, arg: "rank", row, index, bound });
        }
        if core::mem::replace(&mut seen[place], true) {
            return Err(Error::TiedRank { op, row, given });
        }
    }
    Ok(())
}

/// Outputs and status of a list.
fn row<O: ListRow, T: Scalar>(op: &O, x: &ListInputs<'_, T>, row: usize) -> [T; MOST_OUTPUTS + 1] {
    let (mut results, count) = ([T::zero(); MOST_OUTPUTS + 1], O::PLANES.outputs.len());
    if x.len(row) < O::PLANES.least {
        results[count] = T::lift(status::EMPTY_SEGMENT.into());
        return results;
    }
    let own = op.list(&x.one(row));
    results[..count].copy_from_slice(&own[..count]);
    results
}

/// The gradient of a list by one of its inputs; zeros in the padding.
fn gradient<O: ListRow, T: Scalar>(
    op: &O,
    x: &ListInputs<'_, T>,
    scale: T,
    (input, row): (usize, usize),
    slopes: &mut [T],
) {
    slopes.fill(T::zero());
    if x.len(row) < O::PLANES.least {
        return;
    }
    let (one, weight) = (x.one(row), x.upstream.map_or(scale, |upstream| scale * upstream[row]));
    let mut derived = [T::zero(); SEEDS];
    for (i, place) in slopes[..one.len].iter_mut().enumerate() {
        let slope = op.slope(&one, input, i).unwrap_or_else(|| {
            if i % SEEDS == 0 {
                derived = op.list(&Seeded { one: &one, input, first: i })[0].eps;
            }
            derived[i % SEEDS]
        });
        *place = weight.weigh(slope);
    }
}

/// The outputs of every list (planes of `lists` elements each, in the order of
/// [`ListPlanes::result`](bellwether_core::sig::list_rows::ListPlanes::result)), and the gradients of the reduced first
/// output: `[inputs, lists, items]`.
///
/// # Errors
/// Parameters out of range, shapes that disagree, more than [`MOST_ITEMS`] items, lengths beyond the items, NaN or
/// infinity in what counts, ranks that are no permutation; results are then untouched.
pub fn list_rows<O: ListRow, T: Scalar>(
    op: &O,
    x: &ListInputs<'_, T>,
    reduction: Reduction,
    result: &mut [T],
    gradients: &mut [T],
) -> Result<(), Error> {
    op.check()?;
    reduction.check(O::SPEC.slug)?;
    x.check::<O>(result, gradients)?;
    let scale = T::lift(reduction.scale());
    fill_planes(x.lists, result, |b| row(op, x, b));
    fill_rows(x.items, gradients, |j, slopes| {
        gradient(op, x, scale, (j / x.lists, j % x.lists), slopes);
    });
    Ok(())
}
