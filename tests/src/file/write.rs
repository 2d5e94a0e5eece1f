//! Writing a case, in either format, so that reading it gives the same case.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use ::safetensors::tensor::{Dtype as Stored, Metadata, TensorInfo};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

use super::safetensors::PREFIXES;
use super::{ACCUMULATE, Case, FileError, GOLDEN, extension, name};
use crate::tensor::{Dtype, Named, Tensor, elements};

/// Fields of a case in JSON: metadata of these names would take their place.
const FIELDS: [&str; 15] = [
    "cases",
    "id",
    "op",
    "source",
    "params",
    "inputs",
    "outputs",
    "cotangents",
    "grads",
    "exact",
    "tags",
    "note",
    "reduction",
    ACCUMULATE[0],
    ACCUMULATE[1],
];

/// Writes `case` to `path`, as golden JSON (`.json`) or as a dump (`.safetensors`).
///
/// Without `force` a file that exists is an error; with it the old file is replaced at the end, whole, or not at all.
/// The same case gives the same bytes.
pub fn save(path: &Path, case: &Case, force: bool) -> Result<(), FileError> {
    let tensors = tensors(case);
    tensors.iter().try_for_each(|(name, tensor)| check(case, name, tensor))?;
    match extension(path) {
        Some("json") => {
            write(path, force, |file| serde_json::to_writer(file, &Golden(case)).map_err(Into::into))
        }
        Some("safetensors") => write(path, force, |file| dump(file, case, tensors)),
        _ => {
            let found = "the name of a file to write ends in .json or .safetensors".into();
            Err(FileError::UnknownFormat { at: name(path), found })
        }
    }
}

/// Runs `fill` on a new file that becomes `path`, or vanishes where something fails.
fn write(
    path: &Path,
    force: bool,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), FileError> {
    let at = name(path);
    let target = if force { beside(path) } else { path.to_owned() };
    let file = OpenOptions::new().write(true).create_new(true).open(&target).map_err(|error| match error
        .kind()
    {
        ErrorKind::AlreadyExists if !force => FileError::Exists { at: at.clone() },
        _ => FileError::Write { at: at.clone(), reason: error.to_string() },
    })?;
    let mut file = BufWriter::new(file);
    let done = fill(&mut file).and_then(|()| file.flush());
    drop(file);
    let done = done.and_then(|()| if force { fs::rename(&target, path) } else { Ok(()) });
    done.map_err(|error| {
        // The first error is the one to report.
        let _ = fs::remove_file(&target);
        FileError::Write { at, reason: error.to_string() }
    })
}

/// A name for the unfinished file.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map_or_else(Default::default, |name| name.to_string_lossy());
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

/// All tensors under their full names.
fn tensors(case: &Case) -> Vec<(String, &Tensor)> {
    let groups =
        [&case.inputs, &case.outputs, &case.grads, &case.cotangents, &case.exact_outputs, &case.exact_grads];
    let full = |(prefix, named): (&&str, &'_ Named)| -> Vec<String> {
        named.iter().map(|(name, _)| format!("{prefix}{name}")).collect()
    };
    let names = PREFIXES.iter().zip(groups).flat_map(full);
    names.zip(groups.into_iter().flat_map(Named::iter)).map(|(full, (_, tensor))| (full, tensor)).collect()
}

/// Whether shape, dtype and data of a tensor agree.
fn check(case: &Case, full: &str, tensor: &Tensor) -> Result<(), FileError> {
    if elements(&tensor.shape) != Some(tensor.len()) {
        let (at, shape) = (case.place(), tensor.shape.clone());
        return Err(FileError::DataLength { at, tensor: full.into(), shape, elements: tensor.len() });
    }
    for (index, &value) in tensor.data.iter().enumerate() {
        tensor
            .dtype
            .fit(value)
            .map_err(|allowed| FileError::out_of_range(case, full, index, value, allowed))?;
    }
    Ok(())
}

/// The dump: header length, header, data. Larger elements come first, which aligns them all.
fn dump(file: &mut impl Write, case: &Case, mut tensors: Vec<(String, &Tensor)>) -> io::Result<()> {
    tensors.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype.size()));
    let mut end = 0;
    let infos = tensors.iter().map(|(name, tensor)| {
        let start = end;
        end += tensor.len() * tensor.dtype.size();
        let (dtype, shape) = (stored(tensor.dtype), tensor.shape.clone());
        (name.clone(), TensorInfo { dtype, shape, data_offsets: (start, end) })
    });
    let layout = Metadata::new(None, infos.collect()).map_err(io::Error::other)?;
    let mut header = Map::new();
    header.insert("__metadata__".into(), metadata(case).into());
    if let Value::Object(entries) = serde_json::to_value(&layout)? {
        header.extend(entries);
    }
    let mut text = serde_json::to_vec(&header)?;
    text.resize(text.len().next_multiple_of(8), b' ');
    file.write_all(&(text.len() as u64).to_le_bytes())?;
    file.write_all(&text)?;
    for (_, tensor) in tensors {
        for piece in tensor.data.chunks(1 << 16) {
            file.write_all(&tensor.dtype.encode(piece))?;
        }
    }
    Ok(())
}

