//! Properties of the largest of rows of logits.

use bellwether_core::bound::depth;
use bellwether_core::logprob::{TopEntropy, TopK};

use super::{near, of, run, same};
use crate::generate::Draw;
use crate::problem::{Backend, Outputs, TokenProblem, TopProblem};

type Held = Result<(), String>;

const N: usize = 6;
const V: usize = 300;
const K: u32 = 12;

/// Logits that are multiples of 1/64, so that moderate shifts and scalings by powers of two are exact; all differ in a
/// row.
fn problem() -> TopProblem {
    let mut draw = Draw::of("properties of the largest");
    let steps = [7, 11, 13, 17, 19, 23];
    let rows = TokenProblem {
        v: V,
        logits: (0..N * V).map(|at| ((at % V) * steps[at / V] % V) as f64 / 64.0).collect(),
        labels: draw.labels(N, V, 0.0),
        ..TokenProblem::default()
    };
    let op = TopK { k: K, ..TopK::default() };
    let upstream = [N, N, N, K as usize * N].map(|len| Some(draw.normals(len, 1.0)));
    TopProblem { op, rows, upstream }
}

fn both(plain: &TopProblem, changed: &TopProblem, backend: Backend<'_>) -> Result<[Outputs<f64>; 2], String> {
    Ok([run(plain, backend)?, run(changed, backend)?])
}

/// A constant on all logits changes nothing but the logsumexp and the maximum.
pub(super) fn shift(backend: Backend<'_>) -> Held {
    let (plain, mut moved) = (problem(), problem());
    moved.rows.logits.iter_mut().for_each(|x| *x += 256.0);
    let [plain, moved] = both(&plain, &moved, backend)?;
    let names = ["logp", "index", "mass", "entropy", "log_sum", "d_logits"];
    names.iter().try_for_each(|name| same(name, of(&moved, name)?, of(&plain, name)?))
}

/// A permuted vocabulary permutes indices and gradient and changes nothing else, up to the order of sums.
pub(super) fn permuted_vocabulary(backend: Backend<'_>) -> Held {
    const BY: usize = 37;
    let (plain, mut turned) = (problem(), problem());
    turned.rows.logits.chunks_exact_mut(V).for_each(|row| row.rotate_left(BY));
    turned.rows.labels.iter_mut().for_each(|y| *y = (*y + (V - BY) as i32) % V as i32);
    let [plain, turned] = both(&plain, &turned, backend)?;
    let moved: Vec<f64> = of(&plain, "index")?.iter().map(|j| (j + (V - BY) as f64) % V as f64).collect();
    same("index", of(&turned, "index")?, &moved)?;
    for name in ["logp", "mass", "entropy"] {
        near(name, of(&turned, name)?, of(&plain, name)?, 2.0 * depth(V), 8.0)?;
    }
    let mut want = of(&plain, "d_logits")?.to_vec();
    want.chunks_exact_mut(V).for_each(|row| row.rotate_left(BY));
    near("d_logits", of(&turned, "d_logits")?, &want, 2.0 * depth(V), 4.0)
}

/// Told from the logits alone: falling, of equal ones the first column first, and nothing left out that is larger.
pub(super) fn the_largest_in_order(backend: Backend<'_>) -> Held {
    // Few values, so that many tie; without −0, which sorting would tell from 0.
    for (n, v) in [(4, 300), (9, 40), (2, 33_000)] {
        let mut draw = Draw::of(&format!("the largest of {v}"));
        let mut problem = TopProblem { op: TopK { k: K, ..TopK::default() }, ..TopProblem::default() };
        problem.rows = TokenProblem {
            v,
            logits: (0..n * v).map(|_| draw.normal(1.0).round() + 0.0).collect(),
            labels: vec![0; n],
            ..TokenProblem::default()
        };
        let outputs = run(&problem, backend)?;
        for (logits, got) in problem.rows.logits.chunks(v).zip(of(&outputs, "index")?.chunks(K as usize)) {
            let mut order: Vec<usize> = (0..v).collect();
            order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
            let want: Vec<f64> = order[..K as usize].iter().map(|&j| j as f64).collect();
            same(&format!("index, v = {v}"), got, &want)?;
        }
    }
    Ok(())
}

