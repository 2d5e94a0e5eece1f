//! The words and marks of a piece of WGSL: as much as the rules for mutants need.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    /// A literal number.
    Number,
    /// A bracket of a type's parameters: no comparison.
    Template,
    /// Any other mark.
    Mark,
}

/// A token, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl Token<'_> {
    /// Where it stands.
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    /// Whether it is this mark or word; a bracket of a type is no mark.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text && self.kind != Kind::Template
    }

    /// Whether an operand can end here, so that a sign behind it has two sides.
    fn ends_operand(&self) -> bool {
        match self.kind {
            Kind::Word => !matches!(self.text, "return" | "case"),
            Kind::Number => true,
            Kind::Template => false,
            Kind::Mark => matches!(self.text, ")" | "]"),
        }
    }
}

/// Marks of more than one character, longest first.
const LONG: [&str; 18] = [
    "<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "|=", "&=", "^=", "->",
    "++",
];
/// Words whose `<` opens the parameters of a type.
const TYPES: [&str; 6] = ["vec2", "vec3", "vec4", "array", "bitcast", "var"];

/// The tokens of a text, without white space and comments.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut found, mut at, mut depth) = (Vec::<Token<'_>>::new(), 0, 0);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let opens = rest.starts_with('<') && found.last().is_some_and(|t| TYPES.contains(&t.text));
        let (kind, length) = match first {
            _ if first.is_whitespace() => (None, first.len_utf8()),
            '/' if rest.starts_with("//") => (None, rest.find('\n').unwrap_or(rest.len())),
            _ if first.is_alphabetic() || first == '_' => (Some(Kind::Word), word(rest)),
            '0'..='9' => (Some(Kind::Number), number(rest)),
            '<' | '>' if opens || depth > 0 => (Some(Kind::Template), 1),
            _ => (Some(Kind::Mark), mark(rest)),
        };
        if let Some(kind) = kind {
            if kind == Kind::Template {
                depth = if first == '<' { depth + 1 } else { depth - 1 };
            }
            found.push(Token { kind, text: &rest[..length], at });
        }
        at += length;
    }
    found
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// A literal's length: the sign of an exponent belongs to it.
fn number(rest: &str) -> usize {
    let exponent = |c: char| matches!(c, 'p' | 'P') || !rest.starts_with("0x") && matches!(c, 'e' | 'E');
    let mut before = '0';
    let end = rest.find(|c: char| {
        let belongs = c.is_alphanumeric() || c == '.' || matches!(c, '+' | '-') && exponent(before);
        before = c;
        !belongs
    });
    end.unwrap_or(rest.len())
}

fn mark(rest: &str) -> usize {
    let long = LONG.iter().find(|long| rest.starts_with(**long));
    long.map_or_else(|| rest.chars().next().map_or(1, char::len_utf8), |long| long.len())
}

/// The place of the bracket that closes the one at `open`; the last token where none does.
pub(super) fn close(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i;
        }
    }
    tokens.len() - 1
}

/// Where the next of these marks stands, outside of brackets, from `start` on; none if a bracket closes before.
pub(super) fn next(tokens: &[Token<'_>], start: usize, marks: &[&str]) -> Option<usize> {
    let mut i = start;
    while let Some(token) = tokens.get(i) {
        if marks.iter().any(|mark| token.is(mark)) {
            return Some(i);
        }
        match token.text {
            "(" | "[" | "{" => i = close(tokens, i),
            ")" | "]" | "}" => return None,
            _ => {}
        }
        i += 1;
    }
    None
}

/// Whether the sign at `i` stands between two operands.
pub(super) fn is_binary(tokens: &[Token<'_>], i: usize) -> bool {
    i > 0 && tokens[i - 1].ends_operand()
}

/// The last token of the operand that begins at `start`: signs, a name, number or bracket, what is called or indexed.
pub(super) fn operand(tokens: &[Token<'_>], start: usize) -> usize {
    let mut i = start;
    while ["-", "!", "~", "&"].iter().any(|sign| tokens[i].is(sign)) {
        i += 1;
    }
    if tokens[i].is("(") {
        i = close(tokens, i);
    }
    while let Some(after) = tokens.get(i + 1) {
        match after.text {
            "(" | "[" => i = close(tokens, i + 1),
            "." => i += 2,
            _ if after.kind == Kind::Template => i += 1,
            _ if tokens[i].kind == Kind::Template && after.kind == Kind::Word => i += 1,
            _ => break,
        }
    }
    i
}

/// The last token of the product that begins at `start`.
pub(super) fn product(tokens: &[Token<'_>], start: usize) -> usize {
    let mut end = operand(tokens, start);
    while tokens.get(end + 1).is_some_and(|t| ["*", "/", "%"].iter().any(|mark| t.is(mark))) {
        end = operand(tokens, end + 2);
    }
    end
}
