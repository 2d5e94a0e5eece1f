//! The dispatches that make planes of logits.

use bellwether_core::sig::token_rows::{FinishArgs, ForwardArgs, NARROW, PART, PartialArgs, STATE};

use super::shape::{TokenFinish, TokenForward, TokenPartial, TokenShape};
use super::{Rows, TokenRows, matrix, tiles};
use crate::error::{Error, index, product};
use crate::record::Call;
use crate::slice::{Limits, Matrix, Plane, Slice};

/// Where states go, and how rows are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) states: Slice<'a>,
    /// Parts of a row of the array.
    pub(crate) count: u64,
    /// Columns of a part.
    pub(crate) width: u64,
    /// Parts of other columns that stand before.
    pub(crate) before: u64,
    /// Parts of all columns.
    pub(crate) all: u64,
    /// Rows before the first that has a state here, and how many have.
    pub(crate) rows: Rows,
}

impl Parts<'_> {
    /// Elements from plane to plane and from part to part, and where the state of row 0 would stand (modulo 2³²: the
    /// kernels count rows from the first of all).
    fn strides(&self, op: &'static str, planes: usize) -> Result<(u32, u32, u32), Error> {
        let plane = product(op, "scratch", self.all, self.rows.n)?;
        self.states.holds(op, "scratch", product(op, "scratch", plane, planes as u64)?)?;
        let (plane, part) = (index(op, "scratch", plane)?, index(op, "scratch", self.rows.n)?);
        let first = index(op, "scratch", self.before * self.rows.n)?;
        Ok((plane, part, first.wrapping_sub(index(op, "n", self.rows.base)?)))
    }
}