/// Fewer are the first of more, and have less mass.
pub(super) fn fewer_are_the_first(backend: Backend<'_>) -> Held {
    let (more, mut fewer) = (problem(), problem());
    fewer.op.k = 5;
    fewer.upstream.fill(None);
    let [more, fewer] = both(&more, &fewer, backend)?;
    for name in ["logp", "index"] {
        let rows = of(&more, name)?.chunks(K as usize);
        let first: Vec<f64> = rows.flat_map(|row| row[..5].iter().copied()).collect();
        same(name, of(&fewer, name)?, &first)?;
    }
    let masses = of(&fewer, "mass")?.iter().zip(of(&more, "mass")?);
    match masses.clone().all(|(few, many)| few < many) {
        true => Ok(()),
        false => Err(format!("masses of 5 and of {K}: {:?}", masses.collect::<Vec<_>>())),
    }
}

/// Heat takes mass from the largest and makes them more alike.
pub(super) fn heat_spreads(backend: Backend<'_>) -> Held {
    let (plain, mut hot) = (problem(), problem());
    hot.op.temperature = 1.5;
    let [plain, hot] = both(&plain, &hot, backend)?;
    let falls = of(&hot, "mass")?.iter().zip(of(&plain, "mass")?).all(|(h, c)| h < c);
    let rises = of(&hot, "entropy")?.iter().zip(of(&plain, "entropy")?).all(|(h, c)| h > c);
    if falls && rises { Ok(()) } else { Err(format!("mass falls: {falls}, entropy rises: {rises}")) }
}

/// Of `p` and of `p / mass`: the one entropy is the mass times (the other − log mass).
pub(super) fn truncated_from_renormalised(backend: Backend<'_>) -> Held {
    let (plain, mut cut) = (problem(), problem());
    cut.op.entropy = TopEntropy::Truncated;
    let [plain, cut] = both(&plain, &cut, backend)?;
    let rows = of(&plain, "entropy")?.iter().zip(of(&plain, "mass")?);
    let want: Vec<f64> = rows.map(|(entropy, mass)| mass * (entropy - mass.ln())).collect();
    near("entropy", of(&cut, "entropy")?, &want, 16.0, 4.0)
}

/// As many as there are tokens, or more: all the mass, the entropy of the row and every token.
pub(super) fn all_are_the_row(backend: Backend<'_>) -> Held {
    let mut draw = Draw::of("as many as there are");
    let rows = TokenProblem {
        v: 20,
        logits: draw.normals(5 * 20, 2.0),
        labels: draw.labels(5, 20, 0.0),
        ..TokenProblem::default()
    };
    let row = run(&rows, backend)?;
    for k in [20, 31] {
        for entropy in [TopEntropy::Renormalised, TopEntropy::Truncated] {
            let op = TopK { k, entropy, ..TopK::default() };
            let top = run(&TopProblem { op, rows: rows.clone(), ..TopProblem::default() }, backend)?;
            same("mass", of(&top, "mass")?, &[1.0; 5])?;
            near("entropy", of(&top, "entropy")?, of(&row, "entropy")?, 2.0 * depth(20), 8.0)?;
            same("lse", of(&top, "lse")?, of(&row, "lse")?)?;
        }
    }
    Ok(())
}

/// All but the logsumexp is shift-invariant: the gradients sum to zero over the vocabulary.
pub(super) fn gradient_sums_to_zero(backend: Backend<'_>) -> Held {
    for entropy in [TopEntropy::Renormalised, TopEntropy::Truncated] {
        let mut problem = problem();
        (problem.op.entropy, problem.upstream[2]) = (entropy, None);
        let outputs = run(&problem, backend)?;
        for (row, gradient) in of(&outputs, "d_logits")?.chunks_exact(V).enumerate() {
            let (sum, size) = gradient.iter().fold((0.0, 0.0), |(s, a), g| (s + g, a + g.abs()));
            near(&format!("sum of row {row}"), &[sum], &[0.0], 2.0 * depth(V), size)?;
        }
    }
    Ok(())
}
