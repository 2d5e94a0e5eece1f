//! Divergences between a student's and a teacher's logits.

use bellwether_core::logprob::{AlphaDivergence, Js, Kl};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::{Op, Storage};
use bellwether_cpu_ref::logit_pairs::PairRow;

use super::pair::cotangent;
use super::reader::Reader;
use super::token::{rules, token};
use super::{Entry, Judgement, all};
use crate::file::FileError;
use crate::problem::{DivergenceMean, LogitPairProblem};

type Found = Result<Vec<Judgement>, FileError>;

/// The problems of a case of this family; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Found> {
    match reader.case.op.as_str() {
        // TRL's numbers are those of both operators at the ends.
        "kl.forward" => Some(both(reader, "kl_forward", 1)),
        "kl.reverse" => Some(both(reader, "kl_reverse", 2)),
        "jsd.generalized" => Some(generalised(reader)),
        "logprob/kl" => Some(kl(reader).and_then(|op| contract(reader, op, &[]))),
        "logprob/js" => Some(js(reader).and_then(|op| contract(reader, op, &["beta"]))),
        "logprob/alpha_divergence" => Some(alpha(reader).and_then(|op| contract(reader, op, &["alpha"]))),
        _ => None,
    }
}

fn checked<O: Op>(reader: Reader<'_>, op: O) -> Result<O, FileError> {
    op.check().map_err(|e| reader.refused(e))?;
    Ok(op)
}

fn kl(reader: Reader<'_>) -> Result<Kl, FileError> {
    checked(reader, Kl::of(token(reader, "softcap")?))
}

pub(super) fn js(reader: Reader<'_>) -> Result<Js, FileError> {
    checked(reader, Js::of(reader.number("beta", 0.5)?, token(reader, "softcap")?))
}

fn alpha(reader: Reader<'_>) -> Result<AlphaDivergence, FileError> {
    checked(reader, AlphaDivergence::of(reader.number("alpha", 0.5)?, token(reader, "softcap")?))
}

/// Both matrices of logits, under these names, and the labels.
fn rows<O: PairRow>(
    reader: Reader<'_>,
    op: O,
    [policy, reference]: [&str; 2],
) -> Result<LogitPairProblem<O>, FileError> {
    let x = reader.floats(policy)?;
    let Some((&v, shape)) = x.shape.split_last().filter(|(v, _)| **v > 0) else {
        return Err(reader.refused(format!("in.{policy} needs a last dimension of at least 1")));
    };
    let r = reader.floats_of(reference, &x.shape, policy)?;
    let labels = reader.integers_of("labels", shape, policy)?;
    let rules = rules(reader, shape.last().copied().unwrap_or(1))?;
    let scored: Vec<i32> = (0..labels.len()).filter_map(|row| rules.of(&labels, row)).collect();
    reader.labels_in_range("labels", &scored, rules.ignore_index, v)?;
    let (logits, ref_logits) = (x.data.clone(), r.data.clone());
    Ok(LogitPairProblem {
        op,
        rules,
        v,
        gaps: [0; 2],
        logits,
        ref_logits,
        labels,
        mask: None,
        upstream: Default::default(),
        storage: Storage::F32,
        in_place: false,
    })
}

const PEERS: [&str; 2] = ["student_logits", "teacher_logits"];

/// A peer's case: the divergence of every row, also of those that do not count, and the mean over those that do.
fn peer<O: PairRow>(reader: Reader<'_>, op: O, plane: &'static str, upstream: usize) -> Found {
    reader.allow(&["beta", "temperature", "ignore_index"])?;
    let problem = rows(reader, op, PEERS)?;
    for name in PEERS {
        reader.active_finite(name, reader.floats(name)?, |_| true, true)?;
    }
    let every = LogitPairProblem {
        rules: Labels { ignore_index: i32::MIN, ..problem.rules },
        labels: vec![0; problem.labels.len()],
        ..problem.clone()
    };
    let mean = DivergenceMean::new(problem, plane, upstream);
    let gradients = [all("student_logits", "d_logits"), all("teacher_logits", "d_ref_logits")];
    let mut mean = Judgement::new(mean, &[all("loss", "loss")], &gradients);
    mean.cotangent = cotangent(reader)?;
    Ok(vec![Judgement::new(every, &[all("per_token", plane)], &[]), mean])
}

fn generalised(reader: Reader<'_>) -> Found {
    peer(reader, js(reader)?, "divergence", 1)
}

/// A KL of a peer: by the operator of one traversal and by that of two.
fn both(reader: Reader<'_>, plane: &'static str, upstream: usize) -> Found {
    let beta = if upstream == 1 { 0.0 } else { 1.0 };
    let said = reader.number("beta", beta)?;
    if said - beta != 0.0 {
        return Err(reader.refused(format!("`beta` is {said}, but this divergence is that of {beta}")));
    }
    let mut found = peer(reader, kl(reader)?, plane, upstream)?;
    let ends = Js { beta, ..js(reader)? };
    found.iter_mut().for_each(|j| j.from = "logprob/kl");
    let again = peer(reader, ends, "divergence", 1)?;
    found.extend(again.into_iter().map(|j| Judgement { from: "logprob/js", ..j }));
    Ok(found)
}

/// Our own names: `in.logits`, `in.ref_logits`, `in.labels`; the planes; gradients of their (weighted) sum.
fn contract<O: PairRow>(reader: Reader<'_>, op: O, params: &[&str]) -> Found {
    let shared = ["temperature", "logit_scale", "softcap", "ignore_index", "shift"];
    reader.allow(&[params, &shared].concat())?;
    let mut problem = rows(reader, op, ["logits", "ref_logits"])?;
    let active = |row: usize| problem.rules.of(&problem.labels, row).is_some();
    for name in ["logits", "ref_logits"] {
        reader.active_finite(name, reader.floats(name)?, active, true)?;
    }
    let names: Vec<&'static str> = O::UPSTREAM.iter().map(|name| name.trim_start_matches("d_")).collect();
    reader.allow_cotangents(&names)?;
    for (plane, name) in problem.upstream.iter_mut().zip(&names) {
        *plane = reader.case.cotangents.get(name).map(|t| t.data.clone());
    }
    let outputs: Vec<Entry> = O::PLANES.iter().take(9).map(|name| all(name, name)).collect();
    let gradients = [all("logits", "d_logits"), all("ref_logits", "d_ref_logits")];
    Ok(vec![Judgement::new(problem, &outputs, &gradients)])
}
