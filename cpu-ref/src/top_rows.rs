//! Driver of the signature TopRows.

use bellwether_core::logprob::TopK;
use bellwether_core::sig::top_rows::{D_LOGP, MOST_K, UPSTREAM, planes};
use bellwether_core::{Error, Op};

use crate::Element;
use crate::logprob::top_k::{MOST_PLANES, TopRow, TopUpstream as RowUpstream};
use crate::rows::{Scalar, exactly, fill_planes, fill_rows, product};
use crate::token_rows::{Tokens, check_row};

const SLUG: &str = TopK::SPEC.slug;

/// The k largest log-probabilities of every row, their tokens, mass and entropy: [`planes`]`(k)` planes of `n` elements
/// each, as [`top_rows`](bellwether_core::sig::top_rows) lays them out.
///
/// A row that does not count is 0 in every plane and its logits are not read.
///
/// # Errors
/// A k outside its range, shapes that disagree, labels outside `0..v`, NaN or +∞ in a row that counts, a row of −∞ only;
/// `result` is then untouched.
///
/// ```
/// use bellwether_core::logprob::TopK;
/// use bellwether_core::sig::top_rows::{ENTROPY, MASS, tail};
/// use bellwether_core::sig::token_rows::Labels;
/// use bellwether_cpu_ref::{token_rows::Tokens, top_rows::top_rows};
///
/// let logits: [f64; 12] = core::array::from_fn(|j| 2.0 - 0.5 * j as f64);
/// let (op, mut result) = (TopK::default(), [0.0; 26]);
/// top_rows(&op, &Tokens::new(&logits, 12, &[0], Labels::default()), &mut result)?;
/// let [mass, entropy] = [MASS, ENTROPY].map(|which| result[tail(10, which)]);
/// assert!((mass - 0.995_730_221).abs() < 1e-9);
/// assert!((entropy / core::f64::consts::LN_2 - 2.398_942_380).abs() < 1e-9); // in bits, as the paper has it
/// # Ok::<(), bellwether_core::Error>(())
/// ```
pub fn top_rows<T: Scalar, E: Element<T>>(
    op: &TopK,
    x: &Tokens<'_, E>,
    result: &mut [T],
) -> Result<(), Error> {
    op.check()?;
    x.check(SLUG, x.v, |i, logits| check_row::<T, E>(SLUG, i, logits))?;
    let n = x.labels.len();
    exactly(SLUG, "result", result, product(SLUG, "result", planes(op.ranks()), n)?)?;
    fill_planes(n, result, |i| match x.label(i) {
        None => [T::zero(); MOST_PLANES],
        Some(_) => TopRow::of(op, x.row(i)).planes(op),
    });
    Ok(())
}

/// Upstream gradients per row; `None` is zero everywhere.
#[derive(Clone, Copy, Debug)]
pub struct TopUpstream<'a, T> {
    /// Of the masses.
    pub mass: Option<&'a [T]>,
    /// Of the entropies.
    pub entropy: Option<&'a [T]>,
    /// Of the logsumexps.
    pub lse: Option<&'a [T]>,
    /// Of the log-probabilities: k planes.
    pub logp: Option<&'a [T]>,
}

impl<T> Default for TopUpstream<'_, T> {
    fn default() -> Self {
        Self { mass: None, entropy: None, lse: None, logp: None }
    }
}

impl<'a, T: Scalar> TopUpstream<'a, T> {
    /// Arrays in the order of [`UPSTREAM`].
    #[must_use]
    pub const fn of([mass, entropy, lse, logp]: [Option<&'a [T]>; UPSTREAM.len()]) -> Self {
        Self { mass, entropy, lse, logp }
    }

    /// Of row `i` of `n`.
    fn at(&self, n: usize, i: usize) -> RowUpstream<T> {
        let of = |plane: Option<&[T]>| plane.map_or_else(T::zero, |p| p[i]);
        let mut logp = [T::zero(); MOST_K];
        let ranks = self.logp.unwrap_or_default().get(i..).unwrap_or_default().iter().step_by(n.max(1));
        logp.iter_mut().zip(ranks).for_each(|(place, &up)| *place = up);
        RowUpstream { mass: of(self.mass), entropy: of(self.entropy), lse: of(self.lse), logp }
    }

    /// Every array has its planes of `n` elements.
    fn check(&self, n: usize, k: usize) -> Result<(), Error> {
        let arrays = [self.mass, self.entropy, self.lse, self.logp];
        for (which, (arg, array)) in UPSTREAM.into_iter().zip(arrays).enumerate() {
            let count = if which == D_LOGP { k } else { 1 };
            let expected = product(SLUG, arg, count, n)?;
            array.map_or(Ok(()), |x| exactly(SLUG, arg, x, expected))?;
        }
        Ok(())
    }
}

/// Gradient by the logits, packed `[n, v]`; zero in rows that do not count.
///
/// # Errors
/// As [`top_rows`]; `d_logits` is then untouched.
pub fn top_rows_backward<T: Scalar, E: Element<T>>(
    op: &TopK,
    x: &Tokens<'_, E>,
    up: &TopUpstream<'_, T>,
    d_logits: &mut [E],
) -> Result<(), Error> {
    op.check()?;
    x.check(SLUG, x.v, |i, logits| check_row::<T, E>(SLUG, i, logits))?;
    let n = x.labels.len();
    up.check(n, op.ranks())?;
    exactly(SLUG, "d_logits", d_logits, product(SLUG, "d_logits", n, x.v)?)?;
    fill_rows(x.v, d_logits, |i, out| {
        if x.label(i).is_none() {
            return out.fill(E::write(T::zero()));
        }
        let (logits, up) = (x.row(i), up.at(n, i));
        let row = TopRow::of(op, logits);
        for (j, slot) in out.iter_mut().enumerate() {
            *slot = E::write(row.slope(op, &up, logits[j].read(), j));
        }
    });
    Ok(())
}
