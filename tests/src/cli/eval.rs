//! `bellwether eval`.

use std::path::Path;
use std::process::ExitCode;

use bellwether_check::check::evaluate;
use bellwether_check::file::{self, Case, FileError};
use serde_json::json;

use super::{Common, fail, say};

pub(super) fn run(common: &Common, from: &Path, to: &Path, force: bool) -> ExitCode {
    match fill(from, to, force) {
        Ok(case) => {
            let names = |named: &bellwether_check::tensor::Named| {
                named.iter().map(|(n, _)| n.to_owned()).collect::<Vec<_>>()
            };
            let (outputs, grads) = (names(&case.outputs), names(&case.grads));
            if common.json {
                say(
                    json!({"op": case.op, "outputs": outputs, "grads": grads, "written": to.display().to_string()}),
                );
            } else {
                say(format!(
                    "{}: wrote outputs {} and gradients {}",
                    to.display(),
                    outputs.join(", "),
                    grads.join(", ")
                ));
            }
            ExitCode::SUCCESS
        }
        Err(error) => fail(common, error),
    }
}

fn fill(from: &Path, to: &Path, force: bool) -> Result<Case, FileError> {
    let mut cases = file::load(from)?;
    let case = match cases.len() {
        1 => cases.remove(0),
        n => {
            let first = cases.into_iter().next().unwrap_or_default();
            return Err(FileError::bad_parameter(
                &first,
                format!("the file holds {n} cases; eval takes one"),
            ));
        }
    };
    let filled = evaluate(&case)?;
    file::save(to, &filled, force)?;
    Ok(filled)
}
