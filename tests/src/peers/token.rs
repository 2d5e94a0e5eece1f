//! Log-probabilities and entropies from logits.

use bellwether_core::Op;
use bellwether_core::logprob::{SequenceMean, SequenceSum, Token};
use bellwether_core::sig::token_rows::{Labels, Shift};
use bellwether_cpu_ref::segment_stats::SegmentOp;

use super::reader::Reader;
use super::{Entry, Judgement, all};
use crate::file::FileError;
use crate::problem::{SequenceProblem, SeveralProblem, TokenProblem};
use crate::tensor::Tensor;

/// No label is ignored.
pub(super) const NONE_IGNORED: i32 = i32::MIN;

/// Names of weights in peers' cases, in the order of the contract.
const COTANGENTS: [&str; 5] = ["logps", "lse", "entropy", "log_sum_sq", "mean_logit"];

type Found = Result<Vec<Judgement>, FileError>;

/// The problems of a case of this family; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Found> {
    match reader.case.op.as_str() {
        "logps.selective" => Some(selective(reader)),
        "logps.selective_topk" => Some(selective_topk(reader)),
        "logps.selective_and_entropy" => Some(selective_and_entropy(reader)),
        "entropy.from_logits" => Some(entropy(reader)),
        "logps.sequence" => Some(sequence(reader)),
        "logprob/token" => Some(contract(reader)),
        _ => None,
    }
}

/// Logits as rows: the tensor and the shape of its rows.
fn logits<'c>(reader: Reader<'c>) -> Result<(&'c Tensor, Vec<usize>, usize), FileError> {
    let logits = reader.floats("logits")?;
    match logits.shape.split_last() {
        Some((&v, rows)) if v > 0 => Ok((logits, rows.to_vec(), v)),
        _ => Err(reader.refused("in.logits needs a last dimension of at least 1")),
    }
}

/// The operator's parameters; peers have their own names for the cap. `null` is none.
pub(super) fn token(reader: Reader<'_>, softcap: &str) -> Result<Token, FileError> {
    let op = Token {
        temperature: reader.number("temperature", 1.0)?,
        logit_scale: reader.number("logit_scale", 1.0)?,
        softcap: reader.number(softcap, 0.0)?,
    };
    op.check().map_err(|e| reader.refused(e))?;
    Ok(op)
}

/// The gradient's weights: cotangents, absent ones none.
pub(super) fn upstream(reader: Reader<'_>, names: [&str; 5]) -> Result<[Option<Vec<f64>>; 5], FileError> {
    reader.allow_cotangents(&names)?;
    Ok(names.map(|name| reader.case.cotangents.get(name).map(|t| t.data.clone())))
}

fn judgement(reader: Reader<'_>, labels: &str, problem: TokenProblem, outputs: &[Entry]) -> Found {
    let active = |row: usize| problem.rules.of(&problem.labels, row).is_some();
    reader.active_finite("logits", reader.floats("logits")?, active, true)?;
    reader.labels_in_range(labels, &problem.labels, problem.rules.ignore_index, problem.v)?;
    Ok(vec![Judgement::new(problem, outputs, &[all("logits", "d_logits")])])
}

fn selective(reader: Reader<'_>) -> Found {
    reader.allow(&["temperature"])?;
    let (x, rows, v) = logits(reader)?;
    let problem = TokenProblem {
        op: token(reader, "softcap")?,
        rules: Labels { ignore_index: NONE_IGNORED, ..Labels::default() },
        v,
        logits: x.data.clone(),
        labels: reader.integers_of("index", &rows, "logits")?,
        upstream: upstream(reader, COTANGENTS)?,
        ..TokenProblem::default()
    };
    judgement(reader, "index", problem, &[all("logps", "logp")])
}

/// K labels per row: the row is scored K times, and its gradient is the sum.
fn selective_topk(reader: Reader<'_>) -> Found {
    reader.allow(&["temperature"])?;
    let (x, rows, v) = logits(reader)?;
    let k = reader.case.inputs.get("index").and_then(|t| t.shape.last().copied()).unwrap_or(0);
    let labels = reader.integers_of("index", &[&rows[..], &[k]].concat(), "logits")?;
    reader.active_finite("logits", x, |_| true, true)?;
    reader.labels_in_range("index", &labels, NONE_IGNORED, v)?;
    let copies = x.data.chunks_exact(v).flat_map(|row| row.repeat(k)).collect();
    let rows = TokenProblem {
        op: token(reader, "softcap")?,
        rules: Labels { ignore_index: NONE_IGNORED, ..Labels::default() },
        v,
        logits: copies,
        labels,
        upstream: upstream(reader, COTANGENTS)?,
        ..TokenProblem::default()
    };
    let problem = SeveralProblem { rows, labels: k };
    Ok(vec![Judgement::new(problem, &[all("logps", "logp")], &[all("logits", "d_logits")])])
}

