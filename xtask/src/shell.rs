//! Where the workspace is, and how other programs are called.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a chore ends with: the error is the line to print last.
pub(crate) type Result<T = ()> = std::result::Result<T, String>;

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// The cargo that runs this, in the workspace's root.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()), args)
}

/// A program in the workspace's root.
pub(crate) fn command<'a>(program: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// The command as one would type it.
pub(crate) fn typed(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let program = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let set = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={:?} ", name.to_string_lossy(), value?.to_string_lossy()))
    });
    let args = command.get_args().map(|arg| format!(" {}", arg.to_string_lossy()));
    set.chain([program]).chain(args).collect()
}

/// Runs a command with its output unchanged.
pub(crate) fn run(mut command: Command) -> Result {
    println!("$ {}", typed(&command));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", typed(&command))),
        Err(why) => Err(format!("`{}` cannot be started: {why}", typed(&command))),
    }
}

/// Runs a command and takes its standard output; errors hold the end of what it printed.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|why| format!("`{}` cannot be started: {why}", typed(&command)))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let text = [done.stdout, done.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(12)..].join("\n");
    Err(format!("{end}\n`{}` ended with {}", typed(&command), done.status))
}
