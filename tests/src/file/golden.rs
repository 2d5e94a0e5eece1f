//! Cases in JSON: a golden file, a list of cases, or one case. Numbers go straight into `f64`, without a tree between.

mod parts;

use std::fmt;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Case, FileError, GOLDEN, fits, name, place, stem};
use crate::tensor::{Dtype, Named, Tensor, elements};
use parts::{Numbers, Pairs};

/// A case, or a file of cases: the fields of both.
#[derive(serde::Deserialize)]
#[serde(expecting = "a case")]
struct Raw {
    format: Option<String>,
    cases: Option<Vec<Raw>>,
    id: Option<String>,
    op: Option<String>,
    source: Option<String>,
    params: Option<Map<String, Value>>,
    inputs: Option<Pairs<RawTensor>>,
    outputs: Option<Pairs<RawTensor>>,
    cotangents: Option<Pairs<RawTensor>>,
    grads: Option<Pairs<RawTensor>>,
    exact: Option<Exact>,
    tags: Option<Vec<String>>,
    note: Option<String>,
    reduction: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(serde::Deserialize)]
#[serde(expecting = "an object with outputs and grads")]
struct Exact {
    outputs: Option<Pairs<Numbers>>,
    grads: Option<Pairs<Numbers>>,
}

#[derive(serde::Deserialize)]
#[serde(expecting = "a tensor: an object with dtype, shape and data")]
struct RawTensor {
    dtype: String,
    shape: Vec<usize>,
    data: Numbers,
}

/// Reads the cases in `file`, the text of which starts at byte `skip`.
pub(super) fn load(
    path: &Path,
    mut file: impl Read + Seek,
    skip: usize,
    length: u64,
    limit: Option<u64>,
) -> Result<Vec<Case>, FileError> {
    let at = name(path);
    // A number takes two bytes of text at least, and eight in memory.
    fits(&at, length.saturating_mul(4), limit)?;
    let failed = |error: std::io::Error| FileError::Read { at: at.clone(), reason: error.to_string() };
    file.seek(SeekFrom::Start(skip as u64)).map_err(failed)?;
    let Top(raw) = serde_json::from_reader(BufReader::new(file)).map_err(|error| json(&at, &error))?;
    match raw {
        Ok(mut one) => match one.cases.take() {
            Some(_) if one.format.as_deref() != Some(GOLDEN) => {
                let found = format!("`format` is {:?}, not {GOLDEN:?}", one.format.unwrap_or_default());
                Err(FileError::UnknownFormat { at, found })
            }
            Some(cases) => convert_all(&at, cases),
            None => Ok(vec![convert(&at, stem(&at), *one)?]),
        },
        Err(cases) => convert_all(&at, cases),
    }
}

fn json(at: &str, error: &serde_json::Error) -> FileError {
    let (at, number) = (at.to_owned(), error.line());
    if error.is_eof() {
        return FileError::Truncated {
            at,
            part: format!("the JSON text ends within a value, in line {number}"),
        };
    }
    if error.is_io() {
        return FileError::Read { at, reason: error.to_string() };
    }
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned();
    FileError::BadJson { at, number, reason }
}

fn convert_all(at: &str, cases: Vec<Raw>) -> Result<Vec<Case>, FileError> {
    cases.into_iter().enumerate().map(|(index, raw)| convert(at, format!("case {index}"), raw)).collect()
}

fn convert(file: &str, id: String, raw: Raw) -> Result<Case, FileError> {
    let id = raw.id.unwrap_or(id);
    let at = place(file, &id);
    let op = raw.op.ok_or_else(|| FileError::MissingField { at: at.clone(), field: "op".into() })?;
    let named = |group, pairs| tensors(&at, group, pairs);
    let (outputs, grads) = (named("outputs", raw.outputs)?, named("grads", raw.grads)?);
    let exact = raw.exact.unwrap_or(Exact { outputs: None, grads: None });
    let mut case = Case {
        op,
        source: raw.source.unwrap_or_default(),
        params: raw.params.unwrap_or_default(),
        inputs: named("inputs", raw.inputs)?,
        cotangents: named("cotangents", raw.cotangents)?,
        exact_outputs: like(&at, "outputs", exact.outputs, &outputs)?,
        exact_grads: like(&at, "grads", exact.grads, &grads)?,
        outputs,
        grads,
        tags: raw.tags.unwrap_or_default(),
        note: raw.note,
        reduction: raw.reduction,
        file: file.to_owned(),
        id,
        ..Case::default()
    };
    case.meta.extend(raw.format.map(|format| ("format".to_owned(), format)));
    let accumulate = remainder(&mut case, raw.rest);
    case.finish(accumulate)
}

