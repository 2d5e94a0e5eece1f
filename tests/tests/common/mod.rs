//! What the integration tests share: the bundled files, the oracle, and the built command.
#![allow(dead_code, reason = "each test program uses a part")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use bellwether_check::file::{self, Case};
use serde_json::Value;

/// The training step that the command carries.
pub(crate) const TRACE: &str = "dpo_sigmoid.s0.step1.safetensors";

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// The only case of a file.
pub(crate) fn only_case(path: &Path) -> Case {
    let mut cases = file::load(path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(cases.len(), 1, "{}", path.display());
    cases.remove(0)
}

/// The bundled trace.
pub(crate) fn trace() -> Case {
    only_case(&data(TRACE))
}

/// Where `BELLWETHER_ORACLE` says that all golden cases and traces are; said aloud where it says nothing.
pub(crate) fn oracle() -> Option<PathBuf> {
    let named = std::env::var_os("BELLWETHER_ORACLE").map(PathBuf::from);
    match &named {
        Some(folder) => assert!(folder.is_dir(), "BELLWETHER_ORACLE={}: no such folder", folder.display()),
        None => println!("BELLWETHER_ORACLE is not set: only the bundled selection is judged"),
    }
    named
}

/// The bundled trace, and those of the oracle where there is one.
pub(crate) fn traces() -> Vec<Case> {
    let more = oracle().map(|folder| file::load(&folder.join("traces")).unwrap_or_else(|e| panic!("{e}")));
    std::iter::once(trace()).chain(more.into_iter().flatten()).collect()
}

/// How the command ended and what it printed.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Mesa's device-select layer looks for a Wayland display, and libwayland-client prints this where there is none.
const WAYLAND: &str = "error: XDG_RUNTIME_DIR is invalid or not set in the environment.";

impl Ran {
    /// Lines on standard error, less those of the graphics driver.
    pub(crate) fn errors(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| *line != WAYLAND).collect()
    }

    /// The one object on standard output.
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("standard output is not JSON: {error}\n{}", self.stdout))
    }

    pub(crate) fn first_line(&self) -> &str {
        self.stdout.lines().next().unwrap_or_default()
    }

    pub(crate) fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

/// The command, ready to be given more arguments.
pub(crate) fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwether"));
    command.args(args);
    command
}

/// Runs a command to its end. A panic is never an answer.
pub(crate) fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("the command is built");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text in UTF-8");
    let status = output.status.code().unwrap_or_else(|| panic!("{command:?}: ended by a signal"));
    let ran = Ran { status, stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(!ran.stderr.contains("panicked") && ran.status != 101, "{command:?}: {}", ran.stderr);
    ran
}

/// Runs the command.
pub(crate) fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    ran(&mut command(args))
}
