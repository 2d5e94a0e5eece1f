//! `.safetensors` dumps: `in.NAME`, `out.NAME`, `grad.NAME`, with `op` and `params` in the metadata.
//!
//! The header is read first and checked whole; the data then come tensor by tensor, a piece at a time, so that memory
//! holds the widened elements and nothing besides.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::{Map, Value};

use super::{ACCUMULATE, Case, FileError, fits, name, place, stem};
use crate::tensor::{Dtype, Named, Tensor, elements};

/// Prefixes of tensor names and the group of a case that each stands for.
pub(super) const PREFIXES: [&str; 6] = ["in.", "out.", "grad.", "cotangent.", "exact.out.", "exact.grad."];

/// The largest header that the format allows.
const LARGEST_HEADER: u64 = 100_000_000;

/// A tensor's entry in the header.
#[derive(serde::Deserialize)]
#[serde(expecting = "an object with dtype, shape and data_offsets")]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// Reads the case in `file`, which is `length` bytes long.
pub(super) fn load(
    path: &Path,
    mut file: impl Read + Seek,
    length: u64,
    limit: Option<u64>,
) -> Result<Case, FileError> {
    let at = name(path);
    let (header, start) = header(&at, &mut file, length, limit)?;
    let (mut meta, entries) = entries(&at, header)?;
    check_layout(&at, &entries, length - start)?;
    let id = meta.remove("id").unwrap_or_else(|| stem(&at));
    let place = place(&at, &id);
    fits(&at, entries.iter().map(|(name, entry)| widened(name, entry)).sum(), limit)?;
    let mut groups: [Vec<(String, Tensor)>; PREFIXES.len()] = Default::default();
    let mut warnings = Vec::new();
    for (full, entry) in entries {
        match prefix(&full) {
            Some(group) => {
                let tensor = read(&place, &mut file, start, &full, entry)?;
                groups[group].push((full[PREFIXES[group].len()..].to_owned(), tensor));
            }
            None => warnings
                .push(format!("tensor `{full}` is neither input, output nor gradient and was ignored")),
        }
    }
    let [inputs, outputs, grads, cotangents, exact_outputs, exact_grads] = groups.map(Named::from_distinct);
    let case =
        Case { inputs, outputs, grads, cotangents, exact_outputs, exact_grads, warnings, ..Case::default() };
    describe(Case { file: at, id, ..case }, meta)
}

/// The group that a tensor's name puts it in.
fn prefix(full: &str) -> Option<usize> {
    PREFIXES.iter().position(|prefix| full.starts_with(prefix))
}

/// Bytes that a tensor takes in memory; the layout has been checked.
fn widened(full: &str, entry: &Entry) -> u64 {
    let (first, last) = entry.data_offsets;
    let dtype = prefix(full).and_then(|_| Dtype::parse(&entry.dtype));
    dtype.map_or(0, |dtype| (last - first) / dtype.size() as u64 * 8)
}

/// The header, and where the data start.
fn header(
    at: &str,
    file: &mut impl Read,
    length: u64,
    limit: Option<u64>,
) -> Result<(Map<String, Value>, u64), FileError> {
    let failed = |error: std::io::Error| FileError::Read { at: at.into(), reason: error.to_string() };
    if length < 8 {
        return Err(FileError::Truncated {
            at: at.into(),
            part: format!("{length} bytes cannot hold a header"),
        });
    }
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(failed)?;
    let size = u64::from_le_bytes(size);
    if size > LARGEST_HEADER {
        let reason =
            format!("it would be {size} bytes long, more than the {LARGEST_HEADER} that the format allows");
        return Err(FileError::BadHeader { at: at.into(), reason });
    }
    if size > length.saturating_sub(8) {
        let part = format!("the header needs {size} bytes, {} are present", length.saturating_sub(8));
        return Err(FileError::Truncated { at: at.into(), part });
    }
    // A tree of the header takes some tens of bytes for each of its own.
    fits(at, size * 32, limit)?;
    let mut text = vec![0; size as usize];
    file.read_exact(&mut text).map_err(failed)?;
    let header = serde_json::from_slice(&text);
    let header = header.map_err(|error| FileError::BadHeader { at: at.into(), reason: error.to_string() })?;
    Ok((header, 8 + size))
}

type Entries = (BTreeMap<String, String>, Vec<(String, Entry)>);

