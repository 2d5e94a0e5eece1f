//! Driver of the signature FusedLinear: the reference forms one row (or one column) of logits at a time.

use bellwether_core::logprob::{Linear, Token};
use bellwether_core::sig::token_rows::{Labels, PLANES};
use bellwether_core::{Error, Op};

use crate::logprob::token::{row, slope};
use crate::rows::{Scalar, exactly, finite, product};
use crate::token_rows::{TokenUpstream, check_labels, check_row, planes};

/// Hidden states `[n, h]`, LM-head weight `[v, h]` and a label per row.
#[derive(Clone, Copy, Debug)]
pub struct Hidden<'a, T> {
    /// Hidden states, packed.
    pub hidden: &'a [T],
    /// LM-head weight, packed: `logits = hidden · weightᵀ`.
    pub weight: &'a [T],
    /// `[v]`, added to the logits of every row.
    pub bias: Option<&'a [T]>,
    /// Width of a hidden state.
    pub h: usize,
    /// Rows of the weight.
    pub v: usize,
    /// One label per row.
    pub labels: &'a [i32],
    /// Which label scores which row, and which do not count.
    pub rules: Labels,
}

impl<T: Scalar> Hidden<'_, T> {
    pub(crate) fn label(&self, i: usize) -> Option<usize> {
        self.rules.of(self.labels, i).and_then(|label| usize::try_from(label).ok())
    }

    /// `hidden_i · weight_j + bias_j`.
    fn logit(&self, i: usize, j: usize) -> T {
        let (a, b) = (&self.hidden[i * self.h..][..self.h], &self.weight[j * self.h..][..self.h]);
        let product = T::dot(a.iter().copied().zip(b.iter().copied()));
        self.bias.map_or(product, |bias| product + bias[j])
    }

    pub(crate) fn logits<'s>(&self, i: usize, scratch: &'s mut [T]) -> &'s [T] {
        let row = &mut scratch[..self.v];
        for (j, slot) in row.iter_mut().enumerate() {
            *slot = self.logit(i, j);
        }
        row
    }

    pub(crate) fn check(&self, op: &'static str, scratch: &mut [T], need: usize) -> Result<(), Error> {
        let n = self.labels.len();
        exactly(op, "hidden", self.hidden, product(op, "hidden", n, self.h)?)?;
        exactly(op, "weight", self.weight, product(op, "weight", self.v, self.h)?)?;
        self.bias.map_or(Ok(()), |bias| exactly(op, "bias", bias, self.v))?;
        check_labels(op, self.labels, &self.rules, None, self.v)?;
        if scratch.len() < need {
            return Err(Error::ShapeMismatch { op, arg: "scratch", expected: need, given: scratch.len() });
        }
        for (k, x) in self.weight.iter().enumerate() {
            finite(op, "weight", (k / self.h, k % self.h), x.value())?;
        }
        for (j, x) in self.bias.unwrap_or_default().iter().enumerate() {
            finite(op, "bias", (j, 0), x.value())?;
        }
        for i in (0..n).filter(|&i| self.label(i).is_some()) {
            for k in 0..self.h {
                finite(op, "hidden", (i, k), self.hidden[i * self.h + k].value())?;
            }
        }
        Ok(())
    }
}

/// Log-probability, logsumexp and entropy of every row: planes [`PLANES`] of `n` elements each.
///
/// `scratch` holds one row of logits: at least `v` elements.
///
/// # Errors
/// Shapes that disagree, labels outside `0..v`, NaN or infinity in the weight or in a row that counts; `result` is
/// then untouched.
pub fn fused_linear<T: Scalar>(
    op: &Linear,
    x: &Hidden<'_, T>,
    scratch: &mut [T],
    result: &mut [T],
) -> Result<(), Error> {
    let (slug, n) = (Linear::SPEC.slug, x.labels.len());
    op.check()?;
    exactly(slug, "result", result, product(slug, "result", PLANES.len(), n)?)?;
    x.check(slug, scratch, x.v)?;
    for i in (0..n).filter(|&i| x.label(i).is_some()) {
        check_row(slug, i, x.logits(i, scratch))?;
    }
    for i in 0..n {
        let values = match x.label(i) {
            None => [T::zero(); PLANES.len()],
            Some(y) => {
                let logits = x.logits(i, scratch);
                planes(&row(&op.token, logits, y), logits[y])
            }
        };
        for (plane, value) in values.into_iter().enumerate() {
            result[plane * n + i] = value;
        }
    }
    Ok(())
}

