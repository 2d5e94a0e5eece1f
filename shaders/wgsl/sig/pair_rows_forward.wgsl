// One pair per lane: loss, rewards and gradients from the log-probabilities of a chosen and a rejected response.
//
// The operator's file holds the link: `link(params, scores)` gives the loss of two scores and its two slopes.
// pair_score.wgsl makes a score of a log-ratio. Here are reading, lengths, labels, rewards, the chain rule, the status.

const LANES = 64u;

struct Args {
    n: u32,
    result_offset: u32,
    result_stride: u32,
    scale: f32,
    chosen_offset: u32,
    chosen_stride: u32,
    rejected_offset: u32,
    rejected_stride: u32,
    ref_chosen_offset: u32,
    ref_chosen_stride: u32,
    ref_rejected_offset: u32,
    ref_rejected_stride: u32,
    chosen_len_offset: u32,
    chosen_len_stride: u32,
    rejected_len_offset: u32,
    rejected_len_stride: u32,
    weight_offset: u32,
    weight_stride: u32,
    margin_offset: u32,
    margin_stride: u32,
    preference_offset: u32,
    preference_stride: u32,
    extras: u32,
    length: u32,
    beta: f32,
    margin: f32,
    kept: f32,
    flipped: f32,
    sft: f32,
    sft_mean: u32,
    optimism: f32,
    reference_free: u32,
    score: u32,
    score_coef: f32,
    score_cap: f32,
    log_probability: u32,
    reward: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
    params: Params,
}

// Bits of `extras`.
const LENGTHS = 1u;
const WEIGHTS = 2u;
const MARGINS = 4u;
const PREFERENCES = 8u;
const REFERENCES = 16u;

// `length`.
const TOKEN_MEAN = 1u;
const MEAN_LOGP = 2u;

@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read> constants: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<uniform> args: Args;

// What a link sees of a pair: z is beta (w - l) less the margins.
struct Scores {
    beta: f32,
    w: f32,
    l: f32,
    z: f32,
}

// The loss of two scores and its derivatives by them.
struct Link {
    loss: f32,
    d_w: f32,
    d_l: f32,
}

// One response: log-probability under policy and reference, and its number of tokens.
struct Response {
    logp: f32,
    ref_logp: f32,
    tokens: f32,
}

// What a pair brings along: its weight, its margin, and how much its loss and its exchanged twin's count.
struct Own {
    weight: f32,
    margin: f32,
    kept: f32,
    flipped: f32,
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let pair = (group.y * groups.x + group.x) * LANES + lane;
    if (pair >= args.n) {
        return;
    }
    var chosen = Response(inputs[args.chosen_offset + pair * args.chosen_stride], 0.0, 1.0);
    var rejected = Response(inputs[args.rejected_offset + pair * args.rejected_stride], 0.0, 1.0);
    if ((args.extras & REFERENCES) != 0u) {
        chosen.ref_logp = constants[args.ref_chosen_offset + pair * args.ref_chosen_stride];
        rejected.ref_logp = constants[args.ref_rejected_offset + pair * args.ref_rejected_stride];
    }
    if ((args.extras & LENGTHS) != 0u) {
        chosen.tokens = constants[args.chosen_len_offset + pair * args.chosen_len_stride];
        rejected.tokens = constants[args.rejected_len_offset + pair * args.rejected_len_stride];
    }
    let own = own_of(pair);
    let read = fault_of(chosen) | fault_of(rejected) | bw_fault(own.weight) | bw_fault(own.margin) | bw_fault(own.kept);
    let status = read | select(STATUS_DOMAIN, 0u, read != 0u || in_domain(own, chosen.logp, rejected.logp));
    if (status != 0u) {
        poison(pair, status);
        return;
    }
    write(pair, chosen, rejected, own);
}

fn own_of(pair: u32) -> Own {
    var own = Own(1.0, 0.0, args.kept, args.flipped);
    if ((args.extras & WEIGHTS) != 0u) {
        own.weight = constants[args.weight_offset + pair * args.weight_stride];
    }
    if ((args.extras & MARGINS) != 0u) {
        own.margin = constants[args.margin_offset + pair * args.margin_stride];
    }
    if ((args.extras & PREFERENCES) != 0u) {
        own.kept = constants[args.preference_offset + pair * args.preference_stride];
        own.flipped = 1.0 - own.kept;
    }
    return own;
}

