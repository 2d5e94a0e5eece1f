//! Elementary functions by themselves: `math.NAME`, the name as the table of the library has it.

use super::reader::Reader;
use super::{Judgement, all};
use crate::file::FileError;
use crate::problem::{Elementary, FunctionProblem};

/// The problem of a case of this kind; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Result<Vec<Judgement>, FileError>> {
    let function = Elementary::named(reader.case.op.strip_prefix("math.")?)?;
    Some(judgement(reader, function))
}

fn judgement(reader: Reader<'_>, function: Elementary) -> Result<Vec<Judgement>, FileError> {
    reader.allow(&[])?;
    let x = reader.floats("x")?;
    if let Some((i, x)) = x.data.iter().enumerate().find(|&(_, &x)| !function.takes(x)) {
        return Err(reader.refused(format!("in.x[{i}] is {x}, where the function has no finite value")));
    }
    reader.allow_cotangents(&["y"])?;
    let upstream = match reader.case.cotangents.get("y") {
        None => vec![1.0; x.len()],
        Some(weights) => {
            reader.has_shape("y", weights, &x.shape, "x")?;
            weights.data.clone()
        }
    };
    let problem = FunctionProblem { op: "math", function, x: x.data.clone(), upstream };
    Ok(vec![Judgement::new(problem, &[all("y", "value")], &[all("x", "slope")])])
}
