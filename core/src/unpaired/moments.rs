//! Mean and variance of all rewards so far.

use super::Bco;
use crate::{Error, Op};

/// Count, mean and variance of numbers that come in batches: the state behind `delta` of [`Bco`].
///
/// ```
/// use bellwether_core::unpaired::Moments;
///
/// let mut state = Moments::default();
/// state.update([1.0, 2.0].into_iter())?;
/// state.update([6.0].into_iter())?;
/// assert!((state.mean - 3.0).abs() < 1e-15); // delta of the next batch's loss
/// assert!((state.deviation().unwrap() - 7.0_f64.sqrt()).abs() < 1e-14);
/// # Ok::<(), bellwether_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The mean square distance from the mean.
    pub var: f64,
    /// How many numbers; not whole in the state that TRL begins with.
    pub count: f64,
}

impl Default for Moments {
    /// TRL's beginning: mean 0 and variance 1, as of 10⁻²⁴ numbers, which no batch is moved by.
    fn default() -> Self {
        Self { mean: 0.0, var: 1.0, count: 1e-24 }
    }
}

impl Moments {
    /// Of one batch; nothing is 0 of everything.
    ///
    /// # Errors
    /// A number that is not finite, or so large that the square of its distance from the mean is not.
    pub fn of(numbers: impl Iterator<Item = f64> + Clone) -> Result<Self, Error> {
        if let Some((row, given)) = numbers.clone().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(Error::NonFinite { op: Bco::SPEC.slug, arg: "reward", row, col: 0, given });
        }
        let count = numbers.clone().fold(0.0, |n, _| n + 1.0);
        if count == 0.0 {
            return Ok(Self { mean: 0.0, var: 0.0, count });
        }
        let mean = numbers.clone().fold(0.0, |sum, x| sum + x) / count;
        let var = numbers.fold(0.0, |sum, x| sum + (x - mean) * (x - mean)) / count;
        Self { mean, var, count }.finite()
    }

    /// Of the numbers of both; ranks of a distributed batch merge theirs in any order. Without numbers, nothing.
    ///
    /// # Errors
    /// Moments that are no longer finite.
    pub fn merge(self, other: Self) -> Result<Self, Error> {
        let count = self.count + other.count;
        if count <= 0.0 {
            return Ok(self);
        }
        let (gap, share) = (other.mean - self.mean, other.count / count);
        let var = (self.var * self.count + other.var * other.count) / count
            + gap * gap * (self.count / count) * share;
        Self { mean: self.mean + gap * share, var, count }.finite()
    }

    /// Takes in the rewards of a batch. The mean is then `delta` of that batch's own loss, as in TRL.
    ///
    /// # Errors
    /// Those of [`Moments::of`] and [`Moments::merge`]; the state is then as it was.
    pub fn update(&mut self, rewards: impl Iterator<Item = f64> + Clone) -> Result<(), Error> {
        *self = self.merge(Self::of(rewards)?)?;
        Ok(())
    }

    /// The standard deviation, of a sample: over `count − 1`. `None` up to one number.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1.0).then(|| libm::sqrt(self.var * (self.count / (self.count - 1.0))))
    }

    fn finite(self) -> Result<Self, Error> {
        let bad = [self.mean, self.var, self.count].into_iter().find(|x| !x.is_finite());
        match bad {
            None => Ok(self),
            Some(given) => {
                let (op, arg) = (Bco::SPEC.slug, "moments of rewards");
                Err(Error::InvalidParameter { op, arg, given, allowed: "finite" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_in_any_cut_are_one_batch() {
        let numbers = [3.5, -1.0, 0.25, 9.0, -7.5, 2.0, 2.0];
        let whole = Moments::of(numbers.into_iter()).expect("finite");
        for cut in 0..=numbers.len() {
            let (a, b) = numbers.split_at(cut);
            let mut state = Moments { count: 0.0, ..Moments::default() };
            state.update(b.iter().copied()).expect("finite");
            state.update(a.iter().copied()).expect("finite");
            let near = |x: f64, y: f64| (x - y).abs() < 1e-14 * y.abs();
            assert!(near(state.mean, whole.mean) && near(state.var, whole.var), "{cut}: {state:?} {whole:?}");
        }
        assert_eq!(Moments::default().deviation(), None);
    }

    #[test]
    fn what_is_not_finite_changes_nothing() {
        let mut state = Moments::default();
        state.update([2.0, 4.0].into_iter()).expect("finite");
        let before = state;
        let said = state.update([1.0, f64::NAN].into_iter()).unwrap_err();
        assert!(matches!(said, Error::NonFinite { arg: "reward", row: 1, .. }), "{said}");
        assert!(state.update([1e200, -1e200].into_iter()).is_err());
        assert!(state.update([1e200].into_iter()).is_err());
        assert_eq!(state, before);
        state.update(core::iter::empty()).expect("nothing");
        assert_eq!(state, before);
    }
}
