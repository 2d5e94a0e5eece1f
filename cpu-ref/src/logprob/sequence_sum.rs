use bellwether_core::{Real, logprob::SequenceSum};

use super::SegmentOp;

impl SegmentOp for SequenceSum {
    const EMPTY_HAS_VALUE: bool = true;

    fn value<T: Real>(&self, sum: T, _count: T) -> T {
        sum
    }

    fn slope<T: Real>(&self, _count: T) -> T {
        T::one()
    }
}
