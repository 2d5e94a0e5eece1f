//! Whole training steps: golden cases from logits, and dumps of real steps with hidden states.

use bellwether_core::logprob::Token;
use bellwether_core::pair::{Length, PairLoss, Sft};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::{Labels, PLANES, Shift};
use bellwether_cpu_ref::pair_rows::PairLink;
use bellwether_cpu_ref::token_rows::{Tokens, token_rows};

use super::head::FileHead;
use super::pair::{LossVisitor, METRICS, cotangent, reduction};
use super::pair_names::{NamedLoss, Peer};
use super::reader::Reader;
use super::{Entry, Judgement, all, one};
use crate::file::{Case, FileError};
use crate::problem::{Head, StepProblem};
use crate::tensor::Tensor;

/// The only layout there is: TRL's.
const LAYOUT: &str = "rows 0..B chosen, B..2B rejected";

/// Whether the case is a step: it has logits or hidden states.
pub(super) fn is_step(case: &Case) -> bool {
    ["logits", "hidden", "labels", "target"].iter().any(|name| case.inputs.get(name).is_some())
}

/// What a step is made of, before its loss is known.
struct StepCase<'c> {
    reader: Reader<'c>,
    peer: Peer,
}

impl StepCase<'_> {
    /// Liger adds the mean NLL over all chosen tokens of the batch, `alpha` times.
    fn with_nll<L>(&self, loss: PairLoss<L>, batch: &Rows) -> Result<PairLoss<L>, FileError> {
        let wanted = self.reader.flag("compute_nll_loss", false)?;
        if !matches!(self.peer, Peer::Liger(_)) || !wanted {
            return Ok(loss);
        }
        let tokens = (0..batch.pairs * batch.len).filter(|&row| batch.active(row)).count();
        let per_pair = batch.pairs as f64 / tokens.max(1) as f64;
        Ok(PairLoss { sft: Sft::Sum(self.reader.number("alpha", 1.0)? * per_pair), ..loss })
    }
}

impl LossVisitor for StepCase<'_> {
    type Out = Vec<Judgement>;

    fn visit<L: PairLink>(self, loss: PairLoss<L>) -> Result<Vec<Judgement>, FileError> {
        let reader = self.reader;
        reader.word("layout", &[LAYOUT], LAYOUT)?;
        let batch = Rows::read(reader)?;
        let loss = self.with_nll(loss, &batch)?;
        let reduction = match self.peer {
            // Its words say how the NLL is added.
            Peer::Liger(_) => Reduction::Mean { over: u32::try_from(batch.pairs.max(1)).unwrap_or(u32::MAX) },
            peer => reduction(reader, peer != Peer::Ours, batch.pairs)?,
        };
        let step = |head, v| StepProblem {
            loss,
            head,
            v,
            pairs: batch.pairs,
            len: batch.len,
            labels: batch.labels.clone(),
            rules: batch.rules,
            ref_logps: batch.ref_logps.clone(),
            reduction,
            extras: [None, None, None],
            tail: None,
        };
        let mut judgements = Vec::new();
        let hidden = if let Peer::Liger(_) = self.peer { "input" } else { "hidden" };
        if reader.case.inputs.get(hidden).is_some() {
            let (head, v) = batch.hidden(reader, [hidden, "weight", "bias"])?;
            let mut grads = vec![all(hidden, "d_hidden"), all("weight", "d_weight")];
            grads.extend(head.has_bias().then_some(all("bias", "d_bias")));
            let mut outputs = outputs(reader.case);
            outputs.extend(liger_outputs(loss.length));
            let mut judgement = Judgement::new(step(head, v), &outputs, &grads);
            (judgement.from, judgement.inputs) = ("hidden", vec![all("logits", "logits")]);
            judgements.push(judgement);
        }
        if reader.case.inputs.get("logits").is_some() {
            let (head, v) = batch.logits(reader)?;
            // Outputs of a dump with hidden states were formed from those.
            let outputs = if judgements.is_empty() { outputs(reader.case) } else { Vec::new() };
            let mut judgement = Judgement::new(step(head, v), &outputs, &[all("logits", "d_logits")]);
            judgement.from = "logits";
            judgements.push(judgement);
        }
        if judgements.is_empty() {
            return Err(FileError::missing_tensor(reader.case, "in.hidden (or in.logits)"));
        }
        let cotangent = cotangent(reader)?;
        judgements.iter_mut().for_each(|j| j.cotangent = cotangent);
        Ok(judgements)
    }
}

