//! The rounding of an affine scan, whatever tree its pairs were composed in.

use super::Bound;

/// Compositions that a term may pass through beside those that its distance counts: a tree over the lanes, the carry
/// of a tile, and the step that finishes.
const TREE: f64 = 8.0;

/// What a bound needs to know of a scan `x_t = a_t + b_t x_{t+1}` so far. The term of `a_s` in `x_t` is the product of
/// `b_t … b_{s−1}` with it: in whatever order pairs are composed, it is rounded once per factor and once per addition,
/// `2 (s − t)` times and a few more.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scan {
    /// Sum of the magnitudes of the terms.
    magnitude: f64,
    /// The same sum, each term times its distance.
    distance: f64,
    /// What errors of the pairs alone do.
    propagated: f64,
    /// What products below the precision's range may lose.
    flushed: f64,
    /// The largest magnitude so far.
    peak: f64,
    /// The largest product of neighbouring factors that begins here, and anywhere so far.
    product: f64,
    products: f64,
    steps: f64,
}

impl Scan {
    /// `a + b next`, the state before it being `next`.
    pub(super) fn step<const BITS: u32>(
        &mut self,
        next: Bound<BITS>,
        a: Bound<BITS>,
        b: Bound<BITS>,
    ) -> Bound<BITS> {
        let unit = Bound::<BITS>::UNIT;
        let (own, factor) = (libm::fabs(a.value) + a.error, libm::fabs(b.value) + b.error);
        let tail = factor * self.magnitude;
        self.distance = factor * (self.distance + self.magnitude);
        self.propagated = a.error + factor * self.propagated + b.error * libm::fabs(next.value);
        self.flushed = factor * self.flushed + 2.0 * Bound::<BITS>::TINY * (1.0 + self.peak);
        self.magnitude = own + tail;
        self.peak = self.peak.max(self.magnitude);
        self.product = factor * self.product.max(1.0);
        self.products = self.products.max(self.product);
        self.steps += 1.0;
        let most = (2.0 * self.steps + TREE) * unit;
        let last = if tail == 0.0 { 0.0 } else { own };
        let rounding = unit * (2.0 * self.distance + TREE * tail + last) / (1.0 - most);
        let error = self.propagated + rounding + if tail == 0.0 { 0.0 } else { self.flushed };
        let held = self.peak.max(self.products) <= Bound::<BITS>::LARGEST && most < 1.0;
        let value = a.value + b.value * next.value;
        Bound::new(value, if held && !error.is_nan() { error } else { f64::INFINITY })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Bound;
    use super::Scan;
    use crate::Real;

    /// Pairs composed in f32 by a tree that splits at `cut`, against the bound and in f64.
    fn composed(pairs: &[(f32, f32)]) -> (f32, f32) {
        match pairs {
            [] => (0.0, 1.0),
            [one] => *one,
            more => {
                let (left, right) = more.split_at(more.len() / 2);
                let ((a, b), (c, d)) = (composed(left), composed(right));
                (a + b * c, b * d)
            }
        }
    }

    #[test]
    fn any_tree_stays_inside_and_comes_near() {
        let mut worst = 0.0_f64;
        for seed in 1..60_u32 {
            let mut state = seed;
            let mut draw = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32
            };
            let pairs: [(f32, f32); 200] = core::array::from_fn(|_| (draw() - 0.5, 0.9 + 0.11 * draw()));
            let (mut exact, mut bound, mut scan) = (0.0, Bound::<24>::exact(0.0), Scan::default());
            let mut chain = 0.0_f32;
            for &(a, b) in pairs.iter().rev() {
                exact = f64::from(a) + f64::from(b) * exact;
                chain = a + b * chain;
                let pair = (Bound::exact(a.into()), Bound::exact(b.into()));
                bound = Real::affine(bound, pair, &mut scan);
            }
            for got in [composed(&pairs).0, chain] {
                worst = worst.max((f64::from(got) - exact).abs() / bound.error);
            }
        }
        assert!(worst < 1.0, "violated: {worst}");
        assert!(worst > 0.001, "loose: {worst}");
    }

    #[test]
    fn an_end_is_exact_and_an_overflow_has_no_bound() {
        let mut scan = Scan::default();
        let far = Bound::<23>::affine(Bound::exact(0.0), (Bound::exact(3.5), Bound::exact(0.9)), &mut scan);
        assert_eq!(far, Bound::exact(3.5));
        let end = Real::affine(far, (Bound::exact(1.25), Bound::exact(0.0)), &mut scan);
        assert_eq!(end, Bound::exact(1.25));
        let (zero, large) = (Bound::<23>::exact(0.0), Bound::exact(1e30));
        let mut scan = Scan::default();
        let x = Real::affine(zero, (zero, large), &mut scan);
        assert!(Real::affine(x, (zero, large), &mut scan).error.is_infinite());
    }
}
