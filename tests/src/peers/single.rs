//! Liger's fused losses of single responses.

use bellwether_core::logprob::SequenceSum;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{Keep, PLANES as SUMS, Segments};
use bellwether_core::sig::token_rows::{Labels, Shift};
use bellwether_core::unpaired::Kto;
use bellwether_core::{Error, Op};
use bellwether_cpu_ref::segment_stats::{Values, segment_stats};

use super::head::FileHead;
use super::pair::cotangent;
use super::reader::Reader;
use super::{Judgement, all, one};
use crate::file::FileError;
use crate::problem::{Head, RefLogps, SingleStep};

/// The problems of a case of this kind; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Result<Vec<Judgement>, FileError>> {
    (reader.case.op == "fused_linear.kto").then(|| kto(reader))
}

/// Sums over the tokens that count.
fn sums(
    logps: &[f64],
    (labels, rules): (&[i32], Labels),
    (count, len): (usize, usize),
) -> Result<Vec<f64>, Error> {
    let segments = Segments::Padded { count, len };
    let values = Values { values: logps, segments, keep: Keep::Labelled { labels, rules } };
    let mut planes = vec![0.0; SUMS.len() * count];
    segment_stats(&SequenceSum {}, &values, Reduction::Sum, &mut planes)?;
    planes.truncate(count);
    Ok(planes)
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
    let read = |names| {
        let head = FileHead::read(reader, names, ("target", &shape), |row| labels[row] != ignore_index)?;
        reader.labels_in_range("target", &labels, ignore_index, head.v)?;
        Ok::<_, FileError>(head)
    };
    let FileHead { hidden, weight, bias, h, v } = read(names)?;
    let reference = read(["ref_input", "ref_weight", "ref_bias"])?.token_logps(&labels, rules);
    let reference = reference.and_then(|logps| sums(&logps, (&labels, rules), (responses, len)));
    let reference = reference.map_err(|error| reader.refused(error))?;
    let desirable = reader.counts_of("desirable", &[responses], "target")?;
    let kl = reader.floats_of("kl", &[], "desirable")?;
    reader.active_finite("kl", kl, |_| true, false)?;
    let op = Kto { beta: reader.number("beta", 0.1)?, ..Kto::default() };
    op.check().map_err(|error| reader.refused(error))?;
    let bias = bias.unwrap_or_else(|| vec![0.0; v]);
    let constants = vec![desirable, kl.data.clone()];
    let reduction = Reduction::Mean { over: u32::try_from(responses.max(1)).unwrap_or(u32::MAX) };
    let problem = SingleStep {
        op,
        head: Head::Hidden { hidden, weight, bias: Some(bias), h },
        v,
        responses,
        len,
        labels,
        rules,
        reference: Some(RefLogps::Sequence(reference)),
        inputs: Vec::new(),
        constants,
        reduction,
        weight: 1.0,
    };
    let grads = [all(names[0], "d_hidden"), all(names[1], "d_weight"), all(names[2], "d_bias")];
    let mut judgement = Judgement::new(problem, &[one("loss", "sum", 0)], &grads);
    judgement.cotangent = cotangent(reader)?;
    Ok(vec![judgement])
}
