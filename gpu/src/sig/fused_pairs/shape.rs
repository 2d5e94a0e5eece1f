//! Shapes and buffers of FusedPairs.

use bellwether_core::Storage;
use bellwether_core::sig::logit_pairs::PairLayout;
use bellwether_core::sig::token_rows::Labels;

use crate::error::{Error, product};
use crate::sig::fused_linear::{FusedShape, MOST_TILE};
use crate::sig::logit_pairs::LogitPairShape;
use crate::sig::product::TERMS;
use crate::sig::token_rows::Upstream;
use crate::slice::{ALIGN, ELEMENT, Limits, Matrix, Slice};

/// Sizes, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusedPairShape {
    /// The student's head, its labels, and the tile of `backward`: see [`FusedShape`].
    pub student: FusedShape,
    /// Width of a teacher's hidden state.
    pub ref_h: usize,
    /// Rows that `forward` holds at a time, over all columns. Such that the rows before end at a multiple of 256 bytes
    /// in both arrays of hidden states: 128 suit every width. Results do not depend on it.
    pub rows: usize,
}

/// Rows that `forward` takes at a time where memory allows none: fewer would read the weights too often.
const LEAST_ROWS: usize = 64;

impl FusedPairShape {
    /// Everything without gaps. `forward` holds two tiles of all columns, 64 rows at least, and above that together at
    /// most 1 % of one model's logits and 64 MiB: so scratch is below 1 % from 12,800 rows on, and 128 rows of logits
    /// before. `backward` holds three tiles of rows and columns within the same 1 %, or the least that there is.
    #[must_use]
    pub fn packed(n: usize, v: usize, [h, ref_h]: [usize; 2], labels: Labels) -> Self {
        let budget = MOST_TILE / ELEMENT as usize;
        let rows = (n / 200).min(budget / 2 / v.max(1)).max(LEAST_ROWS);
        // A third of the tile's rows and columns: there are three.
        let third = FusedShape::packed(n / 3, v, h, labels);
        let student = FusedShape { n, result_stride: n, ..third };
        let unit = [h, ref_h].map(whole_rows).into_iter().max().unwrap_or(1);
        Self { student, ref_h, rows: rows.next_multiple_of(unit) }
    }

    /// Bytes of scratch that the caller lends to either pass.
    ///
    /// # Errors
    /// A tile that is none, see [`FusedShape::scratch_bytes`]; [`Error::SizeOverflow`].
    pub fn scratch_bytes(&self, op: &'static str) -> Result<u64, Error> {
        let forward = product(op, "scratch", 2, self.forward_tile(op)?)?;
        let backward = product(op, "scratch", 3, self.student.tile()?)?;
        product(op, "scratch", ELEMENT, forward.max(backward))
    }

    /// Elements of one of the tiles of `forward`.
    pub(super) fn forward_tile(&self, op: &'static str) -> Result<u64, Error> {
        let rows = self.rows.min(self.student.n.max(1)) as u64;
        let elements = product(op, "scratch", rows, self.student.v as u64)?;
        let whole = elements.checked_next_multiple_of(ALIGN / ELEMENT);
        whole.ok_or(Error::SizeOverflow { op, arg: "scratch" })
    }

    /// The tile of `forward` as one of FusedLinear's, whose rows come in steps of their own.
    pub(super) const fn forward(&self) -> Self {
        let most = if self.student.n > 1 { self.student.n } else { 1 };
        let rows = if self.rows < most { self.rows } else { most };
        let chunk = rows.next_multiple_of(TERMS as usize);
        Self { student: self.student.tiled(chunk, self.student.v), ..*self }
    }

    /// The teacher's head.
    pub(super) const fn teacher(&self) -> FusedShape {
        FusedShape { h: self.ref_h, ..self.student }
    }

    /// So many columns as the kernels on two matrices of logits see them.
    pub(super) const fn pairs(&self, columns: u64) -> LogitPairShape {
        let layout = PairLayout::packed(columns as usize, self.student.labels);
        let shape = LogitPairShape::packed(self.student.n, columns as usize, self.student.labels);
        LogitPairShape { layout, result_stride: self.student.result_stride, ..shape }
    }

