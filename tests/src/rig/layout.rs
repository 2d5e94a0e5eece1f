//! Where the arrays of a run lie, for kernels that must heed offsets, strides and gaps.

use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{self as segment, Keep, Segments};
use bellwether_core::sig::token_rows as token;
use bellwether_gpu::{Extent, KeepWords, Plane, SegmentShape, Slice, Upstream};

use super::memory::POISON;
use super::{Arena, Handle, Memory, Spread};

/// Upstream gradients, in the order of the contract.
pub(super) type UpstreamPlanes<'a> = [Option<&'a [f32]>; token::UPSTREAM.len()];

/// Planes of rows of logits and upstream gradients in one array.
pub(super) struct Rows {
    pub(super) handle: Handle,
    pub(super) saved: usize,
    pub(super) stride: usize,
    /// Planes of the result.
    count: usize,
    pub(super) upstream: Upstream,
}

impl Rows {
    /// Result planes with the upstream planes behind them, as `backward` wants to find them.
    pub(super) fn new(
        arena: &mut Arena<'_>,
        spread: Spread,
        (count, n): (usize, usize),
        upstream: &[Option<&[f32]>],
    ) -> Self {
        // A slice begins at a multiple of 64 elements.
        let (stride, saved) = (n + spread.gap, spread.lead * 64);
        let offset = saved + count * stride + spread.lead;
        // An absent plane is NaN: the mask must keep the kernel from reading it.
        let planes = upstream.iter().enumerate().flat_map(|(plane, xs)| {
            (0..n).map(move |i| (offset + plane * stride + i, xs.map_or(f32::NAN, |xs| xs[i])))
        });
        let rows = spread.rows(n);
        let handle = arena.output_at("rows", count * n, |i| saved + rows(i), planes);
        let there = upstream.iter().take(32).enumerate().filter(|(_, plane)| plane.is_some());
        let mask = there.map(|(i, _)| 1 << i).sum();
        Self { handle, saved, stride, count, upstream: Upstream { offset, stride, mask } }
    }

    /// The planes of `forward`, at the beginning of a slice.
    pub(super) fn result<'a>(&self, memory: &'a Memory<'_>) -> Slice<'a> {
        memory.slice(self.handle).part(self.saved as u64, (self.count * self.stride) as u64)
    }
}

pub(super) fn label_words(labels: &[i32]) -> Vec<u32> {
    labels.iter().map(|label| label.cast_unsigned()).collect()
}

/// Labels, and behind them and a gap the mask, where there is one: at place `spread.planes(n)(n)` of the array.
pub(super) fn labels_and_mask(spread: Spread, labels: &[i32], mask: Option<&[i32]>) -> Vec<u32> {
    let mask = mask.map(|mask| [vec![POISON; spread.gap], label_words(mask)].concat());
    [label_words(labels), mask.unwrap_or_default()].concat()
}

/// Where a value of the segments stands.
pub(super) fn value_place(spread: Spread, segments: Segments<'_>) -> impl Fn(usize) -> usize {
    let Spread { lead, step, gap } = spread;
    let len = match segments {
        Segments::Padded { len, .. } => len.max(1),
        Segments::Packed { .. } => usize::MAX,
    };
    move |i| lead + i / len * gap + i * step
}

/// The words and the shape of segments.
pub(super) fn segment_shape(
    spread: Spread,
    elements: usize,
    segments: Segments<'_>,
    keep: Keep<'_>,
    reduction: Reduction,
) -> (Vec<u32>, SegmentShape) {
    let Spread { lead, step, gap } = spread;
    let (mut words, keep) = match keep {
        Keep::All => (Vec::new(), None),
        Keep::Masked { mask } => (mask.to_vec(), Some(KeepWords { offset: lead, ignore: 0, shift: 0 })),
        Keep::Labelled { labels, rules } => {
            (label_words(labels), Some(KeepWords { offset: lead, ..KeepWords::from(&rules) }))
        }
    };
    let count = segments.count();
    let extent = match segments {
        Segments::Padded { len, .. } => Extent::Padded { len, stride: len * step + gap },
        Segments::Packed { offsets } => {
            let begin = lead + words.len();
            words.extend(offsets);
            Extent::Packed { offsets: begin, elements }
        }
    };
    let result = Plane { offset: lead, stride: count + gap };
    let upstream = Plane { offset: lead + segment::PLANES.len() * (count + gap), stride: step };
    let values = Plane { offset: lead, stride: step };
    let scale = reduction.scale() as f32;
    (words, SegmentShape { segments: count, extent, values, keep, scale, result, upstream })
}
