// Where a step is read and written.

// The outputs, x_{t+1} and a good status.
fn write(row: Row, t: u32, outputs: vec4<f32>, next: f32) {
    let at = row.place + t * args.result_col;
    for (var k = 0u; k < OUTPUTS; k += 1u) {
        result[at + k * args.result_stride] = outputs[k];
    }
    if ((args.present & GRADIENTS) != 0u) {
        result[at + OUTPUTS * args.result_stride] = next;
    }
    result[at + (planes() - 1u) * args.result_stride] = 0.0;
}

fn poison(row: Row, first: u32, status: u32) {
    for (var t = first; t < first + EACH; t += 1u) {
        if (counts_at(row, t)) {
            fill(row, t, bw_nan(status), status);
        }
    }
}

// The same number in every plane, and the status.
fn fill(row: Row, t: u32, value: f32, status: u32) {
    let at = row.place + t * args.result_col;
    for (var plane = 0u; plane + 1u < planes(); plane += 1u) {
        result[at + plane * args.result_stride] = value;
    }
    result[at + (planes() - 1u) * args.result_stride] = f32(status);
}

fn planes() -> u32 {
    return OUTPUTS + 1u + select(0u, INPUTS, (args.present & GRADIENTS) != 0u);
}

fn upstream_at(row: Row, t: u32) -> f32 {
    if ((args.present & WEIGHTED) != 0u) {
        return constants[args.upstream_offset + row.row * args.upstream_row + (row.first + t) * args.upstream_col];
    }
    return 1.0;
}

fn inputs_at(at: vec2<u32>) -> array<f32, 5> {
    var v = array<f32, 5>();
    if (INPUTS > 0u) {
        v[0] = inputs[args.input0_offset + at.x * args.input0_row + at.y * args.input0_col];
    }
    if (INPUTS > 1u) {
        v[1] = inputs[args.input1_offset + at.x * args.input1_row + at.y * args.input1_col];
    }
    if (INPUTS > 2u) {
        v[2] = inputs[args.input2_offset + at.x * args.input2_row + at.y * args.input2_col];
    }
    if (INPUTS > 3u) {
        v[3] = inputs[args.input3_offset + at.x * args.input3_row + at.y * args.input3_col];
    }
    if (INPUTS > 4u) {
        v[4] = inputs[args.input4_offset + at.x * args.input4_row + at.y * args.input4_col];
    }
    return v;
}

fn constants_at(at: vec2<u32>) -> vec3<f32> {
    var v = vec3<f32>(0.0);
    if (CONSTANTS > 0u) {
        v.x = constants[args.constant0_offset + at.x * args.constant0_row + at.y * args.constant0_col];
    }
    if (CONSTANTS > 1u) {
        v.y = constants[args.constant1_offset + at.x * args.constant1_row + at.y * args.constant1_col];
    }
    if (CONSTANTS > 2u) {
        v.z = constants[args.constant2_offset + at.x * args.constant2_row + at.y * args.constant2_col];
    }
    return v;
}

fn fault_of(s: Step) -> u32 {
    let x = s.x;
    return bw_fault(x[0]) | bw_fault(x[1]) | bw_fault(x[2]) | bw_fault(x[3]) | bw_fault(x[4])
        | bw_fault(s.c.x) | bw_fault(s.c.y) | bw_fault(s.c.z);
}
