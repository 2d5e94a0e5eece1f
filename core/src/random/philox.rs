//! The generator: Philox 4×32 with 10 rounds.

/// Multipliers of a round, for the words 0 and 2.
const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
/// What each key word grows by from round to round: the golden ratio and √3 − 1.
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
const ROUNDS: u32 = 10;

/// Four random words out of a counter and a key.
///
/// A bijection of the counters for each key, so no two elements of a stream share all four words. Salmon, Moraes, Dror
/// and Shaw, *Parallel random numbers: as easy as 1, 2, 3* (2011): passes BigCrush; 2⁶⁴ keys, 2¹²⁸ counters. Twenty
/// 32 × 32-bit products.
///
/// Counter and key are least significant word first, as in Random123.
#[must_use]
pub const fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut x, [mut k0, mut k1]) = (counter, key);
    let mut round = 0;
    while round < ROUNDS {
        let (high0, low0) = wide(MULTIPLIERS[0], x[0]);
        let (high1, low1) = wide(MULTIPLIERS[1], x[2]);
        x = [high1 ^ x[1] ^ k0, low1, high0 ^ x[3] ^ k1, low0];
        (k0, k1) = (k0.wrapping_add(WEYL[0]), k1.wrapping_add(WEYL[1]));
        round += 1;
    }
    x
}

/// High and low word of a product.
const fn wide(a: u32, b: u32) -> (u32, u32) {
    let product = a as u64 * b as u64;
    ((product >> 32) as u32, product as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three lines `philox4x32 10` of Random123's `kat_vectors`.
    #[test]
    fn published_answers() {
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        for (counter, key, want) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (pi, [0xa409_3822, 0x299f_31d0], [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ] {
            assert_eq!(philox4x32(counter, key), want, "counter {counter:x?}, key {key:x?}");
        }
    }

    /// Random123's own C over a million counters and keys, as one FNV-1a hash over the words.
    #[test]
    #[cfg_attr(miri, ignore = "a million rounds take hours there")]
    fn a_million_answers_of_the_published_code() {
        let hash = (0..1_u32 << 20).fold(0xcbf2_9ce4_8422_2325_u64, |hash, i| {
            let counter = [i.wrapping_mul(0x9e37_79b9), !i, i.rotate_left(12), i.wrapping_mul(i)];
            let words = philox4x32(counter, [i.wrapping_mul(0x85eb_ca6b), i ^ 0xdead_beef]);
            words.iter().fold(hash, |h, &w| (h ^ u64::from(w)).wrapping_mul(0x0100_0000_01b3))
        });
        assert_eq!(hash, 0x0aac_c3a0_324f_1933);
    }
}
