//! Reads a case's tensors and parameters, with errors that name what is wrong.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::file::{Case, FileError};
use crate::tensor::{Dtype, Tensor};

/// Floats of any width.
const FLOATS: [Dtype; 4] = [Dtype::F64, Dtype::F32, Dtype::F16, Dtype::Bf16];
/// Integers of any width.
const INTEGERS: [Dtype; 4] = [Dtype::I64, Dtype::I32, Dtype::U8, Dtype::Bool];

/// Names of the inputs that were read.
pub(super) type Reads = RefCell<BTreeSet<String>>;

/// A case being read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'c> {
    pub(super) case: &'c Case,
    reads: &'c Reads,
}

impl<'c> Reader<'c> {
    pub(super) fn new(case: &'c Case, reads: &'c Reads) -> Self {
        Self { case, reads }
    }

    fn tensor(&self, name: &str, allowed: &[Dtype]) -> Result<&'c Tensor, FileError> {
        let label = format!("in.{name}");
        self.reads.borrow_mut().insert(name.to_owned());
        let found = self.case.inputs.get(name).ok_or_else(|| FileError::missing_tensor(self.case, &label))?;
        if allowed.contains(&found.dtype) {
            Ok(found)
        } else {
            Err(FileError::wrong_dtype(self.case, &label, found.dtype, allowed))
        }
    }

    /// A float input.
    pub(super) fn floats(&self, name: &str) -> Result<&'c Tensor, FileError> {
        self.tensor(name, &FLOATS)
    }

    /// A float input of a given shape.
    pub(super) fn floats_of(
        &self,
        name: &str,
        shape: &[usize],
        because: &str,
    ) -> Result<&'c Tensor, FileError> {
        let found = self.floats(name)?;
        self.has_shape(name, found, shape, because)?;
        Ok(found)
    }

    /// An integer input of a given shape.
    pub(super) fn integers_of(
        &self,
        name: &str,
        shape: &[usize],
        because: &str,
    ) -> Result<Vec<i32>, FileError> {
        let found = self.tensor(name, &INTEGERS)?;
        self.has_shape(name, found, shape, because)?;
        found.to_i32().map_err(|bad| FileError::bad_element(self.case, &format!("in.{name}"), bad))
    }

    /// An integer or float input of a given shape, as floats.
    pub(super) fn counts_of(
        &self,
        name: &str,
        shape: &[usize],
        because: &str,
    ) -> Result<Vec<f64>, FileError> {
        let found = self.tensor(name, &[INTEGERS, FLOATS].concat())?;
        self.has_shape(name, found, shape, because)?;
        Ok(found.data.clone())
    }

    /// Whether the tensor has this shape.
    pub(super) fn has_shape(
        &self,
        name: &str,
        found: &Tensor,
        needed: &[usize],
        because: &str,
    ) -> Result<(), FileError> {
        if found.shape == needed {
            return Ok(());
        }
        let (name, because) = (format!("in.{name}"), format!("in.{because}"));
        Err(FileError::shape_mismatch(self.case, &name, &found.shape, needed, &because))
    }

    /// A tensor with at least `rank` dimensions.
    pub(super) fn has_rank(&self, name: &str, found: &Tensor, rank: usize) -> Result<(), FileError> {
        if found.shape.len() == rank {
            return Ok(());
        }
        let text = format!("in.{name} has shape {:?}; {rank} dimensions are needed", found.shape);
        Err(FileError::bad_parameter(self.case, text))
    }

    /// Without an element to a row there may be any number of rows, more than memory holds.
    pub(super) fn at_least_one(&self, name: &str, what: &str, extent: usize) -> Result<(), FileError> {
        if extent > 0 {
            Ok(())
        } else {
            Err(self.refused(format!("in.{name} has no {what}; 1 is needed at least")))
        }
    }

    /// Every element of the active rows is finite; −∞ is a banned token where that means something.
    pub(super) fn active_finite(
        &self,
        name: &str,
        tensor: &Tensor,
        active: impl Fn(usize) -> bool,
        banned: bool,
    ) -> Result<(), FileError> {
        let width = tensor.row_len().max(1);
        for (at, &x) in tensor.data.iter().enumerate() {
            let fine = x.is_finite() || banned && x == f64::NEG_INFINITY;
            if !fine && active(at / width) {
                let name = format!("in.{name}");
                return Err(FileError::non_finite(self.case, &name, at / width, at % width, x));
            }
        }
        Ok(())
    }

    /// Every label that counts is in `0..v`.
    pub(super) fn labels_in_range(
        &self,
        name: &str,
        labels: &[i32],
        ignore: i32,
        v: usize,
    ) -> Result<(), FileError> {
        let bad =
            |&(_, &label): &(usize, &i32)| label != ignore && usize::try_from(label).map_or(true, |y| y >= v);
        match labels.iter().enumerate().find(bad) {
            None => Ok(()),
            Some((index, &label)) => {
                let (name, allowed) = (format!("in.{name}"), format!("0..{v} (V) or {ignore}"));
                Err(FileError::out_of_range(self.case, &name, index, label.into(), &allowed))
            }
        }
    }

    /// Refuses parameters that the operator does not have; the accumulation type belongs to every file.
    pub(super) fn allow(&self, names: &[&str]) -> Result<(), FileError> {
        let common = ["accumulate", "acc_dtype"];
        match self
            .case
            .params
            .keys()
            .find(|key| !names.contains(&key.as_str()) && !common.contains(&key.as_str()))
        {
            None => Ok(()),
            Some(name) => Err(FileError::unknown_parameter(self.case, name, names)),
        }
    }

    /// A parameter that is there and not null.
    fn param(&self, name: &str) -> Option<&'c Value> {
        self.case.params.get(name).filter(|value| !value.is_null())
    }

    fn bad<T>(&self, name: &str, value: &Value, wanted: &str) -> Result<T, FileError> {
        Err(FileError::bad_parameter(self.case, format!("`{name}` is {value}, allowed is {wanted}")))
    }

    /// A numeric parameter.
    pub(super) fn number(&self, name: &str, default: f64) -> Result<f64, FileError> {
        match self.param(name) {
            None => Ok(default),
            Some(value) => value.as_f64().map_or_else(|| self.bad(name, value, "a number"), Ok),
        }
    }

    /// An integer parameter.
    pub(super) fn integer(&self, name: &str, default: i32) -> Result<i32, FileError> {
        let held = |value: &Value| value.as_i64().and_then(|x| i32::try_from(x).ok());
        match self.param(name) {
            None => Ok(default),
            Some(value) => held(value).map_or_else(|| self.bad(name, value, "an integer"), Ok),
        }
    }

    /// A boolean parameter.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, FileError> {
        match self.param(name) {
            None => Ok(default),
            Some(value) => value.as_bool().map_or_else(|| self.bad(name, value, "true or false"), Ok),
        }
    }

    /// A text parameter that is one of a few words.
    pub(super) fn word(
        &self,
        name: &str,
        allowed: &[&'static str],
        default: &'static str,
    ) -> Result<&'static str, FileError> {
        let Some(value) = self.param(name) else { return Ok(default) };
        let found = value.as_str().and_then(|text| allowed.iter().find(|word| **word == text));
        found.map_or_else(
            || self.bad(name, value, &format!("one of {}", allowed.join(", "))),
            |word| Ok(*word),
        )
    }

    /// Refuses weights of outputs whose gradients the operator does not give: they would be left out of every gradient.
    pub(super) fn allow_cotangents(&self, names: &[&str]) -> Result<(), FileError> {
        match self.case.cotangents.iter().find(|(name, _)| !names.contains(name)) {
            None => Ok(()),
            Some((name, _)) => {
                let allowed = names.join(", ");
                Err(self
                    .refused(format!("cotangent.{name} cannot be used; this op takes those of: {allowed}")))
            }
        }
    }

    /// An error of the contract, as one of this case.
    pub(super) fn refused(&self, text: impl std::fmt::Display) -> FileError {
        FileError::bad_parameter(self.case, text.to_string())
    }
}
