//! Properties of rows of logits.

use bellwether_core::bound::depth;
use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::NARROW;

use super::{near, of, run, same};
use crate::generate::Draw;
use crate::problem::{Backend, TokenProblem, Way};

type Held = Result<(), String>;

const N: usize = 6;
const V: usize = 300;

/// Logits that are multiples of 1/64, so that moderate shifts and scalings by powers of two are exact.
fn problem() -> TokenProblem {
    let mut draw = Draw::of("properties of token rows");
    TokenProblem {
        v: V,
        logits: (0..N * V).map(|_| (draw.normal(2.0) * 64.0).round() / 64.0).collect(),
        labels: draw.labels(N, V, 0.0),
        upstream: [1.0, 0.5, 0.25, 0.7, 0.3].map(|scale| Some(draw.normals(N, scale))),
        ..TokenProblem::default()
    }
}

/// Applies `change` and demands the same bits in these outputs.
fn unchanged(backend: Backend<'_>, names: &[&str], change: impl Fn(&mut TokenProblem)) -> Held {
    let plain = problem();
    let mut changed = plain.clone();
    change(&mut changed);
    let (plain, changed) = (run(&plain, backend)?, run(&changed, backend)?);
    names.iter().try_for_each(|name| same(name, of(&changed, name)?, of(&plain, name)?))
}

/// A constant on all logits changes nothing but the logsumexp and the maximum.
pub(super) fn shift(backend: Backend<'_>) -> Held {
    unchanged(backend, &["logp", "entropy", "log_sum", "d_logits"], |p| {
        p.logits.iter_mut().for_each(|x| *x += 256.0);
    })
}

/// Rows behind, ignored and full of NaN, change nothing.
pub(super) fn more_rows(backend: Backend<'_>) -> Held {
    let plain = problem();
    let mut longer = plain.clone();
    longer.labels.extend([-100; 3]);
    longer.logits.extend([f64::NAN; 3 * V]);
    longer.upstream.iter_mut().flatten().for_each(|plane| plane.extend([1.0; 3]));
    let (plain, longer) = (run(&plain, backend)?, run(&longer, backend)?);
    for name in ["logp", "lse", "entropy", "d_logits"] {
        let (short, long) = (of(&plain, name)?, of(&longer, name)?);
        same(name, &long[..short.len()], short)?;
        same(name, &long[short.len()..], &vec![0.0; long.len() - short.len()])?;
    }
    Ok(())
}

/// Tokens that cannot be drawn change nothing: their logits are −∞ and stand behind the others.
pub(super) fn more_banned_tokens(backend: Backend<'_>) -> Held {
    let plain = problem();
    let mut wider = TokenProblem { v: V + 7, ..plain.clone() };
    wider.logits =
        plain.logits.chunks_exact(V).flat_map(|row| [row, &[f64::NEG_INFINITY; 7]].concat()).collect();
    let (plain, wider) = (run(&plain, backend)?, run(&wider, backend)?);
    for name in ["logp", "lse", "entropy"] {
        near(name, of(&wider, name)?, of(&plain, name)?, 2.0 * depth(V), 8.0)?;
    }
    Ok(())
}

/// Permuted rows give permuted results.
pub(super) fn permuted_rows(backend: Backend<'_>) -> Held {
    let plain = problem();
    let mut turned = plain.clone();
    turned.logits.rotate_left(2 * V);
    turned.labels.rotate_left(2);
    turned.upstream.iter_mut().flatten().for_each(|plane| plane.rotate_left(2));
    let (plain, turned) = (run(&plain, backend)?, run(&turned, backend)?);
    for (name, width) in [("logp", 1), ("entropy", 1), ("status", 1), ("d_logits", V)] {
        let mut want = of(&plain, name)?.to_vec();
        want.rotate_left(2 * width);
        same(name, of(&turned, name)?, &want)?;
    }
    Ok(())
}

