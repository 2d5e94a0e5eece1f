//! A whole step of a loss on single responses: the twin of the step of a pair loss for maps whose first input is a
//! response's log-probability (family `unpaired`, `logprob/nll`).

use bellwether_core::Error;
use bellwether_core::logprob::{Linear, SequenceSum, Token};
use bellwether_core::op::require;
use bellwether_core::sig::segment_stats::{Keep, Segments, VALUE};
use bellwether_core::sig::token_map::MOST;
use bellwether_core::sig::token_rows::{LOGP, Labels, Shift};
use bellwether_core::sig::{Reduction, segment_stats as segment, token_rows as token};

use super::Reference;
use crate::fused_linear::{Hidden, HiddenGradients, check_backward, fused_linear, fused_linear_backward};
use crate::rows::{Scalar, exactly, product};
use crate::segment_stats::{Values, segment_stats, segment_stats_backward};
use crate::token_map::{MapInputs, MapRow, View, token_map};
use crate::token_rows::{TokenUpstream, Tokens, token_rows, token_rows_backward};

const OP: &str = "single_step";
/// The constant that the step forms itself.
const REFERENCE: &str = "ref_logp";

/// One batch of responses.
#[derive(Clone, Copy, Debug)]
pub struct SingleBatch<'a, T> {
    /// Labels, `[B · T]`.
    pub labels: &'a [i32],
    /// Which label scores which row; `seq_len` is `T`.
    pub rules: Labels,
    /// Responses.
    pub responses: usize,
    /// Tokens per response, padding included.
    pub len: usize,
    /// The reference, `[B · T]` or `[B]`; `None` where the loss does not read it.
    pub reference: Option<Reference<'a, T>>,
    /// The loss's inputs behind the log-probability, `[B, 1]` each. Their gradients stand in the planes of the map.
    pub inputs: &'a [View<'a, T>],
    /// The loss's constants but for the reference, in their order; one for all has a row distance of 0.
    pub constants: &'a [View<'a, T>],
    /// How the losses of the responses become one.
    pub reduction: Reduction,
    /// Multiplies the reduced loss and all gradients beside the reduction; finite.
    pub weight: f64,
}

/// Where the intermediate and final numbers of a step go.
#[derive(Debug)]
pub struct SingleOut<'a, T> {
    /// Planes of TokenRows, `[10, B · T]`; empty where token log-probabilities are given.
    pub tokens: &'a mut [T],
    /// Planes of SegmentStats, `[3, B]`: log-probability and length of each response.
    pub sequences: &'a mut [T],
    /// The same of the reference; only the first plane is filled where it was given per sequence, none without one.
    pub ref_sequences: &'a mut [T],
    /// Planes of the map, `[outputs + inputs + 1, B]`.
    pub map: &'a mut [T],
    /// The reduced loss, `[1]`.
    pub loss: &'a mut [T],
    /// Gradient of the reduced loss by every token's log-probability, `[B · T]`.
    pub d_tokens: &'a mut [T],
}

