//! The dispatches that make gradients of logits.

use bellwether_core::sig::token_rows::{BackwardArgs, PART};

use super::shape::{Counts, TokenBackward, TokenShape, Upstream};
use super::{Rows, TokenRows, matrix, tiles};
use crate::error::{Error, index, product};
use crate::record::Call;
use crate::slice::{Limits, Plane, Slice};

impl TokenRows {
    /// `backward` on some rows; `logits` and `d_logits` hold those rows only.
    pub(crate) fn plan_backward<'a>(
        &'a self,
        limits: &Limits,
        shape: &TokenShape,
        rows: Rows,
        buffers: &TokenBackward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let (op, storage) = (self.params.op, self.storage());
        let size = (rows.n, shape.v, shape.logits_stride);
        let logits = matrix((op, "logits"), limits, size, buffers.logits, storage)?;
        let size = (rows.n, shape.v, shape.gradient_stride);
        let gradient = matrix((op, "d_logits"), limits, size, buffers.d_logits, storage)?;
        let (words, planes) = (&buffers.labels, &buffers.rows);
        let header = header((op, self.counts), shape, words, (planes, buffers.saved, buffers.upstream))?;
        let most = logits.window_rows(op, limits)?.min(gradient.window_rows(op, limits)?);
        for (first, n) in tiles(rows.n, most) {
            let (window, logits_offset) = logits.window(first, n, limits);
            let (result, result_offset) = gradient.window(first, n, limits);
            let args = BackwardArgs {
                n: index(op, "n", n)?,
                row_base: index(op, "n", rows.base + first)?,
                logits_offset,
                result_offset,
                ..header
            };
            let (kernel, units) = (&self.backward, n * u64::from(args.parts));
            let buffers = vec![window, buffers.rows, buffers.labels, result];
            calls.push(Call { kernel, buffers, args: self.params.block(&args.words()), units });
        }
        Ok(())
    }
}

/// What all dispatches of a `backward` share.
pub(super) fn header(
    (op, counts): (&'static str, Counts),
    shape: &TokenShape,
    labels: &Slice<'_>,
    (rows, saved, upstream): (&Slice<'_>, usize, Upstream),
) -> Result<BackwardArgs, Error> {
    let labels = shape.check(op, labels)?;
    let (saved_offset, saved_stride) = shape.planes((op, "rows"), counts.result, saved, rows)?;
    upstream.check(op, counts.upstream, shape.n, rows)?;
    upstream.reaching(op, counts)?.check(op, counts.upstream, shape.n, rows)?;
    let parts = shape.parts();
    Ok(BackwardArgs {
        v: index(op, "v", shape.v as u64)?,
        logits_stride: index(op, "logits", shape.logits_stride as u64)?,
        labels_offset: labels.labels_offset,
        seq_len: labels.seq_len,
        shift: labels.shift,
        ignore_index: labels.ignore_index,
        mask_offset: labels.mask_offset,
        column_base: index(op, "column_base", shape.column_base as u64)?,
        parts: index(op, "parts", parts as u64)?,
        part_width: index(op, "parts", if parts > 1 { PART } else { shape.v } as u64)?,
        saved_offset,
        saved_stride,
        upstream_offset: index(op, "upstream", upstream.offset as u64)?,
        upstream_stride: index(op, "upstream", upstream.stride as u64)?,
        upstream_mask: upstream.mask,
        result_stride: index(op, "d_logits", shape.gradient_stride as u64)?,
        ..BackwardArgs::default()
    })
}

impl Upstream {
    /// The same with the last array's last plane in the place of its first.
    fn reaching(self, op: &'static str, counts: Counts) -> Result<Self, Error> {
        if self.mask.checked_ilog2().is_none_or(|last| last as usize + 1 < counts.upstream) {
            return Ok(self);
        }
        let beyond = self.stride.checked_mul(counts.last - 1);
        let offset = beyond.and_then(|beyond| beyond.checked_add(self.offset));
        Ok(Self { offset: offset.ok_or(Error::SizeOverflow { op, arg: "upstream" })?, ..self })
    }

    /// The planes that are there lie in `rows`, and the operator has each of them: it has `known`.
    pub(crate) fn check(
        &self,
        op: &'static str,
        known: usize,
        n: usize,
        rows: &Slice<'_>,
    ) -> Result<(), Error> {
        let Some(last) = self.mask.checked_ilog2() else { return Ok(()) };
        if last as usize >= known {
            let (expected, given) = (known as u64, u64::from(last) + 1);
            return Err(Error::ShapeMismatch { op, arg: "upstream planes", expected, given });
        }
        let skipped = product(op, "upstream", last.into(), self.stride as u64)?;
        let offset = usize::try_from(skipped)
            .ok()
            .and_then(|skipped| skipped.checked_add(self.offset))
            .ok_or(Error::SizeOverflow { op, arg: "upstream" })?;
        Plane::at(offset).words(op, "upstream", n as u64, rows).map(|_| ())
    }
}
