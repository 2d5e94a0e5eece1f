//! Distillation straight from hidden states and LM-head weights of a student and a teacher.

use bellwether_core::Storage;
use bellwether_core::sig::token_rows::Labels;

use super::pair::cotangent;
use super::reader::Reader;
use super::{Judgement, all, divergence};
use crate::file::FileError;
use crate::problem::{Distillation, FusedPairProblem, HeadInputs};

type Found = Result<Vec<Judgement>, FileError>;

/// The problems of a case of this family; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Found> {
    (reader.case.op == "fused_linear.jsd").then(|| jsd(reader))
}

/// Liger's: the divergence at a temperature, the label at none, both averaged over the rows that count.
fn jsd(reader: Reader<'_>) -> Found {
    reader.allow(&["beta", "temperature", "weight_hard_loss", "weight_soft_loss", "ignore_index"])?;
    let op = divergence::js(reader)?;
    let (student, rows, v) = head(reader, ["student_input", "student_weight", "student_bias"], None)?;
    let (teacher, ..) = head(reader, ["teacher_input", "teacher_weight", "teacher_bias"], Some((&rows, v)))?;
    let labels = reader.integers_of("labels", &rows, "student_input")?;
    let rules = Labels { ignore_index: reader.integer("ignore_index", -100)?, ..Labels::default() };
    reader.labels_in_range("labels", &labels, rules.ignore_index, v)?;
    let active = |row: usize| rules.of(&labels, row).is_some();
    for name in ["student_input", "teacher_input"] {
        reader.active_finite(name, reader.floats(name)?, active, false)?;
    }
    let weights = [reader.number("weight_soft_loss", 0.5)?, reader.number("weight_hard_loss", 0.5)?];
    let (upstream, storage, tile, hard) = (Default::default(), Storage::F32, None, None);
    let rows = FusedPairProblem { op, hard, rules, v, student, teacher, labels, upstream, storage, tile };
    let gradients =
        [all("student_input", "d_hidden"), all("student_weight", "d_weight"), all("student_bias", "d_bias")];
    let mut found = Judgement::new(Distillation::new(rows, weights), &[all("loss", "loss")], &gradients);
    found.cotangent = cotangent(reader)?;
    Ok(vec![found])
}

/// A model's hidden states, weight and bias under these names, the shape of its rows, and how many columns it has;
/// which those of the model before must be.
fn head(
    reader: Reader<'_>,
    [hidden, weight, bias]: [&str; 3],
    like: Option<(&[usize], usize)>,
) -> Result<(HeadInputs, Vec<usize>, usize), FileError> {
    let (x, w) = (reader.floats(hidden)?, reader.floats(weight)?);
    let Some((&h, rows)) = x.shape.split_last() else {
        return Err(reader.refused(format!("in.{hidden} needs a last dimension")));
    };
    reader.at_least_one(hidden, "column", h)?;
    let v = like.map_or_else(|| w.shape.first().copied().unwrap_or(0), |(_, v)| v);
    if let Some((rows, _)) = like {
        reader.has_shape(hidden, x, &[rows, &[h]].concat(), "student_input")?;
    }
    reader.has_shape(weight, w, &[v, h], hidden)?;
    reader.at_least_one(weight, "row", v)?;
    reader.active_finite(weight, w, |_| true, false)?;
    let bias = match reader.case.inputs.get(bias) {
        None => None,
        Some(_) => Some(reader.floats_of(bias, &[v], weight)?.data.clone()),
    };
    let head = HeadInputs { hidden: x.data.clone(), weight: w.data.clone(), bias, h };
    Ok((head, rows.to_vec(), v))
}
