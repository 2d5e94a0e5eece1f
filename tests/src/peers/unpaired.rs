//! TRL's losses of single responses.

use bellwether_core::Op;
use bellwether_core::logprob::Token;
use bellwether_core::sig::Reduction;
use bellwether_core::unpaired::{A2po, ApoZero, Bco, Kto, Moments, NashMd};
use bellwether_cpu_ref::token_map::MapRow;

use super::pair::cotangent;
use super::reader::Reader;
use super::{Entry, Judgement, all, one};
use crate::file::FileError;
use crate::problem::{Derived, Layout, MapProblem, OptimalValue, RowSums, Sides, TokenProblem};
use crate::tensor::Tensor;

type Found = Result<Vec<Judgement>, FileError>;
type Numbers = Result<Vec<f64>, FileError>;

/// The problems of a case of this family; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Found> {
    match reader.case.op.as_str() {
        "kto.kto" => Some(kto(reader)),
        "kto.apo_zero_unpaired" => Some(apo_zero(reader)),
        "bco.unpaired" => Some(bco(reader)),
        "a2po.loss" => Some(a2po(reader)),
        "nash_md" => Some(nash_md(reader)),
        "soft_value.log_mean_exp" => Some(log_mean_exp(reader)),
        _ => None,
    }
}

/// What TRL logs and returns beside the loss.
const KTO_OUTPUTS: [Entry; 5] = [
    one("loss", "sum", 0),
    one("metric:kl", "kl", 0),
    one("metric:rewards/chosen", "mean_desirable", 0),
    one("metric:rewards/rejected", "mean_undesirable", 0),
    one("metric:rewards/margins", "margin", 0),
];

/// Finite numbers of a given shape.
fn finite(reader: Reader<'_>, name: &str, shape: &[usize], because: &str) -> Numbers {
    let found = reader.floats_of(name, shape, because)?;
    reader.active_finite(name, found, |_| true, false)?;
    Ok(found.data.clone())
}

/// The same without a shape to keep to.
fn any_finite<'c>(reader: Reader<'c>, name: &str) -> Result<&'c Tensor, FileError> {
    let found = reader.floats(name)?;
    reader.active_finite(name, found, |_| true, false)?;
    Ok(found)
}

/// The mean over `n` responses, which is what TRL reduces by; a case may say so in its own words.
fn mean(reader: Reader<'_>, words: &str, n: usize) -> Result<Reduction, FileError> {
    match reader.case.reduction.as_deref() {
        Some(said) if said != words && said != "mean" => {
            Err(reader.refused(format!("`reduction` is {said:?}, allowed is {words:?} or \"mean\"")))
        }
        _ => Ok(Reduction::Mean { over: u32::try_from(n.max(1)).unwrap_or(u32::MAX) }),
    }
}

/// One row of responses, or rows of tokens.
fn problem<O: MapRow>(
    reader: Reader<'_>,
    op: O,
    (rows, len): (usize, usize),
    arrays: (Vec<f64>, Vec<Vec<f64>>),
    reduction: Reduction,
) -> Result<MapProblem<O>, FileError> {
    op.check().map_err(|error| reader.refused(error))?;
    let (inputs, constants) = (vec![arrays.0], arrays.1);
    let layout = Layout::Packed;
    Ok(MapProblem { op, rows, len, inputs, constants, mask: None, upstream: None, reduction, layout })
}

/// The judgement of one problem, with the weight of its scalar loss.
fn judged(mut judgement: Judgement, reader: Reader<'_>) -> Found {
    judgement.cotangent = cotangent(reader)?;
    Ok(vec![judgement])
}

/// What KTO and APO-zero have in common: parameters, log-probabilities and labels.
struct Labelled {
    beta: f64,
    weights: [f64; 2],
    logp: Vec<f64>,
    ref_logp: Vec<f64>,
    labels: Vec<f64>,
}