/// Where the gradients go.
#[derive(Debug)]
pub struct HiddenGradients<'a, T> {
    /// `[n, h]`; zero in rows that do not count.
    pub d_hidden: &'a mut [T],
    /// `[v, h]`.
    pub d_weight: &'a mut [T],
    /// `[v]`, where it is wanted.
    pub d_bias: Option<&'a mut [T]>,
}

impl<T: Scalar> HiddenGradients<'_, T> {
    /// Each has the size of what it is the gradient by.
    pub(crate) fn check(&self, op: &'static str, x: &Hidden<'_, T>) -> Result<(), Error> {
        exactly(op, "d_hidden", self.d_hidden, product(op, "d_hidden", x.labels.len(), x.h)?)?;
        exactly(op, "d_weight", self.d_weight, product(op, "d_weight", x.v, x.h)?)?;
        self.d_bias.as_ref().map_or(Ok(()), |d_bias| exactly(op, "d_bias", d_bias, x.v))
    }
}

/// Gradients by hidden states, weight and bias.
///
/// `scratch` holds the gradients of all logits and one row of logits: at least `(n + 1) · v` elements.
///
/// # Errors
/// As [`fused_linear`]; the gradients are then untouched.
pub fn fused_linear_backward<T: Scalar>(
    op: &Linear,
    x: &Hidden<'_, T>,
    up: &TokenUpstream<'_, T>,
    scratch: &mut [T],
    out: HiddenGradients<'_, T>,
) -> Result<(), Error> {
    let n = x.labels.len();
    up.check(Linear::SPEC.slug, n)?;
    check_backward(op, x, scratch, &out)?;
    let (logits, gradients) = scratch[..(n + 1) * x.v].split_at_mut(x.v);
    logit_gradients(&op.token, x, up, logits, gradients)?;
    head_gradients(x, gradients, out);
    Ok(())
}

/// What gradients of logits `[n, v]` make of hidden states, weight and bias.
pub(crate) fn head_gradients<T: Scalar>(x: &Hidden<'_, T>, gradients: &[T], out: HiddenGradients<'_, T>) {
    let n = x.labels.len();
    let g = |i: usize, j: usize| gradients[i * x.v + j];
    let counted = || (0..n).filter(|&i| x.label(i).is_some());
    for (at, slot) in out.d_hidden.iter_mut().enumerate() {
        let (i, k) = (at / x.h, at % x.h);
        *slot = match x.label(i) {
            None => T::zero(),
            Some(_) => T::dot((0..x.v).map(|j| (g(i, j), x.weight[j * x.h + k]))),
        };
    }
    for (at, slot) in out.d_weight.iter_mut().enumerate() {
        let (j, k) = (at / x.h, at % x.h);
        *slot = T::dot(counted().map(|i| (g(i, j), x.hidden[i * x.h + k])));
    }
    for (j, slot) in out.d_bias.into_iter().flatten().enumerate() {
        *slot = T::total(counted().map(|i| g(i, j)));
    }
}

/// All that can be told of [`fused_linear_backward`] before anything is computed.
pub(crate) fn check_backward<T: Scalar>(
    op: &Linear,
    x: &Hidden<'_, T>,
    scratch: &mut [T],
    out: &HiddenGradients<'_, T>,
) -> Result<(), Error> {
    let (slug, n) = (Linear::SPEC.slug, x.labels.len());
    op.check()?;
    out.check(slug, x)?;
    x.check(slug, scratch, product(slug, "scratch", n + 1, x.v)?)
}

/// The gradients of the logits of every row that counts.
fn logit_gradients<T: Scalar>(
    op: &Token,
    x: &Hidden<'_, T>,
    up: &TokenUpstream<'_, T>,
    logits: &mut [T],
    gradients: &mut [T],
) -> Result<(), Error> {
    for (i, g) in gradients.chunks_exact_mut(x.v.max(1)).enumerate() {
        let Some(y) = x.label(i) else { continue };
        let (logits, up) = (x.logits(i, logits), up.at(i));
        check_row(Linear::SPEC.slug, i, logits)?;
        let r = row(op, logits, y);
        for (j, slot) in g.iter_mut().enumerate() {
            *slot = slope(op, &r, &up, logits[j], j == y);
        }
    }
    Ok(())
}