/// Everything of a case that is no tensor, as text.
fn metadata(case: &Case) -> Map<String, Value> {
    let mut all = Map::new();
    all.extend(case.meta.iter().map(|(key, text)| (key.clone(), text.as_str().into())));
    let mut put = |key: &str, text: Option<String>| {
        text.and_then(|text| all.insert(key.into(), text.into()));
    };
    put("id", Some(case.id.clone()));
    put("op", Some(case.op.clone()));
    put("source", (!case.source.is_empty()).then(|| case.source.clone()));
    put("params", Some(Value::Object(case.params.clone()).to_string()));
    put("tags", (!case.tags.is_empty()).then(|| Value::from(case.tags.as_slice()).to_string()));
    put("note", case.note.clone());
    put("reduction", case.reduction.clone());
    put(ACCUMULATE[0], case.accumulation.map(|dtype| dtype.name().into()));
    all
}

fn stored(dtype: Dtype) -> Stored {
    match dtype {
        Dtype::F64 => Stored::F64,
        Dtype::F32 => Stored::F32,
        Dtype::F16 => Stored::F16,
        Dtype::Bf16 => Stored::BF16,
        Dtype::I64 => Stored::I64,
        Dtype::I32 => Stored::I32,
        Dtype::U8 => Stored::U8,
        Dtype::Bool => Stored::BOOL,
    }
}

/// A golden file with one case.
struct Golden<'a>(&'a Case);

impl Serialize for Golden<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("format", GOLDEN)?;
        map.serialize_entry("cases", &[One(self.0)])?;
        map.end()
    }
}

struct One<'a>(&'a Case);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let case = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &case.id)?;
        map.serialize_entry("op", &case.op)?;
        map.serialize_entry("source", &case.source)?;
        map.serialize_entry("params", &case.params)?;
        map.serialize_entry("inputs", &Group { named: &case.inputs, flat: false })?;
        map.serialize_entry("outputs", &Group { named: &case.outputs, flat: false })?;
        for (key, named) in [("cotangents", &case.cotangents), ("grads", &case.grads)] {
            if !named.is_empty() {
                map.serialize_entry(key, &Group { named, flat: false })?;
            }
        }
        if !(case.exact_outputs.is_empty() && case.exact_grads.is_empty()) {
            map.serialize_entry("exact", &Exact(case))?;
        }
        if !case.tags.is_empty() {
            map.serialize_entry("tags", &case.tags)?;
        }
        let accumulate = case.accumulation.map(|dtype| dtype.name().to_owned());
        let texts = [("note", &case.note), ("reduction", &case.reduction), (ACCUMULATE[0], &accumulate)];
        for (key, text) in texts.into_iter().filter(|(_, text)| text.is_some()) {
            map.serialize_entry(key, text)?;
        }
        let free = case.meta.iter().filter(|(key, _)| !FIELDS.contains(&key.as_str()));
        free.into_iter().try_for_each(|(key, text)| map.serialize_entry(key, text))?;
        map.end()
    }
}

struct Exact<'a>(&'a Case);

impl Serialize for Exact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("outputs", &Group { named: &self.0.exact_outputs, flat: true })?;
        map.serialize_entry("grads", &Group { named: &self.0.exact_grads, flat: true })?;
        map.end()
    }
}

/// Tensors by name, or, where `flat`, only their elements.
struct Group<'a> {
    named: &'a Named,
    flat: bool,
}

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.named.len()))?;
        for (name, tensor) in self.named.iter() {
            if self.flat {
                map.serialize_entry(name, &Elements(tensor))?;
            } else {
                map.serialize_entry(name, &Whole(tensor))?;
            }
        }
        map.end()
    }
}

struct Whole<'a>(&'a Tensor);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("dtype", self.0.dtype.name())?;
        map.serialize_entry("shape", &self.0.shape)?;
        map.serialize_entry("data", &Elements(self.0))?;
        map.end()
    }
}

struct Elements<'a>(&'a Tensor);

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for &value in &self.0.data {
            match value {
                _ if value.is_nan() => list.serialize_element("nan")?,
                f64::INFINITY => list.serialize_element("inf")?,
                f64::NEG_INFINITY => list.serialize_element("-inf")?,
                _ if self.0.dtype.is_float() => list.serialize_element(&value)?,
                _ => list.serialize_element(&(value as i64))?,
            }
        }
        list.end()
    }
}
