//! Pair losses on sequence log-probabilities.

use bellwether_core::pair::{Length, Noise, PairLoss, Score, Sft};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::pair_rows::PairLink;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::pair_names::{NamedLoss, Peer};
use super::reader::Reader;
use super::{Entry, Judgement, all, one};
use crate::file::FileError;
use crate::links::{self, LinkVisitor};
use crate::problem::PairProblem;

pub(super) use super::pair_names::loss_of;

/// The parameters that every pair loss takes, by whichever name.
const PARAMS: [&str; 21] = [
    "beta",
    "label_smoothing",
    "loss_type",
    "f_divergence_type",
    "f_alpha_divergence_coef",
    "alpha",
    "gamma",
    "margin",
    "sft",
    "optimism",
    "discopop_tau",
    "center_rewards_coefficient",
    "compute_nll_loss",
    "use_ref_model",
    "average_log_prob",
    "reference_free",
    "length",
    "reduction",
    "ignore_index",
    "shift",
    "layout",
];

impl NamedLoss {
    /// Builds the loss from a case's parameters and hands it on.
    pub(super) fn build<V: LossVisitor>(&self, reader: Reader<'_>, visitor: V) -> Result<V::Out, FileError> {
        let spec = bellwether_core::registry::SPECS.iter().find(|spec| spec.slug == self.link);
        let own: Vec<&str> = spec.into_iter().flat_map(|spec| spec.params).map(|p| p.name).collect();
        reader.allow(&[&PARAMS[..], &own].concat())?;
        if let Some(name) = self.peer.loss_type() {
            reader.word("loss_type", &[name], name)?;
        }
        let mut link: Map<String, Value> =
            self.params.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
        for name in own {
            if let Some(value) = reader.case.params.get(self.peer.name_of(self.link, name)) {
                link.insert(name.to_owned(), if value.is_null() { 0.0.into() } else { value.clone() });
            }
        }
        self.linked(reader, (self.rule(reader)?, link), visitor)
    }

    /// The link with its defaults under this rule.
    pub(super) fn of<V: LossVisitor>(
        &self,
        reader: Reader<'_>,
        rule: PairLoss<()>,
        visitor: V,
    ) -> Result<V::Out, FileError> {
        self.linked(reader, (rule, Map::new()), visitor)
    }

    fn linked<V: LossVisitor>(
        &self,
        reader: Reader<'_>,
        (rule, link): (PairLoss<()>, Map<String, Value>),
        visitor: V,
    ) -> Result<V::Out, FileError> {
        let build = Build { reader, rule, visitor };
        links::visit(self.link, link, build)
            .unwrap_or_else(|| Err(unlisted(self.link)))
            .unwrap_or_else(|e| Err(reader.refused(e)))
    }

    /// Everything but the link.
    fn rule(&self, reader: Reader<'_>) -> Result<PairLoss<()>, FileError> {
        let rule = self.rule;
        let sft = match rule.sft {
            Sft::TokenMean(weight) => Sft::TokenMean(reader.number("sft", weight)?),
            Sft::Sum(weight) => Sft::Sum(reader.number("sft", weight)?),
            Sft::None => match reader.number("sft", 0.0)? {
                0.0 => Sft::None,
                weight => Sft::Sum(weight),
            },
        };
        Ok(PairLoss {
            beta: reader.number("beta", rule.beta)?,
            score: self.score(reader)?,
            length: match (self.peer, reader.flag("average_log_prob", false)?) {
                (Peer::Liger(_), true) => Length::TokenMean,
                _ => length(reader, rule.length)?,
            },
            reference_free: reader.flag("reference_free", rule.reference_free)?,
            margin: reader.number(if self.peer == Peer::Ours { "margin" } else { "gamma" }, rule.margin)?,
            noise: self.noise(reader)?,
            sft,
            optimism: reader.number("optimism", rule.optimism)?,
            ..rule
        })
    }

    /// Label smoothing is the link's own where it has one; otherwise the rule says what it does.
    fn noise(&self, reader: Reader<'_>) -> Result<Noise, FileError> {
        let own = self.peer.name_of(self.link, "epsilon") == "label_smoothing";
        if own || !reader.case.params.contains_key("label_smoothing") {
            return Ok(self.rule.noise);
        }
        let label_smoothing = reader.number("label_smoothing", 0.0)?;
        if label_smoothing != 0.0 && self.peer != Peer::Ours && self.link != "pair/logistic" {
            let text = format!("`label_smoothing` is {label_smoothing}, but {} has none", self.link);
            return Err(reader.refused(text));
        }
        Ok(match self.rule.noise {
            Noise::Corrected { .. } => Noise::Corrected { label_smoothing },
            Noise::None | Noise::Conservative { .. } if label_smoothing == 0.0 => Noise::None,
            Noise::None | Noise::Conservative { .. } => Noise::Conservative { label_smoothing },
        })
    }

