//! A device for the tests, or a line that says there is none.

use bellwether_gpu::{Context, Error, Selector, wgpu};

/// A context on the fastest device; `None`, said aloud, where there is none and none is required.
pub(crate) fn context() -> Option<Context> {
    with_limits(|_| ())
}

/// The same with other limits.
pub(crate) fn with_limits(change: impl FnOnce(&mut wgpu::Limits)) -> Option<Context> {
    match Context::with_limits_blocking(Selector::Default, change) {
        Ok(context) => Some(context),
        Err(Error::NoAdapter { .. }) => {
            let required = std::env::var("BELLWETHER_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "BELLWETHER_REQUIRE_GPU=1, but there is no adapter");
            eprintln!("SKIPPED: no GPU adapter on this machine");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// Numbers in (-4, 4) that look random and are the same everywhere.
#[allow(dead_code, reason = "not every test crate needs numbers")]
pub(crate) fn noise(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16) / 8192.0 - 4.0
    };
    (0..n).map(|_| next()).collect()
}

/// The bits, so that NaN equals NaN and 0 differs from -0.
#[allow(dead_code, reason = "not every test crate compares bits")]
pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Whether two arrays agree to a few units of the seventh digit.
#[allow(dead_code, reason = "not every test crate compares numbers")]
pub(crate) fn assert_close(given: &[f32], expected: &[f32]) {
    assert_eq!(given.len(), expected.len());
    for (i, (a, b)) in given.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "element {i}: {a}, expected {b}");
    }
}
