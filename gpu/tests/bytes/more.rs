//! Lists of TopRows, and of gradients over one of two matrices of logits.

use bellwether_core::logprob::{Kl, TopK};
use bellwether_core::sig::logit_pairs::{By, PLANES as PAIR_PLANES};
use bellwether_core::sig::token_rows::{Labels, PART};
use bellwether_core::sig::top_rows::planes;
use bellwether_gpu::{
    Context, Dialect, Error, LogitPairInPlace, LogitPairOver, LogitPairShape, Recorded, Slice, Storage,
    TokenBackward, TokenForward, TokenShape, TopRows, Upstream,
};

use super::lists::{ROWS, zeros};

/// The ten largest.
pub(super) fn top(context: &Context, v: usize, storage: Storage, backward: bool) -> Result<Recorded, Error> {
    let (device, op) = (context.device(), TopK::default());
    let plan = TopRows::new(device, &op, Dialect::POOLED.stored(storage))?;
    let shape = TokenShape::packed(ROWS, v, Labels::default());
    let planes = planes(op.ranks()) * ROWS;
    let (x, d, labels) = (zeros(context, ROWS * v)?, zeros(context, ROWS * v)?, zeros(context, ROWS)?);
    let rows = zeros(context, planes + ROWS)?;
    let (logits, rows, labels) = (Slice::whole(&x), Slice::whole(&rows), Slice::whole(&labels));
    if !backward {
        return plan.forward(device, &shape, &TokenForward { logits, labels, result: rows, scratch: None });
    }
    // The mass's gradient alone.
    let upstream = Upstream { offset: planes, stride: ROWS, mask: 1 };
    let d_logits = Slice::whole(&d);
    plan.backward(device, &shape, &TokenBackward { logits, rows, labels, d_logits, saved: 0, upstream })
}

/// The same where rows are cut.
pub(super) fn top_states(context: &Context, parts: usize) -> Result<Recorded, Error> {
    let (device, op) = (context.device(), TopK::default());
    let plan = TopRows::new(device, &op, Dialect::POOLED)?;
    let shape = TokenShape::packed(ROWS, parts * PART, Labels::default());
    let (x, labels) = (zeros(context, ROWS * shape.v)?, zeros(context, ROWS)?);
    let result = zeros(context, planes(op.ranks()) * ROWS)?;
    let scratch = zeros(context, (plan.scratch_bytes(&shape)? / 4) as usize)?;
    let (logits, labels) = (Slice::whole(&x), Slice::whole(&labels));
    let (result, scratch) = (Slice::whole(&result), Some(Slice::whole(&scratch)));
    plan.forward(device, &shape, &TokenForward { logits, labels, result, scratch })
}

/// The policy's logits replaced by their gradient.
pub(super) fn pairs_over(context: &Context, v: usize) -> Result<Recorded, Error> {
    let plan = LogitPairInPlace::new(context.device(), &Kl::default(), Dialect::POOLED)?;
    let shape = LogitPairShape::packed(ROWS, v, Labels::default());
    let (x, r, labels) = (zeros(context, ROWS * v)?, zeros(context, ROWS * v)?, zeros(context, ROWS)?);
    let rows = zeros(context, (PAIR_PLANES + 1) * ROWS)?;
    let (logits, other) = (Slice::whole(&x), Slice::whole(&r));
    let (rows, labels) = (Slice::whole(&rows), Slice::whole(&labels));
    let upstream = Upstream::logp(PAIR_PLANES * ROWS);
    let buffers = LogitPairOver { logits, other, rows, labels, saved: 0, upstream };
    plan.backward(context.device(), &shape, &buffers, By::Policy)
}
