//! TopRows on the GPU: logits and labels in, the k largest of each row or gradients of logits out.
//!
//! Shapes and buffers are those of [`token_rows`](super::token_rows), and so are the cuts: windows of rows, and parts of
//! few rows with many columns.

use bellwether_core::logprob::TopK;
use bellwether_core::sig::top_rows::{STATE, UPSTREAM, planes};
use bellwether_core::{Op, Storage};
use bellwether_shaders::{Dialect, Source};

use super::token_rows::{Counts, TokenBackward, TokenForward, TokenRows, TokenShape};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::record::Recorded;

const OP: &str = TopK::SPEC.slug;

/// The plan of [`TopK`]: its kernels, compiled.
#[derive(Clone, Debug)]
pub struct TopRows {
    rows: TokenRows,
    counts: Counts,
}

impl TopRows {
    /// Compiles the kernels.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new(device: &wgpu::Device, op: &TopK, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with kernels of the caller's making.
    ///
    /// # Errors
    /// As [`TopRows::new`], and those of `compile`.
    pub fn compile_with(
        op: &TopK,
        compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let k = op.ranks();
        let counts =
            Counts { result: planes(k), state: STATE.len() + 2 * k, upstream: UPSTREAM.len(), last: k };
        Ok(Self { rows: TokenRows::counted(op, counts, compile)?, counts })
    }

    /// How logits and their gradients stand in memory.
    #[must_use]
    pub const fn storage(&self) -> Storage {
        self.rows.storage()
    }

    /// Bytes of scratch for `forward`; 0 where rows are not cut.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`].
    pub fn scratch_bytes(&self, shape: &TokenShape) -> Result<u64, Error> {
        shape.scratch_for(OP, self.counts)
    }

    /// The dispatches of `forward`: one, or two where few rows are cut into parts. The result has
    /// [`planes`]`(k)` planes.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, limits, aliasing: see [`Error`]; a shard of a vocabulary.
    pub fn forward(
        &self,
        device: &wgpu::Device,
        shape: &TokenShape,
        buffers: &TokenForward<'_>,
    ) -> Result<Recorded, Error> {
        whole(shape)?;
        self.rows.forward(device, shape, buffers)
    }

    /// The dispatches of `backward`. Of the upstream planes `d_logp` has k, behind the others; bit 3 of the mask is for
    /// all of them.
    ///
    /// # Errors
    /// As [`TopRows::forward`].
    pub fn backward(
        &self,
        device: &wgpu::Device,
        shape: &TokenShape,
        buffers: &TokenBackward<'_>,
    ) -> Result<Recorded, Error> {
        whole(shape)?;
        self.rows.backward(device, shape, buffers)
    }
}

/// The logits are the whole vocabulary's: lists of shards are not exchanged.
fn whole(shape: &TokenShape) -> Result<(), Error> {
    match shape.column_base as u64 {
        0 => Ok(()),
        given => Err(Error::ShapeMismatch { op: OP, arg: "column_base", expected: 0, given }),
    }
}
