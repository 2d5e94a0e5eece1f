//! Gumbel and normal numbers: the definitions, in the precision of the caller.

use super::uniform_open;
use crate::Real;

/// Standard Gumbel: `−ln(−ln(1 − v))` with `v = `[`uniform_open`]`(word)`. In `[−2.82, 22.19]`, always finite.
///
/// The argmax of `logit + gumbel` is a draw from the softmax of the logits. `1 − v` is never formed: large values come
/// from small `v`, which has all its digits, so that the maximum of 10⁵ numbers is all but never shared by two. Mean
/// 0.5772 (Euler's constant), variance π²/6.
///
/// Over [`Bound`](crate::Bound), the result carries the kernel's tolerance: with 5 units of 2⁻²³ for each logarithm
/// about `5 · 2⁻²³ · (1 + |g|)`, at most 1.4e-5.
#[must_use]
pub fn gumbel<T: Real>(word: u32) -> T {
    let v = T::lift(f64::from(uniform_open(word)));
    -(-(-v).ln_1p()).ln()
}

/// How far a kernel's normal may be from [`normal`], in units of 2⁻²³ of its magnitude.
///
/// The kernel evaluates `(1 − v) P(−ln(v (2 − v)))` with three polynomials `P` of degree 7. Running that on
/// [`Bound`](crate::Bound)`<23>` and adding the distance of the polynomials from the truth
/// gives this number; a test does so.
pub const NORMAL_UNITS: f64 = 8.0;

/// Standard normal, by the inverse of its distribution function: `±√2 erfc⁻¹(v)`, in `[−6.34, 6.34]`.
///
/// The word's highest bit is the sign, set for a negative number; `v` is [`uniform_open`] of the other bits, moved up
/// by one. So the distribution is symmetric to the bit, and never 0: the smallest magnitude is 7.5e-8. Within 1e-14 of
/// its magnitude. One word, one number: no pairs, no rejection, and no sine or cosine, of which WGSL promises three
/// digits.
#[must_use]
pub fn normal(word: u32) -> f64 {
    let v = f64::from(uniform_open(word << 1));
    let magnitude = core::f64::consts::SQRT_2 * if v > 0.5 { inverse_erf(1.0 - v) } else { inverse_erfc(v) };
    if word >> 31 == 1 { -magnitude } else { magnitude }
}

/// `2/√π`, the slope of erf at 0.
const SLOPE: f64 = core::f64::consts::FRAC_2_SQRT_PI;
/// Steps of Newton's method, twice what the worst argument needs.
const STEPS: u32 = 12;

/// `y` with `erf(y) = u`, for `u` in `(0, ½)`. Erf is concave, so that Newton's method climbs to `y` from below.
fn inverse_erf(u: f64) -> f64 {
    (0..STEPS).fold(u / SLOPE, |y, _| y + (u - libm::erf(y)) * libm::exp(y * y) / SLOPE)
}

/// `y` with `erfc(y) = v`, for `v` in `(0, ½]`. `ln erfc` is concave and `erfc(y) ≤ e^{−y²}`, so that Newton's method
/// descends to `y` from above.
fn inverse_erfc(v: f64) -> f64 {
    let ln_v = libm::log(v);
    (0..STEPS).fold(libm::sqrt(-ln_v), |y, _| {
        let rest = libm::erfc(y);
        y + (libm::log(rest) - ln_v) * rest * libm::exp(y * y) / SLOPE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-14 * want.abs(), "{got:e} instead of {want:e}");
    }

    /// From 40 digits of mpmath.
    #[test]
    #[cfg_attr(miri, ignore = "libm's square root is assembly on x86")]
    fn known_quantiles() {
        near(normal(0x7fff_ffff), 7.470334394666561e-08);
        near(normal(0x4000_0000), 0.6744897501960817);
        near(normal(0), 6.3379577545537895);
        near(normal(0x8000_0000), -6.3379577545537895);
        near(gumbel(0), 22.180709777801834);
        near(gumbel(u32::MAX), -2.8115409097662813);
    }
}
