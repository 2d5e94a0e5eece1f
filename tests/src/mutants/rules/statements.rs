//! Rules that change a statement.

use super::{Change, Kind, Piece, close, next};

impl Piece {
    /// What is kept or returned, rounded to half precision; literals are left to the rule for constants.
    pub(super) fn half(&self) -> Vec<Change> {
        self.each(|i, token| {
            let kept = token.is("=") || token.is("return") || token.is("+=");
            let end = next(&self.tokens, i, &[";"]).filter(|end| kept && *end > i + 1);
            let end = end.filter(|end| *end > i + 2 || self.tokens[i + 1].kind != Kind::Number);
            end.map(|end| {
                let value = self.words(i + 1, end - 1);
                let new = format!("unpack2x16float(pack2x16float(vec2<f32>({value}, 0.0))).x");
                (self.span(i + 1, end - 1), format!(" {new}").trim_start().to_owned())
            })
        })
    }

    /// A branch that is always taken, or never.
    pub(super) fn guard(&self) -> Vec<Change> {
        self.each(|i, _| {
            let span = self.calls(i, &["if"]).then(|| self.span(i + 2, close(&self.tokens, i + 1) - 1));
            span.into_iter().flat_map(|span| ["true", "false"].map(|new| (span.clone(), new.to_owned())))
        })
    }

    /// A loop that stops one turn's index early, or leaves out every other turn.
    pub(super) fn turns(&self) -> Vec<Change> {
        self.each(|i, _| {
            if !self.calls(i, &["for"]) {
                return vec![];
            }
            let end = close(&self.tokens, i + 1);
            let inside = |mark: &str| (i + 2..end).find(|&k| self.tokens[k].is(mark));
            let early = inside("<").map(|k| (self.tokens[k].range(), "+ 1u <".to_owned()));
            let sparse = inside("+=")
                .map(|k| (self.span(k + 1, end - 1), format!("2u * ({})", self.words(k + 1, end - 1))));
            early.into_iter().chain(sparse).collect()
        })
    }

    /// An assignment or a call taken away, or a sum that forgets what it held.
    pub(super) fn statement_dropped(&self) -> Vec<Change> {
        self.each(|i, _| {
            let Some(end) = self.statement(i).filter(|_| !self.tokens[i].text.contains("Barrier")) else {
                return vec![];
            };
            let forgets = next(&self.tokens[..end], i, &["+=", "-=", "|=", "^="]);
            let forgets = forgets.map(|k| (self.tokens[k].range(), "=".to_owned()));
            [(self.span(i, end), String::new())].into_iter().chain(forgets).collect()
        })
    }

    /// A barrier taken away.
    pub(super) fn barrier_dropped(&self) -> Vec<Change> {
        self.each(|i, token| {
            let end = self.statement(i).filter(|_| token.text.contains("Barrier"));
            end.map(|end| (self.span(i, end), String::new()))
        })
    }

    /// The semicolon of the assignment or call that begins at `i`.
    fn statement(&self, i: usize) -> Option<usize> {
        const KEYWORDS: [&str; 10] =
            ["let", "var", "const", "return", "if", "else", "for", "while", "switch", "case"];
        let begins = i > 0 && [";", "{", "}"].iter().any(|mark| self.tokens[i - 1].is(mark));
        let word = self.tokens[i].kind == Kind::Word && !KEYWORDS.contains(&self.tokens[i].text);
        if begins && word { next(&self.tokens, i, &[";"]) } else { None }
    }
}