/// The outputs that a step can have in a file.
fn outputs(case: &Case) -> Vec<Entry> {
    let scalar = case.outputs.get("loss").is_none_or(|loss| loss.len() == 1);
    let mut outputs = vec![
        if scalar { one("loss", "summary", 0) } else { all("loss", "per_pair") },
        one("loss_f64", "summary", 0),
        all("per_pair", "per_pair"),
        all("losses", "per_pair"),
        all("token_logps", "token_logps"),
        all("seq_logps", "seq_logps"),
        all("ref_seq_logps", "ref_seq_logps"),
        all("rewards_chosen", "rewards_chosen"),
        all("rewards_rejected", "rewards_rejected"),
    ];
    outputs.extend(METRICS);
    outputs
}

/// What Liger's fused losses return beside the loss: log-probabilities as the loss sees them.
fn liger_outputs(length: Length) -> [Entry; 2] {
    if length == Length::Sum {
        [all("chosen_logps", "chosen_seq_logps"), all("rejected_logps", "rejected_seq_logps")]
    } else {
        [all("chosen_logps", "chosen_mean_logps"), all("rejected_logps", "rejected_mean_logps")]
    }
}

/// Labels, rules and reference of a step.
struct Rows {
    /// Name of the tensor that holds the labels.
    name: &'static str,
    pairs: usize,
    len: usize,
    labels: Vec<i32>,
    rules: Labels,
    ref_logps: Vec<f64>,
}

impl Rows {
    /// `in.labels` and `in.ref_logps` of a dump, or TRL's `input_ids`, `completion_mask` and `ref_logits`.
    fn read(reader: Reader<'_>) -> Result<Self, FileError> {
        let named = |name: &&&str| reader.case.inputs.get(name).is_some();
        let name = ["input_ids", "target"].iter().find(named).copied().unwrap_or("labels");
        let shape = match reader.case.inputs.get(name) {
            Some(labels) => labels.shape.clone(),
            None => return Err(FileError::missing_tensor(reader.case, "in.labels")),
        };
        let [rows, len] = shape[..] else {
            return Err(reader.refused(format!("in.{name} has shape {shape:?}; [2B, T] is needed")));
        };
        reader.at_least_one(name, "token", len)?;
        if rows % 2 != 0 {
            return Err(
                reader.refused(format!("in.{name} has {rows} rows; chosen and rejected make an even number"))
            );
        }
        let ignore_index = reader.integer("ignore_index", -100)?;
        let mut labels = reader.integers_of(name, &shape, name)?;
        let mut rules = Labels { ignore_index, shift: Shift::Aligned, seq_len: len };
        if name == "input_ids" {
            rules.shift = Shift::Next;
            let mask = reader.integers_of("completion_mask", &shape, name)?;
            labels
                .iter_mut()
                .zip(mask)
                .filter(|(_, keep)| *keep == 0)
                .for_each(|(label, _)| *label = ignore_index);
        } else if reader.flag("shift", false)? {
            rules.shift = Shift::Next;
        }
        let mut found = Self { name, pairs: rows / 2, len, labels, rules, ref_logps: Vec::new() };
        found.ref_logps = found.reference(reader, &shape, name)?;
        Ok(found)
    }

    fn active(&self, row: usize) -> bool {
        self.rules.of(&self.labels, row).is_some()
    }