impl Labelled {
    fn of(reader: Reader<'_>, loss_type: &'static str) -> Result<Self, FileError> {
        reader.allow(&["loss_type", "beta", "desirable_weight", "undesirable_weight"])?;
        reader.word("loss_type", &[loss_type], loss_type)?;
        let like = &any_finite(reader, "policy_logps")?.shape;
        let labels = reader.integers_of("desirable", like, "policy_logps")?;
        if let Some(i) = labels.iter().position(|label| !(0..=1).contains(label)) {
            return Err(reader.refused(format!("in.desirable[{i}] is {}, allowed is 0 or 1", labels[i])));
        }
        Ok(Self {
            beta: reader.number("beta", 0.1)?,
            weights: [reader.number("desirable_weight", 1.0)?, reader.number("undesirable_weight", 1.0)?],
            logp: finite(reader, "policy_logps", like, "policy_logps")?,
            ref_logp: finite(reader, "ref_logps", like, "policy_logps")?,
            labels: labels.into_iter().map(f64::from).collect(),
        })
    }

    fn judge<O: MapRow>(
        self,
        reader: Reader<'_>,
        op: O,
        more: Option<Vec<f64>>,
        mismatched: [Vec<f64>; 2],
    ) -> Found {
        let n = self.logp.len();
        let desirable = self.labels.iter().map(|&label| label > 0.5).collect();
        let constants = [self.ref_logp, self.labels].into_iter().chain(more).collect();
        let reduction = mean(reader, "mean over examples", n)?;
        let problem = problem(reader, op, (1, n), (self.logp, constants), reduction)?;
        let problem = Derived { problem, derive: Sides { desirable, mismatched, running: None } };
        judged(Judgement::new(problem, &KTO_OUTPUTS, &[all("policy_logps", "d_logp")]), reader)
    }
}

fn kto(reader: Reader<'_>) -> Found {
    let labelled = Labelled::of(reader, "kto")?;
    let (beta, [desirable_weight, undesirable_weight]) = (labelled.beta, labelled.weights);
    let policy = any_finite(reader, "kl_policy_logps")?;
    let reference = finite(reader, "kl_ref_logps", &policy.shape, "kl_policy_logps")?;
    let ratios = policy.data.iter().zip(&reference).map(|(p, r)| p - r);
    let kl = ratios.sum::<f64>() / policy.len().max(1) as f64;
    let more = Some(vec![kl; labelled.logp.len()]);
    let mismatched = [policy.data.clone(), reference];
    labelled.judge(reader, Kto { beta, desirable_weight, undesirable_weight }, more, mismatched)
}

fn apo_zero(reader: Reader<'_>) -> Found {
    let labelled = Labelled::of(reader, "apo_zero_unpaired")?;
    let (beta, [desirable_weight, undesirable_weight]) = (labelled.beta, labelled.weights);
    let op = ApoZero { beta, desirable_weight, undesirable_weight };
    // TRL logs a divergence of 0 here.
    labelled.judge(reader, op, None, [Vec::new(), Vec::new()])
}

/// What a case of BCO says of its running mean: what it was, what of it is this batch's, and what it became.
fn running(reader: Reader<'_>, rewards: &[f64]) -> Result<(f64, f64, f64), FileError> {
    let n = rewards.len() as f64;
    let [before, count] = [("running_mean_before", 0.0), ("running_count_after", n)]
        .map(|(name, default)| reader.number(name, default));
    let (before, count) = (before?, count?);
    if count < n {
        return Err(reader.refused(format!("`running_count_after` is {count}, and the batch alone has {n}")));
    }
    let state = Moments { mean: before, var: 0.0, count: count - n };
    let batch = Moments::of(rewards.iter().copied()).map_err(|error| reader.refused(error))?;
    let after = state.merge(batch).map_err(|error| reader.refused(error))?;
    Ok((before, if n == 0.0 { 0.0 } else { n / count }, after.mean))
}

