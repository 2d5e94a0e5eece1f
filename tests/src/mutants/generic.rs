//! Mutants that rules make of every function and constant of the kernels.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use bellwether_gpu::wgpu::naga;
use bellwether_shaders::SOURCES;

use super::items::{self, Item};
use super::rules::{Piece, RULES};
use crate::functions::device::LIBRARY;
use crate::rig::Edit;

/// What names a mutant from one version of the texts to the next: no line numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The rule.
    pub rule: &'static str,
    /// Kernel and function.
    pub place: String,
    /// The line as it stands; several, where the change covers them.
    pub before: String,
    /// The line as it becomes, and a number where the same happens to several such lines.
    pub after: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = format!("+ {}", self.after);
        write!(f, "[{}] {}\n- {}\n{}", self.rule, self.place, self.before, after.trim_end())
    }
}

/// A mutant of a rule.
#[derive(Clone, Debug)]
pub struct Generic {
    /// Its name.
    pub name: Name,
    /// What it is a part of.
    pub item: Item,
    /// The item's text, changed wherever it stands; `None` if the compiler refuses it.
    pub edit: Option<Edit>,
}

/// Every mutant of every rule, those that the compiler refuses with them.
pub fn all() -> Vec<Generic> {
    let mut count = HashMap::<Name, usize>::new();
    let mut made = Vec::new();
    for item in items::all() {
        let piece = Piece::new(item.text);
        for (rule, changes) in RULES {
            for (range, new) in changes(&piece) {
                let text = [&item.text[..range.start], &new, &item.text[range.end..]].concat();
                let (before, after) = lines(item.text, &range, &new);
                let mut name =
                    Name { rule, place: format!("{} {}", item.place.0, item.place.1), before, after };
                let before = count.entry(name.clone()).or_default();
                *before += 1;
                if *before > 1 {
                    name.after = format!("{} ({before})", name.after);
                }
                let edit = compiles(&item, &text).then(|| Edit {
                    kernel: None,
                    old: item.text,
                    new: Box::leak(text.into_boxed_str()),
                });
                made.push(Generic { name, item: item.clone(), edit });
            }
        }
    }
    made
}

/// The whole lines that a change covers, before and after, on one line each.
fn lines(text: &str, range: &Range<usize>, new: &str) -> (String, String) {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at);
    let one = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let after = [&text[start..range.start], new, &text[range.end..end]].concat();
    (one(&text[start..end]), one(&after))
}

/// Whether the compiler takes the first text that holds the item, with this one in its place.
fn compiles(item: &Item, changed: &str) -> bool {
    let holds = |source: &&bellwether_shaders::Source| source.text.contains(item.text);
    let text = if item.is_library() { LIBRARY } else { SOURCES.iter().find(holds).map_or("", |s| s.text) };
    let module = naga::front::wgsl::parse_str(&text.replacen(item.text, changed, 1));
    let flags = naga::valid::ValidationFlags::all();
    let capabilities =
        naga::valid::Capabilities::default() | naga::valid::Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    module.is_ok_and(|module| naga::valid::Validator::new(flags, capabilities).validate(&module).is_ok())
}
