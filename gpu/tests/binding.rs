//! What tier 2 refuses, in its own words, before wgpu sees it.

mod common;

use bellwether_core::list::Brain;
use bellwether_core::logprob::{K1, Linear, SequenceSum, Token};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::list_rows::ListOp;
use bellwether_core::sig::segment_stats::{Keep, Segments};
use bellwether_core::sig::token_rows::{Labels, Shift};
use bellwether_gpu::{
    Context, Dialect, Error, FusedLinear, FusedShape, Kernel, ListBuffers, ListRows, ListShape, MapBuffers,
    MapShape, Plane, ReferenceKind, SegmentForward, SegmentInputs, SegmentShape, SegmentStats, Slice,
    StepShape, TokenForward, TokenInputs, TokenMap, TokenRows, TokenShape, View, args_buffer, find, wgpu,
};
use common::context;

const STEP: StepShape = StepShape {
    pairs: 1,
    len: 1,
    v: 1,
    ignore_index: -100,
    shift: Shift::Aligned,
    reduction: Reduction::Sum,
    reference: ReferenceKind::PerSequence,
};

fn binding(buffer: &wgpu::Buffer, offset: u64, size: u64) -> wgpu::BufferBinding<'_> {
    wgpu::BufferBinding { buffer, offset, size: wgpu::BufferSize::new(size) }
}

/// Binds slices of one pool and arguments of `words` words.
fn bind(dialect: Dialect, offsets: [u64; 3], words: usize) -> Option<Result<(), Error>> {
    let context = context()?;
    let source = find("pair/logistic", "forward")?;
    let kernel = Kernel::new(context.device(), source, dialect).ok()?;
    let pool = context.poisoned(4096).ok()?;
    let args = args_buffer(context.device(), &vec![0; words]).ok()?;
    let [a, b, c] = offsets.map(|offset| binding(&pool, offset, 256));
    let bindings = [a, b, c, binding(&args, 0, words as u64 * 4)];
    Some(kernel.bind(context.device(), &bindings, 8).map(|_| ()))
}

#[test]
fn slices_of_a_pool_need_the_pooled_dialect() {
    let words = find("pair/logistic", "forward").map_or(0, bellwether_gpu::Source::args_words);
    let Some(given) = bind(Dialect::POOLED, [0, 256, 512], words) else { return };
    assert_eq!(given, Ok(()));
    let given = bind(Dialect::EXCLUSIVE, [0, 256, 512], words);
    let names = |given: Option<Result<(), Error>>| match given {
        Some(Err(Error::AliasedBuffers { op, a, b, .. })) => Some((op, a, b)),
        other => panic!("{other:?}"),
    };
    assert_eq!(names(given), Some(("pair/logistic", "inputs", "result")));
    let overlap = bind(Dialect::POOLED, [0, 512, 512], words);
    assert_eq!(names(overlap), Some(("pair/logistic", "constants", "result")));
}

#[test]
fn sizes_and_offsets_are_checked() {
    let words = find("pair/logistic", "forward").map_or(0, bellwether_gpu::Source::args_words);
    let Some(given) = bind(Dialect::POOLED, [0, 256, 512], words - 4) else { return };
    let (expected, short) = (words as u64, words as u64 - 4);
    let error = Error::ShapeMismatch { op: "pair/logistic", arg: "args", expected, given: short };
    assert_eq!(given, Err(error));
    let given = bind(Dialect::POOLED, [2, 256, 512], words);
    assert!(matches!(given, Some(Err(Error::Misaligned { arg: "inputs", given: 2, .. }))), "{given:?}");
    let given = bind(Dialect::POOLED, [0, 256, 16384], words);
    assert!(matches!(given, Some(Err(Error::ShapeMismatch { arg: "result", .. }))), "{given:?}");
}

