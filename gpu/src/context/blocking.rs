//! The twins that wait.

use bellwether_core::Op;
use bellwether_core::logprob::{Linear, Token, TopK};
use bellwether_core::pair::{Link, PairLoss};
use bellwether_core::policy::{PolicyLoss, Surrogate};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::list_rows::ListOp;
use bellwether_core::sig::logit_pairs::{By, LogitPairOp};
use bellwether_core::sig::reverse_scan::ScanOp;
use bellwether_core::sig::token_map::MapOp;
use pollster::block_on;

use super::{
    Context, FusedPairInputs, FusedPairPlanes, LinearGradients, LinearInputs, ListInputs, ListOutputs,
    LogitPairInputs, LogitPairUpstream, MapInputs, PairInputs, Planes, PolicyInputs, PolicyOutputs,
    ScanInputs, SegmentInputs, Selector, StepInputs, StepOutputs, TokenInputs, TokenUpstream, TopUpstream,
};
use crate::error::Error;
use crate::record::Recorded;
use crate::slice::Slice;
use crate::step::StepShape;

macro_rules! twins {
    ($($name:ident of $twin:ident $(<$t:ident: $bound:ident>)? ($($arg:ident: $kind:ty),*) -> $out:ty;)*) => {
        impl Context {
            $(
                #[doc = concat!("[`Context::", stringify!($twin), "`], and waits.")]
                ///
                /// # Errors
                /// As its twin.
                pub fn $name $(<$t: $bound>)? (&self, $($arg: $kind),*) -> Result<$out, Error> {
                    block_on(self.$twin($($arg),*))
                }
            )*
        }
    };
}

twins! {
    run_blocking of run(recorded: &Recorded) -> ();
    download_f32_blocking of download_f32(slice: Slice<'_>) -> Vec<f32>;
    download_u32_blocking of download_u32(slice: Slice<'_>) -> Vec<u32>;
    token_rows_blocking of token_rows(op: &Token, inputs: &TokenInputs<'_>) -> Planes;
    token_rows_backward_blocking of token_rows_backward(
        op: &Token, inputs: &TokenInputs<'_>, forward: &Planes, upstream: &TokenUpstream<'_>
    ) -> Vec<f32>;
    top_rows_blocking of top_rows(op: &TopK, inputs: &TokenInputs<'_>) -> Planes;
    top_rows_backward_blocking of top_rows_backward(
        op: &TopK, inputs: &TokenInputs<'_>, forward: &Planes, upstream: &TopUpstream<'_>
    ) -> Vec<f32>;
    logit_pairs_blocking of logit_pairs<O: LogitPairOp>(op: &O, inputs: &LogitPairInputs<'_>) -> Planes;
    logit_pairs_backward_blocking of logit_pairs_backward<O: LogitPairOp>(
        op: &O, inputs: &LogitPairInputs<'_>, forward: &Planes, upstream: &LogitPairUpstream<'_>, by: By
    ) -> Vec<f32>;
    fused_pairs_blocking of fused_pairs<O: LogitPairOp>(
        op: &O, hard: Option<&Token>, inputs: &FusedPairInputs<'_>
    ) -> FusedPairPlanes;
    fused_pairs_backward_blocking of fused_pairs_backward<O: LogitPairOp>(
        op: &O, hard: Option<(&Token, &TokenUpstream<'_>)>, inputs: &FusedPairInputs<'_>,
        forward: &FusedPairPlanes, upstream: &LogitPairUpstream<'_>
    ) -> LinearGradients;
    linear_blocking of linear(op: &Linear, inputs: &LinearInputs<'_>) -> Planes;
    linear_backward_blocking of linear_backward(
        op: &Linear, inputs: &LinearInputs<'_>, forward: &Planes, upstream: &TokenUpstream<'_>
    ) -> LinearGradients;
    segments_blocking of segments<O: Op>(op: &O, inputs: &SegmentInputs<'_>, values: &[f32]) -> Planes;
    segments_backward_blocking of segments_backward<O: Op>(
        op: &O, inputs: &SegmentInputs<'_>, elements: usize, forward: &Planes, upstream: &[f32]
    ) -> Vec<f32>;
    pair_rows_blocking of pair_rows<L: Link>(
        loss: &PairLoss<L>, inputs: &PairInputs<'_>, reduction: Reduction
    ) -> Planes;
    token_map_blocking of token_map<O: MapOp>(op: &O, inputs: &MapInputs<'_>, reduction: Reduction) -> Planes;
    list_rows_blocking of list_rows<O: ListOp>(
        op: &O, inputs: &ListInputs<'_>, reduction: Reduction
    ) -> ListOutputs;
    reverse_scan_blocking of reverse_scan<O: ScanOp>(
        op: &O, inputs: &ScanInputs<'_>, reduction: Reduction
    ) -> Planes;
    policy_rows_blocking of policy_rows<S: Surrogate>(
        loss: &PolicyLoss<S>, inputs: &PolicyInputs<'_>, reduction: Reduction
    ) -> PolicyOutputs;
    pair_step_blocking of pair_step<L: Link>(
        loss: &PairLoss<L>, linear: &Linear, shape: &StepShape, inputs: &StepInputs<'_>
    ) -> StepOutputs;
}

impl Context {
    /// [`Context::new`], and waits.
    ///
    /// # Errors
    /// As its twin.
    pub fn blocking() -> Result<Self, Error> {
        block_on(Self::new())
    }

    /// [`Context::select`], and waits.
    ///
    /// # Errors
    /// As its twin.
    pub fn select_blocking(selector: Selector<'_>) -> Result<Self, Error> {
        block_on(Self::select(selector))
    }

    /// [`Context::with_limits`], and waits.
    ///
    /// # Errors
    /// As its twin.
    pub fn with_limits_blocking(
        selector: Selector<'_>,
        change: impl FnOnce(&mut wgpu::Limits),
    ) -> Result<Self, Error> {
        block_on(Self::with_limits(selector, change))
    }

    /// [`Context::list`], and waits.
    #[must_use]
    pub fn list_blocking() -> Vec<wgpu::AdapterInfo> {
        block_on(Self::list())
    }
}