    /// Both heads lie in their buffers and `forward` can cut them.
    pub(super) fn check(
        &self,
        op: &'static str,
        limits: &Limits,
        heads: [&Head<'_>; 2],
        (scratch, storage): (&Slice<'_>, Storage),
    ) -> Result<(), Error> {
        let (n, v) = (self.student.n as u64, self.student.v as u64);
        let names = [["hidden", "weight", "bias"], ["ref_hidden", "ref_weight", "ref_bias"]];
        for ((head, h), [hidden, weight, bias]) in
            heads.into_iter().zip([self.student.h, self.ref_h]).zip(names)
        {
            for (arg, slice, rows) in [(hidden, head.hidden, n), (weight, head.weight, v)] {
                if h == 0 || v == 0 {
                    return Err(Error::ShapeMismatch { op, arg, expected: 1, given: 0 });
                }
                Matrix::packed(arg, slice, rows, h as u64).stored(storage).check(op, limits)?;
            }
            head.bias.map_or(Ok(()), |slice| slice.holds(op, bias, v))?;
            let (given, align) = ((self.rows as u64).saturating_mul(h as u64 * storage.bytes()), ALIGN);
            if self.rows == 0 || ((self.rows as u64) < n && !given.is_multiple_of(align)) {
                return Err(Error::Misaligned { op, arg: "rows", given, align });
            }
        }
        scratch.holds(op, "scratch", self.scratch_bytes(op)? / ELEMENT)
    }
}

/// The fewest rows of 16-bit numbers, `h` each, that end at a multiple of 256 bytes.
const fn whole_rows(h: usize) -> usize {
    let bytes = 2 * h as u64;
    (ALIGN >> if bytes.trailing_zeros() < 8 { bytes.trailing_zeros() } else { 8 }) as usize
}

/// Hidden states and LM-head weight of one model.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// `[n, h]`, stored as the plan's dialect says.
    pub hidden: Slice<'a>,
    /// `[v, h]`, stored alike.
    pub weight: Slice<'a>,
    /// f32 `[v]`, added to the logits of every row.
    pub bias: Option<Slice<'a>>,
}

/// Buffers of `forward`.
#[derive(Clone, Copy, Debug)]
pub struct FusedPairForward<'a> {
    /// The student's head.
    pub student: Head<'a>,
    /// The teacher's.
    pub teacher: Head<'a>,
    /// i32 `[n]`.
    pub labels: Slice<'a>,
    /// [`FusedPairShape::scratch_bytes`]; content does not matter before or after.
    pub scratch: Slice<'a>,
    /// f32, the divergence's ten planes.
    pub result: Slice<'a>,
    /// f32, the ten planes of TokenRows of the student's logits, where a label's part is wanted.
    pub hard: Option<Slice<'a>>,
}

/// Saved planes and upstream gradients.
#[derive(Clone, Copy, Debug)]
pub struct SavedRows<'a> {
    /// The array that holds both.
    pub rows: Slice<'a>,
    /// Where plane 0 of `forward` begins in it.
    pub saved: usize,
    /// Where in it the upstream gradients are.
    pub upstream: Upstream,
}

/// Buffers of `backward`.
#[derive(Clone, Copy, Debug)]
pub struct FusedPairBackward<'a> {
    /// As in [`FusedPairForward`].
    pub student: Head<'a>,
    /// As in [`FusedPairForward`].
    pub teacher: Head<'a>,
    /// As in [`FusedPairForward`].
    pub labels: Slice<'a>,
    /// As in [`FusedPairForward`].
    pub scratch: Slice<'a>,
    /// The divergence's planes and the upstream gradients of them.
    pub pairs: SavedRows<'a>,
    /// Those of TokenRows, where a label's part is wanted.
    pub hard: Option<SavedRows<'a>>,
    /// f32 `[n, h]`, overwritten.
    pub d_hidden: Slice<'a>,
    /// f32 `[v, h]`, overwritten.
    pub d_weight: Slice<'a>,
    /// f32 `[v]`, overwritten; where it is wanted.
    pub d_bias: Option<Slice<'a>>,
}
