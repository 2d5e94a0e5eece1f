//! The wgpu host of bellwether's kernels.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bind;
pub mod context;
pub mod error;
pub mod kernel;
pub mod record;
mod scope;
pub mod sig;
pub mod slice;
pub mod step;

pub use bellwether_core::Storage;
pub use bellwether_shaders::{Access, ArgsSpace, Binding, Dialect, Role, Source, find};
pub use context::{
    Context, FusedPairInputs, FusedPairPlanes, HeadInputs, LinearGradients, LinearInputs, ListInputs,
    ListOutputs, LogitPairInputs, LogitPairUpstream, MapInputs, PairInputs, Planes, PolicyInputs,
    PolicyOutputs, ScanInputs, SegmentInputs, Selector, StepData, StepInputs, StepOutputs, TokenInputs,
    TokenUpstream, TopUpstream,
};
pub use error::Error;
pub use kernel::{Bound, Kernel};
pub use record::{Recorded, Slots, args_buffer};
pub use sig::{
    Extent, FusedBackward, FusedForward, FusedLinear, FusedPairBackward, FusedPairForward, FusedPairShape,
    FusedPairs, FusedShape, Head, KeepWords, ListBuffers, ListRows, ListShape, LogitPairBackward,
    LogitPairForward, LogitPairInPlace, LogitPairOver, LogitPairShape, LogitPairs, MapBuffers, MapShape,
    PairBuffers, PairRows, PairShape, PolicyBuffers, PolicyRows, PolicyShape, ReverseScan, SavedRows,
    ScanBuffers, ScanShape, SegmentBackward, SegmentForward, SegmentShape, SegmentStats, Steps,
    TokenBackward, TokenFinish, TokenForward, TokenInPlace, TokenMap, TokenOver, TokenPartial, TokenRows,
    TokenShape, TokenStep, TopRows, Upstream,
};
pub use slice::{Plane, Slice, View};
pub use step::{
    PairStep, ReferenceKind, Region, SingleBuffers, SingleConstant, SingleLayout, SingleShape, SingleStep,
    StepBuffers, StepExtras, StepLayout, StepShape, StepSource, StepTail, TdpoBuffers, TdpoLayout, TdpoStep,
};
pub use wgpu;
