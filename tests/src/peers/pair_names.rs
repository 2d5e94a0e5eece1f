//! What names of pair losses mean: ours, and those of TRL and Liger.

use bellwether_core::pair::{Length, Noise, PairLoss, Reward, presets};

use crate::file::Case;
use crate::links;

/// Whose name it is: which parameters, reduction and tensors go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// An operator or a preset of this project.
    Ours,
    /// TRL's DPO trainer; its loss type.
    Dpo(&'static str),
    /// TRL's CPO trainer: no reference; its loss type.
    Cpo(&'static str),
    /// TRL's ORPO trainer: the odds-ratio term.
    Orpo,
    /// TRL's reward trainer.
    RewardModel,
    /// Liger's fused losses; the loss type of its DPO.
    Liger(Option<&'static str>),
}

impl Peer {
    /// What `params.loss_type` must be where it is stated.
    pub(super) fn loss_type(self) -> Option<&'static str> {
        match self {
            Self::Dpo(name) | Self::Cpo(name) | Self::Liger(Some(name)) => Some(name),
            Self::Liger(None) | Self::Ours | Self::Orpo | Self::RewardModel => None,
        }
    }

    /// The peer's name for a link's parameter.
    pub(super) fn name_of(self, link: &str, param: &'static str) -> &'static str {
        match (self, link, param) {
            (Self::Dpo(_) | Self::Liger(_), "pair/exo", "epsilon") => "label_smoothing",
            (Self::Dpo(_) | Self::Liger(_), "pair/discopop", "tau") => "discopop_tau",
            (Self::RewardModel, _, "center") => "center_rewards_coefficient",
            _ => param,
        }
    }

    /// The two tensors that a file must have.
    pub(super) fn inputs(self) -> [&'static str; 2] {
        match self {
            Self::RewardModel => ["chosen_rewards", "rejected_rewards"],
            _ => ["chosen_logps", "rejected_logps"],
        }
    }
}

/// A pair loss as a name says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NamedLoss {
    /// The link's slug.
    pub(super) link: &'static str,
    /// The link's parameters where the case says nothing.
    pub(super) params: &'static [(&'static str, f64)],
    /// Everything else where the case says nothing.
    pub(super) rule: PairLoss<()>,
    /// Whose name it is.
    pub(super) peer: Peer,
}

/// TRL's default composition.
const PLAIN: PairLoss<()> = PairLoss::new(0.1, ());
/// Trainers without a reference.
const FREE: PairLoss<()> = PairLoss { reference_free: true, reward: Reward::Score, ..PLAIN };
const MEAN: PairLoss<()> = PairLoss { length: Length::TokenMean, ..PLAIN };
const FREE_MEAN: PairLoss<()> = PairLoss { length: Length::TokenMean, ..FREE };
const CORRECTED: PairLoss<()> = PairLoss { noise: Noise::Corrected { label_smoothing: 0.0 }, ..PLAIN };

/// TRL's loss types of its DPO trainer. Since 1.0 its `ipo` divides by lengths.
const DPO: [(&str, &str, PairLoss<()>); 12] = [
    ("sigmoid", "pair/logistic", PLAIN),
    ("sigmoid_norm", "pair/logistic", MEAN),
    ("hinge", "pair/hinge", PLAIN),
    ("ipo", "pair/square", MEAN),
    ("robust", "pair/logistic", CORRECTED),
    ("exo_pair", "pair/exo", PLAIN),
    ("nca_pair", "pair/nca", PLAIN),
    ("bco_pair", "pair/bco", PLAIN),
    ("sppo_hard", "pair/sppo", PLAIN),
    ("apo_zero", "pair/apo_zero", PLAIN),
    ("apo_down", "pair/apo_down", PLAIN),
    ("discopop", "pair/discopop", PLAIN),
];

/// The loss types of its CPO trainer, on sums or on means as the file has them.
const CPO: [(&str, &str); 4] = [
    ("sigmoid", "pair/logistic"),
    ("hinge", "pair/hinge"),
    ("ipo", "pair/square"),
    ("simpo", "pair/logistic"),
];

