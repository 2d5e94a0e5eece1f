//! TRL's triple preference optimisation, from logits: pairs, and the mean NLL over all tokens of the best responses.

use bellwether_core::logprob::SequenceSum;
use bellwether_core::pair::{Noise, PairLoss, presets};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::{Labels, Shift};
use bellwether_cpu_ref::pair_rows::PairLink;

use super::pair::{LossVisitor, cotangent};
use super::pair_names::{NamedLoss, Peer};
use super::reader::Reader;
use super::{Judgement, all, one};
use crate::file::FileError;
use crate::problem::{Head, Problem, SequenceProblem, StepProblem, Triple};

/// The label of a token that is not counted.
const IGNORED: i32 = -100;

/// TRL's loss types.
const TYPES: [(&str, &str); 4] = [
    ("sigmoid", "pair/triple_po"),
    ("hinge", "pair/triple_po_hinge"),
    ("ipo", "pair/triple_po_ipo"),
    ("tpo-l", "pair/triple_po_l"),
];

/// The problem of a case of this kind; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Result<Vec<Judgement>, FileError>> {
    let (name, slug) = *TYPES.iter().find(|(name, _)| reader.case.op.strip_prefix("tpo.") == Some(name))?;
    let preset = presets::ALL.iter().find(|preset| preset.slug == slug)?;
    let loss = NamedLoss { link: preset.link, rule: preset.rule, params: preset.params, peer: Peer::Ours };
    Some(judgement(reader, name, &loss))
}

/// Logits and labels of sequences, `rows` times `len`.
struct Rows {
    rows: usize,
    len: usize,
    v: usize,
    logits: Vec<f64>,
    labels: Vec<i32>,
}

impl Rows {
    fn read(reader: Reader<'_>) -> Result<Self, FileError> {
        let logits = reader.floats("logits")?;
        reader.has_rank("logits", logits, 3)?;
        let (rows, len, v) = (logits.shape[0], logits.shape[1], logits.shape[2]);
        reader.at_least_one("logits", "column", v.min(len))?;
        let mut labels = reader.integers_of("input_ids", &[rows, len], "logits")?;
        let mask = reader.integers_of("completion_mask", &[rows, len], "logits")?;
        labels.iter_mut().zip(mask).filter(|(_, keep)| *keep == 0).for_each(|(label, _)| *label = IGNORED);
        let found = Self { rows, len, v, logits: logits.data.clone(), labels };
        let scored: Vec<i32> =
            found.labels.iter().enumerate().map(|(i, &y)| if i % len == 0 { IGNORED } else { y }).collect();
        reader.labels_in_range("input_ids", &scored, IGNORED, v)?;
        reader.active_finite("logits", logits, |row| found.counts(row), true)?;
        Ok(found)
    }

    const fn rules(&self) -> Labels {
        Labels { ignore_index: IGNORED, shift: Shift::Next, seq_len: self.len }
    }

    fn counts(&self, row: usize) -> bool {
        self.rules().of(&self.labels, row).is_some()
    }
}

/// The pairs of a batch as a step.
struct Pairs<'r> {
    rows: &'r Rows,
    pairs: usize,
    reduction: Reduction,
}

impl LossVisitor for Pairs<'_> {
    type Out = Box<dyn Problem>;

    fn visit<L: PairLink>(self, loss: PairLoss<L>) -> Result<Box<dyn Problem>, FileError> {
        let Self { rows, pairs, reduction } = self;
        let n = 2 * pairs * rows.len;
        Ok(Box::new(StepProblem {
            loss,
            head: Head::Logits(rows.logits[..n * rows.v].to_vec()),
            v: rows.v,
            pairs,
            len: rows.len,
            labels: rows.labels[..n].to_vec(),
            rules: rows.rules(),
            ref_logps: vec![0.0; n],
            reduction,
            extras: [None, None, None],
            tail: None,
        }))
    }
}

fn judgement(reader: Reader<'_>, name: &'static str, loss: &NamedLoss) -> Result<Vec<Judgement>, FileError> {
    reader.allow(&["loss_type", "beta", "label_smoothing", "gamma", "tpo_alpha"])?;
    reader.word("loss_type", &[name], name)?;
    let label_smoothing = reader.number("label_smoothing", 0.0)?;
    let noise = if label_smoothing == 0.0 { Noise::None } else { Noise::Conservative { label_smoothing } };
    let margin = if name == "tpo-l" { reader.number("gamma", 0.5)? } else { 0.0 };
    let rule = PairLoss { beta: reader.number("beta", 0.01)?, margin, noise, ..loss.rule };
    let alpha = reader.number("tpo_alpha", 1.0)?;
    let rows = Rows::read(reader)?;
    // Without the term there are no best responses in the batch.
    let responses = if alpha == 0.0 { 2 } else { 3 };
    if rows.rows % responses != 0 {
        return Err(reader.refused(format!("in.logits has {} rows, no multiple of {responses}", rows.rows)));
    }
    let pairs = rows.rows / responses;
    let reduction = Reduction::Mean { over: u32::try_from(pairs.max(1)).unwrap_or(u32::MAX) };
    let first = 2 * pairs * rows.len;
    let tokens = (first..rows.labels.len()).filter(|&row| rows.counts(row)).count();
    let gold = SequenceProblem {
        op: SequenceSum {},
        rules: rows.rules(),
        v: rows.v,
        logits: rows.logits[first * rows.v..].to_vec(),
        labels: rows.labels[first..].to_vec(),
        upstream: vec![-alpha / tokens.max(1) as f64; rows.rows - 2 * pairs],
    };
    let pairs = loss.of(reader, rule, Pairs { rows: &rows, pairs, reduction })?;
    let outputs = [one("loss", "loss", 0)];
    let mut judgement = Judgement::new(Triple { pairs, gold }, &outputs, &[all("logits", "d_logits")]);
    judgement.cotangent = cotangent(reader)?;
    Ok(vec![judgement])
}
