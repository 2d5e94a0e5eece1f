//! One tile of logits: some rows, some columns, and the products that make it and that its gradient goes into.

use bellwether_core::Storage;
use bellwether_core::sig::fused_linear::{B_FINITE, B_ONES, B_PLAIN, COLUMNS};
use bellwether_core::sig::token_rows::STATE;

use super::{FusedLinear, FusedShape, OP};
use crate::error::{Error, product};
use crate::record::Call;
use crate::sig::product::{Factor, Product};
use crate::sig::token_rows::{Parts, Rows};
use crate::slice::{Limits, Matrix, Slice};

/// What every tile is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrays<'a> {
    pub(crate) hidden: Slice<'a>,
    pub(crate) weight: Slice<'a>,
    pub(crate) bias: Option<Slice<'a>>,
    pub(crate) labels: Slice<'a>,
    pub(crate) scratch: Slice<'a>,
    pub(crate) storage: Storage,
}

/// Where the gradients of a head go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gradients<'a> {
    pub(crate) d_hidden: Slice<'a>,
    pub(crate) d_weight: Slice<'a>,
    pub(crate) d_bias: Option<Slice<'a>>,
}

/// A tile as matrices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile<'a> {
    rows: Rows,
    /// The first column and how many there are.
    columns: (u64, u64),
    hidden: Matrix<'a>,
    weight: Matrix<'a>,
    bias: Option<Slice<'a>>,
    /// The logits, then their gradient.
    pub(crate) logits: Matrix<'a>,
    states: Slice<'a>,
    /// An array that is only read, where a kernel needs one that it does not look at.
    unread: Slice<'a>,
}

impl<'a> Tile<'a> {
    pub(crate) fn new(
        shape: &FusedShape,
        rows: Rows,
        columns: (u64, u64),
        arrays: &Arrays<'a>,
    ) -> Result<Self, Error> {
        let h = shape.h as u64;
        let of = |arg, slice, whole: usize, first: u64, count: u64| {
            rows_of((arg, slice, arrays.storage), (whole as u64, h), (first, count))
        };
        let bias = match arrays.bias {
            None => None,
            Some(bias) => {
                bias.holds(OP, "bias", shape.v as u64)?;
                Some(bias.part(columns.0, columns.1))
            }
        };
        let size = shape.tile()?;
        let states = shape.parts() * STATE.len() as u64 * shape.rows();
        Ok(Self {
            rows,
            columns,
            hidden: of("hidden", arrays.hidden, shape.n, rows.base, rows.n)?,
            weight: of("weight", arrays.weight, shape.v, columns.0, columns.1)?,
            bias,
            logits: Matrix::packed("scratch", arrays.scratch.part(0, size), rows.n, columns.1),
            states: arrays.scratch.part(size, states),
            unread: arrays.labels,
        })
    }

    /// Where the states of the tile's rows go.
    pub(super) fn parts(&self, shape: &FusedShape) -> Result<Parts<'a>, Error> {
        let width = COLUMNS as u64;
        let (before, count) = (self.columns.0 / width, self.columns.1.div_ceil(width));
        Ok(Parts { states: self.states, count, width, before, all: shape.parts(), rows: self.rows })
    }
}

/// Rows `first .. first + count` of a packed `[whole, h]` array. They begin at a multiple of 256 rows, so of 512 bytes.
fn rows_of<'a>(
    (arg, slice, storage): (&'static str, Slice<'a>, Storage),
    (whole, h): (u64, u64),
    (first, count): (u64, u64),
) -> Result<Matrix<'a>, Error> {
    let per_word = storage.per_word();
    slice.holds(OP, arg, product(OP, arg, whole, h)?.div_ceil(per_word))?;
    let part = slice.part(first * h / per_word, (count * h).div_ceil(per_word));
    Ok(Matrix::packed(arg, part, count, h).stored(storage))
}

impl FusedLinear {
    /// `logits = hidden · weightᵀ + bias`.
    pub(crate) fn logits<'a>(
        &'a self,
        limits: &Limits,
        tile: &Tile<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let product = Product {
            a: Factor { matrix: tile.hidden, rows_are_terms: false },
            b: Factor { matrix: tile.weight, rows_are_terms: false },
            c: tile.logits,
            terms: tile.hidden.width,
            accumulate: false,
            b_mode: B_PLAIN,
            bias: tile.bias,
            unread: tile.unread,
        };
        product.plan(&self.product_wide, &self.params, limits, calls)
    }

    /// What a tile of gradients adds to the gradients of hidden states, weight and bias.
    pub(crate) fn gradients<'a>(
        &'a self,
        limits: &Limits,
        tile: &Tile<'a>,
        shape: &FusedShape,
        to: &Gradients<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let (n, v, h) = (shape.n as u64, shape.v as u64, shape.h as u64);
        let (rows, columns, plain) = (tile.rows, tile.columns, Storage::F32);
        let sum = Product {
            a: Factor { matrix: tile.logits, rows_are_terms: false },
            b: Factor { matrix: tile.weight, rows_are_terms: true },
            c: rows_of(("d_hidden", to.d_hidden, plain), (n, h), (rows.base, rows.n))?,
            terms: columns.1,
            accumulate: columns.0 > 0,
            b_mode: B_PLAIN,
            bias: None,
            unread: tile.unread,
        };
        sum.plan(&self.product, &self.params, limits, calls)?;
        let turned = Product {
            a: Factor { matrix: tile.logits, rows_are_terms: true },
            b: Factor { matrix: tile.hidden, rows_are_terms: true },
            c: rows_of(("d_weight", to.d_weight, plain), (v, h), columns)?,
            terms: rows.n,
            accumulate: rows.base > 0,
            b_mode: B_FINITE,
            ..sum
        };
        turned.plan(&self.product, &self.params, limits, calls)?;
        let Some(d_bias) = to.d_bias else { return Ok(()) };
        // Not read, but bound.
        let ones = Matrix::packed("labels", tile.unread, rows.n, 1);
        let sums = Product {
            b: Factor { matrix: ones, rows_are_terms: true },
            c: rows_of(("d_bias", d_bias, plain), (v, 1), columns)?,
            b_mode: B_ONES,
            unread: tile.hidden.slice,
            ..turned
        };
        sums.plan(&self.product, &self.params, limits, calls)
    }

    /// An empty batch has a gradient by weight and bias all the same: zero. A sum of no terms writes it.
    pub(crate) fn no_rows<'a>(
        &'a self,
        limits: &Limits,
        shape: &FusedShape,
        (weight, scratch): (Slice<'a>, Slice<'a>),
        to: &Gradients<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let (v, h) = (shape.v as u64, shape.h as u64);
        let unread = |slice| Factor { matrix: Matrix::packed("unread", slice, 1, 1), rows_are_terms: true };
        let zeros = Product {
            a: unread(scratch),
            b: unread(weight),
            c: Matrix::packed("d_weight", to.d_weight, v, h),
            terms: 0,
            accumulate: false,
            b_mode: B_ONES,
            bias: None,
            unread: scratch.part(shape.tile()?, 1),
        };
        zeros.plan(&self.product, &self.params, limits, calls)?;
        let Some(d_bias) = to.d_bias else { return Ok(()) };
        let bias = Product { c: Matrix::packed("d_bias", d_bias, v, 1), ..zeros };
        bias.plan(&self.product, &self.params, limits, calls)
    }
}
