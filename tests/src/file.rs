//! Files of cases: golden JSON, single cases in JSON, and `.safetensors` dumps, told apart by their content.
//!
//! Whatever the bytes are, reading gives cases or a [`FileError`], never a panic.

mod error;
mod golden;
mod safetensors;
mod warnings;
mod write;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::tensor::Dtype;
pub use crate::tensor::Named;
pub use error::FileError;
pub(crate) use error::line;
pub use warnings::warnings;
pub use write::save;

/// One evaluation of one operator: what went in, and what its author says came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Case {
    /// Path of the file, as given.
    pub file: String,
    /// Name within the file; the file's stem where it holds one unnamed case.
    pub id: String,
    /// Operator: our slug or a peer's name.
    pub op: String,
    /// Who computed the outputs.
    pub source: String,
    /// Parameters as the file has them.
    pub params: Map<String, Value>,
    /// Inputs by name.
    pub inputs: Named,
    /// Outputs by name.
    pub outputs: Named,
    /// Weight of each output in the scalar that `grads` differentiate.
    pub cotangents: Named,
    /// Gradients by input name.
    pub grads: Named,
    /// Outputs in 60-digit arithmetic, rounded to f64: the truth where present.
    pub exact_outputs: Named,
    /// Gradients in 60-digit arithmetic, rounded to f64.
    pub exact_grads: Named,
    /// Tags, such as `peer_nonfinite`.
    pub tags: Vec<String>,
    /// Remark of the author.
    pub note: Option<String>,
    /// How the scalar loss is formed of the rows; from the case, else from `params.reduction`.
    pub reduction: Option<String>,
    /// Type in which sums were formed: `accumulate` or `acc_dtype` in metadata or `params` (where it stays).
    pub accumulation: Option<Dtype>,
    /// Other metadata, kept as text.
    pub meta: BTreeMap<String, String>,
    /// Why this case proves little, and what was ignored.
    pub warnings: Vec<String>,
}

impl Case {
    /// `FILE`, or `FILE: ID` where the id says more than the file's own name.
    pub fn place(&self) -> String {
        place(&self.file, &self.id)
    }

    /// Fills `reduction` and `accumulation` from `params` where the file does not state them apart, then warns.
    fn finish(mut self, accumulate: Option<String>) -> Result<Self, FileError> {
        let text = |name| self.params.get(name).and_then(Value::as_str).map(str::to_owned);
        let accumulate = accumulate.or_else(|| text(ACCUMULATE[0])).or_else(|| text(ACCUMULATE[1]));
        self.reduction = self.reduction.take().or_else(|| text("reduction"));
        if let Some(name) = accumulate {
            let text = || format!("`{}` is `{name}`, which is not a known dtype", ACCUMULATE[0]);
            self.accumulation =
                Some(Dtype::parse(&name).ok_or_else(|| FileError::bad_parameter(&self, text()))?);
        }
        let found = warnings(&self);
        self.warnings.extend(found);
        Ok(self)
    }
}

/// Names under which the accumulation type is stated.
const ACCUMULATE: [&str; 2] = ["accumulate", "acc_dtype"];

/// The value of the golden format's `format` field.
const GOLDEN: &str = "bellwether-cases/1";

/// Loads every case of a file, or of all `.json` and `.safetensors` files below a directory.
///
/// A file that needs more than [`memory_limit`] is [`FileError::TooLarge`].
pub fn load(path: &Path) -> Result<Vec<Case>, FileError> {
    load_all(path, memory_limit)
}

/// [`load`] with a limit of the memory in bytes that one file may take.
pub fn load_within(path: &Path, limit: Option<u64>) -> Result<Vec<Case>, FileError> {
    load_all(path, || limit)
}

fn load_all(path: &Path, limit: impl Fn() -> Option<u64>) -> Result<Vec<Case>, FileError> {
    let mut cases = Vec::new();
    for file in files(path)? {
        cases.extend(load_file(&file, limit())?);
    }
    Ok(cases)
}

