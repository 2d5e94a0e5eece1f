//! Deliberately broken kernels, as data: the suite must catch every one.
//!
//! A mutant is a piece of a kernel's text and what stands there instead. It must apply: a text that no longer holds
//! the piece exactly once fails the run, so the list keeps up with the kernels. What each breaks is in its name.

use bellwether_shaders::SOURCES;

use crate::generate::Case;
use crate::judge::{judge, verdict};
use crate::problem::{Backend, Judged, Outputs, Precision};
use crate::report::Verdict;
use crate::rig::{Edit, Rig};

/// A broken kernel.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// What is broken.
    pub name: &'static str,
    /// The operator whose cases must notice.
    pub op: &'static str,
    /// How it is broken.
    pub edit: Edit,
}

const fn mutant(
    name: &'static str,
    (op, kernel): (&'static str, &'static str),
    old: &'static str,
    new: &'static str,
) -> Mutant {
    Mutant { name, op, edit: Edit { kernel, old, new } }
}

const TOKEN: (&str, &str) = ("logprob/token", "forward");
const TOKEN_BACK: (&str, &str) = ("logprob/token", "backward");
const PRODUCT: (&str, &str) = ("logprob/linear", "product");
const SUM: (&str, &str) = ("logprob/sequence_sum", "forward");
const SUM_BACK: (&str, &str) = ("logprob/sequence_sum", "backward");
const MEAN: (&str, &str) = ("logprob/sequence_mean", "forward");
const MEAN_BACK: (&str, &str) = ("logprob/sequence_mean", "backward");
const LOGISTIC: (&str, &str) = ("pair/logistic", "forward");