/// Metadata and tensors of a header.
fn entries(at: &str, header: Map<String, Value>) -> Result<Entries, FileError> {
    let bad = |name: &str, error: serde_json::Error| FileError::BadHeader {
        at: at.into(),
        reason: format!("`{name}`: {error}"),
    };
    let (mut meta, mut entries) = (BTreeMap::new(), Vec::new());
    for (name, value) in header {
        if name == "__metadata__" {
            meta = serde_json::from_value(value).map_err(|error| bad(&name, error))?;
        } else {
            let entry = serde_json::from_value(value).map_err(|error| bad(&name, error))?;
            entries.push((name, entry));
        }
    }
    Ok((meta, entries))
}

/// The tensors' bytes must follow one another without gap or overlap, and fill the `present` bytes of data.
fn check_layout(at: &str, entries: &[(String, Entry)], present: u64) -> Result<(), FileError> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut end = 0;
    for (name, entry) in sorted {
        let (first, last) = entry.data_offsets;
        if first != end || last < first {
            let reason =
                format!("the bytes of tensor `{name}` are {first}..{last}, but the one before ends at {end}");
            return Err(FileError::BadHeader { at: at.into(), reason });
        }
        end = last;
        if end > present {
            let part = format!("the data of tensor `{name}` end at byte {end}, {present} are present");
            return Err(FileError::Truncated { at: at.into(), part });
        }
    }
    if end < present {
        let reason = format!("{} bytes follow the data of the last tensor", present - end);
        return Err(FileError::BadHeader { at: at.into(), reason });
    }
    Ok(())
}

/// Reads one tensor; the layout has been checked.
fn read(
    at: &str,
    file: &mut (impl Read + Seek),
    start: u64,
    tensor: &str,
    entry: Entry,
) -> Result<Tensor, FileError> {
    const PIECE: u64 = 1 << 20;
    let (at, tensor) = (at.to_owned(), tensor.to_owned());
    let Some(dtype) = Dtype::parse(&entry.dtype) else {
        return Err(FileError::UnknownDtype { at, tensor, dtype: entry.dtype });
    };
    let (shape, (first, last)) = (entry.shape, entry.data_offsets);
    let (size, held) = (dtype.size() as u64, (last - first) / dtype.size() as u64);
    if (last - first) % size != 0 || elements(&shape).map(|count| count as u64) != Some(held) {
        return Err(FileError::DataLength { at, tensor, shape, elements: held as usize });
    }
    let mut data = Vec::with_capacity(held as usize);
    let failed = |error: std::io::Error| FileError::Read { at: at.clone(), reason: error.to_string() };
    file.seek(SeekFrom::Start(start + first)).map_err(failed)?;
    let mut piece = vec![0; PIECE.min(last - first) as usize];
    for from in (first..last).step_by(PIECE as usize) {
        let bytes = &mut piece[..PIECE.min(last - from) as usize];
        file.read_exact(bytes).map_err(failed)?;
        if let Err(bad) = dtype.decode(bytes, &mut data) {
            let allowed = bad.allowed.into();
            return Err(FileError::OutOfRange { at, tensor, index: bad.index, value: bad.value, allowed });
        }
    }
    Ok(Tensor { dtype, shape, data })
}

/// Takes the fields of a case out of the metadata; what is left stays as `meta`.
fn describe(mut case: Case, mut meta: BTreeMap<String, String>) -> Result<Case, FileError> {
    let place = case.place();
    case.op = meta.remove("op").ok_or(FileError::MissingField { at: place, field: "op".into() })?;
    let json = |key: &str, text: String| match serde_json::from_str::<Value>(&text) {
        Ok(value) => Ok(value),
        Err(error) => Err(FileError::bad_parameter(&case, format!("`{key}` is not JSON: {error}"))),
    };
    let params = meta.remove("params").map(|text| json("params", text)).transpose()?;
    let tags = meta.remove("tags").map(|text| json("tags", text)).transpose()?;
    case.params = match params {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Err(FileError::bad_parameter(&case, "`params` is not a JSON object")),
    };
    case.tags = tags.map_or_else(|| Ok(Vec::new()), serde_json::from_value).unwrap_or_else(|_| {
        case.warnings.push("`tags` is not a list of strings and was ignored".into());
        Vec::new()
    });
    case.source = meta.remove("source").unwrap_or_default();
    case.note = meta.remove("note");
    case.reduction = meta.remove("reduction");
    let accumulate = ACCUMULATE.map(|key| meta.remove(key)).into_iter().flatten().next();
    case.meta = meta;
    case.finish(accumulate)
}
