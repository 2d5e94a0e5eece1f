//! Shapes of the GPU host, as far as they are checked without a device, and the table of kernels.

use bellwether_core::sig::token_rows::Labels;
use bellwether_gpu::{FusedShape, ReferenceKind, Region, StepShape};
use bellwether_shaders::{Dialect, SOURCES, find};

use super::draw::Draw;

pub(super) fn shapes(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let laid_out = step(&mut d);
    region(&mut d);
    kernel(&mut d);
    fused(&mut d) && laid_out
}

/// The regions of a step follow one another inside the workspace.
fn step(d: &mut Draw<'_>) -> bool {
    let rules = d.rules(1);
    let reference = if d.any() { ReferenceKind::PerToken } else { ReferenceKind::PerSequence };
    let shape = StepShape {
        pairs: d.size(3000),
        len: d.size(3000),
        v: d.size(9),
        ignore_index: rules.ignore_index,
        shift: rules.shift,
        reduction: d.reduction(),
        reference,
    };
    let Ok(layout) = shape.layout() else { return false };
    let regions =
        [layout.token, layout.upstream, layout.sequences, layout.references, layout.pair, layout.summary];
    let mut end = 0;
    for region in regions {
        assert!(region.offset >= end, "{shape:?}: {region:?} begins before {end}");
        end = region.offset + region.elements();
    }
    assert!(layout.bytes / 4 >= end && u32::try_from(layout.bytes / 4).is_ok(), "{shape:?}: {layout:?}");
    assert_eq!(shape.workspace_bytes(), Ok(layout.bytes));
    true
}

/// A region that anyone may have made holds what the workspace has, or nothing.
fn region(d: &mut Draw<'_>) {
    let region = Region { offset: d.any(), planes: d.size(8), stride: d.size(8), n: d.size(8) };
    let region = Region { offset: if d.rarely() { region.offset } else { region.offset % 32 }, ..region };
    let (plane, workspace) = (d.size(4), [0.0; 64]);
    let held = region.values(plane, &workspace);
    assert!(held.is_empty() || held.len() == region.n, "{region:?}, plane {plane}");
    assert!(region.elements() >= region.n as u64, "{region:?}");
}

/// Every number of units is covered by the workgroups of a dispatch, as far as WebGPU has workgroups.
fn kernel(d: &mut Draw<'_>) {
    let (source, units) = (d.pick(SOURCES), d.any::<u32>().min(65_535 * 65_535));
    let [x, y, z] = source.dispatch(units).map(u64::from);
    let covered = x * y * z * u64::from(source.rows_per_group);
    assert!(covered >= u64::from(units) && x.max(y) <= 65_535, "{} {}: {units}", source.op, source.kernel);
    assert_eq!(find(source.op, source.kernel), Some(&source));
    assert!(!source.in_dialect(d.pick(&Dialect::ALL)).is_empty());
}

/// Tiles of logits grow by 256 rows and 2048 columns, and bring a size or an error; the host's choice is one of them.
fn fused(d: &mut Draw<'_>) -> bool {
    let (n, v, h) = (d.size(9000), d.size(9000), d.size(9000));
    let usual = FusedShape::packed(n, v, h, Labels::default());
    let (chunk, columns) = (usual.chunk, usual.columns);
    assert!(chunk > 0 && chunk.is_multiple_of(256), "{n} rows of {v}: {chunk}");
    assert!(columns > 0 && columns.is_multiple_of(2048), "{n} rows of {v}: {columns}");
    let shape = if d.any() { usual } else { usual.tiled(d.size(512), d.size(4096)) };
    let bytes = shape.scratch_bytes();
    if let Ok(bytes) = bytes {
        let tile = 4 * shape.chunk.min(n.max(1)) as u128 * shape.columns.min(v) as u128;
        assert!(u128::from(bytes) >= tile, "{shape:?}: {bytes}");
    }
    bytes.is_ok()
}
