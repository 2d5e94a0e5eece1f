//! Numbers for small tests, the same on every machine.

/// Every driver's error.
pub(crate) type Tested = Result<(), bellwether_core::Error>;

/// As many numbers of ordinary size; another `salt` gives others.
pub(crate) fn numbers(n: usize, salt: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 37 + salt * 11) % 61) as f64 / 8.0 - 3.5).collect()
}

/// As many labels below `v`; every fourth row is ignored.
pub(crate) fn labels(n: usize, v: usize) -> Vec<i32> {
    (0..n).map(|i| if i % 4 == 2 { -100 } else { (i * 5 % v) as i32 }).collect()
}

/// The bits, by which results are compared.
#[allow(dead_code, reason = "each test program uses a part")]
pub(crate) fn bits(xs: &[f64]) -> Vec<u64> {
    xs.iter().map(|x| x.to_bits()).collect()
}
