//! Pair losses on sequence log-probabilities.

use bellwether_core::pair::{Length, PairLoss, Score, presets};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::pair_rows::PairLink;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::reader::Reader;
use super::{Entry, Judgement, all, one};
use crate::file::{Case, FileError};
use crate::links::{self, LinkVisitor};
use crate::problem::PairProblem;

/// A pair loss as a name says it: the link and the length rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NamedLoss {
    /// The link's slug.
    pub(super) link: &'static str,
    /// The length rule.
    pub(super) length: Length,
    /// The link's parameters where the case says nothing.
    pub(super) params: &'static [(&'static str, f64)],
    /// TRL's name, where it is TRL's: its parameters and its reduction.
    pub(super) trl: Option<&'static str>,
}

/// TRL's loss types that are compositions of ours. Since 1.0 its `ipo` divides by lengths.
const TRL: [(&str, &str, Length); 8] = [
    ("sigmoid", "pair/logistic", Length::Sum),
    ("sigmoid_norm", "pair/logistic", Length::TokenMean),
    ("hinge", "pair/hinge", Length::Sum),
    ("ipo", "pair/square", Length::TokenMean),
    ("robust", "pair/robust", Length::Sum),
    ("nca_pair", "pair/nca", Length::Sum),
    ("sppo_hard", "pair/sppo", Length::Sum),
    ("apo_zero", "pair/apo_zero", Length::Sum),
];

/// Families of TRL's names; `from_logits` takes its loss from `params.loss_type`.
fn trl_loss(case: &Case) -> Option<(&str, bool)> {
    match case.op.split_once('.')? {
        ("dpo", "from_logits") => Some((case.params.get("loss_type")?.as_str()?, false)),
        ("dpo" | "dpo_legacy", loss) => Some((loss, false)),
        ("dpo_unnormalized", loss) => Some((loss, true)),
        _ => None,
    }
}

/// The loss that a case's operator means.
pub(super) fn loss_of(case: &Case) -> Option<NamedLoss> {
    if let Some((name, sums)) = trl_loss(case) {
        let (name, link, length) = *TRL.iter().find(|(trl, ..)| *trl == name)?;
        let length = if sums { Length::Sum } else { length };
        return Some(NamedLoss { link, length, params: &[], trl: Some(name) });
    }
    if let Some(link) = links::slugs().find(|slug| *slug == case.op) {
        return Some(NamedLoss { link, length: Length::Sum, params: &[], trl: None });
    }
    let preset = presets::ALL.iter().find(|preset| preset.slug == case.op)?;
    Some(NamedLoss { link: preset.link, length: preset.length, params: preset.params, trl: None })
}

/// The parameters that every pair loss takes, by whichever name.
const PARAMS: [&str; 12] = [
    "beta",
    "label_smoothing",
    "loss_type",
    "f_divergence_type",
    "f_alpha_divergence_coef",
    "alpha",
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
        reader.allow(&PARAMS)?;
        if let Some(name) = self.trl {
            reader.word("loss_type", &[name], name)?;
        }
        let mut link: Map<String, Value> =
            self.params.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
        let smoothing = reader.number("label_smoothing", 0.0)?;
        let takes_smoothing = bellwether_core::registry::SPECS
            .iter()
            .any(|s| s.slug == self.link && s.params.iter().any(|p| p.name == "label_smoothing"));
        if takes_smoothing && reader.case.params.contains_key("label_smoothing") {
            link.insert("label_smoothing".into(), smoothing.into());
        } else if smoothing != 0.0 {
            return Err(
                reader.refused(format!("`label_smoothing` is {smoothing}, but {} has none", self.link))
            );
        }
        let build = Build { reader, named: self, visitor };
        links::visit(self.link, link, build)
            .unwrap_or_else(|| Err(unlisted(self.link)))
            .unwrap_or_else(|e| Err(reader.refused(e)))
    }

    fn length(&self, reader: Reader<'_>) -> Result<Length, FileError> {
        let default = if self.length == Length::TokenMean { "token_mean" } else { "sum" };
        Ok(match reader.word("length", &["sum", "token_mean"], default)? {
            "token_mean" => Length::TokenMean,
            _ => Length::Sum,
        })
    }
}

fn unlisted(link: &str) -> serde_json::Error {
    serde::de::Error::custom(format!("{link} is not in the registry"))
}

