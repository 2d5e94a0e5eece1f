//! The lists that are counted: each kernel with wide arrays, on rows of a given size, all of which count.

use bellwether_core::logprob::{Js, K3, Kl, Linear, SequenceSum, Token};
use bellwether_core::pair::presets::DPO;
use bellwether_core::sig::logit_pairs::{By, LogitPairOp, PLANES as PAIR_PLANES};
use bellwether_core::sig::token_map::MapOp;
use bellwether_core::sig::token_rows::{Labels, PART, PLANES};
use bellwether_core::sig::{Reduction, pair_rows, segment_stats};
use bellwether_gpu::{
    Context, Dialect, Error, FusedForward, FusedLinear, FusedShape, LogitPairBackward, LogitPairForward,
    LogitPairShape, LogitPairs, MapBuffers, MapShape, PairBuffers, PairRows, PairShape, Recorded,
    SegmentBackward, SegmentForward, SegmentShape, SegmentStats, Slice, Storage, TokenBackward, TokenForward,
    TokenInPlace, TokenMap, TokenOver, TokenRows, TokenShape, TokenStep, Upstream, wgpu,
};

use super::more;

/// Rows of every list but PairRows', which has one.
pub(super) const ROWS: usize = 3;

/// A kernel and what is expected of it.
pub(crate) struct List {
    /// As on the page.
    pub(crate) name: &'static str,
    /// What a row is made of.
    pub(crate) unit: &'static str,
    /// Its wide arrays.
    pub(crate) wide: &'static [&'static str],
    pub(crate) rows: usize,
    pub(crate) sizes: [usize; 3],
    /// Numbers that must be read and written per element of a row.
    pub(crate) least: [u32; 2],
    /// Whether wide arrays may stand in 16 bits.
    pub(crate) stored: bool,
    pub(crate) record: fn(&Context, usize, Storage) -> Result<Recorded, Error>,
}

const WIDE: [usize; 3] = [1024, 2048, 4096];
const BOTH: &[&str] = &["logits", "ref_logits", "result"];

macro_rules! list {
    ($name:literal, $unit:literal, $wide:expr, $rows:expr, $sizes:expr, $least:expr, $stored:expr, $record:expr) => {
        List {
            name: $name,
            unit: $unit,
            wide: $wide,
            rows: $rows,
            sizes: $sizes,
            least: $least,
            stored: $stored,
            record: $record,
        }
    };
}

pub(crate) const LISTS: [List; 18] = [
    list!("TokenRows | `forward`", "v", &["logits"], ROWS, WIDE, [1, 0], true, |c, v, s| token(
        c, v, s, false
    )),
    list!("TokenRows | `narrow`", "v", &["logits"], ROWS, [128, 256, 256], [1, 0], true, |c, v, s| {
        token(c, v, s, false)
    }),
    list!("TokenRows | `backward`", "v", &["logits", "result"], ROWS, WIDE, [1, 1], true, |c, v, s| {
        token(c, v, s, true)
    }),
    list!("TokenRows | `backward_in_place`", "v", &["result"], ROWS, WIDE, [1, 1], false, |c, v, _| over(
        c, v
    )),
    list!("TokenRows | `step`", "v", &["result"], ROWS, WIDE, [1, 1], false, |c, v, _| step(c, v)),
    list!(
        "LogitPairs | `forward` of `logprob/kl`",
        "v",
        &["logits", "ref_logits"],
        ROWS,
        WIDE,
        [2, 0],
        true,
        |c, v, s| { pairs(c, v, s, &Kl::default(), false) }
    ),
    list!(
        "LogitPairs | `forward` of the others",
        "v",
        &["logits", "ref_logits"],
        ROWS,
        WIDE,
        [2, 0],
        true,
        |c, v, s| { pairs(c, v, s, &Js::default(), false) }
    ),
    list!("LogitPairs | `backward`", "v", BOTH, ROWS, WIDE, [2, 1], true, |c, v, s| {
        pairs(c, v, s, &Kl::default(), true)
    }),
    list!(
        "LogitPairs | `backward_in_place`",
        "v",
        &["other", "result"],
        ROWS,
        WIDE,
        [2, 1],
        false,
        |c, v, _| { more::pairs_over(c, v) }
    ),
    list!("TopRows | `forward`", "v", &["logits"], ROWS, WIDE, [1, 0], true, |c, v, s| {
        more::top(c, v, s, false)
    }),
    list!("TopRows | `narrow`", "v", &["logits"], ROWS, [128, 256, 256], [1, 0], true, |c, v, s| {
        more::top(c, v, s, false)
    }),
    list!("TopRows | `backward`", "v", &["logits", "result"], ROWS, WIDE, [1, 1], true, |c, v, s| {
        more::top(c, v, s, true)
    }),
    list!(
        "TopRows | `partial`, `finish`",
        "parts",
        &["logits"],
        ROWS,
        [2, 3, 4],
        [PART as u32, 0],
        false,
        |c, parts, _| more::top_states(c, parts)
    ),
    list!("SegmentStats | `forward`", "len", &["values"], ROWS, WIDE, [1, 0], false, |c, v, _| segments(
        c, v, false
    )),
    list!("SegmentStats | `backward`", "len", &["result"], ROWS, WIDE, [0, 1], false, |c, v, _| {
        segments(c, v, true)
    }),
    list!(
        "TokenMap | `forward` of `logprob/k3`",
        "len",
        &["inputs", "constants", "result"],
        ROWS,
        WIDE,
        [2, 3],
        false,
        |c, v, _| { map(c, v) }
    ),
    list!(
        "PairRows | `forward` of `pair/logistic`",
        "pairs",
        &["inputs", "constants", "result"],
        1,
        WIDE,
        [4, 8],
        false,
        |c, v, _| { losses(c, v) }
    ),
    list!(
        "TokenRows | `partial`, `finish`",
        "parts",
        &["logits"],
        ROWS,
        [2, 3, 4],
        [PART as u32, 0],
        false,
        |c, parts, _| states(c, parts * PART)
    ),
];

