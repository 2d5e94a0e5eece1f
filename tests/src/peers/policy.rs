//! Policy-gradient losses: TRL's, and our own names.

use bellwether_core::policy::{
    Aggregate, Cispo, Clip, Gmpo, Level, PolicyLoss, Sapo, ValueClip, Vespo, presets,
};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::policy_masks::{high_entropy_mask, off_policy_weight};
use bellwether_cpu_ref::policy_rows::SurrogateRow;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::pair::cotangent;
use super::reader::Reader;
use super::{Entry, Judgement, all, one};
use crate::file::FileError;
use crate::policies::{self, PolicyVisitor};
use crate::problem::{Actor, ActorCritic, Derived, Layout, MapProblem, PolicyProblem};

type Found = Result<Vec<Judgement>, FileError>;

/// The problems of a case of this signature; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Found> {
    let op = reader.case.op.as_str();
    match op {
        "ppo.clip_loss" => Some(ppo(reader)),
        "vespo.gamma_weights" => Some(gamma_weights(reader)),
        "gmpo" => Some(trl(reader, "gmpo")),
        _ => match KINDS.iter().find(|&&kind| op.strip_prefix("grpo.") == Some(kind)) {
            Some(kind) => Some(trl(reader, kind)),
            None => contract(reader),
        },
    }
}