/// A loss type of TRL's DPO trainer.
pub(super) fn dpo_type(name: &str) -> Option<NamedLoss> {
    let (name, link, rule) = *DPO.iter().find(|(trl, ..)| *trl == name)?;
    Some(NamedLoss { link, rule, params: &[], peer: Peer::Dpo(name) })
}

/// The loss of TRL's DPO trainer that a case means; `from_logits` takes it from `params.loss_type`.
fn dpo(case: &Case) -> Option<NamedLoss> {
    let (name, sums) = match case.op.split_once('.')? {
        ("dpo", "from_logits") => (case.params.get("loss_type")?.as_str()?, false),
        ("dpo" | "dpo_legacy", loss) => (loss, false),
        ("dpo_unnormalized", loss) => (loss, true),
        _ => return None,
    };
    let found = dpo_type(name)?;
    let length = if sums { Length::Sum } else { found.rule.length };
    Some(NamedLoss { rule: PairLoss { length, ..found.rule }, ..found })
}

/// Liger's fused losses: those of TRL's DPO trainer that it has, and three without a reference.
fn liger(case: &Case) -> Option<NamedLoss> {
    let of = |link, rule, peer| Some(NamedLoss { link, rule, params: &[], peer });
    match case.op.strip_prefix("fused_linear.")? {
        "cpo" => of("pair/logistic", FREE, Peer::Liger(None)),
        "simpo" => of("pair/logistic", FREE_MEAN, Peer::Liger(None)),
        "orpo" => of("pair/odds_ratio", FREE_MEAN, Peer::Liger(None)),
        op => {
            let name = op.strip_prefix("dpo.").filter(|name| !name.starts_with("sigmoid_"))?;
            let (name, link, rule) = *DPO.iter().find(|(trl, ..)| *trl == name)?;
            of(link, rule, Peer::Liger(Some(name)))
        }
    }
}

/// The losses of its trainers without a reference.
fn free(case: &Case) -> Option<NamedLoss> {
    let of = |link, peer| Some(NamedLoss { link, rule: FREE, params: &[], peer });
    match case.op.as_str() {
        "orpo.odds_ratio" => of("pair/odds_ratio", Peer::Orpo),
        "reward.bradley_terry" => {
            let found = of("pair/bradley_terry", Peer::RewardModel)?;
            Some(NamedLoss { rule: PairLoss { beta: 1.0, ..FREE }, ..found })
        }
        op => {
            let name = op.strip_suffix(".alphapo").unwrap_or(op);
            let name = if name == "simpo" { name } else { name.strip_prefix("cpo.")? };
            let (name, link) = *CPO.iter().find(|(trl, _)| *trl == name)?;
            of(link, Peer::Cpo(name))
        }
    }
}

/// The loss that a case's operator means.
pub(super) fn loss_of(case: &Case) -> Option<NamedLoss> {
    if let Some(found) = dpo(case).or_else(|| free(case)).or_else(|| liger(case)) {
        return Some(found);
    }
    if let Some(link) = links::slugs().find(|slug| *slug == case.op) {
        return Some(NamedLoss { link, rule: PLAIN, params: &[], peer: Peer::Ours });
    }
    let preset = presets::ALL.iter().find(|preset| preset.slug == case.op)?;
    Some(NamedLoss { link: preset.link, rule: preset.rule, params: preset.params, peer: Peer::Ours })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_peer_means_a_listed_link() {
        for link in DPO.iter().map(|(_, link, _)| link).chain(CPO.iter().map(|(_, link)| link)) {
            assert!(links::slugs().any(|slug| slug == *link), "{link}");
        }
    }

    #[test]
    fn a_preset_brings_its_own_parameters() {
        for preset in presets::ALL {
            let case = Case { op: preset.slug.into(), ..Case::default() };
            let loss = loss_of(&case).unwrap_or_else(|| panic!("{}", preset.slug));
            assert_eq!((loss.link, loss.rule, loss.params), (preset.link, preset.rule, preset.params));
        }
        let robust = presets::ALL.iter().find(|preset| preset.slug == "pair/rdpo");
        let noise = robust.map(|preset| preset.rule.noise);
        assert_eq!(noise, Some(Noise::Corrected { label_smoothing: 0.1 }));
    }
}
