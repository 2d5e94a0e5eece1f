//! Counters of an element, and the key of a seed.

use super::philox4x32;

/// A sequence of random words: element `i` is a pure function of seed, stream and `i`.
///
/// Streams of one seed share no counter, so they never overlap; seeds are keys of their own. Give each use (noise of
/// one step, a shuffle, dropout of one layer) a stream, and each element an index: then nothing depends on the order
/// in which elements are drawn, on threads or on workgroups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// The key.
    pub seed: u64,
    /// The use of the seed.
    pub stream: u32,
}

impl Stream {
    /// Four words of element `index`: [`philox4x32`] of the counter `(index, stream, block)` and the key `seed`, low
    /// words first.
    ///
    /// An element that needs more than four words takes blocks 0, 1, 2 …; those from
    /// [`FIRST_PERMUTE_BLOCK`](super::FIRST_PERMUTE_BLOCK) on belong to [`permute`](Self::permute).
    #[must_use]
    pub const fn words(self, index: u64, block: u32) -> [u32; 4] {
        let ([low, high], key) = (halves(index), halves(self.seed));
        philox4x32([low, high, self.stream, block], key)
    }
}

/// Low and high word.
pub(super) const fn halves(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_its_word() {
        let stream = Stream { seed: 0x299f_31d0_a409_3822, stream: 0x1319_8a2e };
        let want = [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1];
        assert_eq!(stream.words(0x85a3_08d3_243f_6a88, 0x0370_7344), want, "pi's digits of Random123");
    }
}
