//! A kernel of one statement, put together from the texts of the library.

use bellwether_check::functions::body;
pub(super) use bellwether_check::functions::device::LIBRARY;
use bellwether_gpu::Context;

/// Runs `body` for each `i` in `0..n`; it reads `input` and writes `per` words of `result` each.
pub(super) fn run(context: &Context, body: &str, input: &[u32], n: u32, per: usize) -> Vec<u32> {
    body::run(context, LIBRARY, body, input, n, per).unwrap_or_else(|e| panic!("{e}"))
}