/// A buffer of zeros: the same numbers in every storage, and planes of good rows.
pub(super) fn zeros(context: &Context, elements: usize) -> Result<wgpu::Buffer, Error> {
    context.upload_u32(&vec![0; elements.max(1)])
}

fn token(context: &Context, v: usize, storage: Storage, backward: bool) -> Result<Recorded, Error> {
    let device = context.device();
    let plan = TokenRows::new(device, &Token::default(), Dialect::POOLED.stored(storage))?;
    let shape = TokenShape::packed(ROWS, v, Labels::default());
    let arrays = [ROWS * v, ROWS, (PLANES.len() + 1) * ROWS, ROWS * v].map(|n| zeros(context, n));
    let [logits, labels, rows, gradient] = arrays;
    let (logits, labels, rows, gradient) = (logits?, labels?, rows?, gradient?);
    let (logits, labels, all) = (Slice::whole(&logits), Slice::whole(&labels), Slice::whole(&rows));
    if !backward {
        return plan.forward(device, &shape, &TokenForward { logits, labels, result: all, scratch: None });
    }
    let (d_logits, upstream) = (Slice::whole(&gradient), Upstream::logp(PLANES.len() * ROWS));
    plan.backward(device, &shape, &TokenBackward { logits, rows: all, labels, d_logits, saved: 0, upstream })
}

fn states(context: &Context, v: usize) -> Result<Recorded, Error> {
    let (device, shape) = (context.device(), TokenShape::packed(ROWS, v, Labels::default()));
    let plan = TokenRows::new(device, &Token::default(), Dialect::POOLED)?;
    let (logits, labels) = (zeros(context, ROWS * v)?, zeros(context, ROWS)?);
    let result = zeros(context, PLANES.len() * ROWS)?;
    let scratch = zeros(context, (shape.scratch_bytes("bytes")? / 4) as usize)?;
    let (result, scratch) = (Slice::whole(&result), Some(Slice::whole(&scratch)));
    let (logits, labels) = (Slice::whole(&logits), Slice::whole(&labels));
    plan.forward(device, &shape, &TokenForward { logits, labels, result, scratch })
}

fn over(context: &Context, v: usize) -> Result<Recorded, Error> {
    let (device, shape) = (context.device(), TokenShape::packed(ROWS, v, Labels::default()));
    let plan = TokenInPlace::new(device, &Token::default(), Dialect::POOLED)?;
    let (logits, labels) = (zeros(context, ROWS * v)?, zeros(context, ROWS)?);
    let rows = zeros(context, (PLANES.len() + 1) * ROWS)?;
    let (logits, labels, rows) = (Slice::whole(&logits), Slice::whole(&labels), Slice::whole(&rows));
    let upstream = Upstream::logp(PLANES.len() * ROWS);
    plan.backward(device, &shape, &TokenOver { logits, rows, labels, saved: 0, upstream })
}

fn step(context: &Context, v: usize) -> Result<Recorded, Error> {
    let (device, shape) = (context.device(), TokenShape::packed(ROWS, v, Labels::default()));
    let plan = TokenInPlace::new(device, &Token::default(), Dialect::POOLED)?;
    let (logits, labels) = (zeros(context, ROWS * v)?, zeros(context, ROWS)?);
    let (rows, planes) = (zeros(context, ROWS)?, zeros(context, PLANES.len() * ROWS)?);
    let (logits, labels) = (Slice::whole(&logits), Slice::whole(&labels));
    let (rows, planes) = (Slice::whole(&rows), Slice::whole(&planes));
    plan.step(device, &shape, &TokenStep { logits, rows, labels, planes, upstream: Upstream::logp(0) })
}

