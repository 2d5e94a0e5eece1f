//! Typed bindings: one plan per signature, built once per device, that turns a shape and buffers into dispatches.
//!
//! A plan's `forward` and `backward` check everything, make the argument blocks and bind groups, and give a
//! [`Recorded`](crate::Recorded) list that is encoded any number of times. Arrays above the device's binding limit
//! are cut into windows of rows; results do not depend on the cuts, in bits.
//!
//! `compile_with` takes the place of `new` where the host makes the kernels: cached, or from modules of its own.

pub mod fused_linear;
pub mod fused_pairs;
pub mod list_rows;
pub mod logit_pairs;
pub mod pair_rows;
pub mod policy_rows;
mod product;
pub mod reverse_scan;
pub mod segment_stats;
pub mod token_map;
pub mod token_rows;
pub mod top_rows;

pub use fused_linear::{FusedBackward, FusedForward, FusedLinear, FusedShape};
pub use fused_pairs::{FusedPairBackward, FusedPairForward, FusedPairShape, FusedPairs, Head, SavedRows};
pub use list_rows::{ListBuffers, ListRows, ListShape};
pub use logit_pairs::{
    LogitPairBackward, LogitPairForward, LogitPairInPlace, LogitPairOver, LogitPairShape, LogitPairs,
};
pub use pair_rows::{PairBuffers, PairRows, PairShape};
pub use policy_rows::{PolicyBuffers, PolicyRows, PolicyShape};
pub use reverse_scan::{ReverseScan, ScanBuffers, ScanShape, Steps};
pub use segment_stats::{Extent, KeepWords, SegmentBackward, SegmentForward, SegmentShape, SegmentStats};
pub use token_map::{MapBuffers, MapShape, TokenMap};
pub use token_rows::{
    TokenBackward, TokenFinish, TokenForward, TokenInPlace, TokenOver, TokenPartial, TokenRows, TokenShape,
    TokenStep, Upstream,
};
pub use top_rows::TopRows;

use bellwether_core::Op;
use bellwether_core::op::PARAM_WORDS;
use bellwether_shaders::{Source, find};

use crate::Error;
use crate::record::filled;

/// The parameters of an operator as every plan keeps them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params {
    pub(crate) op: &'static str,
    pub(crate) words: [u32; PARAM_WORDS],
}

impl Params {
    /// The checked parameters of `op`.
    pub(crate) fn of<O: Op>(op: &O) -> Result<Self, Error> {
        op.check()?;
        Ok(Self { op: O::SPEC.slug, words: op.words() })
    }

    /// A kernel's whole argument block.
    pub(crate) fn block(&self, header: &[u32]) -> Vec<u32> {
        [header, &self.words].concat()
    }
}

/// The kernel of an operator in the shader table.
pub(crate) fn source(op: &'static str, kernel: &'static str) -> Result<&'static Source, Error> {
    find(op, kernel).ok_or(Error::UnknownKernel { op, kernel })
}

/// What stands in for an array that the shape does not name.
pub(crate) fn nothing(device: &wgpu::Device) -> Result<wgpu::Buffer, Error> {
    filled(device, "nothing", &[0; 16], wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC)
}
