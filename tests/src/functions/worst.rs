//! The largest error of a sweep, and what the table says to it.

use super::{Args, Truth};

/// The unit in the last place of f32 at a magnitude.
pub(super) fn unit(magnitude: f64) -> f64 {
    let exponent = (magnitude.to_bits() >> 52) as i32 - 1023;
    2.0_f64.powi(exponent.clamp(-126, 127) - 23)
}

/// What a sweep has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Worst {
    /// The largest error, in units.
    pub units: f64,
    /// Where it was.
    pub args: Args<f32>,
    /// How many points there were.
    pub points: u64,
    /// A point whose result is not finite where it should be, or finite where it should not.
    pub fault: Option<(Args<f32>, f32)>,
}

impl Worst {
    /// Looks at one result.
    pub fn see(&mut self, args: Args<f32>, got: f32, truth: Truth) {
        self.points += 1;
        let t = truth.value;
        if t.is_finite() && got.is_finite() {
            let units = (f64::from(got) - t).abs() / unit(truth.scale);
            if units > self.units {
                (self.units, self.args) = (units, args);
            }
            return;
        }
        // Half a unit beyond the largest f32, results round to infinity.
        let overflows = t.abs() >= f64::from(f32::MAX) + 0.5 * unit(f64::from(f32::MAX));
        let right = if t.is_nan() {
            got.is_nan()
        } else {
            overflows && got.is_infinite() && (got > 0.0) == (t > 0.0)
        };
        if !right && self.fault.is_none() {
            self.fault = Some((args, got));
        }
    }

    /// Both sweeps in one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let larger = if other.units > self.units { other } else { self };
        Self { points: self.points + other.points, fault: self.fault.or(other.fault), ..larger }
    }
}

/// What the table says to a measured maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As committed.
    Agrees,
    /// The function is worse than the table says.
    Exceeds,
    /// The table grants more than is needed: its entry may be tightened to what was measured.
    Stale,
}

impl Verdict {
    /// Compares; committed numbers are rounded up in the third decimal.
    pub fn of(measured: f64, committed: f64) -> Self {
        match () {
            () if measured > committed => Self::Exceeds,
            () if measured < committed - 0.002 => Self::Stale,
            () => Self::Agrees,
        }
    }
}
