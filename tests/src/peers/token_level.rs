//! Pair losses from token log-probabilities: TRL's sums of loss types with LD-DPO and WPO, and XPO.

use bellwether_core::pair::{Asft, PairLoss};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::{Labels, Shift};
use bellwether_cpu_ref::pair_rows::PairLink;

use super::pair::{LossVisitor, METRICS, cotangent};
use super::pair_names::dpo_type;
use super::reader::Reader;
use super::{Judgement, all, one};
use crate::file::FileError;
use crate::problem::{Head, Mixed, Problem, StepProblem};

/// A batch of token log-probabilities: chosen rows, then rejected ones.
struct Tokens<'c> {
    reader: Reader<'c>,
    pairs: usize,
    len: usize,
    keep: Vec<bool>,
    logps: Vec<f64>,
    ref_logps: Vec<f64>,
    extras: [Option<Vec<f64>>; 3],
}

impl<'c> Tokens<'c> {
    /// A floating-point array `[rows, T]`.
    fn array(reader: Reader<'c>, name: &str) -> Result<([usize; 2], Vec<f64>), FileError> {
        let found = reader.floats(name)?;
        reader.has_rank(name, found, 2)?;
        reader.at_least_one(name, "token", found.shape[1])?;
        Ok(([found.shape[0], found.shape[1]], found.data.clone()))
    }

    /// TRL's `per_token_logps`, `ref_per_token_logps` and `completion_mask`.
    fn trl(reader: Reader<'c>) -> Result<Self, FileError> {
        let ([rows, len], logps) = Self::array(reader, "per_token_logps")?;
        let shape = [rows, len];
        let ref_logps = reader.floats_of("ref_per_token_logps", &shape, "per_token_logps")?.data.clone();
        let mask = reader.integers_of("completion_mask", &shape, "per_token_logps")?;
        let keep = mask.into_iter().map(|keep| keep != 0).collect();
        Ok(Self { reader, pairs: rows / 2, len, keep, logps, ref_logps, extras: [None, None, None] })
    }

    /// Tokens that count in a row.
    fn count(&self, row: usize) -> usize {
        self.keep[row * self.len..][..self.len].iter().filter(|keep| **keep).count()
    }

    /// LD-DPO: tokens beyond the shorter response of the pair weigh `alpha`.
    fn desensitised(&self) -> Result<Vec<f64>, FileError> {
        let alpha = self.reader.number("ld_alpha", 1.0)?;
        let weight = |row: usize, t: usize| {
            let shared = self.count(row % self.pairs).min(self.count(row % self.pairs + self.pairs));
            let before = self.keep[row * self.len..][..t].iter().filter(|keep| **keep).count();
            // The shorter response has no tail, not even behind its end.
            if before < shared || self.count(row) == shared { 1.0 } else { alpha }
        };
        Ok((0..self.keep.len()).map(|i| weight(i / self.len, i % self.len)).collect())
    }

    /// WPO: `exp(mean(logp − log Σp²))` of both responses.
    fn weights(&self) -> Result<Option<Vec<f64>>, FileError> {
        if !self.reader.flag("use_weighting", false)? {
            return Ok(None);
        }
        let shape = [2 * self.pairs, self.len];
        let squares = self.reader.floats_of("log_sum_sq_probs", &shape, "per_token_logps")?;
        let mean = |row: usize| {
            let rows = (row * self.len..(row + 1) * self.len).filter(|&i| self.keep[i]);
            rows.map(|i| self.logps[i] - squares.data[i]).sum::<f64>() / self.count(row).max(1) as f64
        };
        Ok(Some((0..self.pairs).map(|i| (mean(i) + mean(i + self.pairs)).exp()).collect()))
    }

    fn step<L: PairLink>(&self, loss: PairLoss<L>) -> StepProblem<L> {
        StepProblem {
            loss,
            head: Head::Logps(self.logps.clone()),
            v: 0,
            pairs: self.pairs,
            len: self.len,
            labels: self.keep.iter().map(|&keep| if keep { 0 } else { -100 }).collect(),
            rules: Labels { ignore_index: -100, shift: Shift::Aligned, seq_len: self.len },
            ref_logps: self.ref_logps.clone(),
            reduction: Reduction::Mean { over: u32::try_from(self.pairs.max(1)).unwrap_or(u32::MAX) },
            extras: self.extras.clone(),
            tail: None,
        }
    }
}

/// One loss type as a step.
struct Part<'t, 'c>(&'t Tokens<'c>);

impl LossVisitor for Part<'_, '_> {
    type Out = Box<dyn Problem>;

    fn visit<L: PairLink>(self, loss: PairLoss<L>) -> Result<Box<dyn Problem>, FileError> {
        Ok(Box::new(self.0.step(loss)))
    }
}

/// `params.NAME`, a list.
fn list<'c, T>(
    reader: Reader<'c>,
    name: &str,
    of: impl Fn(&'c serde_json::Value) -> Option<T>,
) -> Result<Vec<T>, FileError> {
    let items = reader.case.params.get(name).and_then(serde_json::Value::as_array);
    let found = items.and_then(|items| items.iter().map(of).collect::<Option<Vec<T>>>());
    found.ok_or_else(|| reader.refused(format!("`{name}` is no list of what it should hold")))
}