    /// Token log-probabilities under the reference, formed from its logits where those are given.
    fn reference(&self, reader: Reader<'_>, shape: &[usize], name: &str) -> Result<Vec<f64>, FileError> {
        if name == "target" {
            return self.fused_reference(reader);
        }
        if reader.case.inputs.get("ref_logits").is_none() {
            let found = reader.floats_of("ref_logps", shape, name)?;
            let column = Tensor { shape: vec![found.len(), 1], ..found.clone() };
            reader.active_finite("ref_logps", &column, |row| self.active(row), false)?;
            return Ok(found.data.clone());
        }
        let logits = reader.floats("ref_logits")?;
        let v = self.width(reader, "ref_logits", logits, name)?;
        reader.active_finite("ref_logits", logits, |row| self.active(row), true)?;
        let n = self.labels.len();
        let mut planes = vec![0.0; PLANES.len() * n];
        let tokens = Tokens::new(&logits.data, v, &self.labels, self.rules);
        token_rows(&Token::default(), &tokens, &mut planes).map_err(|e| reader.refused(e))?;
        planes.truncate(n);
        Ok(planes)
    }

    /// Token log-probabilities under Liger's reference model, formed from its hidden states; zeros without one.
    fn fused_reference(&self, reader: Reader<'_>) -> Result<Vec<f64>, FileError> {
        let n = self.labels.len();
        if reader.case.inputs.get("ref_input").is_none() {
            return Ok(vec![0.0; n]);
        }
        let reference = self.head(reader, ["ref_input", "ref_weight", "ref_bias"])?;
        reference.token_logps(&self.labels, self.rules).map_err(|e| reader.refused(e))
    }

    /// The last dimension of `[2B, T, width]`, whose first two are those of the labels.
    fn width(
        &self,
        reader: Reader<'_>,
        name: &str,
        found: &Tensor,
        because: &str,
    ) -> Result<usize, FileError> {
        let width = found.shape.get(2).copied().unwrap_or(0);
        reader.has_shape(name, found, &[2 * self.pairs, self.len, width], because)?;
        Ok(width)
    }

    fn check_labels(&self, reader: Reader<'_>, v: usize) -> Result<(), FileError> {
        let scored: Vec<i32> = self
            .labels
            .iter()
            .copied()
            .enumerate()
            .map(|(at, label)| {
                let scores = (0..self.labels.len()).contains(&at) && self.scores(at);
                if scores { label } else { self.rules.ignore_index }
            })
            .collect();
        reader.labels_in_range(self.name, &scored, self.rules.ignore_index, v)
    }

    /// Whether the label at `at` scores a row.
    fn scores(&self, at: usize) -> bool {
        match self.rules.shift {
            Shift::Aligned => true,
            Shift::Next => !at.is_multiple_of(self.len),
        }
    }

    /// Hidden states, LM-head weight and, where the file has one, bias, by these names.
    fn head(&self, reader: Reader<'_>, names: [&'static str; 3]) -> Result<FileHead, FileError> {
        let tokens = [2 * self.pairs, self.len];
        let head = FileHead::read(reader, names, (self.name, &tokens), |row| self.active(row))?;
        self.check_labels(reader, head.v)?;
        Ok(head)
    }

    fn hidden(&self, reader: Reader<'_>, names: [&'static str; 3]) -> Result<(Head, usize), FileError> {
        let FileHead { hidden, weight, bias, h, v } = self.head(reader, names)?;
        Ok((Head::Hidden { hidden, weight, bias, h }, v))
    }

    fn logits(&self, reader: Reader<'_>) -> Result<(Head, usize), FileError> {
        let logits = reader.floats("logits")?;
        let v = self.width(reader, "logits", logits, self.name)?;
        if let Some(weight) = reader.case.inputs.get("weight") {
            let rows = weight.shape.first().copied().unwrap_or(0);
            reader.has_shape("logits", logits, &[2 * self.pairs, self.len, rows], "weight")?;
        }
        self.check_labels(reader, v)?;
        reader.active_finite("logits", logits, |row| self.active(row), true)?;
        Ok((Head::Logits(logits.data.clone()), v))
    }
}

/// The problems of a step.
pub(super) fn read(reader: Reader<'_>, loss: &NamedLoss) -> Result<Vec<Judgement>, FileError> {
    loss.build(reader, StepCase { reader, peer: loss.peer })
}