/// A permuted vocabulary permutes the gradient and changes nothing else, up to the order of sums.
pub(super) fn permuted_vocabulary(backend: Backend<'_>) -> Held {
    const BY: usize = 37;
    let plain = problem();
    let mut turned = plain.clone();
    turned.logits.chunks_exact_mut(V).for_each(|row| row.rotate_left(BY));
    turned.labels.iter_mut().for_each(|y| *y = (*y + (V - BY) as i32) % V as i32);
    let (plain, turned) = (run(&plain, backend)?, run(&turned, backend)?);
    for name in ["logp", "lse", "entropy"] {
        near(name, of(&turned, name)?, of(&plain, name)?, 2.0 * depth(V), 8.0)?;
    }
    let mut want = of(&plain, "d_logits")?.to_vec();
    want.chunks_exact_mut(V).for_each(|row| row.rotate_left(BY));
    near("d_logits", of(&turned, "d_logits")?, &want, 2.0 * depth(V), 4.0)
}

/// The gradients of log-probability and entropy sum to zero over the vocabulary: both are shift-invariant.
pub(super) fn gradient_sums_to_zero(backend: Backend<'_>) -> Held {
    let mut plain = problem();
    (plain.upstream[1], plain.upstream[4]) = (None, None);
    let outputs = run(&plain, backend)?;
    for (row, gradient) in of(&outputs, "d_logits")?.chunks_exact(V).enumerate() {
        let (sum, size) = gradient.iter().fold((0.0, 0.0), |(s, a), g| (s + g, a + g.abs()));
        near(&format!("sum of row {row}"), &[sum], &[0.0], 2.0 * depth(V), size)?;
    }
    Ok(())
}

/// Twice the logits at twice the temperature are the same row, with half the gradient.
pub(super) fn temperature_scales(backend: Backend<'_>) -> Held {
    let plain = problem();
    let mut scaled = TokenProblem { op: Token::at(2.0), ..plain.clone() };
    scaled.logits.iter_mut().for_each(|x| *x *= 2.0);
    let (plain, scaled) = (run(&plain, backend)?, run(&scaled, backend)?);
    for name in ["logp", "lse", "entropy", "max", "log_sum"] {
        same(name, of(&scaled, name)?, of(&plain, name)?)?;
    }
    let want: Vec<f64> = of(&plain, "d_logits")?.iter().map(|g| 0.5 * g).collect();
    same("d_logits", of(&scaled, "d_logits")?, &want)
}

/// Every way to the results of the same rows gives the same bits: rows cut into parts or not, gradients beside the logits
/// or over them, in one kernel or in two.
pub(super) fn every_way_the_same_bits(backend: Backend<'_>) -> Held {
    let mut draw = Draw::of("ways of token rows");
    // Several parts per row, and short rows.
    for (n, v) in [(3, 33_000), (5, 700), (20, 41)] {
        let plain = TokenProblem {
            v,
            logits: draw.normals(n * v, 3.0),
            labels: draw.labels(n, v, 0.2),
            upstream: [1.0, 0.5, 0.25, 0.7, 0.3].map(|scale| Some(draw.normals(n, scale))),
            ..TokenProblem::default()
        };
        let want = run(&plain, backend)?;
        // More rows than are cut: a workgroup goes through all parts of each.
        let mut many = TokenProblem { upstream: plain.upstream.clone(), ..plain.clone() };
        many.labels.resize(256, -100);
        many.logits.resize(256 * v, 0.0);
        many.upstream.iter_mut().flatten().for_each(|plane| plane.resize(256, 0.0));
        // Short rows have a kernel of their own, whose sums have another shape than the one kernel's.
        let ways = if v > NARROW { &[Way::InPlace, Way::Step][..] } else { &[Way::InPlace] };
        let others: Vec<_> = ways.iter().map(|&way| TokenProblem { way, ..plain.clone() }).collect();
        for other in others.iter().chain([&many]) {
            let got = run(other, backend)?;
            for (name, width) in [("logp", 1), ("lse", 1), ("entropy", 1), ("log_sum_sq", 1), ("d_logits", v)]
            {
                let same_rows = &of(&got, name)?[..n * width];
                same(&format!("{name}, {:?}, v = {v}", other.way), same_rows, of(&want, name)?)?;
            }
        }
    }
    Ok(())
}