fn pairs<O: LogitPairOp>(
    context: &Context,
    v: usize,
    storage: Storage,
    op: &O,
    backward: bool,
) -> Result<Recorded, Error> {
    let device = context.device();
    let plan = LogitPairs::new(device, op, Dialect::POOLED.stored(storage))?;
    let shape = LogitPairShape::packed(ROWS, v, Labels::default());
    let (x, r, d) = (zeros(context, ROWS * v)?, zeros(context, ROWS * v)?, zeros(context, ROWS * v)?);
    let (labels, rows) = (zeros(context, ROWS)?, zeros(context, (PAIR_PLANES + 1) * ROWS)?);
    let (logits, ref_logits, labels) = (Slice::whole(&x), Slice::whole(&r), Slice::whole(&labels));
    let rows = Slice::whole(&rows);
    if !backward {
        return plan.forward(device, &shape, &LogitPairForward { logits, ref_logits, labels, result: rows });
    }
    let (d_logits, upstream) = (Slice::whole(&d), Upstream::logp(PAIR_PLANES * ROWS));
    let buffers = LogitPairBackward { logits, ref_logits, rows, labels, d_logits, saved: 0, upstream };
    plan.backward(device, &shape, &buffers, By::Policy)
}

fn segments(context: &Context, len: usize, backward: bool) -> Result<Recorded, Error> {
    let device = context.device();
    let plan = SegmentStats::new(device, &SequenceSum {}, Dialect::POOLED)?;
    let shape = SegmentShape::padded(ROWS, len);
    let (values, gradient) = (zeros(context, ROWS * len)?, zeros(context, ROWS * len)?);
    let rows = zeros(context, (segment_stats::PLANES.len() + 1) * ROWS)?;
    let (values, rows, words) = (Slice::whole(&values), Slice::whole(&rows), None);
    if !backward {
        return plan.forward(device, &shape, &SegmentForward { values, words, result: rows });
    }
    plan.backward(device, &shape, &SegmentBackward { rows, words, d_values: Slice::whole(&gradient) })
}

fn map(context: &Context, len: usize) -> Result<Recorded, Error> {
    let (device, n) = (context.device(), ROWS * len);
    let plan = TokenMap::new(device, &K3 {}, Dialect::POOLED)?;
    let (inputs, constants) = (zeros(context, n)?, zeros(context, n)?);
    let result = zeros(context, K3::PLANES.count() * n)?;
    let (inputs, constants) = (Slice::whole(&inputs), Some(Slice::whole(&constants)));
    let buffers = MapBuffers { inputs, constants, mask: None, result: Slice::whole(&result) };
    plan.forward(device, &MapShape::packed(ROWS, len, Reduction::Sum), &buffers)
}

fn losses(context: &Context, n: usize) -> Result<Recorded, Error> {
    let plan = PairRows::new(context.device(), &DPO, Dialect::POOLED)?;
    let (inputs, constants) = (zeros(context, 2 * n)?, zeros(context, 2 * n)?);
    let result = zeros(context, pair_rows::PLANES.len() * n)?;
    let (inputs, constants) = (Slice::whole(&inputs), Slice::whole(&constants));
    let buffers = PairBuffers { inputs, constants, result: Slice::whole(&result) };
    plan.forward(context.device(), &PairShape::concatenated(n, Reduction::Sum), &buffers)
}

/// A product alone: the first dispatch of FusedLinear makes the logits.
pub(crate) fn logits(context: &Context, [n, v, h]: [usize; 3]) -> Result<Recorded, Error> {
    let device = context.device();
    let plan = FusedLinear::new(device, &Linear::default(), Dialect::POOLED)?;
    let shape = FusedShape::packed(n, v, h, Labels::default());
    let (hidden, weight) = (zeros(context, n * h)?, zeros(context, v * h)?);
    let (labels, result) = (zeros(context, n)?, zeros(context, PLANES.len() * n)?);
    let scratch = zeros(context, (shape.scratch_bytes()? / 4) as usize)?;
    let [hidden, weight, labels, scratch, result] =
        [&hidden, &weight, &labels, &scratch, &result].map(Slice::whole);
    let buffers = FusedForward { hidden, weight, bias: None, labels, scratch, result };
    let all = plan.forward(device, &shape, &buffers)?;
    Ok(all.calls()[..1].to_vec().into())
}
