//! Liger's fused losses of single responses.

use bellwether_core::Op;
use bellwether_core::logprob::{Linear, SequenceSum};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{Keep, PLANES as SUMS, Segments};
use bellwether_core::sig::token_rows::{Labels, PLANES as TOKENS, Shift};
use bellwether_core::unpaired::Kto;
use bellwether_cpu_ref::fused_linear::{Hidden, fused_linear};
use bellwether_cpu_ref::segment_stats::{Values, segment_stats};

use super::pair::cotangent;
use super::reader::Reader;
use super::{Judgement, all, one};
use crate::file::FileError;
use crate::problem::SingleStep;

/// The problems of a case of this kind; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Result<Vec<Judgement>, FileError>> {
    (reader.case.op == "fused_linear.kto").then(|| kto(reader))
}

/// Hidden states, weight and bias by these names; the width, and the entries of the vocabulary.
struct Head {
    arrays: [Vec<f64>; 3],
    h: usize,
    v: usize,
}

impl Head {
    fn read(reader: Reader<'_>, names: [&'static str; 3], tokens: &[usize]) -> Result<Self, FileError> {
        let hidden = reader.floats(names[0])?;
        let h = hidden.shape.last().copied().unwrap_or(0);
        reader.has_shape(names[0], hidden, &[tokens, &[h]].concat(), "target")?;
        reader.at_least_one(names[0], "column", h)?;
        let weight = reader.floats(names[1])?;
        let v = weight.shape.first().copied().unwrap_or(0);
        reader.has_shape(names[1], weight, &[v, h], names[0])?;
        let bias = reader.floats_of(names[2], &[v], names[1])?;
        for (name, found) in names.into_iter().zip([hidden, weight, bias]) {
            reader.active_finite(name, found, |_| true, false)?;
        }
        Ok(Self { arrays: [hidden, weight, bias].map(|found| found.data.clone()), h, v })
    }

    /// Log-probabilities of the responses.
    fn logps(
        &self,
        labels: &[i32],
        rules: Labels,
        (count, len): (usize, usize),
    ) -> Result<Vec<f64>, bellwether_core::Error> {
        let (n, [hidden, weight, bias]) = (labels.len(), &self.arrays);
        let x = Hidden { hidden, weight, bias: Some(bias), h: self.h, v: self.v, labels, rules };
        let (mut tokens, mut scratch) = (vec![0.0; TOKENS.len() * n], vec![0.0; (n + 1) * self.v]);
        fused_linear(&Linear::default(), &x, &mut scratch, &mut tokens)?;
        let segments = Segments::Padded { count, len };
        let values = Values { values: &tokens[..n], segments, keep: Keep::Labelled { labels, rules } };
        let mut sums = vec![0.0; SUMS.len() * count];
        segment_stats(&SequenceSum {}, &values, Reduction::Sum, &mut sums)?;
        sums.truncate(count);
        Ok(sums)
    }
}

/// `fused_linear.kto`: no weights, the baseline given, the mean over responses.
fn kto(reader: Reader<'_>) -> Result<Vec<Judgement>, FileError> {
    reader.allow(&["beta", "ignore_index"])?;
    let ignore_index = reader.integer("ignore_index", -100)?;
    let shape = match reader.case.inputs.get("target") {
        Some(found) => found.shape.clone(),
        None => return Err(FileError::missing_tensor(reader.case, "in.target")),
    };
    let &[responses, len] = &shape[..] else {
        return Err(reader.refused(format!("in.target has shape {shape:?}; [B, T] is needed")));
    };
    reader.at_least_one("target", "token", len)?;
    let labels = reader.integers_of("target", &shape, "target")?;
    let rules = Labels { ignore_index, shift: Shift::Aligned, seq_len: len };
    let names = ["input", "weight", "bias"];
    let head = Head::read(reader, names, &shape)?;
    reader.labels_in_range("target", &labels, ignore_index, head.v)?;
    let reference = Head::read(reader, ["ref_input", "ref_weight", "ref_bias"], &shape)?;
    let size = (responses, len);
    let reference = reference.logps(&labels, rules, size).map_err(|error| reader.refused(error))?;
    let desirable = reader.counts_of("desirable", &[responses], "target")?;
    let kl = reader.floats_of("kl", &[], "desirable")?.data.clone();
    let op = Kto { beta: reader.number("beta", 0.1)?, ..Kto::default() };
    op.check().map_err(|error| reader.refused(error))?;
    let (h, [hidden, weight, bias]) = (head.h, head.arrays);
    let constants = vec![reference, desirable, kl];
    let reduction = Reduction::Mean { over: u32::try_from(responses.max(1)).unwrap_or(u32::MAX) };
    let problem =
        SingleStep { op, hidden, weight, bias, h, responses, len, labels, rules, constants, reduction };
    let grads = [all(names[0], "d_hidden"), all(names[1], "d_weight"), all(names[2], "d_bias")];
    let mut judgement = Judgement::new(problem, &[one("loss", "sum", 0)], &grads);
    judgement.cotangent = cotangent(reader)?;
    Ok(vec![judgement])
}