impl<T: Scalar> SingleBatch<'_, T> {
    fn values<'s>(&'s self, values: &'s [T]) -> Values<'s, T> {
        Values {
            values,
            segments: Segments::Padded { count: self.responses, len: self.len },
            keep: Keep::Labelled { labels: self.labels, rules: self.rules },
        }
    }

    /// From token log-probabilities, given or in `out.tokens`, to the gradient of each.
    fn run<O: MapRow>(&self, op: &O, given: Option<&[T]>, out: &mut SingleOut<'_, T>) -> Result<(), Error> {
        let (b, n, sum) = (self.responses, self.labels.len(), SequenceSum {});
        let logps = given.unwrap_or_else(|| &out.tokens[LOGP * n..][..n]);
        segment_stats(&sum, &self.values(logps), Reduction::Sum, out.sequences)?;
        match self.reference {
            None => (),
            Some(Reference::Token(x)) => {
                segment_stats(&sum, &self.values(x), Reduction::Sum, out.ref_sequences)?;
            }
            Some(Reference::Sequence(x)) => out.ref_sequences[..b].copy_from_slice(x),
        }
        self.map(op, out)?;
        let upstream = &out.map[O::PLANES.outputs.len() * b..][..b];
        let logps = given.unwrap_or_else(|| &out.tokens[LOGP * n..][..n]);
        segment_stats_backward(&sum, &self.values(logps), Reduction::Sum, upstream, out.d_tokens)
    }

    /// From log-probabilities of responses to losses, gradients and the reduced loss.
    fn map<O: MapRow>(&self, op: &O, out: &mut SingleOut<'_, T>) -> Result<(), Error> {
        let (b, planes) = (self.responses, O::PLANES);
        let of_sequences = |data| View { data, row: 1, col: 1 };
        let mut inputs = [of_sequences(&out.sequences[VALUE * b..][..b]); MOST];
        inputs[1..].iter_mut().zip(self.inputs).for_each(|(to, view)| *to = *view);
        let mut constants = [of_sequences(&out.ref_sequences[..b]); MOST];
        let mut given = self.constants.iter();
        for (to, _) in constants.iter_mut().zip(planes.constants).filter(|(_, name)| **name != REFERENCE) {
            given.next().into_iter().for_each(|view| *to = *view);
        }
        let (inputs, constants) = (&inputs[..planes.inputs.len()], &constants[..planes.constants.len()]);
        token_map(op, &MapInputs::new((b, 1), inputs, constants), self.reduction, out.map)?;
        let weight = T::lift(self.weight);
        out.loss[0] = T::lift(self.reduction.scale() * self.weight) * T::total(out.map[..b].iter().copied());
        let gradients = out.map[planes.outputs.len() * b..][..planes.inputs.len() * b].iter_mut();
        gradients.for_each(|d| *d = weight.weigh(*d));
        Ok(())
    }

    /// As many arrays as the loss has, each of the size of its shape.
    fn check<O: MapRow>(&self, token_planes: usize, out: &SingleOut<'_, T>) -> Result<(), Error> {
        let (b, planes) = (self.responses, O::PLANES);
        self.reduction.check(OP)?;
        require(self.weight.is_finite(), OP, "weight", self.weight, "finite")?;
        let count = |arg, expected, given| {
            let wrong = Error::ShapeMismatch { op: OP, arg, expected, given };
            if expected == given { Ok(()) } else { Err(wrong) }
        };
        count("inputs (the first is logp)", usize::from(planes.inputs.first() == Some(&"logp")), 1)?;
        let reads = usize::from(planes.constants.contains(&REFERENCE));
        count("inputs", planes.inputs.len() - 1, self.inputs.len())?;
        count("reference", reads, usize::from(self.reference.is_some()))?;
        count("constants", planes.constants.len() - reads, self.constants.len())?;
        let n = product(OP, "labels", b, self.len)?;
        exactly(OP, "labels", self.labels, n)?;
        if self.rules.shift == Shift::Next && n > 0 {
            count("rules.seq_len", self.len, self.rules.seq_len)?;
        }
        match self.reference {
            None => (),
            Some(Reference::Token(x)) => exactly(OP, "reference", x, n)?,
            Some(Reference::Sequence(x)) => exactly(OP, "reference", x, b)?,
        }
        for (arg, slice, planes, of) in [
            ("tokens", &*out.tokens, token_planes, n),
            ("sequences", &*out.sequences, segment::PLANES.len(), b),
            ("ref_sequences", &*out.ref_sequences, segment::PLANES.len(), b),
            ("map", &*out.map, planes.count(), b),
            ("loss", &*out.loss, 1, 1),
            ("d_tokens", &*out.d_tokens, 1, n),
        ] {
            exactly(OP, arg, slice, product(OP, arg, planes, of)?)?;
        }
        Ok(())
    }
}

/// The step from token log-probabilities `[B · T]`: `out.d_tokens` is the gradient of the reduced loss by each.
///
/// # Errors
/// Those of the stages, and arrays that the loss has not or that are missing.
pub fn single_step_from_logps<O: MapRow, T: Scalar>(
    op: &O,
    batch: &SingleBatch<'_, T>,
    logps: &[T],
    out: &mut SingleOut<'_, T>,
) -> Result<(), Error> {
    batch.check::<O>(0, out)?;
    exactly(OP, "logps", logps, batch.labels.len())?;
    batch.run(op, Some(logps), out)
}

/// The step from logits `[B · T, v]`, with the gradient of the reduced loss by every logit.
///
/// # Errors
/// As [`single_step_from_logps`].
pub fn single_step_from_logits<O: MapRow, T: Scalar>(
    op: &O,
    token: &Token,
    batch: &SingleBatch<'_, T>,
    (logits, v): (&[T], usize),
    out: &mut SingleOut<'_, T>,
    d_logits: &mut [T],
) -> Result<(), Error> {
    batch.check::<O>(token::PLANES.len(), out)?;
    exactly(OP, "d_logits", d_logits, product(OP, "d_logits", batch.labels.len(), v)?)?;
    let tokens = Tokens::new(logits, v, batch.labels, batch.rules);
    token_rows(token, &tokens, out.tokens)?;
    batch.run(op, None, out)?;
    let up = TokenUpstream { logp: Some(&*out.d_tokens), ..TokenUpstream::default() };
    token_rows_backward(token, &tokens, &up, d_logits)
}

/// The step from hidden states and LM-head weight (labels and rules in `hidden` are the batch's), with gradients by
/// both. `scratch` as in [`fused_linear_backward`].
///
/// # Errors
/// As [`single_step_from_logps`].
pub fn single_step_from_hidden<O: MapRow, T: Scalar>(
    op: &O,
    linear: &Linear,
    batch: &SingleBatch<'_, T>,
    hidden: &Hidden<'_, T>,
    out: &mut SingleOut<'_, T>,
    (scratch, gradients): (&mut [T], HiddenGradients<'_, T>),
) -> Result<(), Error> {
    batch.check::<O>(token::PLANES.len(), out)?;
    if (hidden.labels, hidden.rules) != (batch.labels, batch.rules) {
        let (arg, with, why) = ("hidden.labels", "batch.labels", "both must be the same");
        return Err(Error::InvalidCombination { op: OP, arg, with, why });
    }
    check_backward(linear, hidden, scratch, &gradients)?;
    fused_linear(linear, hidden, scratch, out.tokens)?;
    batch.run(op, None, out)?;
    let up = TokenUpstream { logp: Some(&*out.d_tokens), ..TokenUpstream::default() };
    fused_linear_backward(linear, hidden, &up, scratch, gradients)
}
