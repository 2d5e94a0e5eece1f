//! Signs that a case proves little.

use crate::file::Case;
use crate::tensor::{Named, Tensor};

/// Why agreement on this case would say little: constant outputs, a single row, no gradient or one of zeros.
pub fn warnings(case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    for (name, tensor) in case.outputs.iter().filter(|(_, tensor)| tensor.len() > 1) {
        if let Some(value) = constant(tensor) {
            found.push(format!("output `{name}` is constant: all {} elements are {value}", tensor.len()));
        }
    }
    if single_row(case) {
        found.push("the case has a single row: mistakes in indexing and reduction do not show".into());
    }
    if case.grads.is_empty() && case.inputs.iter().any(|(_, tensor)| tensor.dtype.is_float()) {
        found.push("there is no gradient: only the forward values can be judged".into());
    }
    for (name, tensor) in case.grads.iter().filter(|(_, tensor)| !tensor.is_empty()) {
        if constant(tensor) == Some(0.0) {
            found.push(format!("gradient `{name}` is zero in all {} elements", tensor.len()));
        }
    }
    found
}

/// The value that all elements have, if they have one; all NaN counts.
fn constant(tensor: &Tensor) -> Option<f64> {
    let (&first, rest) = tensor.data.split_first()?;
    let same =
        |&value: &f64| value.partial_cmp(&first) == Some(std::cmp::Ordering::Equal) || both_nan(value, first);
    rest.iter().all(same).then_some(first)
}

fn both_nan(a: f64, b: f64) -> bool {
    a.is_nan() && b.is_nan()
}

/// Whether nothing but the weights has more than one row in its leading dimension.
fn single_row(case: &Case) -> bool {
    let single = |named: &Named| {
        named
            .iter()
            .filter(|(name, _)| !matches!(*name, "weight" | "bias"))
            .all(|(_, tensor)| tensor.shape.first().is_none_or(|&rows| rows == 1))
    };
    !case.inputs.is_empty() && single(&case.inputs) && single(&case.outputs)
}
