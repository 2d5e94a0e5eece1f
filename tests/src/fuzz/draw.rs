//! Arguments from bytes: mostly right, so that drivers get past their first check, and now and then far off.

use arbitrary::{Arbitrary, Unstructured};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::{Labels, Shift};

use super::MARK;

/// Sizes that no slice has.
const HUGE: [usize; 6] =
    [usize::MAX, usize::MAX / 2, usize::MAX / 3 + 1, 1 << (usize::BITS - 1), 1 << (usize::BITS / 2), 1 << 31];

/// The largest output that is made.
const ROOM: usize = 4096;

/// Bytes, of which zeros follow the last one.
pub(super) struct Draw<'a>(Unstructured<'a>);

impl<'a> Draw<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    pub(super) fn any<T: Arbitrary<'a> + Default>(&mut self) -> T {
        self.0.arbitrary().unwrap_or_default()
    }

    /// The bytes that are left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0.take_rest()
    }

    /// `0..=most`.
    pub(super) fn upto(&mut self, most: usize) -> usize {
        self.0.int_in_range(0..=most).unwrap_or_default()
    }

    /// Whether something rare happens; not where the bytes have ended.
    pub(super) fn rarely(&mut self) -> bool {
        self.upto(15) == 15
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.upto(from.len() - 1)]
    }

    /// A size: small, or now and then one that no slice has.
    pub(super) fn size(&mut self, most: usize) -> usize {
        match self.rarely() {
            true if self.any() => self.any(),
            true => self.pick(&HUGE),
            false => self.upto(most),
        }
    }

    /// The size of a slice that ought to have `right` elements: mostly that, as far as it can be made.
    pub(super) fn near(&mut self, right: Option<usize>) -> usize {
        let right = right.unwrap_or(0).min(ROOM);
        match self.rarely() {
            true => (right + self.upto(4)).saturating_sub(2),
            false => right,
        }
    }

    /// A number of ordinary size.
    pub(super) fn tame(&mut self) -> f64 {
        f64::from(self.any::<i16>()) / 1024.0
    }

    /// Any number, and what is none.
    pub(super) fn wild(&mut self) -> f64 {
        let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 5e-324, 0.0, -0.0];
        let x: f64 = if self.any() { self.any() } else { self.pick(&special) };
        if x.to_bits() == MARK.to_bits() { 0.0 } else { x }
    }

    /// A parameter: mostly what it is by default.
    pub(super) fn parameter(&mut self, default: f64) -> f64 {
        match self.upto(7) {
            6 => self.tame().abs(),
            7 => self.wild(),
            _ => default,
        }
    }

    /// As many numbers, all tame or some of them wild.
    pub(super) fn numbers(&mut self, n: usize) -> Vec<f64> {
        let wild = self.upto(3) == 3;
        (0..n).map(|_| if wild && self.rarely() { self.wild() } else { self.tame() }).collect()
    }

    /// As many labels below `v`, some of them ignored, or some of them anything.
    pub(super) fn labels(&mut self, n: usize, v: usize) -> Vec<i32> {
        let wild = self.upto(3) == 3;
        let below = v.clamp(1, 8) - 1;
        let mut label = || match self.upto(7) {
            0 => -100,
            1 if wild => self.any(),
            _ if v == 0 => -100,
            _ => self.upto(below) as i32,
        };
        (0..n).map(|_| label()).collect()
    }

    /// Rules for sequences of `len`, or others.
    pub(super) fn rules(&mut self, len: usize) -> Labels {
        Labels {
            ignore_index: if self.rarely() { self.any() } else { -100 },
            shift: if self.any() { Shift::Next } else { Shift::Aligned },
            seq_len: if self.rarely() { self.size(4) } else { len },
        }
    }

    pub(super) fn reduction(&mut self) -> Reduction {
        match self.upto(3) {
            0 => Reduction::Sum,
            _ => Reduction::Mean { over: if self.rarely() { self.any() } else { 3 } },
        }
    }
}
