// One pair per lane: loss, rewards and gradients from the log-probabilities of a chosen and a rejected response.
//
// The operator's file holds the link: `link(params, beta, w, l)` gives the loss of two scores and its two slopes.
// pair_score.wgsl makes a score of a log-ratio. Here are reading, lengths, rewards, the chain rule and the status.

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
    beta: f32,
    length: u32,
    reference_free: u32,
    score: u32,
    score_coef: f32,
    score_cap: f32,
    pad0: u32,
    pad1: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read> constants: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<uniform> args: Args;

// The loss of two scores and its derivatives by them.
struct Link {
    loss: f32,
    d_w: f32,
    d_l: f32,
}

// One response: log-probability under policy and reference, and what its score is divided by.
struct Response {
    logp: f32,
    ref_logp: f32,
    tokens: f32,
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
    var chosen = Response(
        inputs[args.chosen_offset + pair * args.chosen_stride],
        constants[args.ref_chosen_offset + pair * args.ref_chosen_stride],
        1.0,
    );
    var rejected = Response(
        inputs[args.rejected_offset + pair * args.rejected_stride],
        constants[args.ref_rejected_offset + pair * args.ref_rejected_stride],
        1.0,
    );
    if (args.length != 0u) {
        chosen.tokens = constants[args.chosen_len_offset + pair * args.chosen_len_stride];
        rejected.tokens = constants[args.rejected_len_offset + pair * args.rejected_len_stride];
    }
    let status = fault_of(chosen) | fault_of(rejected);
    if (status != 0u) {
        poison(pair, status);
        return;
    }
    write(pair, chosen, rejected);
}

// What is wrong with a response. A log-ratio that f32 cannot hold, or a mean over less than one token, counts as infinite.
fn fault_of(r: Response) -> u32 {
    let read = bw_fault(r.logp) | bw_fault(r.ref_logp) | bw_fault(r.tokens);
    let ratio = bw_is_infinite(r.logp - r.ref_logp) || !(r.tokens >= 1.0);
    return read | select(0u, STATUS_INFINITE, read == 0u && ratio);
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
fn write(pair: u32, chosen: Response, rejected: Response) {
    let reward_w = args.beta * (chosen.logp - chosen.ref_logp);
    let reward_l = args.beta * (rejected.logp - rejected.ref_logp);
    let w = pair_score(log_ratio(chosen), chosen.tokens);
    let l = pair_score(log_ratio(rejected), rejected.tokens);
    let scores = pair_scores(w, l);
    let loss = link(args.params, args.beta, scores.x, scores.y);
    let at = args.result_offset + pair;
    result[at] = loss.loss;
    result[at + args.result_stride] = reward_w;
    result[at + 2u * args.result_stride] = reward_l;
    result[at + 3u * args.result_stride] = reward_w - reward_l;
    result[at + 4u * args.result_stride] = select(0.0, 1.0, reward_w > reward_l);
    result[at + 5u * args.result_stride] = bw_weigh(args.scale * loss.d_w, w.slope);
    result[at + 6u * args.result_stride] = bw_weigh(args.scale * loss.d_l, l.slope);
    result[at + 7u * args.result_stride] = 0.0;
}

// What the loss sees of a response.
fn log_ratio(r: Response) -> f32 {
    return select(r.logp - r.ref_logp, r.logp, args.reference_free != 0u);
}