/// `dpo.token_level`: a weighted sum of loss types.
pub(super) fn mixed(reader: Reader<'_>) -> Result<Vec<Judgement>, FileError> {
    reader.allow(&["loss_types", "loss_weights", "beta", "ld_alpha", "use_weighting"])?;
    let mut tokens = Tokens::trl(reader)?;
    let token_weights = tokens.desensitised()?;
    tokens.extras[0] = tokens.weights()?;
    for (i, weight) in token_weights.iter().enumerate() {
        (tokens.logps[i], tokens.ref_logps[i]) = (tokens.logps[i] * weight, tokens.ref_logps[i] * weight);
    }
    let beta = reader.number("beta", 0.1)?;
    let types = list(reader, "loss_types", serde_json::Value::as_str)?;
    let weights = list(reader, "loss_weights", serde_json::Value::as_f64)?;
    let mut parts: Vec<(f64, Box<dyn Problem>)> = Vec::new();
    let unmasked = types.iter().map(|name| *name != "sft").collect();
    for (name, weight) in types.into_iter().zip(weights) {
        if name == "sft" {
            // The mean NLL over all chosen tokens: ASFT without its alignment term is the NLL.
            let tokens_of_all = (0..tokens.pairs).map(|row| tokens.count(row)).sum::<usize>().max(1);
            let loss = PairLoss { beta, reference_free: true, ..PairLoss::new(beta, Asft { lambda: 0.0 }) };
            let share = tokens.pairs as f64 / tokens_of_all as f64;
            parts.push((weight * share, Box::new(tokens.step(loss))));
            continue;
        }
        let named = dpo_type(name).ok_or_else(|| reader.refused(format!("unknown loss type {name:?}")))?;
        let rule = PairLoss { beta, ..named.rule };
        parts.push((weight, named.of(reader, rule, Part(&tokens))?));
    }
    let mut outputs = vec![one("loss", "summary", 0)];
    outputs.extend(METRICS);
    // TRL masks log-probabilities before they come in, so its gradients are not masked but for the NLL.
    if tokens.keep.iter().zip(&tokens.logps).any(|(keep, logp)| !keep && *logp != 0.0) {
        return Err(reader.refused("in.per_token_logps is not 0 where in.completion_mask is"));
    }
    let (keep, len) = (tokens.keep.clone(), tokens.len);
    let problem = Mixed { parts, unmasked, keep, len, token_weights };
    let mut judgement = Judgement::new(problem, &outputs, &[all("per_token_logps", "d_logps")]);
    judgement.cotangent = cotangent(reader)?;
    Ok(vec![judgement])
}

/// `xpo.*`: the policy's own response and the reference's, of which either may have won.
pub(super) fn xpo(reader: Reader<'_>) -> Result<Vec<Judgement>, FileError> {
    reader.allow(&["loss_type", "beta", "alpha"])?;
    let names = ["model_logps_model_data", "model_logps_ref_data"];
    let ([pairs, len], own) = Tokens::array(reader, names[0])?;
    let other = |name| Ok::<_, FileError>(reader.floats_of(name, &[pairs, len], names[0])?.data.clone());
    let won = reader.counts_of("model_is_chosen", &[pairs], names[0])?;
    let tokens = Tokens {
        reader,
        pairs,
        len,
        keep: vec![true; 2 * pairs * len],
        logps: [own, other(names[1])?].concat(),
        ref_logps: [other("ref_logps_model_data")?, other("ref_logps_ref_data")?].concat(),
        extras: [None, None, Some(won)],
    };
    let name = if reader.case.op == "xpo.ipo" { "ipo" } else { "sigmoid" };
    let named = dpo_type(name).ok_or_else(|| FileError::unknown_op(reader.case))?;
    let rule = PairLoss { length: bellwether_core::pair::Length::Sum, ..named.rule };
    let beta = reader.number("beta", 0.1)?;
    let judged = |optimism: f64, outputs: &[_], grads: &[_]| -> Result<Judgement, FileError> {
        let rule = PairLoss { beta, optimism, ..rule };
        let problem = named.of(reader, rule, Part(&tokens))?;
        Ok(Judgement::boxed(problem, outputs, grads))
    };
    let grads = [all(names[0], "d_chosen_logps"), all(names[1], "d_rejected_logps")];
    let mut all_of_it = judged(reader.number("alpha", 1e-5)?, &[one("loss", "summary", 0)], &grads)?;
    (all_of_it.from, all_of_it.cotangent) = ("optimism", cotangent(reader)?);
    let mut pairs_alone = judged(0.0, &[all("dpo_losses", "per_pair")], &[])?;
    pairs_alone.from = "pairs";
    Ok(vec![all_of_it, pairs_alone])
}

/// The problems of a case from token log-probabilities; `None` where it is another operator.
pub(super) fn read(reader: Reader<'_>) -> Option<Result<Vec<Judgement>, FileError>> {
    match reader.case.op.as_str() {
        "dpo.token_level" => Some(mixed(reader)),
        "xpo.sigmoid" | "xpo.ipo" => Some(xpo(reader)),
        _ => None,
    }
}
