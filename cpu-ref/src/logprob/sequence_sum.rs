use bellwether_core::{Real, logprob::SequenceSum};

use super::SegmentOp;

impl SegmentOp for SequenceSum {
    fn value<T: Real>(&self, sum: T, _count: T) -> T {
        sum
    }

    fn slope<T: Real>(&self, _count: T) -> T {
        T::one()
    }
}