    fn score(&self, reader: Reader<'_>) -> Result<Score, FileError> {
        if let Peer::Cpo(_) = self.peer {
            // AlphaPO's `(1 − p^{−α})/α`; 0 is the log-probability itself.
            return Ok(match reader.number("alpha", 0.0)? {
                0.0 => Score::ReverseKl,
                alpha => Score::AlphaDivergence { coef: 1.0 - alpha, cap: Score::UNCAPPED },
            });
        }
        if let Peer::Liger(_) = self.peer {
            return Ok(Score::ReverseKl);
        }
        let maps = ["reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"];
        let stated = reader.case.params.contains_key("f_divergence_type");
        Ok(match reader.word("f_divergence_type", &maps, "reverse_kl")? {
            "forward_kl" => Score::ForwardKl,
            "js_divergence" => Score::JsDivergence,
            // TRL 0.24 has the paper's alpha = 1 − k.
            "alpha_divergence" if reader.case.params.contains_key("alpha") => {
                let coef = 1.0 - reader.number("alpha", 1.0)?;
                Score::AlphaDivergence { coef, cap: Score::UNCAPPED }
            }
            "alpha_divergence" => {
                let coef = reader.number("f_alpha_divergence_coef", 0.5)?;
                Score::AlphaDivergence { coef, cap: TRL_EXPONENT_CAP }
            }
            _ if stated => Score::ReverseKl,
            _ => self.rule.score,
        })
    }
}

fn length(reader: Reader<'_>, default: Length) -> Result<Length, FileError> {
    let words = [(Length::Sum, "sum"), (Length::TokenMean, "token_mean"), (Length::MeanLogp, "mean_logp")];
    let name = words.iter().find(|(length, _)| *length == default).map_or("sum", |(_, name)| name);
    let found = reader.word("length", &words.map(|(_, name)| name), name)?;
    Ok(words.iter().find(|(_, name)| *name == found).map_or(default, |(length, _)| *length))
}

fn unlisted(link: &str) -> serde_json::Error {
    serde::de::Error::custom(format!("{link} is not in the registry"))
}

/// TRL's largest exponent of an alpha divergence, for f32 and bf16.
const TRL_EXPONENT_CAP: f64 = 80.0;

/// What is done with a loss once it is built.
pub(super) trait LossVisitor {
    type Out;
    fn visit<L: PairLink>(self, loss: PairLoss<L>) -> Result<Self::Out, FileError>;
}

struct Build<'c, V> {
    reader: Reader<'c>,
    rule: PairLoss<()>,
    visitor: V,
}

impl<V: LossVisitor> LinkVisitor for Build<'_, V> {
    type Out = Result<V::Out, FileError>;

    fn visit<L: PairLink + DeserializeOwned>(self, link: L) -> Self::Out {
        let loss = self.rule.with(link);
        loss.check().map_err(|e| self.reader.refused(e))?;
        self.visitor.visit(loss)
    }
}

/// The reduction that a case states: TRL averages over pairs; a dump of ours has summed unless it says otherwise.
pub(super) fn reduction(reader: Reader<'_>, trl: bool, pairs: usize) -> Result<Reduction, FileError> {
    let words = ["mean over pairs", "mean", "sum", "none"];
    let mean = Reduction::Mean { over: u32::try_from(pairs.max(1)).unwrap_or(u32::MAX) };
    let default = if trl { "mean" } else { "sum" };
    let param = reader.word("reduction", &words, default)?;
    // A file may state it among the parameters, or apart from them.
    let stated = match reader.case.reduction.as_deref() {
        None => param,
        Some(text) => words.into_iter().find(|word| *word == text).ok_or_else(|| {
            reader.refused(format!("`reduction` is {text:?}, allowed is one of {}", words.join(", ")))
        })?,
    };
    if reader.case.params.contains_key("reduction") && param != stated {
        return Err(reader.refused(format!("`reduction` is {stated:?}, and {param:?} among the parameters")));
    }
    Ok(match stated {
        "sum" | "none" => Reduction::Sum,
        _ => mean,
    })
}

