//! TokenRows in shards of the vocabulary: a state per row and shard, merged into planes; gradients per shard.

use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::{Labels, PLANES, STATE};
use bellwether_core::{Error, Op};

use crate::Element;
use crate::logprob::state::State;
use crate::logprob::token::{Row, slope};
use crate::rows::{Scalar, exactly, fill_planes, fill_rows, product};
use crate::token_rows::{TokenUpstream, Tokens, check_labels, check_part, planes};

const SLUG: &str = Token::SPEC.slug;

/// Which columns of the vocabulary the logits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Columns before the first.
    pub base: usize,
    /// Columns of the whole vocabulary.
    pub vocabulary: usize,
}

impl Shard {
    fn check<T: Scalar, E: Element<T>>(&self, x: &Tokens<'_, E>) -> Result<(), Error> {
        let end = self.base.checked_add(x.v).ok_or(Error::SizeOverflow { op: SLUG, arg: "base" })?;
        if end > self.vocabulary {
            let (expected, given) = (self.vocabulary, end);
            return Err(Error::ShapeMismatch { op: SLUG, arg: "vocabulary", expected, given });
        }
        x.check(SLUG, self.vocabulary, |i, logits| check_part::<T, E>(SLUG, i, logits).map(drop))
    }
}

/// The state of every row of a shard: planes [`STATE`] of `n` elements each; zeros where a row does not count.
///
/// # Errors
/// Shapes that disagree, labels outside the vocabulary, NaN or +∞ in a row that counts; `states` is then untouched.
pub fn token_states<T: Scalar, E: Element<T>>(
    op: &Token,
    x: &Tokens<'_, E>,
    shard: Shard,
    states: &mut [T],
) -> Result<(), Error> {
    op.check()?;
    shard.check::<T, E>(x)?;
    let n = x.labels.len();
    exactly(SLUG, "states", states, product(SLUG, "states", STATE.len(), n)?)?;
    fill_planes(n, states, |i| {
        let Some(y) = x.label(i) else { return [T::zero(); STATE.len()] };
        let [a, b, c, d, e, f, g, h] = State::of(op, x.row(i), shard.base, y).planes();
        [a, b, c, d, e, f, g, h, T::zero()]
    });
    Ok(())
}

/// The planes [`PLANES`] of every row from the states of all shards, one shard's `[9, n]` behind the other's.
///
/// # Errors
/// Shapes that disagree, labels outside the vocabulary, a row of −∞ only, a row whose label no shard has; `result` is
/// then untouched.
pub fn token_rows_finish<T: Scalar>(
    op: &Token,
    states: &[T],
    shards: usize,
    (labels, rules, vocabulary): (&[i32], Labels, usize),
    result: &mut [T],
) -> Result<(), Error> {
    op.check()?;
    let n = labels.len();
    let width = product(SLUG, "states", STATE.len(), n)?;
    exactly(SLUG, "states", states, product(SLUG, "states", width, shards)?)?;
    exactly(SLUG, "result", result, product(SLUG, "result", PLANES.len(), n)?)?;
    check_labels(SLUG, labels, &rules, None, vocabulary)?;
    let label = |i: usize| rules.of(labels, i).and_then(|label| usize::try_from(label).ok());
    let state = |i: usize| {
        let of_shard = |s: usize| State::from_planes(core::array::from_fn(|k| states[s * width + k * n + i]));
        (0..shards).map(of_shard).fold(State::empty(), State::merge)
    };
    for i in (0..n).filter(|&i| label(i).is_some()) {
        let found = state(i);
        if found.allowed.value() <= 0.0 {
            return Err(Error::EmptySupport { op: SLUG, row: i });
        }
        if found.label.value() >= f64::INFINITY {
            let index = label(i).map_or(0, |y| y as i64);
            return Err(Error::IndexOutOfRange { op: SLUG, arg: "states", row: i, index, bound: vocabulary });
        }
    }
    fill_planes(n, result, |i| match label(i) {
        None => [T::zero(); PLANES.len()],
        Some(y) => {
            let found = state(i);
            planes(&found.finish(y), found.label)
        }
    });
    Ok(())
}

/// Gradient by a shard's logits, packed `[n, v]`, from the planes of the whole rows.
///
/// # Errors
/// As [`token_states`]; `d_logits` is then untouched.
pub fn token_shard_backward<T: Scalar, E: Element<T>>(
    op: &Token,
    x: &Tokens<'_, E>,
    shard: Shard,
    whole: &[T],
    up: &TokenUpstream<'_, T>,
    d_logits: &mut [E],
) -> Result<(), Error> {
    op.check()?;
    shard.check::<T, E>(x)?;
    let n = x.labels.len();
    up.check(SLUG, n)?;
    exactly(SLUG, "planes", whole, product(SLUG, "planes", PLANES.len(), n)?)?;
    exactly(SLUG, "d_logits", d_logits, product(SLUG, "d_logits", n, x.v)?)?;
    fill_rows(x.v, d_logits, |i, out| match x.label(i) {
        None => out.fill(E::write(T::zero())),
        Some(y) => {
            let (logits, up) = (x.row(i), up.at(i));
            let r = Row::saved(|plane| whole[plane * n + i]);
            for (j, slot) in out.iter_mut().enumerate() {
                *slot = E::write(slope(op, &r, &up, logits[j].read(), shard.base + j == y));
            }
        }
    });
    Ok(())
}
