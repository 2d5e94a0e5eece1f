//! What can be wrong with a file: one line per error, naming the file and, where there is one, the tensor.

use std::borrow::Cow;

use crate::file::Case;
use crate::tensor::{BadElement, Dtype};

/// Why a file, or a case in it, cannot be used. `at` is the file, followed by the case where there are several.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum FileError {
    /// The operating system refused.
    #[error("{}: cannot be read: {}", line(at), line(reason))]
    Read { at: String, reason: String },
    /// The operating system refused.
    #[error("{}: cannot be written: {}", line(at), line(reason))]
    Write { at: String, reason: String },
    /// Nothing is overwritten unless that is asked for.
    #[error("{}: exists already and is not overwritten", line(at))]
    Exists { at: String },
    /// Neither cases in JSON nor safetensors.
    #[error("{}: not a known format: {}", line(at), line(found))]
    UnknownFormat { at: String, found: String },
    /// The file ends too early.
    #[error("{}: truncated: {}", line(at), line(part))]
    Truncated { at: String, part: String },
    /// JSON that does not parse, or does not hold a case.
    #[error("{}: bad JSON in line {number}: {}", line(at), line(reason))]
    BadJson { at: String, number: usize, reason: String },
    /// A safetensors header that does not hold together.
    #[error("{}: bad safetensors header: {}", line(at), line(reason))]
    BadHeader { at: String, reason: String },
    /// More than fits into memory.
    #[error("{}: too large: needs {needed} bytes of memory, {available} are available", line(at))]
    TooLarge { at: String, needed: u64, available: u64 },
    /// An element type that this tool does not read.
    #[error("{}: tensor `{}` has the unknown dtype `{}`; known are {}", line(at), line(tensor), line(dtype), names(&Dtype::ALL))]
    UnknownDtype { at: String, tensor: String, dtype: String },
    /// A field that every case has.
    #[error("{}: field `{}` is missing", line(at), line(field))]
    MissingField { at: String, field: String },
    /// A tensor that the operator needs.
    #[error("{}: tensor `{}` is missing", line(at), line(tensor))]
    MissingTensor { at: String, tensor: String },
    /// A tensor of another element type than the operator takes.
    #[error("{}: tensor `{}` has dtype {given}; allowed: {}", line(at), line(tensor), line(allowed))]
    WrongDtype { at: String, tensor: String, given: Dtype, allowed: String },
    /// A tensor whose shape disagrees with another one's.
    #[error(
        "{}: tensor `{}` has shape {given:?}, needed is {needed:?} because of `{}`",
        line(at),
        line(tensor),
        line(because)
    )]
    ShapeMismatch { at: String, tensor: String, given: Vec<usize>, needed: Vec<usize>, because: String },
    /// Data and shape of one tensor disagree.
    #[error("{}: tensor `{}` has shape {shape:?} but {elements} elements", line(at), line(tensor))]
    DataLength { at: String, tensor: String, shape: Vec<usize>, elements: usize },
    /// NaN or infinity where it enters the result.
    #[error(
        "{}: tensor `{}` is {value} in the active position row {row}, column {col}",
        line(at),
        line(tensor)
    )]
    NonFinite { at: String, tensor: String, row: usize, col: usize, value: f64 },
    /// An element outside its range.
    #[error(
        "{}: tensor `{}`: element {index} is {value}; allowed: {}",
        line(at),
        line(tensor),
        line(allowed)
    )]
    OutOfRange { at: String, tensor: String, index: usize, value: f64, allowed: String },
    /// An operator that is not in the catalogue.
    #[error("{}: unknown op `{}`", line(at), line(op))]
    UnknownOp { at: String, op: String },
    /// A parameter that the operator does not have.
    #[error("{}: op `{}` has no parameter `{}`; it has: {}", line(at), line(op), line(name), line(allowed))]
    UnknownParameter { at: String, op: String, name: String, allowed: String },
    /// A parameter whose value is of no use.
    #[error("{}: bad parameter: {}", line(at), line(text))]
    BadParameter { at: String, text: String },
}

/// Errors about a case that was read.
impl FileError {
    /// A tensor that the operator needs is not in the case.
    pub fn missing_tensor(case: &Case, tensor: &str) -> Self {
        Self::MissingTensor { at: case.place(), tensor: tensor.into() }
    }

    /// A tensor has an element type that the operator does not take.
    pub fn wrong_dtype(case: &Case, tensor: &str, given: Dtype, allowed: &[Dtype]) -> Self {
        Self::WrongDtype { at: case.place(), tensor: tensor.into(), given, allowed: names(allowed) }
    }

    /// A tensor's shape is not the one that tensor (or parameter) `because` asks for.
    pub fn shape_mismatch(
        case: &Case,
        tensor: &str,
        given: &[usize],
        needed: &[usize],
        because: &str,
    ) -> Self {
        let (given, needed) = (given.to_vec(), needed.to_vec());
        Self::ShapeMismatch {
            at: case.place(),
            tensor: tensor.into(),
            given,
            needed,
            because: because.into(),
        }
    }

    /// NaN or infinity stands where it enters the result.
    pub fn non_finite(case: &Case, tensor: &str, row: usize, col: usize, value: f64) -> Self {
        Self::NonFinite { at: case.place(), tensor: tensor.into(), row, col, value }
    }

    /// An element is outside what `allowed` describes.
    pub fn out_of_range(case: &Case, tensor: &str, index: usize, value: f64, allowed: &str) -> Self {
        Self::OutOfRange { at: case.place(), tensor: tensor.into(), index, value, allowed: allowed.into() }
    }

    /// A view such as [`Tensor::to_i32`](crate::tensor::Tensor::to_i32) failed.
    pub fn bad_element(case: &Case, tensor: &str, bad: BadElement) -> Self {
        Self::out_of_range(case, tensor, bad.index, bad.value, bad.allowed)
    }

    /// The catalogue has no such operator.
    pub fn unknown_op(case: &Case) -> Self {
        Self::UnknownOp { at: case.place(), op: case.op.clone() }
    }

    /// The operator has no such parameter.
    pub fn unknown_parameter(case: &Case, name: &str, allowed: &[&str]) -> Self {
        let allowed = if allowed.is_empty() { "none".into() } else { allowed.join(", ") };
        Self::UnknownParameter { at: case.place(), op: case.op.clone(), name: name.into(), allowed }
    }

    /// A parameter has a value of the wrong kind or outside its domain; `text` names both.
    pub fn bad_parameter(case: &Case, text: impl Into<String>) -> Self {
        Self::BadParameter { at: case.place(), text: text.into() }
    }
}

fn names(dtypes: &[Dtype]) -> String {
    dtypes.iter().map(|dtype| dtype.name()).collect::<Vec<_>>().join(", ")
}

/// Text from a file as part of one line: control characters escaped, what is longer than a message can bear cut.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 400;
    if text.len() <= LONGEST && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        match character {
            _ if count == LONGEST => {
                shown.push('…');
                break;
            }
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    Cow::Owned(shown)
}