impl TokenRows {
    /// `forward` on some rows; `buffers.logits` holds those rows only, labels and result all `shape.n`.
    pub(crate) fn plan_forward<'a>(
        &'a self,
        limits: &Limits,
        shape: &TokenShape,
        rows: Rows,
        buffers: &TokenForward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let parts = shape.parts();
        if let (Some(states), true) = (buffers.scratch, parts > 1) {
            let (count, width) = (parts as u64, PART as u64);
            let cut = Parts { states, count, width, before: 0, all: count, rows };
            self.plan_partial(limits, shape, rows, (buffers.logits, buffers.labels), &cut, calls)?;
            return self.plan_merge(shape, rows, &cut, (buffers.labels, buffers.result), calls);
        }
        let op = self.params.op;
        let logits = self.logits(limits, shape, rows, buffers.logits)?;
        let header = self.forward_header(shape, buffers)?;
        let kernel = if shape.v <= NARROW { &self.narrow } else { &self.forward };
        for (first, n) in tiles(rows.n, logits.window_rows(op, limits)?) {
            let (window, logits_offset) = logits.window(first, n, limits);
            let (row_base, count) = (index(op, "n", rows.base + first)?, index(op, "n", n)?);
            let args = ForwardArgs { n: count, row_base, logits_offset, ..header };
            let buffers = vec![window, buffers.labels, buffers.result];
            calls.push(Call { kernel, buffers, args: self.params.block(&args.words()), units: n });
        }
        Ok(())
    }

    /// What all dispatches of a `forward` share.
    fn forward_header(&self, shape: &TokenShape, buffers: &TokenForward<'_>) -> Result<ForwardArgs, Error> {
        let op = self.params.op;
        let labels = shape.check(op, &buffers.labels)?;
        let (result_offset, result_stride) =
            shape.planes((op, "result"), self.counts.result, shape.result_offset, &buffers.result)?;
        Ok(ForwardArgs {
            v: index(op, "v", shape.v as u64)?,
            logits_stride: index(op, "logits", shape.logits_stride as u64)?,
            labels_offset: labels.labels_offset,
            seq_len: labels.seq_len,
            shift: labels.shift,
            ignore_index: labels.ignore_index,
            mask_offset: labels.mask_offset,
            result_offset,
            result_stride,
            ..ForwardArgs::default()
        })
    }

    /// A state of each row of a shard.
    pub(super) fn plan_shard<'a>(
        &'a self,
        limits: &Limits,
        shape: &TokenShape,
        buffers: &TokenPartial<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let (rows, from) = (Rows::all(shape), (buffers.logits, buffers.labels));
        let (states, width) = (buffers.states, shape.v as u64);
        let whole = Parts { states, count: 1, width, before: 0, all: 1, rows };
        self.plan_partial(limits, shape, rows, from, &whole, calls)
    }

    /// States of some columns of some rows.
    pub(crate) fn plan_partial<'a>(
        &'a self,
        limits: &Limits,
        shape: &TokenShape,
        rows: Rows,
        (logits, words): (Slice<'a>, Slice<'a>),
        parts: &Parts<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let op = self.params.op;
        let logits = self.logits(limits, shape, rows, logits)?;
        let labels = shape.check(op, &words)?;
        let (result_stride, part_stride, result_offset) = parts.strides(op, self.counts.state)?;
        for (first, n) in tiles(rows.n, logits.window_rows(op, limits)?) {
            let (window, logits_offset) = logits.window(first, n, limits);
            let args = PartialArgs {
                n: index(op, "n", n)?,
                v: index(op, "v", shape.v as u64)?,
                row_base: index(op, "n", rows.base + first)?,
                logits_offset,
                logits_stride: index(op, "logits", logits.stride)?,
                labels_offset: labels.labels_offset,
                seq_len: labels.seq_len,
                shift: labels.shift,
                ignore_index: labels.ignore_index,
                mask_offset: labels.mask_offset,
                column_base: index(op, "column_base", shape.column_base as u64)?,
                parts: index(op, "parts", parts.count)?,
                part_width: index(op, "parts", parts.width)?,
                result_offset,
                result_stride,
                part_stride,
                ..PartialArgs::default()
            };
            let (buffers, units) = (vec![window, words, parts.states], n * parts.count);
            calls.push(Call {
                kernel: &self.partial,
                buffers,
                args: self.params.block(&args.words()),
                units,
            });
        }
        Ok(())
    }

    /// States of shards → planes.
    pub(super) fn plan_finish<'a>(
        &'a self,
        shape: &TokenShape,
        shards: usize,
        buffers: &TokenFinish<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let (op, rows) = (self.params.op, Rows::all(shape));
        let (planes, last) = (STATE.len() as u64 - 1, (shards as u64).saturating_sub(1));
        let last = planes
            .checked_mul(buffers.plane_stride as u64)
            .zip(last.checked_mul(buffers.shard_stride as u64))
            .and_then(|(a, b)| a.checked_add(b))
            .and_then(|last| usize::try_from(last).ok())
            .ok_or(Error::SizeOverflow { op, arg: "states" })?;
        Plane::at(last).words(op, "states", shape.n as u64, &buffers.states)?;
        let args = FinishArgs {
            parts: index(op, "shards", shards as u64)?,
            state_stride: index(op, "states", buffers.plane_stride as u64)?,
            part_stride: index(op, "states", buffers.shard_stride as u64)?,
            ..FinishArgs::default()
        };
        self.call_finish(shape, rows, &args, [buffers.states, buffers.labels, buffers.result], calls)
    }

    /// States of parts → planes, of some rows.
    pub(crate) fn plan_merge<'a>(
        &'a self,
        shape: &TokenShape,
        rows: Rows,
        parts: &Parts<'a>,
        (labels, result): (Slice<'a>, Slice<'a>),
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let first = Parts { before: 0, ..*parts };
        let (state_stride, part_stride, state_offset) = first.strides(self.params.op, self.counts.state)?;
        let parts = index(self.params.op, "parts", parts.all)?;
        let args = FinishArgs { parts, state_offset, state_stride, part_stride, ..FinishArgs::default() };
        self.call_finish(shape, rows, &args, [first.states, labels, result], calls)
    }

    fn call_finish<'a>(
        &'a self,
        shape: &TokenShape,
        rows: Rows,
        states: &FinishArgs,
        [from, words, result]: [Slice<'a>; 3],
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let op = self.params.op;
        let labels = shape.check(op, &words)?;
        let (result_offset, result_stride) =
            shape.planes((op, "result"), self.counts.result, shape.result_offset, &result)?;
        let args = FinishArgs {
            n: index(op, "n", rows.n)?,
            v: index(op, "v", shape.v as u64)?,
            row_base: index(op, "n", rows.base)?,
            labels_offset: labels.labels_offset,
            seq_len: labels.seq_len,
            shift: labels.shift,
            ignore_index: labels.ignore_index,
            mask_offset: labels.mask_offset,
            result_offset,
            result_stride,
            ..*states
        };
        let (kernel, buffers) = (&self.finish, vec![from, words, result]);
        if rows.n > 0 {
            calls.push(Call { kernel, buffers, args: self.params.block(&args.words()), units: rows.n });
        }
        Ok(())
    }

    /// The checked matrix of logits.
    fn logits<'a>(
        &self,
        limits: &Limits,
        shape: &TokenShape,
        rows: Rows,
        slice: Slice<'a>,
    ) -> Result<Matrix<'a>, Error> {
        let size = (rows.n, shape.v, shape.logits_stride);
        matrix((self.params.op, "logits"), limits, size, slice, self.storage())
    }
}