fn selective_and_entropy(reader: Reader<'_>) -> Found {
    reader.allow(&["temperature"])?;
    let (x, rows, v) = logits(reader)?;
    let mut labels = reader.integers_of("index", &rows, "logits")?;
    let rules = Labels { ignore_index: NONE_IGNORED, ..Labels::default() };
    for (label, keep) in labels.iter_mut().zip(reader.integers_of("row_mask", &rows, "logits")?) {
        if keep == 0 {
            *label = NONE_IGNORED;
        }
    }
    let upstream = upstream(reader, COTANGENTS)?;
    let problem = TokenProblem {
        op: token(reader, "softcap")?,
        rules,
        v,
        logits: x.data.clone(),
        labels,
        upstream,
        ..TokenProblem::default()
    };
    judgement(reader, "index", problem, &[all("logps", "logp"), all("entropy", "entropy")])
}

fn entropy(reader: Reader<'_>) -> Found {
    reader.allow(&[])?;
    let (x, rows, v) = logits(reader)?;
    let problem = TokenProblem {
        v,
        logits: x.data.clone(),
        labels: vec![0; rows.iter().product()],
        upstream: upstream(reader, COTANGENTS)?,
        ..TokenProblem::default()
    };
    judgement(reader, "labels", problem, &[all("entropy", "entropy")])
}

/// Our own names: `in.logits`, `in.labels`; `out.logp`, `out.lse`, `out.entropy`; gradients of their (weighted) sum.
fn contract(reader: Reader<'_>) -> Found {
    reader.allow(&["temperature", "logit_scale", "softcap", "ignore_index", "shift"])?;
    let upstream = upstream(reader, ["logp", "lse", "entropy", "log_sum_sq", "mean_logit"])?;
    let problem = TokenProblem { upstream, ..rows(reader, token(reader, "softcap")?)? };
    let outputs = ["logp", "lse", "entropy", "log_sum_sq", "mean_logit", "top1"].map(|name| all(name, name));
    Ok(vec![Judgement::new(problem, &outputs, &[all("logits", "d_logits")])])
}

/// `in.logits`, `in.labels` and their rules, checked.
pub(super) fn rows(reader: Reader<'_>, op: Token) -> Result<TokenProblem, FileError> {
    let (x, shape, v) = logits(reader)?;
    let rules = rules(reader, shape.last().copied().unwrap_or(1))?;
    let labels = reader.integers_of("labels", &shape, "logits")?;
    reader.active_finite("logits", x, |row| rules.of(&labels, row).is_some(), true)?;
    reader.labels_in_range("labels", &labels, rules.ignore_index, v)?;
    Ok(TokenProblem { op, rules, v, logits: x.data.clone(), labels, ..TokenProblem::default() })
}

/// `ignore_index` and `shift`.
pub(super) fn rules(reader: Reader<'_>, seq_len: usize) -> Result<Labels, FileError> {
    let shift = if reader.flag("shift", false)? { Shift::Next } else { Shift::Aligned };
    Ok(Labels { ignore_index: reader.integer("ignore_index", -100)?, shift, seq_len })
}

fn sequence(reader: Reader<'_>) -> Found {
    reader.allow(&["average", "shift", "ignore_index"])?;
    reader.allow_cotangents(&["logps"])?;
    let (x, shape, v) = logits(reader)?;
    reader.has_rank("logits", x, 3)?;
    let (sequences, len) = (shape[0], shape[1]);
    reader.at_least_one("logits", "token", len)?;
    let labels = reader.integers_of("labels", &shape, "logits")?;
    let rules = rules(reader, len)?;
    reader.active_finite("logits", x, |row| rules.of(&labels, row).is_some(), true)?;
    let scored: Vec<i32> = (0..labels.len()).filter_map(|row| rules.of(&labels, row)).collect();
    reader.labels_in_range("labels", &scored, rules.ignore_index, v)?;
    let cotangent = reader.case.cotangents.get("logps").map(|t| t.data.clone());
    let upstream = cotangent.unwrap_or_else(|| vec![0.0; sequences]);
    if reader.flag("average", false)? {
        Ok(chained(SequenceMean {}, rules, v, x, labels, upstream))
    } else {
        Ok(chained(SequenceSum {}, rules, v, x, labels, upstream))
    }
}

fn chained<O: SegmentOp>(
    op: O,
    rules: Labels,
    v: usize,
    logits: &Tensor,
    labels: Vec<i32>,
    upstream: Vec<f64>,
) -> Vec<Judgement> {
    let problem = SequenceProblem { op, rules, v, logits: logits.data.clone(), labels, upstream };
    vec![Judgement::new(problem, &[all("logps", "logps")], &[all("logits", "d_logits")])]
}