/// What TRL logs, and what else it returns.
pub(super) const METRICS: [Entry; 6] = [
    one("metric:rewards/chosen", "summary", 1),
    one("metric:rewards/rejected", "summary", 2),
    one("metric:rewards/margins", "summary", 3),
    one("metric:rewards/accuracies", "summary", 4),
    one("metric:logps/chosen", "logps_mean", 0),
    one("metric:logps/rejected", "logps_mean", 1),
];

struct PairCase<'c> {
    reader: Reader<'c>,
    peer: Peer,
}

impl PairCase<'_> {
    /// Weights, margins and preferences, where the file has them.
    fn extras(&self, shape: &[usize], because: &str) -> Result<[Option<Vec<f64>>; 3], FileError> {
        let plane = |name| {
            let given = self.reader.case.inputs.get(name).is_some();
            given.then(|| self.plane(name, shape, because)).transpose()
        };
        Ok([plane("weight")?, plane("margin")?, plane("preference")?])
    }

    fn plane(&self, name: &str, shape: &[usize], because: &str) -> Result<Vec<f64>, FileError> {
        let found = self.reader.floats_of(name, shape, because)?;
        self.reader.active_finite(name, found, |_| true, false)?;
        Ok(found.data.clone())
    }
}

impl LossVisitor for PairCase<'_> {
    type Out = Vec<Judgement>;

    fn visit<L: PairLink>(self, loss: PairLoss<L>) -> Result<Vec<Judgement>, FileError> {
        let reader = self.reader;
        let [first, second] = self.peer.inputs();
        let chosen = reader.floats(first)?;
        let plane = |name| self.plane(name, &chosen.shape, first);
        let reference = |name| if loss.reads_reference() { plane(name) } else { Ok(vec![0.0; chosen.len()]) };
        let logps =
            [plane(first)?, plane(second)?, reference("ref_chosen_logps")?, reference("ref_rejected_logps")?];
        let length = |name| reader.counts_of(name, &chosen.shape, first);
        let lengths =
            loss.reads_lengths().then(|| Ok([length("chosen_len")?, length("rejected_len")?])).transpose()?;
        let extras = self.extras(&chosen.shape, first)?;
        let reduction = Some(reduction(reader, self.peer != Peer::Ours, chosen.len())?);
        let problem = PairProblem { lengths, extras, reduction, ..PairProblem::new(loss, logps) };
        let scalar = reader.case.outputs.get("loss").is_none_or(|loss| loss.len() == 1);
        let loss = if scalar { one("loss", "summary", 0) } else { all("loss", "loss") };
        let mut outputs = vec![
            loss,
            all("losses", "loss"),
            all("rewards_chosen", "reward_chosen"),
            all("rewards_rejected", "reward_rejected"),
        ];
        outputs.extend(METRICS);
        outputs.extend(REWARD_METRICS);
        let grads = [all(first, "d_chosen"), all(second, "d_rejected")];
        let mut judgement = Judgement::new(problem, &outputs, &grads);
        judgement.cotangent = cotangent(reader)?;
        Ok(vec![judgement])
    }
}

/// What TRL's reward trainer logs.
const REWARD_METRICS: [Entry; 2] = [one("metric:margin", "summary", 3), one("metric:accuracy", "summary", 4)];

/// The weight of the scalar loss.
pub(super) fn cotangent(reader: Reader<'_>) -> Result<f64, FileError> {
    reader.allow_cotangents(&["loss"])?;
    match reader.case.cotangents.get("loss").map(|t| &t.data[..]) {
        None => Ok(1.0),
        Some(&[weight]) => Ok(weight),
        Some(many) => Err(reader.refused(format!("cotangent.loss has {} elements; 1 is needed", many.len()))),
    }
}

/// The problem of a case on sequence log-probabilities.
pub(super) fn read(reader: Reader<'_>, loss: &NamedLoss) -> Result<Vec<Judgement>, FileError> {
    loss.build(reader, PairCase { reader, peer: loss.peer })
}

#[cfg(test)]
mod tests {
    use super::super::reader::Reads;
    use super::*;
    use crate::file::Case;

    #[test]
    fn numbers_of_a_value_are_read_as_such() {
        let mut case = Case { op: "dpo.sigmoid".into(), ..Case::default() };
        case.params.insert("beta".into(), "0.1".into());
        let reads = Reads::default();
        let reader = Reader::new(&case, &reads);
        assert!(reader.number("beta", 0.1).is_err(), "a text is not a number");
    }
}
