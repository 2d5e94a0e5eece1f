//! Calls of the kernels' library on a rig.

use super::Rig;
use crate::functions::device::Probe;
use crate::problem::RunError;

impl Rig {
    /// An expression of `v.x` at each of these numbers.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn function(&self, call: &str, x: &[f32]) -> Result<Vec<f32>, RunError> {
        let points: Vec<_> = x.iter().map(|&x| [x, 0.0, 0.0, 0.0]).collect();
        Ok(Probe::with_call(&self.context, call).run(&points)?)
    }
}
