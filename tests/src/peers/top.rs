//! The largest of rows of logits, under our own names.

use bellwether_core::Op;
use bellwether_core::logprob::{TopEntropy, TopK};
use bellwether_core::sig::top_rows::{D_LOGP, TAIL};

use super::reader::Reader;
use super::token::{rows, token};
use super::{Entry, Judgement, all};
use crate::file::FileError;
use crate::problem::TopProblem;

/// Names of weights, in the order of the contract.
const COTANGENTS: [&str; 4] = ["mass", "entropy", "lse", "logp"];

/// The problem of a case of `logprob/top_k`; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Result<Vec<Judgement>, FileError>> {
    (reader.case.op == TopK::SPEC.slug).then(|| contract(reader))
}

/// `in.logits`, `in.labels`; `out.logp` and `out.index` with k numbers per row, `out.mass` and the rest; gradients of their
/// (weighted) sum.
fn contract(reader: Reader<'_>) -> Result<Vec<Judgement>, FileError> {
    reader.allow(&["k", "entropy", "temperature", "logit_scale", "softcap", "ignore_index", "shift"])?;
    reader.allow_cotangents(&COTANGENTS)?;
    let (k, kinds) = (reader.integer("k", 10)?, ["renormalised", "truncated"]);
    let entropy = match reader.word("entropy", &kinds, kinds[0])? {
        "truncated" => TopEntropy::Truncated,
        _ => TopEntropy::Renormalised,
    };
    let op = TopK::of(u32::try_from(k).unwrap_or(0), entropy, token(reader, "softcap")?);
    op.check().map_err(|e| reader.refused(e))?;
    let rows = rows(reader, op.token())?;
    let mut upstream =
        COTANGENTS.map(|name| reader.case.cotangents.get(name).map(|tensor| tensor.data.clone()));
    // A file has the k numbers of a row together, the contract a plane per rank.
    if let Some(by_row) = upstream[D_LOGP].take() {
        let rank = |rank: usize| by_row.iter().copied().skip(rank).step_by(op.ranks());
        upstream[D_LOGP] = Some((0..op.ranks()).flat_map(rank).collect());
    }
    let outputs: Vec<Entry> =
        ["logp", "index"].iter().chain(&TAIL[..TAIL.len() - 1]).map(|name| all(name, name)).collect();
    let problem = TopProblem { op, rows, upstream };
    Ok(vec![Judgement::new(problem, &outputs, &[all("logits", "d_logits")])])
}
