//! The matrix product behind FusedLinear, cut so that every binding holds.

use bellwether_core::sig::fused_linear::{CHUNK, ProductArgs, TILE};

use crate::error::{Error, index};
use crate::kernel::Kernel;
use crate::record::Call;
use crate::sig::Params;
use crate::sig::token_rows::tiles;
use crate::slice::{Limits, Matrix, Slice};

/// Sums are cut at multiples of so many terms, where the kernel folds a block into the total anyway.
pub(crate) const TERMS: u64 = CHUNK as u64;

/// Multiplications of one dispatch: long ones are cut, for drivers that kill what runs for seconds.
const WORK: u64 = 1 << 34;

/// Terms of one dispatch: llvmpipe ends every loop, without a word, after 65,535 turns.
const MOST_TERMS: u64 = 1 << 15;

/// A factor: its rows are either the product's rows (or columns), or the terms of its sums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor<'a> {
    pub(crate) matrix: Matrix<'a>,
    pub(crate) rows_are_terms: bool,
}

/// `c[i, j] (+)= Σ_k a[i, k] · b[j, k] (+ bias[j])`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product<'a> {
    pub(crate) a: Factor<'a>,
    pub(crate) b: Factor<'a>,
    pub(crate) c: Matrix<'a>,
    pub(crate) terms: u64,
    pub(crate) accumulate: bool,
    /// How `b` is read.
    pub(crate) b_mode: u32,
    /// Added to every row of `c` by the last dispatch.
    pub(crate) bias: Option<Slice<'a>>,
    /// What stands in the bias's binding where there is none; not read.
    pub(crate) unread: Slice<'a>,
}

/// Rows, columns and terms of one dispatch.
#[derive(Clone, Copy, Debug)]
struct Cut {
    rows: u64,
    cols: u64,
    terms: u64,
}

/// What a factor's part looks like to the kernel.
struct View<'a> {
    slice: Slice<'a>,
    offset: u32,
    row: u32,
    term: u32,
}

impl<'a> Factor<'a> {
    /// The largest part of (rows, terms) that a binding holds.
    fn most(&self, op: &'static str, limits: &Limits) -> Result<(u64, u64), Error> {
        let most = self.matrix.window_rows(op, limits)?;
        Ok(if self.rows_are_terms { (u64::MAX, most) } else { (most, u64::MAX) })
    }

    /// Rows `row.0 .. row.0 + row.1` and terms likewise.
    fn view(
        &self,
        op: &'static str,
        limits: &Limits,
        row: (u64, u64),
        term: (u64, u64),
    ) -> Result<View<'a>, Error> {
        let arg = self.matrix.arg;
        let (outer, inner) = if self.rows_are_terms { (term, row) } else { (row, term) };
        let (slice, residue) = self.matrix.window(outer.0, outer.1, limits);
        let offset = index(op, arg, u64::from(residue) + inner.0)?;
        let stride = index(op, arg, self.matrix.stride)?;
        let (row, term) = if self.rows_are_terms { (1, stride) } else { (stride, 1) };
        Ok(View { slice, offset, row, term })
    }
}

impl<'a> Product<'a> {
    /// The dispatches. The order of every sum is the same however they are cut.
    pub(crate) fn plan(
        &self,
        kernel: &'a Kernel,
        params: &Params,
        limits: &Limits,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        for matrix in [&self.a.matrix, &self.b.matrix, &self.c] {
            matrix.check(params.op, limits)?;
        }
        self.bias.map_or(Ok(()), |bias| bias.holds(params.op, "bias", self.c.width))?;
        let cut = self.cut(params.op, limits)?;
        let terms: Vec<(u64, u64)> = if self.terms == 0 {
            vec![(0, 0)] // Nothing to add: `c` is still overwritten.
        } else {
            tiles(self.terms, cut.terms).collect()
        };
        for rows in tiles(self.c.rows, cut.rows) {
            for cols in tiles(self.c.width, cut.cols) {
                for &terms in &terms {
                    calls.push(self.call(kernel, params, limits, [rows, cols, terms])?);
                }
            }
        }
        Ok(())
    }

    /// The largest dispatch that fits bindings and watchdogs.
    fn cut(&self, op: &'static str, limits: &Limits) -> Result<Cut, Error> {
        let tile = TILE as u64;
        let (a_rows, a_terms) = self.a.most(op, limits)?;
        let (cols, b_terms) = self.b.most(op, limits)?;
        let mut rows = a_rows.min(self.c.window_rows(op, limits)?).min(self.c.rows.max(1));
        let mut cols = cols.min(self.c.width.max(1));
        let mut terms = a_terms.min(b_terms).min(MOST_TERMS).min(self.terms.max(1));
        if terms < self.terms {
            terms -= terms % TERMS;
        }
        if terms == 0 {
            let widest = if a_terms < b_terms { &self.a.matrix } else { &self.b.matrix };
            let need = widest.stride.saturating_mul(TERMS * widest.storage.bytes());
            let (arg, limit) = (widest.arg, "max_storage_buffer_binding_size");
            return Err(Error::LimitTooSmall { op, arg, limit, need, have: limits.binding });
        }
        rows = whole_tiles(rows.min((WORK / (cols.saturating_mul(terms)).max(1)).max(tile)), self.c.rows);
        cols = whole_tiles(cols.min((WORK / (rows.saturating_mul(terms)).max(1)).max(tile)), self.c.width);
        Ok(Cut { rows, cols, terms })
    }

    fn call(
        &self,
        kernel: &'a Kernel,
        params: &Params,
        limits: &Limits,
        [rows, cols, terms]: [(u64, u64); 3],
    ) -> Result<Call<'a>, Error> {
        let op = params.op;
        let a = self.a.view(op, limits, rows, terms)?;
        let b = self.b.view(op, limits, cols, terms)?;
        let (c, residue) = self.c.window(rows.0, rows.1, limits);
        let last = self.bias.is_some() && terms.0 + terms.1 >= self.terms;
        let args = ProductArgs {
            rows: index(op, "rows", rows.1)?,
            cols: index(op, "cols", cols.1)?,
            terms: index(op, "terms", terms.1)?,
            accumulate: u32::from(self.accumulate || terms.0 > 0),
            a_offset: a.offset,
            a_row: a.row,
            a_term: a.term,
            b_offset: b.offset,
            b_row: b.row,
            b_term: b.term,
            b_mode: self.b_mode,
            bias_offset: if last { index(op, "bias", cols.0)? } else { 0 },
            biased: u32::from(last),
            c_offset: index(op, self.c.arg, u64::from(residue) + cols.0)?,
            c_row: index(op, self.c.arg, self.c.stride)?,
            ..ProductArgs::default()
        };
        let units = rows.1.div_ceil(TILE as u64) * cols.1.div_ceil(TILE as u64);
        let buffers = vec![a.slice, b.slice, self.bias.unwrap_or(self.unread), c];
        Ok(Call { kernel, buffers, args: params.block(&args.words()), units })
    }
}

/// All, or rounded down to whole workgroup tiles, where there is at least one.
const fn whole_tiles(count: u64, all: u64) -> u64 {
    let tile = TILE as u64;
    if count < all && count > tile { count - count % tile } else { count }
}
