use bellwether_core::{Real, logprob::SequenceMean};

use super::SegmentOp;

impl SegmentOp for SequenceMean {
    fn value<T: Real>(&self, sum: T, count: T) -> T {
        sum / count
    }

    fn slope<T: Real>(&self, count: T) -> T {
        T::one() / count
    }
}
