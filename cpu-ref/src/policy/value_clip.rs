//! `policy/value_clip`.

use bellwether_core::Real;
use bellwether_core::policy::ValueClip;

use crate::token_map::{Few, MapRow, planes};

impl MapRow for ValueClip {
    fn map<T: Real>(&self, [value, ..]: Few<T>, [old, target, ..]: Few<T>) -> Few<T> {
        let epsilon = T::lift(self.epsilon);
        // The held value is the value less what it moved too far.
        let (above, below) = ((value - old) - epsilon, -epsilon - (value - old));
        let held = value - above.relu() + below.relu();
        let [plain, clipped] = [(value - target).square(), (held - target).square()];
        let over = clipped - plain;
        let half = T::lift(0.5);
        // max(a, b) = ((a + b) + |a − b|)/2: torch's even split of a tie.
        let larger = half * (plain + clipped + over.relu() + (-over).relu());
        planes([half * larger, (above.step() + below.step()) * over.step()])
    }
}
