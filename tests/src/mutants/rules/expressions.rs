//! Rules that change an expression.

use super::{Change, Kind, Piece, Token, close, is_binary};

impl Piece {
    /// One mark between two sides for another.
    pub(super) fn swapped(&self, pairs: &[(&str, &str)]) -> Vec<Change> {
        self.each(|i, token| {
            let new = pairs.iter().find(|(old, _)| self.binary(i, &[old]));
            new.map(|(_, new)| (token.range(), (*new).to_owned()))
        })
    }

    /// A minus or a negation taken away.
    pub(super) fn unary_dropped(&self) -> Vec<Change> {
        self.each(|i, token| {
            let sign = ["-", "!", "~"].iter().any(|sign| token.is(sign)) && !is_binary(&self.tokens, i);
            sign.then(|| (token.range(), String::new()))
        })
    }

    /// A mark and its right side taken away.
    pub(super) fn operand_dropped(
        &self,
        marks: &[&str],
        end: impl Fn(&[Token<'_>], usize) -> usize,
    ) -> Vec<Change> {
        self.each(|i, _| {
            let found = self.binary(i, marks);
            found.then(|| (self.span(i, end(&self.tokens, i + 1)), String::new()))
        })
    }

    /// Whole numbers one more, a one nothing; others a thousandth more, a zero a thousandth, unless it only fills up a
    /// vector.
    pub(super) fn constant(&self) -> Vec<Change> {
        self.each(|i, token| {
            let (text, range, hex) = (token.text, token.range(), token.text.starts_with("0x"));
            let real = text.contains('.') || hex && text.contains('p') || !hex && text.ends_with('f');
            let new = match () {
                () if token.kind != Kind::Number => vec![],
                () if text == "0.0" && self.fills_up(i) => vec![],
                () if text == "0.0" => vec!["0.001".to_owned()],
                () if real => vec![format!("({text} * 1.001)")],
                () if text == "1u" => vec!["2u".to_owned(), "0u".to_owned()],
                () => vec![format!("({text} + 1)")],
            };
            new.into_iter().map(move |new| (range.clone(), new))
        })
    }

    /// Whether all that follows in a vector of f32 is zeros, and something else comes before them.
    fn fills_up(&self, i: usize) -> bool {
        let zero_or_comma = |token: &Token<'_>| token.is("0.0") || token.is(",");
        let end = i + self.tokens[i..].iter().take_while(|token| zero_or_comma(token)).count();
        let vector = |open: usize| {
            self.tokens[open].is("(")
                && open > 1
                && self.tokens[open - 1].text == ">"
                && self.tokens[open - 2].is("f32")
        };
        let open = (0..i).rev().find(|&open| vector(open) && close(&self.tokens, open) == end);
        open.is_some_and(|open| self.tokens[open + 1..i].iter().any(|token| !zero_or_comma(token)))
    }

    /// A field of the argument block one more, or a thousandth; an offset or a base ignored.
    pub(super) fn argument(&self) -> Vec<Change> {
        self.each(|i, token| {
            let field = token.is("args") && self.tokens.get(i + 1).is_some_and(|t| t.is("."));
            let mut new = Vec::new();
            if field && self.tokens[i + 2].text != "params" {
                let (span, name) = (self.span(i, i + 2), self.words(i, i + 2));
                new.push((span.clone(), format!("({name} + 1u)")));
                new.push((span.clone(), format!("({name} * 1.001)")));
                if ["_offset", "_base"].iter().any(|end| name.ends_with(end)) {
                    new.push((span, "0u".to_owned()));
                }
            }
            new
        })
    }

    /// A choice that always goes one way: an ignored mask, a missing guard.
    pub(super) fn select(&self) -> Vec<Change> {
        self.each(|i, _| self.sides(i, &["select"]))
    }

    /// A maximum, a minimum, a clamp or an absolute value that is only one of its arguments.
    pub(super) fn clamp(&self) -> Vec<Change> {
        self.each(|i, _| {
            let mut sides = self.sides(i, &["max", "min", "clamp", "abs", "round"]);
            sides.truncate(if self.tokens[i].is("clamp") { 1 } else { 2 });
            sides
        })
    }

    /// A call of one of these functions replaced by its first or its second argument.
    fn sides(&self, i: usize, names: &[&str]) -> Vec<Change> {
        if !self.calls(i, names) {
            return vec![];
        }
        let whole = self.span(i, close(&self.tokens, i + 1));
        let side = |(a, b)| (whole.clone(), format!("({})", self.words(a, b)));
        self.arguments(i).into_iter().take(2).map(side).collect()
    }

    /// The index of an array otherwise.
    pub(super) fn indexed(&self, of: impl Fn(&str) -> bool, new: impl Fn(&str) -> String) -> Vec<Change> {
        self.each(|i, token| {
            let array = token.is("[") && is_binary(&self.tokens, i) && of(self.tokens[i - 1].text);
            array.then(|| {
                let end = close(&self.tokens, i);
                (self.span(i + 1, end - 1), new(self.words(i + 1, end - 1)))
            })
        })
    }
}
