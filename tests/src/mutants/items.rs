//! The functions and constants of the kernels' texts, each once, however many kernels share it.

use std::collections::BTreeMap;

use bellwether_shaders::SOURCES;

use super::tokens::{Kind, close, next, tokens};
use crate::functions::device::LIBRARY;

/// A function or a constant.
#[derive(Clone, Debug)]
pub struct Item {
    /// `lib` or the first kernel that holds it, as operator and kernel, and its own name.
    pub place: (String, &'static str),
    /// Its text, which stands once in every kernel that holds it.
    pub text: &'static str,
    /// The operators that hold it, in the order of the registry.
    pub ops: Vec<&'static str>,
}

impl Item {
    /// Whether it belongs to the library, whose functions are held to the truth one by one.
    pub fn is_library(&self) -> bool {
        self.place.0 == "lib"
    }

    /// The operators to be judged by: those that hold it, and FusedLinear for the kernels of TokenRows, which it runs
    /// on memory of its own.
    pub fn judges(&self) -> Vec<&'static str> {
        let of_rows = |op: &&str| ["logprob/token", "logprob/top_k"].contains(op);
        let fused = self.ops.first() == Some(&"logprob/token") && self.ops.iter().all(of_rows);
        self.ops.iter().copied().chain(fused.then_some("logprob/linear")).collect()
    }
}

/// Every item of every kernel and of the library.
pub fn all() -> Vec<Item> {
    let mut items = Vec::<Item>::new();
    let texts = SOURCES
        .iter()
        .map(|source| (format!("{} {}", source.op, source.kernel), Some(source.op), source.text));
    for (kernel, op, text) in texts.chain([("lib".to_owned(), None, LIBRARY)]) {
        for (name, text) in split(text) {
            if let Some(known) = items.iter_mut().find(|item| item.text == text) {
                known.ops.extend(op.filter(|op| !known.ops.contains(op)));
                continue;
            }
            let library = ["bw_", "BW_", "STATUS_"].iter().any(|prefix| name.starts_with(prefix));
            let kernel = if library { "lib".to_owned() } else { kernel.clone() };
            items.push(Item { place: (kernel, name), text, ops: op.into_iter().collect() });
        }
    }
    items
}

/// Names and texts of the functions and constants at the top of a text.
fn split(text: &str) -> Vec<(&str, &str)> {
    let (tokens, mut items, mut i) = (tokens(text), Vec::new(), 0);
    while i < tokens.len() {
        let end = match tokens[i].text {
            "fn" => next(&tokens, i, &["{"]).map(|open| close(&tokens, open)),
            "const" => next(&tokens, i, &[";"]),
            "{" | "(" => {
                i = close(&tokens, i);
                None
            }
            _ => None,
        };
        if let Some(end) = end {
            items.push((tokens[i + 1].text, &text[tokens[i].at..tokens[end].range().end]));
            i = end;
        }
        i += 1;
    }
    items
}

/// Whether `call` of the library mentions the item, itself or through functions that it calls.
pub fn reaches(call: &str, item: &Item) -> bool {
    let bodies: BTreeMap<_, _> = split(LIBRARY).into_iter().collect();
    let (mut seen, mut open) = (vec![], vec![call]);
    while let Some(text) = open.pop() {
        for word in tokens(text).into_iter().filter(|t| t.kind == Kind::Word).map(|t| t.text) {
            if let Some(body) = bodies.get(word).filter(|_| !seen.contains(&word)) {
                seen.push(word);
                open.push(body);
            }
        }
    }
    seen.contains(&item.place.1)
}
