//! Argument blocks of TokenRows.

use crate::sig::args::args;

args! {
    /// Arguments of `forward` and `narrow`.
    ForwardArgs {
        /// Rows of this dispatch.
        n: u32,
        /// Logits per row.
        v: u32,
        /// Rows before this dispatch: labels and results are counted from the first row of all.
        row_base: u32,
        /// Where the first logit of the dispatch stands.
        logits_offset: u32,
        /// Elements from one row of logits to the next.
        logits_stride: u32,
        /// Where the label of row 0 stands.
        labels_offset: u32,
        /// Rows per sequence.
        seq_len: u32,
        /// 0: aligned, 1: row `t` scores label `t + 1`.
        shift: u32,
        /// The label that is not counted, as two's complement.
        ignore_index: u32,
        /// Where the mask of row 0 stands among the labels' words, or [`NO_MASK`](super::NO_MASK).
        mask_offset: u32,
        /// Where plane 0 of the result begins.
        result_offset: u32,
        /// Elements from one plane to the next.
        result_stride: u32,
    }
}

args! {
    /// Arguments of `partial`: a workgroup per row and part.
    PartialArgs {
        /// Rows of this dispatch.
        n: u32,
        /// Logits per row of the array.
        v: u32,
        /// Rows before this dispatch: labels and states are counted from the first row of all.
        row_base: u32,
        /// Where the first logit of the dispatch stands.
        logits_offset: u32,
        /// Elements from one row of logits to the next.
        logits_stride: u32,
        /// Where the label of row 0 stands.
        labels_offset: u32,
        /// Rows per sequence.
        seq_len: u32,
        /// 0: aligned, 1: row `t` scores label `t + 1`.
        shift: u32,
        /// The label that is not counted, as two's complement.
        ignore_index: u32,
        /// Where the mask of row 0 stands among the labels' words, or [`NO_MASK`](super::NO_MASK).
        mask_offset: u32,
        /// Columns before the array's first: which shard of the vocabulary this is.
        column_base: u32,
        /// Parts of a row in this dispatch.
        parts: u32,
        /// Columns of a part.
        part_width: u32,
        /// Where plane 0 of the first part's states begins.
        result_offset: u32,
        /// Elements from one plane of states to the next.
        result_stride: u32,
        /// Elements from one part to the next.
        part_stride: u32,
        /// Zero.
        pad0: u32,
        /// Zero.
        pad1: u32,
        /// Zero.
        pad2: u32,
        /// Zero.
        pad3: u32,
    }
}

args! {
    /// Arguments of `finish`: a lane per row.
    FinishArgs {
        /// Rows of this dispatch.
        n: u32,
        /// Logits per row of the whole vocabulary.
        v: u32,
        /// Rows before this dispatch: labels, states and results are counted from the first row of all.
        row_base: u32,
        /// Where the label of row 0 stands.
        labels_offset: u32,
        /// Rows per sequence.
        seq_len: u32,
        /// 0: aligned, 1: row `t` scores label `t + 1`.
        shift: u32,
        /// The label that is not counted, as two's complement.
        ignore_index: u32,
        /// Where the mask of row 0 stands among the labels' words, or [`NO_MASK`](super::NO_MASK).
        mask_offset: u32,
        /// States per row.
        parts: u32,
        /// Where plane 0 of the first part's states begins.
        state_offset: u32,
        /// Elements from one plane of states to the next.
        state_stride: u32,
        /// Elements from one part to the next.
        part_stride: u32,
        /// Where plane 0 of the result begins.
        result_offset: u32,
        /// Elements from one plane to the next.
        result_stride: u32,
        /// Zero.
        pad0: u32,
        /// Zero.
        pad1: u32,
    }
}

args! {
    /// Arguments of `backward` and `backward_in_place`: a workgroup per row and part.
    BackwardArgs {
        /// Rows of this dispatch.
        n: u32,
        /// Logits per row of the array.
        v: u32,
        /// Rows before this dispatch: labels and planes are counted from the first row of all.
        row_base: u32,
        /// Where the first logit of the dispatch stands.
        logits_offset: u32,
        /// Elements from one row of logits to the next.
        logits_stride: u32,
        /// Where the label of row 0 stands.
        labels_offset: u32,
        /// Rows per sequence.
        seq_len: u32,
        /// 0: aligned, 1: row `t` scores label `t + 1`.
        shift: u32,
        /// The label that is not counted, as two's complement.
        ignore_index: u32,
        /// Where the mask of row 0 stands among the labels' words, or [`NO_MASK`](super::NO_MASK).
        mask_offset: u32,
        /// Columns before the array's first: which shard of the vocabulary this is.
        column_base: u32,
        /// Parts of a row in this dispatch.
        parts: u32,
        /// Columns of a part.
        part_width: u32,
        /// Where plane 0 of `forward`'s result begins in `rows`.
        saved_offset: u32,
        /// Elements from one saved plane to the next.
        saved_stride: u32,
        /// Where the first upstream plane begins in `rows`.
        upstream_offset: u32,
        /// Elements from one upstream plane to the next.
        upstream_stride: u32,
        /// Which upstream planes are there: bit i for `UPSTREAM[i]`; an absent one counts as 0 and is not read.
        upstream_mask: u32,
        /// Where the gradient of the dispatch's first logit goes.
        result_offset: u32,
        /// Elements from one row of gradients to the next.
        result_stride: u32,
    }
}

args! {
    /// Arguments of `step`: planes and gradients in one dispatch, the gradients over the logits.
    StepArgs {
        /// Rows of this dispatch.
        n: u32,
        /// Logits per row.
        v: u32,
        /// Rows before this dispatch: labels and planes are counted from the first row of all.
        row_base: u32,
        /// Where the first logit of the dispatch stands, and its gradient goes.
        result_offset: u32,
        /// Elements from one row of logits to the next.
        result_stride: u32,
        /// Where the label of row 0 stands.
        labels_offset: u32,
        /// Rows per sequence.
        seq_len: u32,
        /// 0: aligned, 1: row `t` scores label `t + 1`.
        shift: u32,
        /// The label that is not counted, as two's complement.
        ignore_index: u32,
        /// Where the mask of row 0 stands among the labels' words, or [`NO_MASK`](super::NO_MASK).
        mask_offset: u32,
        /// Where plane 0 of the planes begins in `rows`.
        saved_offset: u32,
        /// Elements from one plane to the next.
        saved_stride: u32,
        /// Where the first upstream plane begins in `rows`.
        upstream_offset: u32,
        /// Elements from one upstream plane to the next.
        upstream_stride: u32,
        /// Which upstream planes are there: bit i for `UPSTREAM[i]`; an absent one counts as 0 and is not read.
        upstream_mask: u32,
        /// Zero.
        pad0: u32,
    }
}
