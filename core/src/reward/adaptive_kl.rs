//! The weight of a KL penalty that keeps the divergence near a target.

use crate::Error;
use crate::op::require;

const OP: &str = "reward::AdaptiveKl";
/// The largest relative error that is acted upon.
const MOST: f64 = 0.2;

/// Proportional control of a KL penalty's weight `β`: after `n` samples with mean divergence `kl`,
/// `β ← β (1 + clip(kl/target − 1, ±0.2) n/horizon)` (Ziegler et al. 2019, arXiv:1909.08593, section 2.2; horizon 10,000
/// in TRL and DR-PO). A horizon of 10 with `n = 1` per update is the controller of RL4LMs.
///
/// ```
/// use bellwether_core::reward::AdaptiveKl;
///
/// let mut control = AdaptiveKl { beta: 0.1, target: 0.1, horizon: 10.0 };
/// control.update(0.2, 1.0)?; // twice the target: 2 % more
/// assert!((control.beta - 0.102).abs() < 1e-15);
/// control.update(0.1, 1.0)?; // at the target: as it was
/// assert!((control.beta - 0.102).abs() < 1e-15);
/// # Ok::<(), bellwether_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct AdaptiveKl {
    /// The weight; > 0 and finite.
    pub beta: f64,
    /// The divergence aimed at, in nats; > 0 and finite.
    pub target: f64,
    /// Samples after which an error has its whole effect; > 0 and finite.
    pub horizon: f64,
}

impl AdaptiveKl {
    /// Takes in the mean divergence of `n` samples, at most five horizons of them.
    ///
    /// # Errors
    /// A field or an argument out of its range; the weight is then as it was.
    pub fn update(&mut self, kl: f64, n: f64) -> Result<(), Error> {
        let positive = |arg, x: f64| require(x > 0.0 && x.is_finite(), OP, arg, x, "> 0 and finite");
        positive("beta", self.beta)?;
        positive("target", self.target)?;
        positive("horizon", self.horizon)?;
        require(kl.is_finite(), OP, "kl", kl, "finite")?;
        let share = n / self.horizon;
        // Beyond that the weight could turn negative.
        require(n >= 0.0 && share * MOST < 1.0, OP, "n", n, ">= 0 and below five horizons")?;
        let error = (kl / self.target - 1.0).clamp(-MOST, MOST);
        let beta = self.beta * (1.0 + error * share);
        positive("beta", beta)?;
        self.beta = beta;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_update_moves_by_two_percent_at_most() {
        for (kl, want) in [(0.0, 0.98), (0.05, 0.98), (0.11, 1.01), (1e300, 1.02), (-3.0, 0.98)] {
            let mut control = AdaptiveKl { beta: 1.0, target: 0.1, horizon: 10.0 };
            control.update(kl, 1.0).expect("in range");
            assert!((control.beta - want).abs() < 1e-12, "{kl}: {}", control.beta);
        }
    }

    #[test]
    fn what_is_out_of_range_changes_nothing() {
        let good = AdaptiveKl { beta: 0.1, target: 6.0, horizon: 1e4 };
        let bad = [AdaptiveKl { target: 0.0, ..good }, AdaptiveKl { beta: f64::NAN, ..good }];
        for mut control in bad.into_iter().chain([AdaptiveKl { horizon: f64::INFINITY, ..good }]) {
            assert!(control.update(1.0, 1.0).is_err());
        }
        for (kl, n) in [(f64::NAN, 1.0), (1.0, -1.0), (1.0, f64::NAN), (1.0, 5e4)] {
            let mut control = good;
            assert!(control.update(kl, n).is_err());
            assert_eq!(control, good);
        }
    }
}