/// Keeps further scalars as metadata and says what else is ignored; returns the accumulation type.
fn remainder(case: &mut Case, rest: Map<String, Value>) -> Option<String> {
    let mut accumulate = None;
    for (key, value) in rest {
        match value {
            Value::String(text) if super::ACCUMULATE.contains(&key.as_str()) => accumulate = Some(text),
            Value::String(text) => drop(case.meta.insert(key, text)),
            Value::Number(_) | Value::Bool(_) => drop(case.meta.insert(key, value.to_string())),
            // What the textbook formula gives in f32: of no concern here.
            _ if key == "naive_f32" || value.is_null() => {}
            _ => case.warnings.push(format!("field `{key}` is not part of a case and was ignored")),
        }
    }
    accumulate
}

fn tensors(at: &str, group: &str, pairs: Option<Pairs<RawTensor>>) -> Result<Named, FileError> {
    let mut all = Vec::new();
    for (name, raw) in pairs.map_or_else(Vec::new, |pairs| pairs.0) {
        let tensor = tensor(at, format!("{group}.{name}"), raw)?;
        all.push((name, tensor));
    }
    Ok(Named::from_distinct(all))
}

fn tensor(at: &str, name: String, raw: RawTensor) -> Result<Tensor, FileError> {
    let at = at.to_owned();
    let Some(dtype) = Dtype::parse(&raw.dtype) else {
        return Err(FileError::UnknownDtype { at, tensor: name, dtype: raw.dtype });
    };
    let Numbers { values: mut data, inexact } = raw.data;
    if elements(&raw.shape) != Some(data.len()) {
        return Err(FileError::DataLength { at, tensor: name, shape: raw.shape, elements: data.len() });
    }
    for (index, value) in data.iter_mut().enumerate() {
        let lost = dtype == Dtype::I64 && inexact == Some(index);
        match dtype.fit(if lost { f64::INFINITY } else { *value }) {
            Ok(held) => *value = held,
            Err(allowed) => {
                return Err(FileError::OutOfRange {
                    at,
                    tensor: name,
                    index,
                    value: *value,
                    allowed: allowed.into(),
                });
            }
        }
    }
    Ok(Tensor { dtype, shape: raw.shape, data })
}

/// Flat lists in the shapes of the tensors of the same name.
fn like(at: &str, group: &str, flat: Option<Pairs<Numbers>>, given: &Named) -> Result<Named, FileError> {
    let mut all = Vec::new();
    for (name, Numbers { values, .. }) in flat.map_or_else(Vec::new, |pairs| pairs.0) {
        let (at, tensor) = (at.to_owned(), format!("{group}.{name}"));
        let Some(twin) = given.get(&name) else {
            return Err(FileError::MissingTensor { at, tensor });
        };
        let (shape, elements) = (twin.shape.clone(), values.len());
        if elements != twin.len() {
            return Err(FileError::DataLength { at, tensor: format!("exact.{tensor}"), shape, elements });
        }
        all.push((name, Tensor { dtype: Dtype::F64, shape, data: values }));
    }
    Ok(Named::from_distinct(all))
}

/// The whole text: one object, or else a list of cases.
struct Top(Result<Box<Raw>, Vec<Raw>>);

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Top;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a case or a list of cases")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Top, A::Error> {
                let raw = Raw::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Top(Ok(Box::new(raw))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Top, A::Error> {
                let mut cases = Vec::new();
                while let Some(case) = seq.next_element()? {
                    cases.push(case);
                }
                Ok(Top(Err(cases)))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
