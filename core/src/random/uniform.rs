//! Uniform numbers and bounded integers.

/// Uniform in `[0, 1)`: the upper 24 bits of the word, `k · 2⁻²⁴`. Every value is an f32.
///
/// Mean ½ − 2⁻²⁵. The largest value is 1 − 2⁻²⁴.
#[must_use]
pub fn uniform(word: u32) -> f32 {
    exact(word >> 8) * LEAST
}

/// Uniform in `(0, 1]`: `(k + 1) · 2⁻²⁴` of the upper 24 bits. Every value is an f32.
///
/// `uniform(word) < p` and `uniform_nonzero(word) <= p` are the same event, for a `p` that is a multiple of 2⁻²⁴.
#[must_use]
pub fn uniform_nonzero(word: u32) -> f32 {
    exact((word >> 8) + 1) * LEAST
}

/// Uniform in `(0, 1)`, open at both ends, with 24 significant bits wherever it lies: for logarithms.
///
/// The midpoints of 2³¹ cells, `(word | 1) · 2⁻³²`, cut off (not rounded) to 24 significant bits: in
/// `[2⁻³², 1 − 2⁻²⁴]`. The cut lowers the mean by less than 2⁻²⁵ of itself.
#[must_use]
pub fn uniform_open(word: u32) -> f32 {
    let odd = word | 1;
    let cut = 8_u32.saturating_sub(odd.leading_zeros());
    exact((odd >> cut) << cut) * LEAST / 256.0
}

/// 2⁻²⁴.
const LEAST: f32 = 1.0 / 16_777_216.0;

/// A number of at most 24 significant bits, as f32.
fn exact(x: u32) -> f32 {
    x as f32
}

/// Uniform in `0..n`: `⌊x n / 2⁶⁴⌋` of the 64-bit number `x`, low word first (Lemire's multiplication, without the
/// rejection). 0 where `n` is 0.
///
/// The probability of each value is `1/n` within 2⁻⁶⁴: a relative bias below `n · 2⁻⁶⁴`, at most 2⁻³². Rejection
/// would remove it and cost a loop of unknown length. Two 32 × 32-bit products.
#[must_use]
pub fn below(x: [u32; 2], n: u32) -> u32 {
    let [low, high] = x.map(u64::from);
    let n = u64::from(n);
    ((high * n + ((low * n) >> 32)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_the_uniforms() {
        let bits = |x: f32| x.to_bits();
        assert_eq!(bits(uniform(0)), bits(0.0));
        assert_eq!(bits(uniform(u32::MAX)), bits(1.0 - LEAST));
        assert_eq!(bits(uniform_nonzero(0)), bits(LEAST));
        assert_eq!(bits(uniform_nonzero(u32::MAX)), bits(1.0));
        assert_eq!(bits(uniform_open(0)), bits(LEAST / 256.0));
        assert_eq!(bits(uniform_open(u32::MAX)), bits(1.0 - LEAST));
    }

    /// Cut off, exact and in order, at every length of the word.
    #[test]
    fn open_uniforms_are_cut_to_24_bits() {
        for length in 0..32 {
            for word in [1_u32 << length, (1 << length) | 0x55, (2_u64.pow(length + 1) - 1) as u32] {
                let (got, want) = (f64::from(uniform_open(word)), f64::from(word | 1) / 4_294_967_296.0);
                assert!(got <= want && got > want * (1.0 - f64::from(2.0 * LEAST)), "{word:#x}: {got:e}");
            }
        }
    }

    #[test]
    fn bounded_integers_are_the_floor() {
        for (x, n, want) in [
            ([0, 0], 7, 0),
            ([u32::MAX, u32::MAX], 7, 6),
            ([u32::MAX, u32::MAX], u32::MAX, u32::MAX - 1),
            ([0, 0x8000_0000], 7, 3),
            ([5, 5], 0, 0),
            // 2⁶⁴/3 rounded down and up: the first still belongs to 0.
            ([0x5555_5555, 0x5555_5555], 3, 0),
            ([0x5555_5556, 0x5555_5555], 3, 1),
        ] {
            assert_eq!(below(x, n), want, "{x:x?} below {n}");
        }
    }
}
