//! `cargo xtask new-op`: the files and lines of a new operator, with everything mechanical filled in.
//!
//! What needs thought stays open, and tests fail until it is written: docs/adding-an-op.md.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bellwether_core::pair::presets;

use crate::keywords;
use crate::shell::{Result, cargo, output, root};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// `family/name`, as in pair/exo.
    slug: String,
    /// The signature: inputs, outputs and gradients.
    #[arg(long, default_value = "PairRows")]
    sig: String,
    /// One line of purpose.
    #[arg(long)]
    title: String,
}

const CORE: &str = include_str!("../templates/pair/core.rs.txt");
const CPU_REF: &str = include_str!("../templates/pair/cpu_ref.rs.txt");
const WGSL: &str = include_str!("../templates/pair/link.wgsl.txt");

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.sig != "PairRows" {
        return Err(format!("--sig {}: new-op lays out PairRows (pair losses) only", args.sig));
    }
    let Some(name) = args.slug.strip_prefix("pair/") else {
        return Err(format!("{}: an operator of PairRows is called pair/NAME", args.slug));
    };
    let root = root();
    for (path, text) in plan(&root, name, &args.title)? {
        std::fs::write(root.join(&path), text).map_err(|why| format!("{}: {why}", path.display()))?;
        println!("wrote {}", path.display());
    }
    output(cargo(["fmt", "-p", "bellwether-core", "-p", "bellwether-cpu-ref"]))?;
    println!(
        "Now fill in what they leave open: docs/adding-an-op.md. `cargo test -p bellwether-core` fails until formula \
         and papers are there, `cargo run --release -- verify --op pair/{name}` until the mathematics is."
    );
    Ok(ExitCode::SUCCESS)
}

/// A change of a file's text; none where the text has no place for it.
type Edit<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Every file to write, with its text; nothing is written before all of them are known.
fn plan(root: &Path, name: &str, title: &str) -> Result<Vec<(PathBuf, String)>> {
    if let Some(why) = keywords::refuse(name) {
        return Err(format!("the name `{name}` {why}"));
    }
    if title.trim().is_empty() || title.contains(char::is_control) {
        return Err("--title is one line of text".into());
    }
    if presets::ALL.iter().any(|preset| preset.slug.strip_prefix("pair/") == Some(name)) {
        return Err(format!("pair/{name} exists: it is a preset"));
    }
    let kind = camel(name);
    let quoted = title.replace('\\', "\\\\").replace('"', "\\\"");
    let fill = |template: &str| {
        let text = template.replace("@name@", name).replace("@Type@", &kind);
        text.replace("@quoted@", &quoted).replace("@title@", title)
    };
    let new = [
        (format!("core/src/pair/{name}.rs"), fill(CORE)),
        (format!("cpu-ref/src/pair/{name}.rs"), fill(CPU_REF)),
        (format!("shaders/wgsl/pair/{name}.wgsl"), fill(WGSL)),
    ];
    let mut files = Vec::new();
    for (path, text) in new {
        if root.join(&path).exists() {
            return Err(format!("pair/{name} exists: {path}"));
        }
        files.push((path.into(), text));
    }
    let mut edit = |path: &str, edits: &[Edit]| -> Result {
        let read = std::fs::read_to_string(root.join(path)).map_err(|why| format!("{path}: {why}"))?;
        let text = edits.iter().try_fold(read, |text, edit| edit(&text));
        files.push((path.into(), text.ok_or_else(|| format!("{path}: no place found for pair/{name}"))?));
        Ok(())
    };
    let module = |text: &str| insert(text, "mod ", &format!("mod {name};"));
    let line = format!("pair::{name}::{kind}: PairRows [],");
    edit("core/src/pair.rs", &[&module, &|text| export(text, name, &kind)])?;
    edit("cpu-ref/src/pair.rs", &[&module])?;
    edit("core/src/registry.rs", &[&|text| append(text, "pair::", &line)])?;
    Ok(files)
}

/// `snake_case` to `CamelCase`.
fn camel(name: &str) -> String {
    let upper = |part: &str| part[..1].to_uppercase() + &part[1..];
    name.split('_').map(upper).collect()
}

/// The last run of consecutive lines that start with `prefix`, `pub` or not, as a range.
fn block(lines: &[&str], prefix: &str) -> Option<std::ops::Range<usize>> {
    let inside = |line: &&str| line.trim_start().trim_start_matches("pub ").starts_with(prefix);
    let end = lines.iter().rposition(inside)? + 1;
    let start = lines[..end].iter().rposition(|line| !inside(line)).map_or(0, |before| before + 1);
    Some(start..end)
}

/// Puts `line` into the last sorted block of such lines, as public as its neighbours.
fn insert(text: &str, prefix: &str, line: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let block = block(&lines, prefix)?;
    let public = if lines[block.start].starts_with("pub ") { "pub " } else { "" };
    let line = format!("{public}{line}");
    let place = lines[block.clone()].iter().position(|other| *other > line.as_str());
    lines.insert(place.map_or(block.end, |at| block.start + at), &line);
    Some(lines.join("\n") + "\n")
}

/// Adds the re-export; nothing where the type's name is taken.
fn export(text: &str, name: &str, kind: &str) -> Option<String> {
    let taken = text
        .lines()
        .filter(|line| line.starts_with("pub use "))
        .any(|line| line.split(|c: char| !c.is_alphanumeric()).any(|word| word == kind));
    if taken { None } else { insert(text, "use ", &format!("use {name}::{kind};")) }
}

/// Puts `line` behind the last line that starts with `prefix`, indented as it is.
fn append(text: &str, prefix: &str, line: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|other| other.trim_start().starts_with(prefix))?;
    let indent = &lines[last][..lines[last].len() - lines[last].trim_start().len()];
    let line = format!("{indent}{line}");
    lines.insert(last + 1, &line);
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests;
