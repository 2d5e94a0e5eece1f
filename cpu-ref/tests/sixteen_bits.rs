//! Logits in 16 bits: the results of the same numbers in 32, and their gradients rounded once.

mod common;

use bellwether_core::logprob::{AlphaDivergence, Js, Kl, Token, TopK};
use bellwether_core::sig::logit_pairs::{self as pair, By, PairLayout};
use bellwether_core::sig::token_rows::{self as token, Labels};
use bellwether_core::sig::top_rows;
use bellwether_cpu_ref::Element;
use bellwether_cpu_ref::logit_pairs::{LogitPairs, PairRow, logit_pairs, logit_pairs_backward};
use bellwether_cpu_ref::token_rows::{Scalar, TokenUpstream, Tokens, token_rows, token_rows_backward};
use bellwether_cpu_ref::token_states::{Shard, token_shard_backward, token_states};
use bellwether_cpu_ref::top_rows::{TopUpstream, top_rows as largest, top_rows_backward};
use common::{Tested, labels, numbers};
use half::{bf16, f16};

const N: usize = 9;
const V: usize = 23;
const CAPPED: Token = Token { temperature: 0.75, logit_scale: 1.5, softcap: 4.0 };

/// Numbers whose digits do not fit into 16 bits, so that a gradient that is not rounded shows.
fn upstream<T: Scalar>(salt: usize) -> Vec<T> {
    numbers(N, salt).into_iter().map(|x| T::lift(x * 1.000_123)).collect()
}

fn stored<T: Scalar, E: Element<T>>(salt: usize) -> Vec<E> {
    let mut logits = numbers(N * V, salt);
    logits[V + 3] = f64::NEG_INFINITY;
    // Rows that do not count are not read.
    logits[2 * V..3 * V].fill(f64::NAN);
    logits.into_iter().map(|x| E::write(T::lift(x))).collect()
}

fn widened<T, E: Element<T>>(xs: &[E]) -> Vec<T> {
    xs.iter().map(|x| x.read()).collect()
}

fn same<T: Scalar>(what: &str, got: &[T], want: &[T]) {
    let bits = |xs: &[T]| xs.iter().map(|x| x.value().to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(got), bits(want), "{what}");
}

/// The gradient that a driver gives in 16 bits is that of the widened logits, written as an element.
fn rounded<T: Scalar, E: Element<T>>(what: &str, got: &[E], wide: &[T]) {
    let want: Vec<E> = wide.iter().map(|&x| E::write(x)).collect();
    same(what, &widened(got), &widened(&want));
    assert!(
        wide.iter().zip(&want).any(|(a, b)| a.value().to_bits() != b.read().value().to_bits()),
        "{what}: nothing to round"
    );
}

fn tokens<T: Scalar, E: Element<T>>() -> Tested {
    let (x, y) = (stored::<T, E>(1), labels(N, V));
    let wide = widened(&x);
    let mask: Vec<i32> = (0..N as i32).map(|i| i % 5).collect();
    let rules = Labels::default();
    let half = Tokens { mask: Some(&mask), ..Tokens::new(&x, V, &y, rules) };
    let single = Tokens { mask: Some(&mask), ..Tokens::new(&wide, V, &y, rules) };
    let up = [3, 4, 5, 6, 7].map(upstream::<T>);
    let up = TokenUpstream::of(up.each_ref().map(|plane| Some(&plane[..])));
    let zeros = |count: usize| vec![T::zero(); count];
    let (mut got, mut want) = (zeros(token::PLANES.len() * N), zeros(token::PLANES.len() * N));
    token_rows(&CAPPED, &half, &mut got)?;
    token_rows(&CAPPED, &single, &mut want)?;
    same("planes", &got, &want);
    let (mut d, mut d_wide) = (vec![E::write(T::one()); N * V], zeros(N * V));
    token_rows_backward(&CAPPED, &half, &up, &mut d)?;
    token_rows_backward(&CAPPED, &single, &up, &mut d_wide)?;
    rounded("d_logits", &d, &d_wide);
    let shard = Shard { base: 0, vocabulary: V };
    let (mut got, mut want) = (zeros(token::STATE.len() * N), zeros(token::STATE.len() * N));
    token_states(&CAPPED, &half, shard, &mut got)?;
    token_states(&CAPPED, &single, shard, &mut want)?;
    same("states", &got, &want);
    let mut planes = zeros(token::PLANES.len() * N);
    token_rows(&CAPPED, &half, &mut planes)?;
    token_shard_backward(&CAPPED, &half, shard, &planes, &up, &mut d)?;
    token_shard_backward(&CAPPED, &single, shard, &planes, &up, &mut d_wide)?;
    rounded("d_logits of a shard", &d, &d_wide);
    let op = TopK { k: 4, ..TopK::default() };
    let planes = top_rows::planes(op.ranks()) * N;
    let (mut got, mut want) = (zeros(planes), zeros(planes));
    largest(&op, &half, &mut got)?;
    largest(&op, &single, &mut want)?;
    same("the largest", &got, &want);
    let (mass, entropy) = (upstream::<T>(8), upstream::<T>(9));
    let up = TopUpstream::of([Some(&mass[..]), Some(&entropy), None, None]);
    top_rows_backward(&op, &half, &up, &mut d)?;
    top_rows_backward(&op, &single, &up, &mut d_wide)?;
    rounded("d_logits of the largest", &d, &d_wide);
    Ok(())
}

