//! Shapes and buffers of FusedLinear.

use bellwether_core::sig::fused_linear::COLUMNS;
use bellwether_core::sig::token_rows::{Labels, STATE};

use super::OP;
use crate::error::{Error, product};
use crate::sig::product::TERMS;
use crate::sig::token_rows::{TokenShape, Upstream};
use crate::slice::{ALIGN, ELEMENT, Slice};

/// Sizes, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusedShape {
    /// Rows.
    pub n: usize,
    /// Logits per row: rows of the weight.
    pub v: usize,
    /// Hidden size.
    pub h: usize,
    /// Rows of the tile of logits that stands in memory: a multiple of 256. Results do not depend on it.
    pub chunk: usize,
    /// Columns of that tile: a multiple of 2048, or `v` and more. Results do not depend on it.
    pub columns: usize,
    /// From one plane of the forward result to the next.
    pub result_stride: usize,
    /// Which label scores which row.
    pub labels: Labels,
}

/// Buffers of `forward`.
#[derive(Clone, Copy, Debug)]
pub struct FusedForward<'a> {
    /// `[n, h]`, stored as the plan's dialect says.
    pub hidden: Slice<'a>,
    /// `[v, h]`, stored alike.
    pub weight: Slice<'a>,
    /// f32 `[v]`, added to the logits of every row.
    pub bias: Option<Slice<'a>>,
    /// i32 `[n]`.
    pub labels: Slice<'a>,
    /// [`FusedShape::scratch_bytes`]; content does not matter before or after.
    pub scratch: Slice<'a>,
    /// f32, the planes of TokenRows.
    pub result: Slice<'a>,
}

/// Buffers of `backward`.
#[derive(Clone, Copy, Debug)]
pub struct FusedBackward<'a> {
    /// As in [`FusedForward`].
    pub hidden: Slice<'a>,
    /// As in [`FusedForward`].
    pub weight: Slice<'a>,
    /// As in [`FusedForward`].
    pub bias: Option<Slice<'a>>,
    /// As in [`FusedForward`].
    pub labels: Slice<'a>,
    /// The planes of `forward` and the upstream gradients.
    pub rows: Slice<'a>,
    /// As in [`FusedForward`].
    pub scratch: Slice<'a>,
    /// f32 `[n, h]`, overwritten.
    pub d_hidden: Slice<'a>,
    /// f32 `[v, h]`, overwritten.
    pub d_weight: Slice<'a>,
    /// f32 `[v]`, overwritten; where it is wanted.
    pub d_bias: Option<Slice<'a>>,
    /// Where plane 0 of `forward` begins in `rows`.
    pub saved: usize,
    /// Where the upstream gradients are.
    pub upstream: Upstream,
}

/// Bytes that a tile may have where the logits are large: more makes no product faster.
pub(crate) const MOST_TILE: usize = 1 << 26;

impl FusedShape {
    /// Everything without gaps, with a tile of at most 1 % of the logits and 64 MiB, where the least tile is smaller.
    #[must_use]
    pub fn packed(n: usize, v: usize, h: usize, labels: Labels) -> Self {
        let least = Self { n, v, h, chunk: TERMS as usize, columns: COLUMNS, result_stride: n, labels };
        let budget = (n.saturating_mul(v) / 100).min(MOST_TILE / ELEMENT as usize);
        // Whole rows first: fewer products, and each reads the hidden states once.
        let all = v.checked_next_multiple_of(COLUMNS).unwrap_or(COLUMNS);
        let columns = (budget / least.chunk / COLUMNS * COLUMNS).min(all).max(COLUMNS);
        let chunk = (budget / columns / least.chunk * least.chunk).max(least.chunk);
        let rows = n.max(1).checked_next_multiple_of(least.chunk).unwrap_or(least.chunk);
        Self { columns, chunk: chunk.min(rows), ..least }
    }

    /// The same with another tile.
    #[must_use]
    pub const fn tiled(self, chunk: usize, columns: usize) -> Self {
        Self { chunk, columns, ..self }
    }

    /// Bytes of scratch that the caller lends: the tile, and the states of its rows.
    ///
    /// # Errors
    /// A chunk that is no multiple of 256, columns that are neither a multiple of 2048 nor all;
    /// [`Error::SizeOverflow`].
    pub fn scratch_bytes(&self) -> Result<u64, Error> {
        let states = product(OP, "scratch", self.parts() * STATE.len() as u64, self.rows())?;
        let all = self.tile()?.checked_add(states).ok_or(Error::SizeOverflow { op: OP, arg: "scratch" })?;
        product(OP, "scratch", ELEMENT, all)
    }

    /// Columns of a tile.
    pub(crate) fn width(&self) -> u64 {
        self.columns.min(self.v) as u64
    }

    /// Rows of a tile.
    pub(super) fn rows(&self) -> u64 {
        self.chunk.min(self.n.max(1)) as u64
    }

    /// States per row.
    pub(super) const fn parts(&self) -> u64 {
        self.v.div_ceil(COLUMNS) as u64
    }

    /// Elements of the tile.
    pub(crate) fn tile(&self) -> Result<u64, Error> {
        if self.chunk == 0 || !(self.chunk as u64).is_multiple_of(TERMS) {
            return Err(Error::Misaligned { op: OP, arg: "chunk", given: self.chunk as u64, align: TERMS });
        }
        if self.columns == 0 || (self.columns < self.v && !self.columns.is_multiple_of(COLUMNS)) {
            let (given, align) = (self.columns as u64, COLUMNS as u64);
            return Err(Error::Misaligned { op: OP, arg: "columns", given, align });
        }
        // The states behind it begin at a multiple of 256 bytes.
        let elements = product(OP, "scratch", self.rows(), self.width())?;
        elements
            .checked_next_multiple_of(ALIGN / ELEMENT)
            .ok_or(Error::SizeOverflow { op: OP, arg: "scratch" })
    }

    pub(super) fn check(&self, scratch: &Slice<'_>) -> Result<(), Error> {
        for (arg, size) in [("v", self.v), ("h", self.h)] {
            if size == 0 {
                return Err(Error::ShapeMismatch { op: OP, arg, expected: 1, given: 0 });
            }
        }
        scratch.holds(OP, "scratch", self.scratch_bytes()? / ELEMENT)
    }

    /// `columns` from `first` on as the kernels on logits see them.
    pub(crate) const fn token(&self, (first, columns): (u64, u64)) -> TokenShape {
        let shape = TokenShape::packed(self.n, columns as usize, self.labels);
        TokenShape { result_stride: self.result_stride, column_base: first as usize, ..shape }
    }
}