/// TRL's largest exponent of an alpha divergence, for f32 and bf16.
const TRL_EXPONENT_CAP: f64 = 80.0;

fn score(reader: Reader<'_>) -> Result<Score, FileError> {
    let maps = ["reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"];
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
        _ => Score::ReverseKl,
    })
}

/// What is done with a loss once it is built.
pub(super) trait LossVisitor {
    type Out;
    fn visit<L: PairLink>(self, loss: PairLoss<L>) -> Result<Self::Out, FileError>;
}

struct Build<'c, 'n, V> {
    reader: Reader<'c>,
    named: &'n NamedLoss,
    visitor: V,
}

impl<V: LossVisitor> LinkVisitor for Build<'_, '_, V> {
    type Out = Result<V::Out, FileError>;

    fn visit<L: PairLink + DeserializeOwned>(self, link: L) -> Self::Out {
        let reader = self.reader;
        let loss = PairLoss {
            beta: reader.number("beta", 0.1)?,
            score: score(reader)?,
            length: self.named.length(reader)?,
            reference_free: reader.flag("reference_free", false)?,
            link,
        };
        loss.check().map_err(|e| reader.refused(e))?;
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
    trl: bool,
}

impl LossVisitor for PairCase<'_> {
    type Out = Vec<Judgement>;

    fn visit<L: PairLink>(self, loss: PairLoss<L>) -> Result<Vec<Judgement>, FileError> {
        let reader = self.reader;
        let chosen = reader.floats("chosen_logps")?;
        let plane = |name| {
            let found = reader.floats_of(name, &chosen.shape, "chosen_logps")?;
            reader.active_finite(name, found, |_| true, false)?;
            Ok(found.data.clone())
        };
        let logps = [
            plane("chosen_logps")?,
            plane("rejected_logps")?,
            plane("ref_chosen_logps")?,
            plane("ref_rejected_logps")?,
        ];
        let length = |name| reader.counts_of(name, &chosen.shape, "chosen_logps");
        let lengths = match loss.length {
            Length::Sum => None,
            Length::TokenMean => Some([length("chosen_len")?, length("rejected_len")?]),
        };
        let reduction = Some(reduction(reader, self.trl, chosen.len())?);
        let problem = PairProblem { loss, logps, lengths, reduction };
        let scalar = reader.case.outputs.get("loss").is_none_or(|loss| loss.len() == 1);
        let loss = if scalar { one("loss", "summary", 0) } else { all("loss", "loss") };
        let mut outputs = vec![
            loss,
            all("losses", "loss"),
            all("rewards_chosen", "reward_chosen"),
            all("rewards_rejected", "reward_rejected"),
        ];
        outputs.extend(METRICS);
        let grads = [all("chosen_logps", "d_chosen"), all("rejected_logps", "d_rejected")];
        let mut judgement = Judgement::new(problem, &outputs, &grads);
        judgement.cotangent = cotangent(reader)?;
        Ok(vec![judgement])
    }
}

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
    loss.build(reader, PairCase { reader, trl: loss.trl.is_some() })
}

#[cfg(test)]
mod tests {
    use super::super::reader::Reads;
    use super::*;

    #[test]
    fn every_trl_name_means_a_listed_link() {
        for (name, link, _) in TRL {
            assert!(links::slugs().any(|slug| slug == link), "{name}: {link}");
        }
    }

    #[test]
    fn a_preset_brings_its_own_parameters() {
        for preset in presets::ALL {
            let case = Case { op: preset.slug.into(), ..Case::default() };
            let loss = loss_of(&case).unwrap_or_else(|| panic!("{}", preset.slug));
            assert_eq!((loss.link, loss.length, loss.params), (preset.link, preset.length, preset.params));
        }
        let robust = presets::ALL.iter().find(|preset| preset.slug == "pair/rdpo");
        assert_eq!(robust.map(|preset| preset.params), Some(&[("label_smoothing", 0.1)][..]));
    }

    #[test]
    fn numbers_of_a_value_are_read_as_such() {
        let mut case = Case { op: "dpo.sigmoid".into(), ..Case::default() };
        case.params.insert("beta".into(), "0.1".into());
        let reads = Reads::default();
        let reader = Reader::new(&case, &reads);
        assert!(reader.number("beta", 0.1).is_err(), "a text is not a number");
    }
}