/// The values of TRL's `loss_type`.
const KINDS: [&str; 8] = ["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "luspo", "vespo"];

/// Every parameter that a case may state; most mean something to some kinds only.
const PARAMS: [&str; 18] = [
    "loss_type",
    "beta",
    "epsilon_low",
    "epsilon_high",
    "importance_sampling_level",
    "delta",
    "use_bias_correction_kl",
    "top_entropy_quantile",
    "entropy_coef",
    "off_policy_mask_threshold",
    "max_completion_length",
    "sapo_temperature_pos",
    "sapo_temperature_neg",
    "vespo_k_pos",
    "vespo_lambda_pos",
    "vespo_k_neg",
    "vespo_lambda_neg",
    "reduction",
];

/// What a file holds of a batch, as TRL names it.
struct Batch {
    rows: usize,
    len: usize,
    logp: Vec<f64>,
    mask: Vec<u32>,
    old_logp: Option<Vec<f64>>,
    ref_logp: Option<Vec<f64>>,
    advantage: Vec<f64>,
}

impl Batch {
    fn read(reader: Reader<'_>) -> Result<Self, FileError> {
        let name = "per_token_logps";
        let logp = reader.floats(name)?;
        reader.has_rank(name, logp, 2)?;
        let &[rows, len] = &logp.shape[..] else { return Err(reader.refused("in.per_token_logps")) };
        reader.at_least_one(name, "token", len)?;
        let mask = reader.integers_of("completion_mask", &logp.shape, name)?;
        let mask: Vec<u32> = mask.into_iter().map(i32::cast_unsigned).collect();
        let given = |name: &str| reader.case.inputs.get(name).is_some();
        let array = |name: &str| plane(reader, name, &logp.shape, Some(&mask));
        let optional = |name: &str| given(name).then(|| array(name)).transpose();
        Ok(Self {
            rows,
            len,
            old_logp: optional("old_per_token_logps")?,
            ref_logp: optional("ref_per_token_logps")?,
            advantage: plane(reader, "advantages", &[rows], None)?,
            logp: array(name)?,
            mask,
        })
    }

    fn tokens(&self) -> usize {
        self.mask.iter().filter(|word| **word != 0).count()
    }

    /// Tokens of each row that count.
    fn lengths(&self) -> impl Iterator<Item = usize> {
        self.mask.chunks(self.len).map(|row| row.iter().filter(|word| **word != 0).count())
    }
}

/// An array of this shape, finite where it counts.
fn plane(
    reader: Reader<'_>,
    name: &str,
    shape: &[usize],
    mask: Option<&[u32]>,
) -> Result<Vec<f64>, FileError> {
    let found = reader.floats_of(name, shape, "per_token_logps")?;
    let len = shape.last().map_or(1, |&len| len.max(1));
    let counts = |i: usize| mask.is_none_or(|mask| mask[i] != 0);
    match found.data.iter().enumerate().find(|&(i, x)| !x.is_finite() && counts(i)) {
        None => Ok(found.data.clone()),
        Some((i, &x)) => Err(FileError::non_finite(reader.case, &format!("in.{name}"), i / len, i % len, x)),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX).max(1)
}

/// TRL's losses.
fn trl(reader: Reader<'_>, kind: &'static str) -> Found {
    reader.allow(&PARAMS)?;
    if kind != "gmpo" {
        reader.word("loss_type", &[kind], kind)?;
    }
    let number = |name, default| reader.number(name, default);
    match kind {
        "cispo" => judge(reader, kind, Cispo { epsilon_high: number("epsilon_high", 5.0)? }),
        "sapo" => {
            let temperature_pos = number("sapo_temperature_pos", 1.0)?;
            judge(
                reader,
                kind,
                Sapo { temperature_pos, temperature_neg: number("sapo_temperature_neg", 1.05)? },
            )
        }
        "vespo" => {
            let (k_pos, lambda_pos) = (number("vespo_k_pos", 2.0)?, number("vespo_lambda_pos", 3.0)?);
            let (k_neg, lambda_neg) = (number("vespo_k_neg", 3.0)?, number("vespo_lambda_neg", 2.0)?);
            judge(reader, kind, Vespo { k_pos, lambda_pos, k_neg, lambda_neg })
        }
        "gmpo" => {
            let epsilon_low = number("epsilon_low", 0.4)?;
            judge(reader, kind, Gmpo { epsilon_low, epsilon_high: number("epsilon_high", 0.4)? })
        }
        _ => {
            let epsilon_low = number("epsilon_low", 0.2)?;
            let epsilon_high = number("epsilon_high", epsilon_low)?;
            judge(reader, kind, Clip { epsilon_low, epsilon_high, delta: number("delta", Clip::UNCAPPED)? })
        }
    }
}

/// Level and aggregation of a kind.
fn rule(reader: Reader<'_>, kind: &str) -> Result<PolicyLoss<()>, FileError> {
    let level = reader.word("importance_sampling_level", &["token", "sequence"], "token")?;
    let level = match kind {
        "gmpo" => Level::Sequence,
        "vespo" => Level::SequenceSum,
        _ if level == "sequence" => Level::Sequence,
        _ => Level::Token,
    };
    let aggregate = match kind {
        "grpo" | "sapo" | "gmpo" => Aggregate::SequenceMean,
        "dr_grpo" => Aggregate::Constant,
        "luspo" => Aggregate::SequenceSum,
        _ => Aggregate::TokenMean,
    };
    let corrected = reader.flag("use_bias_correction_kl", false)?;
    Ok(PolicyLoss { level, aggregate, beta: reader.number("beta", 0.0)?, corrected, surrogate: () })
}

/// What a batch's losses are divided by. TRL's `dapo`, `cispo` and `vespo` are told the tokens of the generation batch.
fn reduction(
    reader: Reader<'_>,
    kind: &str,
    batch: &Batch,
    aggregate: Aggregate,
) -> Result<Reduction, FileError> {
    let longest = reader.integer("max_completion_length", 1)?;
    let mut tokens = batch.tokens();
    if matches!(kind, "dapo" | "cispo" | "vespo") {
        let given = reader.floats_of("num_items_in_batch", &[], "per_token_logps")?.data[0];
        if !(given >= 1.0 && given.fract() == 0.0 && given <= f64::from(u32::MAX)) {
            return Err(reader.refused(format!("in.num_items_in_batch is {given}, allowed is a count")));
        }
        tokens = given as usize;
    }
    let longest = u32::try_from(longest).unwrap_or(0).max(1);
    Ok(aggregate.over(count(batch.rows), count(tokens), longest))
}

/// Masks and importance weights, as weights of the policy part.
fn weights(reader: Reader<'_>, kind: &str, batch: &mut Batch) -> Result<Option<Vec<f64>>, FileError> {
    let n = batch.logp.len();
    let mut weight = vec![1.0; n];
    let shape = [batch.rows, batch.len];
    let quantile = reader.number("top_entropy_quantile", 1.0)?;
    if quantile < 1.0 {
        let entropy = plane(reader, "entropies", &shape, Some(&batch.mask))?;
        let (mut keep, mut scratch) = (vec![0; n], vec![0.0; n]);
        high_entropy_mask(&entropy, Some(&batch.mask), 1.0 - quantile, &mut scratch, &mut keep)
            .map_err(|error| reader.refused(error))?;
        weight.iter_mut().zip(&keep).for_each(|(w, &keep)| *w *= f64::from(keep));
    }
    if let Some(threshold) = reader.case.params.get("off_policy_mask_threshold").and_then(Value::as_f64) {
        let old = batch.old_logp.as_ref().unwrap_or(&batch.logp);
        let mut keep = vec![0.0; batch.rows];
        let arrays = [&batch.logp[..], &old[..], &batch.advantage[..]];
        off_policy_weight(arrays, batch.len, Some(&batch.mask), threshold, &mut keep)
            .map_err(|error| reader.refused(error))?;
        weight.iter_mut().enumerate().for_each(|(i, w)| *w *= keep[i / batch.len]);
    }
    if reader.case.inputs.get("importance_sampling_ratio").is_some() {
        let ratio = plane(reader, "importance_sampling_ratio", &shape, None)?;
        if kind != "vespo" {
            weight.iter_mut().zip(&ratio).for_each(|(w, ratio)| *w *= ratio);
        } else {
            shift(batch, &ratio);
        }
    }
    Ok(weight.iter().any(|w| w.to_bits() != 1_f64.to_bits()).then_some(weight))
}

/// VESPO's correction enters the sequence's log-ratio, summed over all tokens, padding too: spread over those that count.
fn shift(batch: &mut Batch, ratio: &[f64]) {
    let lengths: Vec<usize> = batch.lengths().collect();
    let old = batch.old_logp.get_or_insert_with(|| batch.logp.clone());
    for (row, (old, ratio)) in old.chunks_mut(batch.len).zip(ratio.chunks(batch.len)).enumerate() {
        let total: f64 = ratio.iter().map(|x| x.ln().clamp(Vespo::LOWEST, Vespo::HIGHEST)).sum();
        old.iter_mut().for_each(|x| *x -= total / lengths[row].max(1) as f64);
    }
}

fn judge<S: SurrogateRow>(reader: Reader<'_>, kind: &'static str, surrogate: S) -> Found {
    let mut batch = Batch::read(reader)?;
    let loss = rule(reader, kind)?.with(surrogate);
    let reduction = reduction(reader, kind, &batch, loss.aggregate)?;
    let weight = weights(reader, kind, &mut batch)?;
    loss.check_with(batch.ref_logp.is_some()).map_err(|error| reader.refused(error))?;
    let entropy = match reader.number("entropy_coef", 0.0)? {
        0.0 => Vec::new(),
        coefficient => {
            let entropy = plane(reader, "entropies", &[batch.rows, batch.len], Some(&batch.mask))?;
            let counted = |i: usize| batch.mask[i] != 0 && weight.as_ref().is_none_or(|w| w[i] != 0.0);
            let kept: Vec<f64> =
                entropy.iter().enumerate().filter(|&(i, _)| counted(i)).map(|(_, &x)| x).collect();
            let scale = coefficient / kept.len().max(1) as f64;
            kept.into_iter().map(|x| scale * x).collect()
        }
    };
    let (by_row, complete) = (loss.level != Level::Token, batch.lengths().all(|n| n > 0));
    let Batch { rows, len, logp, mask, old_logp, ref_logp, advantage } = batch;
    let problem = PolicyProblem {
        loss,
        rows,
        len,
        logp,
        old_logp,
        ref_logp,
        advantage,
        weight,
        mask: Some(mask),
        upstream: None,
        reduction,
        layout: Layout::Packed,
    };
    let mut outputs = vec![one("loss", "sum", 0)];
    let metrics: [(&str, Entry); 5] = [
        ("clipped_low", one("metric:clip_ratio/low_mean", "mean_0", 0)),
        ("clipped_high", one("metric:clip_ratio/high_mean", "mean_1", 0)),
        ("clipped_low", one("metric:clip_ratio/region_mean", "mean_both", 0)),
        ("clipped_high", one("metric:cispo_clip_ratio", "mean_0", 0)),
        ("phi", one("metric:vespo/phi_seq_mean", "mean_0", 0)),
    ];
    // The weight of a row without tokens is 1 at the peer, and 0 here.
    let told =
        metrics.into_iter().filter(|(name, _)| S::METRICS.contains(name) && (complete || *name != "phi"));
    outputs.extend(told.map(|(_, entry)| entry));
    if problem.ref_logp.is_some() && !problem.loss.corrected {
        outputs.push(one("metric:kl", "mean_kl", 0));
    }
    let derive = Actor { metrics: S::METRICS, by_row, scale: reduction.scale(), entropy };
    let grads = [all("per_token_logps", "d_logp")];
    let mut judgement = Judgement::new(Derived { problem, derive }, &outputs, &grads);
    judgement.cotangent = cotangent(reader)?;
    Ok(vec![judgement])
}

/// VESPO's weights alone.
fn gamma_weights(reader: Reader<'_>) -> Found {
    reader.allow(&["k_pos", "lambda_pos", "k_neg", "lambda_neg"])?;
    reader.allow_cotangents(&[])?;
    let name = "log_ratio_per_token";
    let ratio = reader.floats(name)?;
    reader.has_rank(name, ratio, 2)?;
    let &[rows, len] = &ratio.shape[..] else { return Err(reader.refused("in.log_ratio_per_token")) };
    let mask: Vec<u32> =
        reader.integers_of("mask", &ratio.shape, name)?.into_iter().map(i32::cast_unsigned).collect();
    let surrogate = Vespo {
        k_pos: reader.number("k_pos", 2.0)?,
        lambda_pos: reader.number("lambda_pos", 3.0)?,
        k_neg: reader.number("k_neg", 3.0)?,
        lambda_neg: reader.number("lambda_neg", 2.0)?,
    };
    let problem = PolicyProblem {
        loss: presets::VESPO.with(surrogate),
        rows,
        len,
        logp: plane(reader, name, &ratio.shape, Some(&mask))?,
        old_logp: Some(vec![0.0; rows * len]),
        ref_logp: None,
        advantage: plane(reader, "advantages", &[rows, 1], None)?,
        weight: None,
        mask: Some(mask),
        upstream: None,
        reduction: Reduction::Sum,
        layout: Layout::Packed,
    };
    problem.loss.check().map_err(|error| reader.refused(error))?;
    Ok(vec![Judgement::new(problem, &[all("phi", "phi")], &[])])
}

/// TRL's PPO: the policy's clipped loss and the value function's, each a mean over the tokens that are not padding.
fn ppo(reader: Reader<'_>) -> Found {
    reader.allow(&["cliprange", "cliprange_value", "vf_coef"])?;
    let logp = reader.floats("logps")?;
    reader.has_rank("logps", logp, 2)?;
    let &[rows, len] = &logp.shape[..] else { return Err(reader.refused("in.logps")) };
    reader.at_least_one("logps", "token", len)?;
    let mask = |name| {
        let pad = reader.integers_of(name, &logp.shape, "logps")?;
        Ok::<Vec<u32>, FileError>(pad.into_iter().map(|pad| u32::from(pad == 0)).collect())
    };
    let [kept, kept_values] = [mask("pad")?, mask("pad_p1")?];
    let array = |name, mask: &[u32]| plane(reader, name, &logp.shape, Some(mask));
    let mean = |mask: &[u32]| Reduction::Mean { over: count(mask.iter().filter(|word| **word != 0).count()) };
    let clip = reader.number("cliprange", 0.2)?;
    let surrogate = Clip { epsilon_low: clip, epsilon_high: clip, ..Clip::default() };
    let policy = PolicyProblem {
        loss: presets::PPO.with(surrogate),
        rows,
        len,
        logp: array("logps", &kept)?,
        old_logp: Some(array("old_logps", &kept)?),
        ref_logp: None,
        advantage: array("advantages", &kept)?,
        weight: None,
        reduction: mean(&kept),
        mask: Some(kept),
        upstream: None,
        layout: Layout::Packed,
    };
    let op = ValueClip { epsilon: reader.number("cliprange_value", 0.2)? };
    policy.loss.check().and(bellwether_core::Op::check(&op)).map_err(|error| reader.refused(error))?;
    let value = MapProblem {
        op,
        rows,
        len,
        inputs: vec![array("vpred", &kept_values)?],
        constants: vec![array("old_values", &kept_values)?, array("returns", &kept_values)?],
        upstream: None,
        reduction: mean(&kept_values),
        mask: Some(kept_values),
        layout: Layout::Packed,
    };
    let derive = Actor {
        metrics: <Clip as bellwether_core::policy::Surrogate>::METRICS,
        by_row: false,
        scale: policy.reduction.scale(),
        entropy: Vec::new(),
    };
    let problem = ActorCritic {
        policy: Derived { problem: policy, derive },
        value,
        weight: reader.number("vf_coef", 0.1)?,
    };
    let outputs = [
        one("loss", "total", 0),
        one("pg_loss", "sum", 0),
        one("vf_loss", "value_loss", 0),
        one("vf_clipfrac", "value_clipped", 0),
    ];
    let grads = [all("logps", "d_logp"), all("vpred", "d_value")];
    let mut judgement = Judgement::new(problem, &outputs, &grads);
    judgement.cotangent = cotangent(reader)?;
    Ok(vec![judgement])
}

/// Our own names: a surrogate's slug, or a preset's.
fn contract(reader: Reader<'_>) -> Option<Found> {
    let op = reader.case.op.as_str();
    let preset = presets::ALL.iter().find(|preset| preset.slug == op);
    let mut params: Map<String, Value> = preset
        .into_iter()
        .flat_map(|preset| preset.params)
        .map(|&(name, value)| (name.to_owned(), value.into()))
        .collect();
    let common = ["beta", "level", "aggregate", "corrected", "reduction", "over", "accumulate", "acc_dtype"];
    let own = reader.case.params.iter().filter(|(name, _)| !common.contains(&name.as_str()));
    params.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    let rule = preset.map_or(PolicyLoss::new(()), |preset| preset.rule);
    let slug = preset.map_or(op, |preset| preset.surrogate);
    let found = policies::visit(slug, params, Contract { reader, rule })?;
    Some(found.unwrap_or_else(|error| Err(reader.refused(error))))
}

struct Contract<'c> {
    reader: Reader<'c>,
    rule: PolicyLoss<()>,
}

