//! What TokenRows and TopRows share: rows of logits up, planes or gradients down.

use super::Context;
use super::ops::{Planes, TokenInputs};
use crate::error::Error;
use crate::record::Recorded;
use crate::sig::{TokenBackward, TokenForward, Upstream};
use crate::slice::Slice;

impl Context {
    /// Runs a forward recording on at least one row, with so many planes as its result and so many bytes of scratch.
    pub(super) async fn planes_of_rows(
        &self,
        inputs: &TokenInputs<'_>,
        (planes, scratch): (usize, u64),
        record: impl FnOnce(&TokenForward<'_>) -> Result<Recorded, Error>,
    ) -> Result<Planes, Error> {
        let n = inputs.labels.len();
        let logits = self.upload_f32(inputs.logits)?;
        let labels = self.upload_i32(inputs.labels)?;
        let result = self.poisoned(planes * n)?;
        let scratch = (scratch > 0).then(|| self.scratch(scratch)).transpose()?;
        let buffers = TokenForward {
            logits: Slice::whole(&logits),
            labels: Slice::whole(&labels),
            result: Slice::whole(&result),
            scratch: scratch.as_ref().map(Slice::whole),
        };
        self.run(&record(&buffers)?).await?;
        self.planes(&result, planes, n).await
    }

    /// Runs a backward recording on at least one row, from the forward planes with the upstream ones behind them.
    pub(super) async fn gradient_of_rows(
        &self,
        inputs: &TokenInputs<'_>,
        (rows, upstream): (&[f32], Upstream),
        record: impl FnOnce(&TokenBackward<'_>) -> Result<Recorded, Error>,
    ) -> Result<Vec<f32>, Error> {
        let logits = self.upload_f32(inputs.logits)?;
        let labels = self.upload_i32(inputs.labels)?;
        let rows = self.upload_f32(rows)?;
        let d_logits = self.poisoned(inputs.logits.len())?;
        let buffers = TokenBackward {
            logits: Slice::whole(&logits),
            rows: Slice::whole(&rows),
            labels: Slice::whole(&labels),
            d_logits: Slice::whole(&d_logits),
            saved: 0,
            upstream,
        };
        self.run(&record(&buffers)?).await?;
        self.array(&d_logits, inputs.logits.len()).await
    }
}