/// BCO: the chosen responses, then the rejected ones, against the running mean of all rewards.
fn bco(reader: Reader<'_>) -> Found {
    let state = ["mean_before", "mean_after", "std_after", "var_after", "count_after"];
    let names = state.map(|name| format!("running_{name}"));
    let names: Vec<&str> = ["beta", "step"].into_iter().chain(names.iter().map(String::as_str)).collect();
    reader.allow(&names)?;
    let side = |policy: &'static str, reference| -> Result<[Vec<f64>; 2], FileError> {
        let found = any_finite(reader, policy)?;
        Ok([found.data.clone(), finite(reader, reference, &found.shape, policy)?])
    };
    let [chosen, ref_chosen] = side("chosen_logps", "ref_chosen_logps")?;
    let [rejected, ref_rejected] = side("rejected_logps", "ref_rejected_logps")?;
    let desirable = [vec![true; chosen.len()], vec![false; rejected.len()]].concat();
    let (logp, ref_logp) = ([chosen, rejected].concat(), [ref_chosen, ref_rejected].concat());
    let (n, op) = (logp.len(), Bco { beta: reader.number("beta", 0.1)? });
    let rewards: Vec<f64> = logp.iter().zip(&ref_logp).map(|(p, r)| op.beta * (p - r)).collect();
    let (before, share, delta) = running(reader, &rewards)?;
    let labels = desirable.iter().map(|&label| f64::from(u8::from(label))).collect();
    let reduction = mean(reader, "mean over examples", n)?;
    let constants = vec![ref_logp, labels, vec![delta; n]];
    let problem = problem(reader, op, (1, n), (logp, constants), reduction)?;
    let derive = Sides { desirable, mismatched: [Vec::new(), Vec::new()], running: Some((before, share)) };
    let outputs = [
        one("loss", "sum", 0),
        all("losses", "loss"),
        all("rewards_chosen", "reward_desirable"),
        all("rewards_rejected", "reward_undesirable"),
        one("delta", "delta", 0),
    ];
    let grads = [all("chosen_logps", "d_desirable"), all("rejected_logps", "d_undesirable")];
    judged(Judgement::new(Derived { problem, derive }, &outputs, &grads), reader)
}

fn a2po(reader: Reader<'_>) -> Found {
    reader.allow(&["beta2"])?;
    let like = any_finite(reader, "policy_logps")?;
    let constant = |name| finite(reader, name, &like.shape, "policy_logps");
    let constants = vec![constant("ref_logps")?, constant("rewards")?, constant("v_star")?];
    let op = A2po { beta2: reader.number("beta2", A2po::default().beta2)? };
    let reduction = mean(reader, "mean over sequences", like.len())?;
    let problem = problem(reader, op, (1, like.len()), (like.data.clone(), constants), reduction)?;
    judged(Judgement::new(problem, &[one("loss", "sum", 0)], &[all("policy_logps", "d_logp")]), reader)
}

/// Tokens of whole responses; the probability is one per response.
fn nash_md(reader: Reader<'_>) -> Found {
    const LOGPS: &str = "model_logps_model_data";
    reader.allow(&["beta"])?;
    let logp = any_finite(reader, LOGPS)?;
    reader.has_rank(LOGPS, logp, 2)?;
    let (rows, len) = (logp.shape[0], logp.shape[1]);
    let ref_logp = finite(reader, "ref_logps_model_data", &logp.shape, LOGPS)?;
    let probability = finite(reader, "probability", &[rows], LOGPS)?;
    let per_token = probability.iter().flat_map(|&p| std::iter::repeat_n(p, len)).collect();
    let op = NashMd { beta: reader.number("beta", NashMd::default().beta)? };
    let reduction = mean(reader, "mean over sequences", rows)?;
    let arrays = (logp.data.clone(), vec![ref_logp, per_token]);
    let problem = problem(reader, op, (rows, len), arrays, reduction)?;
    let derive = RowSums { len, planes: &[("score", "scores"), ("kl", "kls")] };
    let outputs = [one("loss", "sum", 0), all("score", "scores"), all("kl", "kls")];
    judged(Judgement::new(Derived { problem, derive }, &outputs, &[all(LOGPS, "d_logp")]), reader)
}

/// The optimal value of a prompt: the logsumexp of a row of logits, which are the rewards.
fn log_mean_exp(reader: Reader<'_>) -> Found {
    reader.allow(&["beta"])?;
    let rewards = any_finite(reader, "rewards")?;
    reader.has_rank("rewards", rewards, 2)?;
    let (rows, n) = (rewards.shape[0], rewards.shape[1]);
    reader.at_least_one("rewards", "response", n)?;
    let beta = reader.number("beta", 0.5)?;
    let op = Token { temperature: beta, ..Token::default() };
    op.check().map_err(|error| reader.refused(error))?;
    reader.allow_cotangents(&["v_star"])?;
    let mut problem = TokenProblem {
        op,
        v: n,
        logits: rewards.data.clone(),
        labels: vec![0; rows],
        ..TokenProblem::default()
    };
    problem.upstream[1] = reader.case.cotangents.get("v_star").map(|t| t.data.clone());
    let problem = Derived { problem, derive: OptimalValue { beta, n } };
    Ok(vec![Judgement::new(problem, &[all("v_star", "optimal_value")], &[all("rewards", "d_rewards")])])
}