/// The list.
pub const MUTANTS: &[Mutant] = &[
    mutant("no maximum subtracted", TOKEN, "let d = max(x - vec4<f32>(top), ", "let d = max(x, "),
    mutant(
        "last logit dropped",
        TOKEN,
        "let held = at < vec4<u32>(args.v);",
        "let held = at + 1u < vec4<u32>(args.v);",
    ),
    mutant(
        "tail beyond whole blocks dropped",
        TOKEN,
        "j < args.v; j += BLOCK",
        "j + BLOCK * LANES <= max(args.v, BLOCK * LANES); j += BLOCK",
    ),
    mutant(
        "only the first 4096 columns",
        TOKEN,
        "j < args.v; j += BLOCK",
        "j < min(args.v, 4096u); j += BLOCK",
    ),
    mutant("label off by one", TOKEN, "logits[first + label]", "logits[first + max(label, 1u) - 1u]"),
    mutant(
        "row index cut to 16 bits",
        TOKEN,
        "let row = group.y * groups.x + group.x;",
        "let row = (group.y * groups.x + group.x) & 0xffffu;",
    ),
    mutant(
        "ignored rows counted",
        TOKEN,
        "let counted = label != args.ignore_index;",
        "let counted = inside;",
    ),
    mutant("merge without rescaling", TOKEN, "high.rest + total * weight", "high.rest + total"),
    mutant(
        "moment not shifted with the maximum",
        TOKEN,
        "(row.moment + step * total) * weight",
        "row.moment * weight",
    ),
    mutant(
        "moment not shifted in a merge",
        TOKEN,
        "(low.moment + step * total) * weight",
        "low.moment * weight",
    ),
    mutant(
        "entropy with the wrong sign",
        TOKEN,
        "log_sum - row.moment / (1.0 + row.rest)",
        "log_sum + row.moment / (1.0 + row.rest)",
    ),
    mutant(
        "exponentials rounded to f16",
        TOKEN,
        "select(vec4<f32>(0.0), raw, live & !largest)",
        "select(vec4<f32>(0.0), vec4<f32>(unpack2x16float(pack2x16float(raw.xy)), unpack2x16float(pack2x16float(raw.zw))), live & !largest)",
    ),
    mutant("tree starts at 2", TOKEN, "for (var step = 1u; step < LANES", "for (var step = 2u; step < LANES"),
    mutant("tree ends early", TOKEN, "step < LANES; step *= 2u", "step < LANES / 2u; step *= 2u"),
    mutant(
        "no floor below the maximum",
        TOKEN,
        "let d = max(x - vec4<f32>(top), vec4<f32>(ROW_FLOOR));",
        "let d = x - vec4<f32>(top);",
    ),
    mutant("label range unchecked", TOKEN, "if (label >= args.v) {", "if (label == 0xfffffff0u) {"),
    mutant("temperature left out", TOKEN, "logit * params.scale", "logit"),
    mutant(
        "stride one short",
        TOKEN,
        "row * args.logits_stride",
        "row * (args.logits_stride - u32(args.v > 64u))",
    ),
    mutant("sequence's last row scored", TOKEN, "(row + 1u) % args.seq_len == 0u", "false"),
    mutant("log of 1 + x", TOKEN, "let log_sum = bw_log1p(row.rest);", "let log_sum = log(1.0 + row.rest);"),
    mutant(
        "gradient: absent upstream read",
        TOKEN_BACK,
        "(args.upstream_mask & (1u << plane)) == 0u",
        "false",
    ),
    mutant("gradient: entropy term dropped", TOKEN_BACK, "- up.entropy * spread", ""),
    mutant("gradient: entropy missing from its own term", TOKEN_BACK, "p * (q + row.entropy)", "p * q"),
    mutant(
        "gradient: softmax with the wrong sign",
        TOKEN_BACK,
        "select(-p, -bw_expm1(q), hit)",
        "select(p, -bw_expm1(q), hit)",
    ),
    mutant("gradient: one-hot dropped", TOKEN_BACK, "select(-p, -bw_expm1(q), hit)", "-p"),
    mutant("gradient: 1 - p cancels", TOKEN_BACK, "-bw_expm1(q), hit", "1.0 - p, hit"),
    mutant("gradient: ignored rows not zeroed", TOKEN_BACK, "fill(row, lane, 0.0);", ""),
    mutant("gradient: temperature left out", TOKEN_BACK, "return params.scale * (", "return ("),
    mutant(
        "gradient: last column not written",
        TOKEN_BACK,
        "    let write = args.result_offset + row * args.result_stride;\n    for (var j = lane; j < args.v;",
        "    let write = args.result_offset + row * args.result_stride;\n    for (var j = lane; j + 1u < args.v;",
    ),
    mutant(
        "gradient: one column too many written",
        TOKEN_BACK,
        "    let write = args.result_offset + row * args.result_stride;\n    for (var j = lane; j < args.v;",
        "    let write = args.result_offset + row * args.result_stride;\n    for (var j = lane; j < args.v + 1u;",
    ),
    mutant(
        "product: last term dropped",
        PRODUCT,
        "first + a_term < args.terms",
        "first + a_term + 1u < args.terms",
    ),
    mutant("product: last column dropped", PRODUCT, "col < args.cols;", "col + 1u < args.cols;"),
    mutant(
        "product: earlier chunks forgotten",
        PRODUCT,
        "if (inside && args.accumulate != 0u)",
        "if (inside && args.accumulate == 77u)",
    ),
    mutant("product: NaN of ignored rows leaks", PRODUCT, "args.b_finite != 0u && !bw_is_finite(y)", "false"),
    mutant(
        "product: barrier missing before the tiles are refilled",
        PRODUCT,
        "        block += tile;\n        workgroupBarrier();",
        "        block += tile;",
    ),
    mutant(
        "product: terms beyond whole blocks dropped",
        PRODUCT,
        "(args.terms + 255u) / 256u",
        "args.terms / 256u",
    ),
    mutant(
        "product: tile transposed",
        PRODUCT,
        "a_tile[a_row * PITCH + a_term] = x;",
        "a_tile[a_term * PITCH + a_row] = x;",
    ),
    mutant("segments: mask ignored", SUM, "if (args.keep == 0u) {", "if (true) {"),
    mutant(
        "segments: mask by multiplication",
        SUM,
        "            if (keeps(segment, i)) {\n                let x = values[segment.value + i * args.values_stride];",
        "            {\n                let x = values[segment.value + i * args.values_stride] * f32(keeps(segment, i));",
    ),
    mutant("segments: shift ignored", SUM, "segment.word + i + args.shift]", "segment.word + i]"),
    mutant(
        "segments: next token of the next segment read",
        SUM,
        "if (i + args.shift >= segment.len) {",
        "if (i >= segment.len) {",
    ),
    mutant(
        "segments: last element dropped",
        SUM,
        "let end = min(segment.len, base + BLOCK * LANES);",
        "let end = min(segment.len - 1u, base + BLOCK * LANES);",
    ),
    mutant("segments: scale left out", SUM, "args.scale * segment_value", "segment_value"),
    mutant("segments: empty not flagged", SUM, "select(0u, STATUS_EMPTY_SEGMENT, count == 0u)", "0u"),
    mutant(
        "segments: packed begin is the end",
        SUM,
        "let begin = words[args.offsets_offset + s];",
        "let begin = words[args.offsets_offset + s + 1u];",
    ),
    mutant(
        "segments: index cut to 16 bits",
        SUM,
        "let s = group.y * groups.x + group.x;",
        "let s = (group.y * groups.x + group.x) & 0xffffu;",
    ),
    mutant(
        "segments: mean over the length",
        MEAN,
        "segment_value(lane_sums[0], f32(count))",
        "segment_value(lane_sums[0], f32(segment_at(s).len))",
    ),
    mutant(
        "segments: gradient of what is not kept",
        SUM_BACK,
        "select(0.0, slope, keeps(segment, i))",
        "slope",
    ),
    mutant(
        "segments: gradient of a sum for a mean",
        MEAN_BACK,
        "return 1.0 / max(count, 1.0);",
        "return 1.0;",
    ),
    mutant("segments: gradient without scale", SUM_BACK, "(up * args.scale)", "up"),
    mutant("pair: gradient not scaled", LOGISTIC, "args.scale * loss.d_w", "loss.d_w"),
    mutant(
        "pair: gradients swapped",
        LOGISTIC,
        "return Link(loss, slope, -slope);",
        "return Link(loss, -slope, slope);",
    ),
    mutant("pair: 1 - sigma cancels", LOGISTIC, "e - bw_sigmoid(-z)", "e - (1.0 - bw_sigmoid(z))"),
    mutant("pair: smoothing left out of the loss", LOGISTIC, "- bw_weigh(e, bw_log_sigmoid(-z))", ""),
    mutant(
        "pair: log sigmoid by the built-ins",
        LOGISTIC,
        "return min(x, 0.0) - bw_log1p(bw_exp(-abs(x)));",
        "return min(x, 0.0) - log(1.0 + exp(-abs(x)));",
    ),
    mutant("pair: ties count as right", LOGISTIC, "reward_w > reward_l", "reward_w >= reward_l"),
    mutant("pair: reference always subtracted", LOGISTIC, "args.reference_free != 0u", "false"),
    mutant("pair: lengths ignored", LOGISTIC, "if (args.length != 0u) {", "if (args.length == 9u) {"),
    mutant("pair: lengths always read", LOGISTIC, "if (args.length != 0u) {", "if (true) {"),
    mutant(
        "pair: slope of the score left out",
        LOGISTIC,
        "bw_weigh(args.scale * loss.d_l, l.slope)",
        "args.scale * loss.d_l",
    ),
    mutant("pair: NaN not reported", LOGISTIC, "if (status != 0u) {", "if (false) {"),
    mutant("pair: last pair not written", LOGISTIC, "if (pair >= args.n) {", "if (pair + 1u >= args.n) {"),
    mutant(
        "pair: reward from the wrong reference",
        LOGISTIC,
        "args.ref_rejected_offset + pair * args.ref_rejected_stride",
        "args.ref_chosen_offset + pair * args.ref_chosen_stride",
    ),
    mutant(
        "robust: sign of the correction",
        ("pair/robust", "forward"),
        "(bw_weigh(e, bw_log_sigmoid(-z)) - ",
        "(-bw_weigh(e, bw_log_sigmoid(-z)) - ",
    ),
    mutant(
        "square: factor 2 lost",
        ("pair/square", "forward"),
        "let slope = 2.0 * miss;",
        "let slope = miss;",
    ),
    mutant(
        "hinge: slope without beta",
        ("pair/hinge", "forward"),
        "select(0.0, -beta, loss > 0.0)",
        "select(0.0, -1.0, loss > 0.0)",
    ),
    mutant(
        "nca: half lost",
        ("pair/nca", "forward"),
        "let d_l = beta * (0.5 * bw_sigmoid(b));",
        "let d_l = beta * bw_sigmoid(b);",
    ),
    mutant(
        "sppo: both aims positive",
        ("pair/sppo", "forward"),
        "let miss_l = l + aim;",
        "let miss_l = l - aim;",
    ),
    mutant(
        "apo_zero: 1 - sigma cancels",
        ("pair/apo_zero", "forward"),
        "let loss = bw_sigmoid(-a) + bw_sigmoid(b);",
        "let loss = (1.0 - bw_sigmoid(a)) + bw_sigmoid(b);",
    ),
];