#[test]
fn a_wrong_number_of_bindings_and_a_wrong_usage() {
    let Some(context) = context() else { return };
    let Some(source) = find("pair/logistic", "forward") else { panic!("no kernel") };
    let Ok(kernel) = Kernel::new(context.device(), source, Dialect::POOLED) else { panic!("no kernel") };
    let given = kernel.bind(context.device(), &[], 8);
    assert!(matches!(given, Err(Error::ShapeMismatch { arg: "bindings", expected: 4, given: 0, .. })));
    let Ok(good) = context.poisoned(64) else { panic!("no buffer") };
    let descriptor = wgpu::BufferDescriptor {
        label: None,
        size: 4096,
        usage: wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    };
    let bad = context.device().create_buffer(&descriptor);
    let all = [&good, &bad, &good, &good].map(|buffer| binding(buffer, 0, 256));
    let given = kernel.bind(context.device(), &all, 8);
    assert!(matches!(given, Err(Error::BufferUsage { arg: "constants", need: "STORAGE", .. })));
}

#[test]
fn absurd_sizes_are_errors_and_no_panics() {
    let Some(context) = context() else { return };
    let sizes = [0, 1, 1 << 12, u32::MAX as usize, usize::MAX / 2, usize::MAX];
    let keep = Keep::All;
    for count in sizes {
        for len in sizes {
            let shape = StepShape { pairs: count, len, ..STEP };
            assert!(shape.layout().is_ok() || count.saturating_mul(len) > 1 << 20 || count > 1 << 20);
            let inputs = SegmentInputs { segments: Segments::Padded { count, len }, keep, scale: 1.0 };
            let given = context.segments_blocking(&SequenceSum {}, &inputs, &[]);
            assert!(given.is_ok() || count > 0, "{count} x {len}: {given:?}");
            let labels = [0];
            let tokens = TokenInputs { logits: &[], v: count, labels: &labels, rules: Labels::next(len) };
            assert!(context.token_rows_blocking(&Token::default(), &tokens).is_err());
            let fused = FusedShape::packed(count, len, count, Labels::default());
            assert!(fused.scratch_bytes().is_ok() || len > 1 << 20);
        }
    }
}

#[test]
fn futures_can_be_sent_to_other_threads() {
    fn sendable<T: Send>(_: T) {}
    let Some(context) = context() else { return };
    let labels = [0];
    let tokens = TokenInputs { logits: &[1.0], v: 1, labels: &labels, rules: Labels::default() };
    sendable(context.token_rows(&Token::default(), &tokens));
    sendable(Context::new());
}

#[test]
fn every_kernel_compiles_in_every_dialect() {
    let Some(context) = context() else { return };
    for source in bellwether_shaders::SOURCES {
        for dialect in Dialect::ALL {
            let given = context.kernel(source, dialect);
            assert!(given.is_ok(), "{} {} {dialect:?}: {:?}", source.op, source.kernel, given.err());
        }
    }
}

