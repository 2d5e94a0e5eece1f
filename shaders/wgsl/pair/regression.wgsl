// Squared error of the scaled margin.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    return of_z(s, s.z * s.z, 2.0 * s.z);
}
