//! The rules for generic mutants: each says, for a piece of WGSL, what may stand where instead.
//!
//! A rule knows tokens and no types. What the compiler refuses is no mutant and is dropped later.

mod expressions;
mod statements;

use std::ops::Range;

use bellwether_shaders::SOURCES;

use super::tokens::{Kind, Token, close, is_binary, next, operand, product, tokens};

/// What is replaced, and by what.
pub(super) type Change = (Range<usize>, String);

/// A piece of text with its tokens.
pub(super) struct Piece {
    text: &'static str,
    tokens: Vec<Token<'static>>,
}

/// A rule: its name, and the changes it makes.
pub(super) type Rule = (&'static str, fn(&Piece) -> Vec<Change>);

/// The rule whose mutants only large arrays can tell from the kernels.
pub(super) const SIZE: &str = "index cut to 16 bits";

/// Every rule.
pub(super) const RULES: [Rule; 19] = [
    ("boundary", |p| p.swapped(&[("<", "<="), ("<=", "<"), (">", ">="), (">=", ">")])),
    ("equality", |p| p.swapped(&[("==", "!="), ("!=", "==")])),
    ("logic", |p| p.swapped(&[("&&", "||"), ("||", "&&")])),
    ("sign", |p| p.swapped(&[("+", "-"), ("-", "+"), ("+=", "-="), ("-=", "+=")])),
    ("bits", |p| p.swapped(&[("&", "|"), ("|", "&"), ("^", "|"), ("<<", ">>"), (">>", "<<"), ("|=", "=")])),
    ("unary dropped", Piece::unary_dropped),
    ("term dropped", |p| p.operand_dropped(&["+", "-", "|", "^"], product)),
    ("factor dropped", |p| p.operand_dropped(&["*", "/", "%", "<<", ">>", "&"], operand)),
    ("constant", Piece::constant),
    ("argument", Piece::argument),
    ("select to one side", Piece::select),
    ("clamp dropped", Piece::clamp),
    ("index", |p| p.indexed(|_| true, |index| format!("({index}) + 1u"))),
    (SIZE, |p| p.indexed(is_bound, |index| format!("({index}) & 0xffffu"))),
    ("f16 inside", Piece::half),
    ("guard", Piece::guard),
    ("loop", Piece::turns),
    ("statement dropped", Piece::statement_dropped),
    ("barrier dropped", Piece::barrier_dropped),
];

/// Whether an array is a buffer: workgroup memory is too small for some mistakes.
fn is_bound(array: &str) -> bool {
    SOURCES.iter().flat_map(|source| source.bindings).any(|binding| binding.name == array)
}

impl Piece {
    pub(super) fn new(text: &'static str) -> Self {
        Self { text, tokens: tokens(text) }
    }

    /// The text from one token to another, both included.
    fn span(&self, first: usize, last: usize) -> Range<usize> {
        self.tokens[first].at..self.tokens[last].range().end
    }

    fn words(&self, first: usize, last: usize) -> &'static str {
        &self.text[self.span(first, last)]
    }

    /// What each token gives, with its place.
    fn each<I: IntoIterator<Item = Change>>(
        &self,
        change: impl Fn(usize, &Token<'static>) -> I,
    ) -> Vec<Change> {
        self.tokens.iter().enumerate().flat_map(|(i, token)| change(i, token)).collect()
    }

    /// Arguments of the call whose name stands at `i`: first and last token of each.
    fn arguments(&self, i: usize) -> Vec<(usize, usize)> {
        let (end, mut start, mut found) = (close(&self.tokens, i + 1), i + 2, Vec::new());
        while start < end {
            let comma = next(&self.tokens, start, &[","]).unwrap_or(end);
            found.push((start, comma - 1));
            start = comma + 1;
        }
        found
    }

    /// Whether a call of one of these names begins at `i`.
    fn calls(&self, i: usize, names: &[&str]) -> bool {
        names.contains(&self.tokens[i].text) && self.tokens.get(i + 1).is_some_and(|t| t.is("("))
    }

    /// Whether the token at `i` is a mark with a left side.
    fn binary(&self, i: usize, marks: &[&str]) -> bool {
        self.tokens[i].kind == Kind::Mark
            && marks.contains(&self.tokens[i].text)
            && is_binary(&self.tokens, i)
    }
}
