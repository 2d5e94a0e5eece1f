//! Divergences straight from hidden states: a student's and a teacher's heads, and where it is wanted a label's part.
//!
//! The composition of [`fused_linear`](crate::fused_linear) and [`logit_pairs`](crate::logit_pairs): the reference forms
//! a row of either logits at a time. The teacher is frozen: gradients are the student's.

use bellwether_core::logprob::Token;
use bellwether_core::sig::logit_pairs::{By, PLANES, UPSTREAM};
use bellwether_core::sig::token_rows as token;
use bellwether_core::{Error, Op};

use crate::fused_linear::{Hidden, HiddenGradients, head_gradients};
use crate::logit_pairs::{PairRow, PairUpstream, check_upstream, of_reference};
use crate::logprob::token::{row, slope};
use crate::rows::{Scalar, exactly, product};
use crate::token_rows::{TokenUpstream, check_row, planes};

/// Both heads.
#[derive(Clone, Copy, Debug)]
pub struct HiddenPairs<'a, T> {
    /// The student's, with the labels and their rules.
    pub student: Hidden<'a, T>,
    /// The teacher's hidden states `[n, ref_h]`.
    pub ref_hidden: &'a [T],
    /// The teacher's weight `[v, ref_h]`.
    pub ref_weight: &'a [T],
    /// `[v]`, added to the teacher's logits.
    pub ref_bias: Option<&'a [T]>,
    /// Width of a teacher's hidden state.
    pub ref_h: usize,
}

impl<'a, T: Scalar> HiddenPairs<'a, T> {
    fn teacher(&self) -> Hidden<'a, T> {
        let (hidden, weight, bias, h) = (self.ref_hidden, self.ref_weight, self.ref_bias, self.ref_h);
        Hidden { hidden, weight, bias, h, ..self.student }
    }

    /// Shapes and inputs, and the logits of every row that counts.
    fn check(&self, op: &'static str, scratch: &mut [T], need: usize) -> Result<(), Error> {
        let (student, teacher) = (&self.student, self.teacher());
        student.check(op, scratch, need)?;
        teacher.check(op, scratch, need).map_err(of_teacher)?;
        (0..student.labels.len()).filter(|&i| student.label(i).is_some()).try_for_each(|i| {
            check_row(op, i, student.logits(i, scratch))?;
            check_row(op, i, teacher.logits(i, scratch)).map_err(of_reference)
        })
    }

    /// Both rows of logits of row `i`.
    fn rows<'s>(&self, i: usize, scratch: &'s mut [T]) -> (&'s [T], &'s [T]) {
        let (x, r) = scratch.split_at_mut(self.student.v);
        (self.student.logits(i, x), self.teacher().logits(i, r))
    }
}

/// The same error, of the teacher's arrays.
fn of_teacher(error: Error) -> Error {
    let named = |arg| match arg {
        "hidden" => "ref_hidden",
        "weight" => "ref_weight",
        "bias" => "ref_bias",
        other => other,
    };
    match error {
        Error::NonFinite { op, arg, row, col, given } => {
            Error::NonFinite { op, arg: named(arg), row, col, given }
        }
        Error::ShapeMismatch { op, arg, expected, given } => {
            Error::ShapeMismatch { op, arg: named(arg), expected, given }
        }
        Error::SizeOverflow { op, arg } => Error::SizeOverflow { op, arg: named(arg) },
        other => other,
    }
}

/// What a label adds: the statistics of the student's logits by an operator of their own, whose temperature need not be
/// the divergence's.
#[derive(Debug)]
pub struct HardPlanes<'a, T> {
    /// The operator on the student's logits.
    pub op: Token,
    /// Its planes, `[10, n]`.
    pub result: &'a mut [T],
}

/// The divergence's planes of every row, and where they are wanted those of [`Token`] of the student's logits.
///
/// `scratch` holds two rows of logits: at least `2 v` elements.
///
/// # Errors
/// As [`fused_linear`](crate::fused_linear::fused_linear) and [`logit_pairs`](crate::logit_pairs::logit_pairs); the
/// results are then untouched.
pub fn fused_pairs<O: PairRow, T: Scalar>(
    op: &O,
    x: &HiddenPairs<'_, T>,
    scratch: &mut [T],
    result: &mut [T],
    mut hard: Option<HardPlanes<'_, T>>,
) -> Result<(), Error> {
    let (slug, n) = (O::SPEC.slug, x.student.labels.len());
    op.check()?;
    exactly(slug, "result", result, product(slug, "result", PLANES, n)?)?;
    if let Some(hard) = &hard {
        hard.op.check()?;
        exactly(slug, "hard result", hard.result, product(slug, "hard result", token::PLANES.len(), n)?)?;
    }
    x.check(slug, scratch, product(slug, "scratch", 2, x.student.v)?)?;
    for i in 0..n {
        let (mut own, mut label) = ([T::zero(); PLANES], [T::zero(); token::PLANES.len()]);
        if let Some(y) = x.student.label(i) {
            let (logits, ref_logits) = x.rows(i, scratch);
            own = op.planes(logits, ref_logits, y);
            if let Some(hard) = &hard {
                label = planes(&row(&hard.op, logits, y), logits[y]);
            }
        }
        own.into_iter().enumerate().for_each(|(plane, value)| result[plane * n + i] = value);
        if let Some(hard) = &mut hard {
            label.into_iter().enumerate().for_each(|(plane, value)| hard.result[plane * n + i] = value);
        }
    }
    Ok(())
}

/// Gradients by the student's hidden states, weight and bias; those by the label's planes, where there are any, added.
///
/// `scratch` holds the gradients of all logits and two rows of logits: at least `(n + 2) · v` elements.
///
/// # Errors
/// As [`fused_pairs`], and an upstream plane that the operator has not; the gradients are then untouched.
pub fn fused_pairs_backward<O: PairRow, T: Scalar>(
    op: &O,
    x: &HiddenPairs<'_, T>,
    up: &PairUpstream<'_, T>,
    hard: Option<(Token, TokenUpstream<'_, T>)>,
    scratch: &mut [T],
    out: HiddenGradients<'_, T>,
) -> Result<(), Error> {
    let (slug, student) = (O::SPEC.slug, &x.student);
    let (n, v) = (student.labels.len(), student.v);
    op.check()?;
    check_upstream::<O, T>(up, n)?;
    if let Some((op, up)) = &hard {
        op.check()?;
        up.check(slug, n)?;
    }
    let rows = n.checked_add(2).ok_or(Error::SizeOverflow { op: slug, arg: "scratch" })?;
    let need = product(slug, "scratch", rows, v)?;
    out.check(slug, student)?;
    x.check(slug, scratch, need)?;
    let (logits, gradients) = scratch[..need].split_at_mut(2 * v);
    for (i, g) in gradients.chunks_exact_mut(v.max(1)).enumerate() {
        let Some(y) = student.label(i) else { continue };
        let (own, reference) = x.rows(i, logits);
        let of_row: [T; UPSTREAM] = up.map(|p| p.and_then(|p| p.get(i)).copied().unwrap_or_else(T::zero));
        op.gradient((own, reference), y, &of_row, By::Policy, g);
        if let Some((op, up)) = &hard {
            let (r, up) = (row(op, own, y), up.at(i));
            g.iter_mut().enumerate().for_each(|(j, g)| *g = slope(op, &r, &up, own[j], j == y) + *g);
        }
    }
    head_gradients(student, gradients, out);
    Ok(())
}
