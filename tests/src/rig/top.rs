//! Runs of TopRows on a rig.

use bellwether_core::logprob::TopK;
use bellwether_core::sig::top_rows::{self, D_LOGP, STATE, UPSTREAM};
use bellwether_gpu::{TokenBackward, TokenForward, TokenShape, TopRows};

use super::layout::Rows;
use super::{Arena, Rig, TokenRun};
use crate::problem::RunError;

impl Rig {
    /// Forward and backward: result planes and the gradient of the logits. Of `run` the operator and the upstream
    /// gradients are not looked at.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn top_rows(
        &self,
        op: &TopK,
        run: &TokenRun<'_>,
        upstream: [Option<&[f32]>; UPSTREAM.len()],
    ) -> Result<(Vec<f32>, Vec<f32>), RunError> {
        let (device, n, k) = (self.context.device(), run.n(), op.ranks());
        let kernels = TopRows::compile_with(op, |source| self.kernel_stored(source, run.storage))?;
        let mut arena = Arena::new(self);
        let x = arena.words("logits", run.matrix((0, run.v)));
        let spread = self.spread();
        let y = run.words(&mut arena, spread);
        // The last array has a plane per rank.
        let last = (0..k).map(|rank| upstream[D_LOGP].map(|x| &x[rank * n..][..n]));
        let all: Vec<_> = upstream[..D_LOGP].iter().copied().chain(last).collect();
        let mut rows = Rows::new(&mut arena, spread, (top_rows::planes(k), n), &all);
        rows.upstream.mask &= (2 << D_LOGP) - 1;
        let shape = TokenShape { result_offset: rows.saved, result_stride: rows.stride, ..run.shape(spread) };
        let poison = run.wide(run.v).poison();
        let d_logits = arena.output("d_logits", poison.len());
        let states = arena.output("states", (STATE.len() + 2 * k) * n * shape.parts());
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let scratch = (shape.parts() > 1).then(|| at(states));
        let result = at(rows.handle);
        let forward = TokenForward { logits: at(x), labels: at(y), result, scratch };
        let mut recorded = kernels.forward(device, &shape, &forward)?;
        let backward = TokenBackward {
            logits: at(x),
            rows: at(rows.handle),
            labels: at(y),
            d_logits: at(d_logits),
            saved: rows.saved,
            upstream: rows.upstream,
        };
        recorded.append(kernels.backward(device, &shape, &backward)?);
        let [rows, d_logits] = memory.run(&recorded, [rows.handle, d_logits])?;
        Ok((rows, run.wide(run.v).numbers("d_logits", &d_logits, &poison)?))
    }
}