fn pairs<O: PairRow, T: Scalar, E: Element<T>>(op: &O) -> Tested {
    let (x, r, y) = (stored::<T, E>(1), stored::<T, E>(2), labels(N, V));
    let (wide, wide_r) = (widened(&x), widened(&r));
    let layout = PairLayout::packed(V, Labels::default());
    let half = LogitPairs::new([&x, &r], &y, layout);
    let single = LogitPairs::new([&wide, &wide_r], &y, layout);
    let (mut got, mut want) = (vec![T::zero(); pair::PLANES * N], vec![T::zero(); pair::PLANES * N]);
    logit_pairs(op, &half, &mut got)?;
    logit_pairs(op, &single, &mut want)?;
    same("planes of pairs", &got, &want);
    let up = [3, 4].map(upstream::<T>);
    let up = [Some(&up[0][..]), Some(&up[1][..]), None, None];
    for by in [By::Policy, By::Reference] {
        let (mut d, mut d_wide) = (vec![E::write(T::one()); N * V], vec![T::zero(); N * V]);
        logit_pairs_backward(op, &half, &up, by, &mut d)?;
        logit_pairs_backward(op, &single, &up, by, &mut d_wide)?;
        rounded("gradients of pairs", &d, &d_wide);
    }
    Ok(())
}

fn all<T: Scalar, E: Element<T>>() -> Tested {
    tokens::<T, E>()?;
    pairs::<_, T, E>(&Kl::of(CAPPED))?;
    pairs::<_, T, E>(&Js::of(0.3, CAPPED))?;
    pairs::<_, T, E>(&AlphaDivergence::of(0.4, CAPPED))
}

#[test]
fn sixteen_bits_are_read_exactly_and_written_rounded() -> Tested {
    all::<f32, f16>()?;
    all::<f32, bf16>()?;
    all::<f64, f16>()?;
    all::<f64, bf16>()
}

/// The nearest of all numbers that 16 bits hold, the even one of two that are as near.
fn nearest(x: f64, value: impl Fn(u16) -> f64) -> u16 {
    let distance = |bits: &u16| (value(*bits) - x).abs();
    let finite = (0..=u16::MAX)
        .filter(|bits| value(*bits).is_finite() && value(*bits).is_sign_negative() == x.is_sign_negative());
    let (best, least) = finite.clone().fold((0, f64::INFINITY), |(best, least), bits| {
        let far = distance(&bits);
        if far < least || (far <= least && bits % 2 == 0) { (bits, far) } else { (best, least) }
    });
    assert!(least.is_finite());
    best
}

#[test]
fn a_result_is_rounded_to_the_nearest_and_to_even() {
    let half = 2f64.powi(-11);
    let tries =
        [1.0 + half, 1.0 + 3.0 * half, -1.0 - half, 0.3, -1e-5, 3e-8, 8.9e-8, 65503.0, -1.000_488_4, 0.0];
    for x in tries {
        let [single, double] = [<f16 as Element<f32>>::write(x as f32), <f16 as Element<f64>>::write(x)];
        assert_eq!(double.to_bits(), nearest(x, |bits| f16::from_bits(bits).to_f64()), "f16 of {x}");
        let held = f64::from(x as f32);
        assert_eq!(single.to_bits(), nearest(held, |bits| f16::from_bits(bits).to_f64()), "f16 of {held}");
        let [single, double] = [<bf16 as Element<f32>>::write(x as f32), <bf16 as Element<f64>>::write(x)];
        assert_eq!(double.to_bits(), nearest(x, |bits| bf16::from_bits(bits).to_f64()), "bf16 of {x}");
        assert_eq!(single.to_bits(), nearest(held, |bits| bf16::from_bits(bits).to_f64()), "bf16 of {held}");
    }
    assert!(<f16 as Element<f32>>::write(65520.0).is_infinite(), "beyond the largest");
    assert!(<f16 as Element<f32>>::write(65519.0) == f16::MAX);
}