/// A parameter that is one of an enum's words.
fn choice<T: DeserializeOwned>(reader: Reader<'_>, name: &str, default: T) -> Result<T, FileError> {
    let value = reader.case.params.get(name).filter(|value| !value.is_null());
    let given = value.map(|value| serde_json::from_value(value.clone())).transpose();
    Ok(given.map_err(|error| reader.refused(format!("`{name}`: {error}")))?.unwrap_or(default))
}

impl PolicyVisitor for Contract<'_> {
    type Out = Found;

    fn visit<S: SurrogateRow + DeserializeOwned>(self, surrogate: S) -> Found {
        let Self { reader, rule } = self;
        let logp = reader.floats("logp")?;
        reader.has_rank("logp", logp, 2)?;
        let &[rows, len] = &logp.shape[..] else { return Err(reader.refused("in.logp")) };
        reader.at_least_one("logp", "token", len)?;
        let loss = PolicyLoss {
            beta: reader.number("beta", rule.beta)?,
            level: choice(reader, "level", rule.level)?,
            aggregate: choice(reader, "aggregate", rule.aggregate)?,
            corrected: reader.flag("corrected", rule.corrected)?,
            surrogate,
        };
        let given = |name: &str| reader.case.inputs.get(name).is_some();
        let mask = given("mask").then(|| reader.integers_of("mask", &logp.shape, "logp")).transpose()?;
        let mask: Option<Vec<u32>> = mask.map(|mask| mask.into_iter().map(i32::cast_unsigned).collect());
        let array = |name: &str| plane(reader, name, &logp.shape, mask.as_deref());
        let optional = |name: &str| given(name).then(|| array(name)).transpose();
        let of_rows = reader.floats("advantage")?.shape == [rows];
        let advantage =
            if of_rows { plane(reader, "advantage", &[rows], None)? } else { array("advantage")? };
        let ref_logp = optional("ref_logp")?;
        loss.check_with(ref_logp.is_some()).map_err(|error| reader.refused(error))?;
        reader.allow_cotangents(&["loss"])?;
        let reduction = match reader.word("reduction", &["sum", "none", "mean"], "sum")? {
            "mean" => Reduction::Mean { over: count(reader.integer("over", 1)?.max(1) as usize) },
            _ => Reduction::Sum,
        };
        let problem = PolicyProblem {
            loss,
            rows,
            len,
            logp: array("logp")?,
            old_logp: optional("old_logp")?,
            ref_logp,
            advantage,
            weight: optional("weight")?,
            upstream: reader.case.cotangents.get("loss").map(|t| t.data.clone()),
            mask,
            reduction,
            layout: Layout::Packed,
        };
        if problem.upstream.as_ref().is_some_and(|up| up.len() != rows) {
            return Err(reader.refused(format!("cotangent.loss must have {rows} elements")));
        }
        let outputs = bellwether_core::sig::policy_rows::result(S::METRICS).map(|name| all(name, name));
        let derive =
            Actor { metrics: S::METRICS, by_row: false, scale: reduction.scale(), entropy: Vec::new() };
        let outputs: Vec<Entry> = outputs.chain([one("sum", "sum", 0)]).collect();
        Ok(vec![Judgement::new(Derived { problem, derive }, &outputs, &[all("logp", "d_logp")])])
    }
}
