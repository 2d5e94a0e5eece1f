//! TRL's optimal-transport losses, which compare sorted batches.

use bellwether_core::Op;
use bellwether_core::list::Aot;
use bellwether_core::sig::Reduction;

use super::pair::cotangent;
use super::reader::Reader;
use super::{Judgement, all, one};
use crate::file::FileError;
use crate::problem::{Derived, Layout, ListProblem, Turned};

/// The problems of a case of this kind; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Result<Vec<Judgement>, FileError>> {
    match reader.case.op.as_str() {
        "dpo.aot" => Some(aot(reader, true)),
        "dpo.aot_unpaired" => Some(aot(reader, false)),
        _ => None,
    }
}

/// Paired: chosen less rejected, policy against reference. Unpaired: policy less reference, chosen against rejected.
fn aot(reader: Reader<'_>, paired: bool) -> Result<Vec<Judgement>, FileError> {
    reader.allow(&["loss_type", "beta", "label_smoothing"])?;
    reader.word("loss_type", &["aot", "aot_unpaired"], "aot")?;
    let chosen = reader.floats("chosen_logps")?;
    let plane = |name| {
        let found = reader.floats_of(name, &chosen.shape, "chosen_logps")?;
        reader.active_finite(name, found, |_| true, false)?;
        Ok::<_, FileError>(found.data.clone())
    };
    let [w, l] = [plane("chosen_logps")?, plane("rejected_logps")?];
    let [ref_w, ref_l] = [plane("ref_chosen_logps")?, plane("ref_rejected_logps")?];
    let less = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
    let inputs =
        if paired { [less(&w, &l), less(&ref_w, &ref_l)] } else { [less(&w, &ref_w), less(&l, &ref_l)] };
    let beta = reader.number("beta", 0.1)?;
    let op = Aot { beta, label_smoothing: reader.number("label_smoothing", 0.0)? };
    op.check().map_err(|error| reader.refused(error))?;
    let problem = ListProblem {
        op,
        lists: 1,
        items: chosen.len(),
        inputs: inputs.to_vec(),
        constants: Vec::new(),
        rank: None,
        length: None,
        upstream: None,
        reduction: Reduction::Sum,
        layout: Layout::Packed,
    };
    let rejected = if paired { "d_rejected" } else { "d_below" };
    let grads = [all("chosen_logps", "d_above"), all("rejected_logps", rejected)];
    let derive = Turned { plane: "d_above", called: "d_rejected" };
    let mut judgement = Judgement::new(Derived { problem, derive }, &[one("loss", "loss", 0)], &grads);
    judgement.cotangent = cotangent(reader)?;
    Ok(vec![judgement])
}
