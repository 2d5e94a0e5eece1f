//! Permutations: each is one, on both sides the same, and they are evenly distributed.

use bellwether_core::random::Stream;

use super::statistics::are_even;
use super::{common, device, stream};

/// Every small length, and the first beyond a power of two.
fn lengths() -> impl Iterator<Item = u32> {
    (1..=257).chain([1000, 1023, 1024, 1025, 65_537])
}

/// Element `i` of `0..n`, without holes and without doubles.
fn is_permutation(n: u32, elements: impl Iterator<Item = u32>) {
    let mut seen = vec![false; n as usize];
    for (i, x) in elements.enumerate() {
        let slot = seen.get_mut(x as usize).unwrap_or_else(|| panic!("element {i} of {n} is {x}"));
        assert!(!std::mem::replace(slot, true), "element {i} of {n}: {x} came before");
    }
    assert!(seen.iter().all(|&s| s), "0..{n} has a hole");
}

#[test]
fn every_length_gives_a_permutation() {
    for n in lengths() {
        is_permutation(n, (0..n).map(|i| stream(51).permute(n, i)));
    }
}

#[test]
fn what_is_not_below_n_stays() {
    for (n, i) in [(0, 0), (0, 9), (1, 1), (5, 5), (5, u32::MAX), (u32::MAX, u32::MAX)] {
        assert_eq!(stream(52).permute(n, i), i, "{i} of {n}");
    }
}

#[test]
fn the_device_gives_the_same_permutations() {
    let Some(context) = common::context() else { return };
    let whole = lengths().flat_map(|n| (0..n).map(move |i| [n, i]));
    let huge = [1 << 31, (1 << 31) + 1, (1 << 16) + 1, u32::MAX - 1, u32::MAX];
    let ends = |n: u32| [0, 1, n / 2, n - 1, n, u32::MAX].map(|i| [n, i]);
    let input: Vec<[u32; 2]> = whole.chain(huge.into_iter().flat_map(ends)).chain([[0, 0], [0, 7]]).collect();
    let body = "let s = BwStream(vec2<u32>(0x55555555u, 0x33333333u), 0x0f0f0f0fu);
        result[i] = bw_permute(s, input[2u * i], input[2u * i + 1u]);";
    let got = device::run(&context, body, input.as_flattened(), input.len() as u32, 1);
    let stream = Stream { seed: 0x3333_3333_5555_5555, stream: 0x0f0f_0f0f };
    for (&[n, i], &got) in input.iter().zip(&got) {
        assert_eq!(got, stream.permute(n, i), "element {i} of {n}");
    }
    let mut rest = &got[..];
    for n in lengths() {
        let (these, later) = rest.split_at(n as usize);
        is_permutation(n, these.iter().copied());
        rest = later;
    }
}

/// The place of a permutation among all of its length.
fn rank(p: &[u32]) -> usize {
    let smaller = |i: usize| p[i + 1..].iter().filter(|&&x| x < p[i]).count();
    (0..p.len()).fold(0, |rank, i| rank * (p.len() - i) + smaller(i))
}

/// Seeds in a row give each permutation equally often.
#[test]
fn short_permutations_are_even() {
    for (n, all) in [(2, 2), (3, 6), (4, 24), (5, 120)] {
        let mut counts = vec![0; all];
        for seed in 0..1 << 16 {
            let p: Vec<u32> = (0..n).map(|i| stream(seed).permute(n, i)).collect();
            counts[rank(&p)] += 1;
        }
        are_even(&format!("permutations of {n}"), &counts, (all - 1) as f64);
    }
}

/// Two elements go to each pair of places equally often, at the lengths where the halves are shortest.
#[test]
fn pairs_are_even() {
    for (n, step) in [(5, 1), (8, 4), (16, 4), (17, 8), (32, 8)] {
        let mut counts = vec![0; (n * n) as usize];
        for seed in 0..1 << 15 {
            // Equal lower halves: the pair that takes longest to part.
            let [a, b] = [0, step].map(|i| stream(seed).permute(n, i));
            counts[(a * n + b) as usize] += 1;
        }
        let counts: Vec<u64> = (0..n * n).filter(|k| k / n != k % n).map(|k| counts[k as usize]).collect();
        are_even(&format!("pairs of {n}"), &counts, (counts.len() - 1) as f64);
    }
}

/// Each element goes to each place equally often, and neighbours part: over streams of one seed.
#[test]
fn places_and_distances_are_even() {
    let n = 60;
    let (mut places, mut distances) = (vec![0; 3600], vec![0; 59]);
    for number in 0..4000 {
        let stream = Stream { seed: 53, stream: number };
        let p: Vec<u32> = (0..n).map(|i| stream.permute(n, i)).collect();
        for (i, &x) in p.iter().enumerate() {
            places[60 * i + x as usize] += 1;
        }
        // Pairs that do not touch, of one permutation: all but independent.
        for pair in p.chunks(2) {
            distances[((pair[1] + n - pair[0]) % n - 1) as usize] += 1;
        }
    }
    are_even("places", &places, 59.0 * 59.0);
    are_even("distances", &distances, 58.0);
}

/// Another length is another permutation, and so are another stream and another seed.
#[test]
fn lengths_streams_and_seeds_are_told_apart() {
    let base = Stream { seed: 54, stream: 0 };
    let equal = |f: &dyn Fn(u32) -> u32| (0..4096).filter(|&i| f(i) == base.permute(4096, i)).count();
    // A chance match of 4096 elements: one on average.
    assert!(equal(&|i| base.permute(4095, i)) < 12);
    assert!(equal(&|i| Stream { stream: 1, ..base }.permute(4096, i)) < 12);
    assert!(equal(&|i| Stream { seed: 55, ..base }.permute(4096, i)) < 12);
}
