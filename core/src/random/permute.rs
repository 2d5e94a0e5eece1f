//! Permutations without a table.

use super::{Stream, philox4x32, stream::halves};

/// The fewest bits of a network. Below, halves of one bit forget too slowly.
const LEAST_BITS: u32 = 4;

/// Rounds of a network whose lower half has so many bits.
///
/// What is forgotten last: two elements with equal lower halves keep the difference of their upper halves until the
/// lower ones part, and the chance that they never do is `2^−lower` for every two rounds. All in all at most 2⁻¹⁶.
const fn rounds(lower: u32) -> u32 {
    let needed = 2 * 16_u32.div_ceil(lower);
    if needed < 8 { 8 } else { needed }
}

/// The first block that belongs to permutations: round `r` uses block `FIRST_PERMUTE_BLOCK + r`.
pub const FIRST_PERMUTE_BLOCK: u32 = 0x8000_0000;

impl Stream {
    /// Element `i` of a permutation of `0..n`: distinct for distinct `i`, and a pure function of seed, stream, `n` and
    /// `i`. An `i` that is not below `n` is given back as it is.
    ///
    /// A Feistel network on the smallest `2^k ≥ n` with `k ≥ 4`, its halves of ⌈k/2⌉ and ⌊k/2⌋ bits changed in turn,
    /// with `philox4x32` of the counter `(half, n, stream, FIRST_PERMUTE_BLOCK + round)` as round function, applied
    /// until the result is below `n` (cycle walking; Black and Rogaway 2002). 8 rounds from `n = 129` on, 12 down to
    /// 33, 16 below; `2^k/n` walks on average, fewer than two from `n = 9` on. So an element of a long permutation
    /// costs 8 to 16 blocks.
    ///
    /// Such a network is an even permutation, and with `n` far below `2^k` one would see it: 0 and 1 of two would change
    /// places with probability ½ ± 1/240. So each pass ends by exchanging 0 and 1, or not, as the block after the last
    /// round says. There are 2⁶⁴ seeds, so from `n = 21` on not all `n!` permutations can come out; pairs of elements
    /// are distributed as they should be within 2⁻¹⁶.
    #[must_use]
    pub const fn permute(self, n: u32, i: u32) -> u32 {
        if i >= n {
            return i;
        }
        let needed = u32::BITS - (n - 1).leading_zeros();
        let bits = if needed < LEAST_BITS { LEAST_BITS } else { needed };
        let mut x = self.network(n, bits, i);
        // The way back to i is below n, so that this ends.
        while x >= n {
            x = self.network(n, bits, x);
        }
        x
    }

    /// One pass over numbers of so many bits.
    const fn network(self, n: u32, bits: u32, x: u32) -> u32 {
        let (lower, key) = (bits / 2, halves(self.seed));
        let masks = [(1 << (bits - lower)) - 1, (1 << lower) - 1];
        let mut sides = [x >> lower, x & masks[1]];
        let mut round = 0;
        while round < rounds(lower) {
            let (changed, other) = ((round % 2) as usize, ((round + 1) % 2) as usize);
            let counter = [sides[other], n, self.stream, FIRST_PERMUTE_BLOCK + round];
            sides[changed] ^= philox4x32(counter, key)[0] & masks[changed];
            round += 1;
        }
        let mixed = sides[0] << lower | sides[1];
        if mixed > 1 {
            return mixed;
        }
        mixed ^ philox4x32([0, n, self.stream, FIRST_PERMUTE_BLOCK + round], key)[0] & 1
    }
}
