// Planes that `forward` saved, and upstream gradients: for backward kernels of logits.

fn saved(plane: u32, row: u32) -> f32 {
    return rows[args.saved_offset + plane * args.saved_stride + row];
}

// An upstream gradient; 0 where the plane is absent, which is then not read.
fn upstream(plane: u32, row: u32) -> f32 {
    if ((args.upstream_mask & (1u << plane)) == 0u) {
        return 0.0;
    }
    return rows[args.upstream_offset + plane * args.upstream_stride + row];
}