#[test]
fn short_buffers_are_refused_by_shape() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let device = context.device();
    let (small, labels) = (context.poisoned(15)?, context.upload_i32(&[0; 8])?);
    let slice = Slice { size: 60, ..Slice::whole(&small) };
    let tokens = TokenRows::new(device, &Token::default(), Dialect::POOLED)?;
    let buffers = TokenForward { logits: slice, labels: Slice::whole(&labels), result: slice, scratch: None };
    let given = tokens.forward(device, &TokenShape::packed(4, 4, Labels::default()), &buffers);
    let expected = Error::ShapeMismatch { op: "logprob/token", arg: "logits", expected: 16, given: 15 };
    assert_eq!(given.err(), Some(expected));
    let huge = TokenShape::packed(usize::MAX, usize::MAX, Labels::default());
    let given = tokens.forward(device, &huge, &buffers);
    assert!(matches!(given, Err(Error::SizeOverflow { .. })), "{given:?}");

    let sums = SegmentStats::new(device, &SequenceSum {}, Dialect::POOLED)?;
    let buffers = SegmentForward { values: slice, words: None, result: slice };
    let given = sums.forward(device, &SegmentShape::padded(4, 4), &buffers);
    assert!(matches!(given, Err(Error::ShapeMismatch { arg: "values", .. })), "{given:?}");

    let maps = TokenMap::new(device, &K1 {}, Dialect::POOLED)?;
    let buffers = MapBuffers { inputs: slice, constants: Some(slice), mask: Some(slice), result: slice };
    let packed = MapShape::packed(3, 4, Reduction::Sum);
    let view = View { offset: 3, row: 0, col: 5 };
    let arg_of = |shape| match maps.forward(device, &shape, &buffers) {
        Err(Error::ShapeMismatch { op: "logprob/k1", arg, expected, given: 15 }) => (arg, expected),
        given => panic!("{given:?}"),
    };
    assert_eq!(arg_of(packed), ("result", 36));
    assert_eq!(arg_of(MapShape { mask: Some(view), ..packed }), ("mask", 19));
    assert_eq!(arg_of(MapShape { inputs: [view; 4], ..packed }), ("logp", 19));
    assert_eq!(arg_of(MapShape { constants: [view; 4], ..packed }), ("ref_logp", 19));
    let small = MapShape::packed(1, 5, Reduction::Sum);
    assert_eq!(arg_of(MapShape { mask: Some(view), ..small }), ("mask", 24));
    assert_eq!(arg_of(MapShape { upstream: Some(view), ..small }), ("upstream", 24));
    let huge = maps.forward(device, &MapShape::packed(usize::MAX, usize::MAX, Reduction::Sum), &buffers);
    assert!(matches!(huge, Err(Error::SizeOverflow { .. })), "{huge:?}");

    let lists = ListRows::new(device, &Brain::default(), Dialect::POOLED)?;
    let buffers = ListBuffers { inputs: slice, constants: Some(slice), words: Some(slice), result: slice };
    let arg_of = |shape| match lists.forward(device, &shape, &buffers) {
        Err(Error::ShapeMismatch { op: "list/brain", arg, expected, given }) => (arg, expected, given),
        given => panic!("{given:?}"),
    };
    let small = ListShape::packed(&Brain::PLANES, (1, 4), Reduction::Sum);
    assert_eq!(arg_of(ListShape { lists: 2, items: 8, inputs: [view; 2], ..small }), ("logp", 39, 15));
    assert_eq!(arg_of(ListShape { constants: [view; 3], ..small }), ("prior_logp", 19, 15));
    let far = Plane { offset: 15, stride: 1 };
    assert_eq!(arg_of(ListShape { length: Some(far), ..small }), ("length", 16, 15));
    assert_eq!(arg_of(ListShape { upstream: Some(far), ..small }), ("upstream", 16, 15));
    assert_eq!(
        arg_of(ListShape { result: Plane { offset: 13, ..small.result }, ..small }),
        ("result", 16, 15)
    );
    let [short, beyond] = [Plane { offset: 0, stride: 3 }, Plane { offset: 12, stride: 4 }];
    assert_eq!(arg_of(ListShape { gradients: [short; 2], ..small }), ("d_logp", 4, 3));
    assert_eq!(arg_of(ListShape { gradients: [beyond; 2], ..small }), ("d_logp", 16, 15));
    let many = lists.forward(device, &ListShape { items: 1025, ..small }, &buffers);
    assert!(matches!(many, Err(Error::Contract(_))), "{many:?}");
    let huge = ListShape::packed(&Brain::PLANES, (usize::MAX, 4), Reduction::Sum);
    let huge = lists.forward(device, &huge, &buffers);
    assert!(matches!(huge, Err(Error::SizeOverflow { .. })), "{huge:?}");

    let shape = FusedShape::packed(4, 4000, 4, Labels::default());
    assert!(matches!(shape.tiled(100, 4000).scratch_bytes(), Err(Error::Misaligned { arg: "chunk", .. })));
    assert!(matches!(shape.tiled(256, 100).scratch_bytes(), Err(Error::Misaligned { arg: "columns", .. })));
    assert!(FusedLinear::new(device, &Linear::at(-1.0), Dialect::POOLED).is_err());
    Ok(())
}

/// llvmpipe ends a loop after 65,535 turns and says nothing, so a segment that would need more is refused.
#[test]
fn a_segment_too_long_for_a_loop_is_refused() {
    let Some(context) = context() else { return };
    let segments = |len| {
        let values = vec![1.0_f32; len];
        let inputs =
            SegmentInputs { segments: Segments::Padded { count: 1, len }, keep: Keep::All, scale: 1.0 };
        context.segments_blocking(&SequenceSum {}, &inputs, &values)
    };
    let most = SegmentShape::MOST_ELEMENTS;
    let sum = segments(most).expect("the longest that is taken");
    assert_eq!(sum.plane(0)[0].to_bits(), (most as f32).to_bits());
    assert!(matches!(segments(most + 1), Err(Error::LimitTooSmall { arg: "segments", .. })));
}
