//! The rounding of a sum, and which of its terms' errors are independent.

use super::{Bound, SIGMAS, depth};

/// What a bound needs to know of a sum.
#[derive(Default)]
pub(super) struct Sum {
    value: f64,
    /// Sum of the errors that terms may share.
    shared: f64,
    /// Sum of squares of the independent ones.
    noise: f64,
    /// Sum of magnitudes.
    magnitude: f64,
    /// Sum of squares.
    squares: f64,
    /// The largest partial sum, in order.
    peak: f64,
    n: usize,
}

impl Sum {
    // The tolerance of every number is sums of these: a call for each term costs more than the term.
    #[inline]
    pub(super) fn push(&mut self, value: f64, error: f64, noise: f64) {
        let size = libm::fabs(value) + error;
        self.value += value;
        self.shared += error - noise;
        self.noise += noise * noise;
        self.magnitude += size;
        self.squares += size * size;
        self.peak = self.peak.max(libm::fabs(self.value));
        self.n += 1;
    }

    /// The sum with its rounding; `products`: the terms were rounded too.
    ///
    /// Our kernels' sums have a known depth, so theirs is the worst case. IEEE f32 stands for numbers of others, whose
    /// order is not known: `n` independent errors of up to half a unit of a partial sum, of which [`SIGMAS`] standard
    /// deviations are granted.
    pub(super) fn finish<const BITS: u32>(&self, products: bool) -> Bound<BITS> {
        // A sum beyond the range has no bound, like any other result.
        let largest = self.magnitude + self.shared;
        if largest > Bound::<BITS>::LARGEST || largest.is_nan() {
            return Bound::new(self.value, f64::INFINITY);
        }
        let of_terms = f64::from(u8::from(products));
        if !Bound::<BITS>::INDEPENDENT {
            let rounding = (depth(self.n) + of_terms) * self.magnitude * Bound::<BITS>::UNIT;
            return Bound::new(self.value, self.shared + rounding);
        }
        let size = self.peak.max(libm::sqrt(self.squares));
        let rounding = SIGMAS * libm::sqrt((self.n as f64 + of_terms) / 3.0) * size * Bound::<BITS>::UNIT;
        let noise = libm::sqrt(self.noise) + rounding;
        Bound { value: self.value, error: self.shared + noise, noise }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Bound;
    use crate::Real;

    #[test]
    fn a_sum_beyond_the_range_has_no_bound() {
        let sum = |x: f64| -> Bound<23> { Real::total([x; 3].into_iter().map(Bound::exact)) };
        assert!(sum(1e38).error.is_finite() && sum(2e38).error.is_infinite());
        assert!(sum(f64::INFINITY).error.is_infinite());
    }
}