/// The files that [`load`] reads, sorted: `path` itself, or what lies below it. Links to directories are not followed.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    let failed =
        |at: &Path, error: std::io::Error| FileError::Read { at: name(at), reason: error.to_string() };
    if !fs::metadata(path).map_err(|error| failed(path, error))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut found, mut folders) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let entry = entry.map_err(|error| failed(&folder, error))?;
            let (kind, path) = (entry.file_type().map_err(|error| failed(&folder, error))?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if matches!(extension(&path), Some("json" | "safetensors")) && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    if found.is_empty() {
        let found = "a directory without .json or .safetensors files".into();
        return Err(FileError::UnknownFormat { at: name(path), found });
    }
    Ok(found)
}

/// The cases of a file that is in memory already, under the name that messages shall give it.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Vec<Case>, FileError> {
    read(Path::new(name), std::io::Cursor::new(bytes), bytes.len() as u64, None)
}

fn load_file(path: &Path, limit: Option<u64>) -> Result<Vec<Case>, FileError> {
    let at = name(path);
    let failed = |error: std::io::Error| FileError::Read { at: at.clone(), reason: error.to_string() };
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(FileError::Read { at, reason: "not a regular file".into() });
    }
    read(path, file, about.len(), limit)
}

/// Reads what `file` holds, which is `length` bytes long.
fn read(
    path: &Path,
    mut file: impl Read + Seek,
    length: u64,
    limit: Option<u64>,
) -> Result<Vec<Case>, FileError> {
    let at = name(path);
    let failed = |error: std::io::Error| FileError::Read { at: at.clone(), reason: error.to_string() };
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(64).read_to_end(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    match sniff(&start) {
        Format::Safetensors => safetensors::load(path, file, length, limit).map(|case| vec![case]),
        Format::Json { skip } => golden::load(path, file, skip, length, limit),
        Format::Unknown(_) if length < 9 && extension(path) == Some("safetensors") => {
            Err(FileError::Truncated { at, part: format!("{length} bytes cannot hold a header") })
        }
        Format::Unknown(found) => Err(FileError::UnknownFormat { at, found: found.into() }),
    }
}

/// What the first bytes of a file say.
enum Format {
    Safetensors,
    /// Text after a mark of `skip` bytes.
    Json {
        skip: usize,
    },
    Unknown(&'static str),
}

/// JSON text holds no NUL byte; a header length does, unless the header is larger than 4 GiB.
fn sniff(start: &[u8]) -> Format {
    if start.get(4..9) == Some(b"\0\0\0\0{") {
        return Format::Safetensors;
    }
    let skip = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    match start[skip..].iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => Format::Json { skip },
        None if start.is_empty() => Format::Unknown("the file is empty"),
        _ if start.starts_with(b"PK\x03\x04") => Format::Unknown("a zip archive (torch.save or npz?)"),
        _ if start.starts_with(b"\x93NUMPY") => Format::Unknown("a NumPy array"),
        _ if start.starts_with(b"\x1f\x8b") => Format::Unknown("compressed with gzip"),
        _ => Format::Unknown("neither JSON nor safetensors"),
    }
}

/// Memory that may be used now, in bytes: `MemAvailable` of `/proc/meminfo`; `None` (no limit) where there is none.
pub fn memory_limit() -> Option<u64> {
    let about = fs::read_to_string("/proc/meminfo").ok()?;
    let text = about.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// An error where `needed` bytes are more than `limit`.
fn fits(at: &str, needed: u64, limit: Option<u64>) -> Result<(), FileError> {
    match limit {
        Some(available) if needed > available => {
            Err(FileError::TooLarge { at: at.into(), needed, available })
        }
        _ => Ok(()),
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(OsStr::to_str)
}

fn stem(file: &str) -> String {
    Path::new(file).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn place(file: &str, id: &str) -> String {
    if id.is_empty() || id == stem(file) { file.to_owned() } else { format!("{file}: {id}") }
}