// What is wrong with a response. A log-ratio that f32 cannot hold, or a mean over less than one token, counts as infinite.
fn fault_of(r: Response) -> u32 {
    let read = bw_fault(r.logp) | bw_fault(r.ref_logp) | bw_fault(r.tokens);
    let ratio = bw_is_infinite(r.logp - r.ref_logp) || !(r.tokens >= 1.0);
    return read | select(0u, STATUS_INFINITE, read == 0u && ratio);
}

// Whether numbers are where they may be. Log-probabilities, where asked for, are at most 0, a rejected one's below.
fn in_domain(own: Own, chosen: f32, rejected: f32) -> bool {
    let sure = (args.extras & PREFERENCES) == 0u || (own.kept >= 0.0 && own.kept <= 1.0);
    let below = rejected < 0.0 && (chosen < 0.0 || (chosen == 0.0 && own.flipped == 0.0));
    return own.weight >= 0.0 && sure && (below || args.log_probability == 0u);
}

fn poison(pair: u32, status: u32) {
    let nan = bw_nan(status);
    let at = args.result_offset + pair;
    for (var plane = 0u; plane < 7u; plane += 1u) {
        result[at + plane * args.result_stride] = nan;
    }
    result[at + 7u * args.result_stride] = f32(status);
}

// The planes: loss, rewards, margin, accuracy, gradients, status.
fn write(pair: u32, chosen: Response, rejected: Response, own: Own) {
    let w = score_of(chosen);
    let l = score_of(rejected);
    let reward_w = args.beta * select(chosen.logp - chosen.ref_logp, w.value, args.reward != 0u);
    let reward_l = args.beta * select(rejected.logp - rejected.ref_logp, l.value, args.reward != 0u);
    let scores = pair_scores(w, l);
    let margin = args.margin + own.margin;
    let z = args.beta * (scores.x - scores.y) - margin;
    let loss = mixed(Scores(args.beta, scores.x, scores.y, z), own);
    let sft = args.sft / select(1.0, chosen.tokens, args.sft_mean != 0u);
    let likely = args.optimism * rejected.logp - sft * chosen.logp;
    let scale = args.scale * own.weight;
    let at = args.result_offset + pair;
    result[at] = bw_weigh(own.weight, loss.loss + likely);
    result[at + args.result_stride] = reward_w;
    result[at + 2u * args.result_stride] = reward_l;
    result[at + 3u * args.result_stride] = reward_w - reward_l;
    result[at + 4u * args.result_stride] = select(0.0, 1.0, reward_w > reward_l);
    result[at + 5u * args.result_stride] = slope_of(scale * loss.d_w, w) - bw_weigh(scale, sft);
    result[at + 6u * args.result_stride] = slope_of(scale * loss.d_l, l) + bw_weigh(scale, args.optimism);
    result[at + 7u * args.result_stride] = 0.0;
}

// The gradient by a log-probability, from that by its score.
fn slope_of(by_score: f32, s: Score) -> f32 {
    return bw_weigh(bw_weigh(by_score, s.slope), s.rest);
}

// The link's loss, and that of the pair with chosen and rejected exchanged where the label may be wrong.
fn mixed(s: Scores, own: Own) -> Link {
    let plain = link(args.params, s);
    if (own.flipped == 0.0) {
        return plain;
    }
    let other = link(args.params, Scores(s.beta, s.l, s.w, -s.z));
    return Link(
        bw_weigh(own.kept, plain.loss) + own.flipped * other.loss,
        bw_weigh(own.kept, plain.d_w) + own.flipped * other.d_l,
        bw_weigh(own.kept, plain.d_l) + own.flipped * other.d_w,
    );
}

// A link of z alone, from its loss and its slope by z.
fn of_z(s: Scores, loss: f32, slope: f32) -> Link {
    return Link(loss, s.beta * slope, -s.beta * slope);
}

// The score of what the loss sees of a response.
fn score_of(r: Response) -> Score {
    let ratio = select(r.logp - r.ref_logp, r.logp, args.reference_free != 0u);
    if (args.length == MEAN_LOGP) {
        let mean = pair_score(ratio / r.tokens, 1.0);
        return Score(mean.value, mean.slope / r.tokens, mean.rest, mean.size);
    }
    return pair_score(ratio, select(1.0, r.tokens, args.length == TOKEN_MEAN));
}