impl Mutant {
    /// Whether the operator's kernel still holds the text, exactly once.
    pub fn applies(&self) -> bool {
        SOURCES.iter().any(|source| source.op == self.op && self.edit.applies_to(source))
    }

    /// The case that notices, or `None` when the mutant survives them all.
    pub fn killer<'c>(&self, rig: &Rig, cases: &'c [Prepared]) -> Option<&'c str> {
        let rig = rig.with_edit(self.edit);
        cases.iter().find(|prepared| prepared.notices(&rig)).map(|prepared| prepared.case.name.as_str())
    }
}

/// A case with its reference computed.
pub struct Prepared {
    case: Case,
    reference: Outputs<Judged>,
}

impl Prepared {
    /// Computes the reference of each case that is not heavy.
    ///
    /// # Panics
    /// When the reference refuses a generated case.
    pub fn all(cases: Vec<Case>) -> Vec<Self> {
        let prepare = |case: Case| {
            let reference =
                case.problem.reference(Precision::Wgsl).expect("generated cases have a reference");
            Self { case, reference }
        };
        cases.into_iter().filter(|case| !case.heavy).map(prepare).collect()
    }

    /// Whether a rig's results fail this case.
    fn notices(&self, rig: &Rig) -> bool {
        match self.case.problem.run(Backend::Gpu(rig)) {
            Ok(got) => verdict(&judge(&self.reference, &got)) == Verdict::Disagrees,
            Err(_) => true,
        }
    }
}
