//! Every bit of counter and key matters to every bit of the words; streams, seeds and blocks have nothing in common.

use std::collections::HashSet;

use bellwether_core::random::{Stream, philox4x32, uniform};

use super::statistics::correlation;

/// Avalanche: one input bit changed, each output bit changes with probability ½, whichever of the 192 × 128. The
/// largest of so many deviations is about 4.1.
#[test]
fn each_input_bit_moves_each_output_bit() {
    let n = 2048;
    for bit in 0..192 {
        let mut changes = [0_u32; 128];
        for i in 0..n {
            // Small counters and a plain key: what is used in practice, and the hardest.
            let mut input = [i, 0, 0, 0, 7, 0];
            let word = |x: [u32; 6]| philox4x32([x[0], x[1], x[2], x[3]], [x[4], x[5]]);
            let before = word(input);
            input[bit / 32] ^= 1 << (bit % 32);
            for (k, (a, b)) in before.into_iter().zip(word(input)).enumerate() {
                for (j, count) in changes[32 * k..32 * k + 32].iter_mut().enumerate() {
                    *count += ((a ^ b) >> j) & 1;
                }
            }
        }
        for (out, count) in changes.into_iter().enumerate() {
            let off = (2.0 * f64::from(count) - f64::from(n)) / f64::from(n).sqrt();
            assert!(off.abs() < 6.0, "input bit {bit}, output bit {out}: {count} of {n} changed");
        }
    }
}

/// Each neighbour of a sequence: other seed, other stream, other block, next element.
#[test]
fn neighbours_are_uncorrelated() {
    let n = 1_u64 << 18;
    let base = Stream { seed: 41, stream: 5 };
    let draw = |stream: Stream, shift: u64, block: u32, k: usize| -> Vec<f64> {
        (0..n).map(|i| f64::from(uniform(stream.words(i + shift, block)[k]))).collect()
    };
    let xs = draw(base, 0, 0, 0);
    for (name, ys) in [
        ("next seed", draw(Stream { seed: 42, ..base }, 0, 0, 0)),
        ("seed + 2^32", draw(Stream { seed: 41 + (1 << 32), ..base }, 0, 0, 0)),
        ("next stream", draw(Stream { stream: 6, ..base }, 0, 0, 0)),
        ("next block", draw(base, 0, 1, 0)),
        ("next element", draw(base, 1, 0, 0)),
        ("next word", draw(base, 0, 0, 1)),
    ] {
        let off = correlation(&xs, &ys);
        println!("{name}: correlation {off:+.2} deviations");
        assert!(off.abs() < 5.0, "{name}: {off} deviations");
    }
}

/// Neither a seed, a stream, a block nor an index is dropped on the way: no two of these words are equal.
#[test]
fn no_field_is_ignored() {
    let mut seen = HashSet::new();
    for seed in [0, 1, 1 << 31, 1 << 32, u64::MAX] {
        for stream in [0, 1, 1 << 31, u32::MAX] {
            for index in [0, 1, 1 << 31, 1 << 32, u64::MAX] {
                for block in [0, 1, 1 << 30] {
                    let words = Stream { seed, stream }.words(index, block);
                    assert!(seen.insert(words), "seed {seed}, stream {stream}, index {index}, block {block}");
                }
            }
        }
    }
}
