//! Properties of divergences between two rows of logits.

use bellwether_core::Storage;
use bellwether_core::bound::depth;
use bellwether_core::logprob::{AlphaDivergence, Js, Kl, Token};
use bellwether_core::sig::logit_pairs::UPSTREAM;
use bellwether_cpu_ref::logit_pairs::PairRow;

use super::{near, of, run, same};
use crate::generate::Draw;
use crate::problem::{Backend, LogitPairProblem, Precision, Problem};

type Held = Result<(), String>;

const N: usize = 6;
const V: usize = 150;

/// An operator with parameters whose complements are exact in f32.
pub(super) trait Tempered: PairRow {
    /// On logits as they are.
    fn plain() -> Self;

    /// At a temperature.
    fn at(temperature: f64) -> Self {
        Self::plain().with_token(Token::at(temperature))
    }
}

impl Tempered for Kl {
    fn plain() -> Self {
        Self::default()
    }
}

impl Tempered for Js {
    fn plain() -> Self {
        Self { beta: 0.25, ..Self::default() }
    }
}

impl Tempered for AlphaDivergence {
    fn plain() -> Self {
        Self { alpha: 0.25, ..Self::default() }
    }
}

/// Logits that are multiples of 1/64, so that moderate shifts and scalings by powers of two are exact.
fn problem<O: PairRow>(op: O) -> LogitPairProblem<O> {
    let mut draw = Draw::of("properties of divergences");
    let mut logits = || (0..N * V).map(|_| (draw.normal(2.0) * 64.0).round() / 64.0).collect::<Vec<_>>();
    let (logits, ref_logits) = (logits(), logits());
    let mut draw = Draw::of("properties of divergences, rows");
    LogitPairProblem {
        op,
        rules: bellwether_core::sig::token_rows::Labels::default(),
        v: V,
        gaps: [0, 0],
        mask: None,
        in_place: false,
        storage: Storage::F32,
        logits,
        ref_logits,
        labels: draw.labels(N, V, 0.0),
        upstream: core::array::from_fn(|i| (i < O::UPSTREAM.len()).then(|| draw.normals(N, 1.0))),
    }
}

/// The planes that are divergences.
fn values<O: PairRow>() -> &'static [&'static str] {
    if O::UPSTREAM.len() == UPSTREAM { &["kl_forward", "kl_reverse"] } else { &["divergence"] }
}

/// A constant on either row changes neither divergences nor gradients.
pub(super) fn shift<O: Tempered>(backend: Backend<'_>) -> Held {
    let plain = problem(O::at(1.0));
    let mut shifted = plain.clone();
    shifted.logits.iter_mut().for_each(|x| *x += 256.0);
    shifted.ref_logits.iter_mut().for_each(|x| *x -= 128.0);
    let (plain, shifted) = (run(&plain, backend)?, run(&shifted, backend)?);
    for name in values::<O>().iter().chain(&["logp", "ref_logp", "log_sum", "d_logits", "d_ref_logits"]) {
        same(name, of(&shifted, name)?, of(&plain, name)?)?;
    }
    Ok(())
}

/// Rows that differ by a constant have no divergence, to the bit, and no gradient of it.
pub(super) fn equal_is_zero<O: Tempered>(backend: Backend<'_>) -> Held {
    let mut equal = problem(O::at(1.0));
    equal.ref_logits = equal.logits.iter().map(|x| x + 64.0).collect();
    (equal.upstream[0], equal.upstream[3]) = (None, None);
    let outputs = run(&equal, backend)?;
    for name in values::<O>() {
        same(name, of(&outputs, name)?, &[0.0; N])?;
    }
    for name in ["d_logits", "d_ref_logits"] {
        same(name, of(&outputs, name)?, &vec![0.0; N * V])?;
    }
    Ok(())
}

/// Rows that are nearly equal: by a few units in the last place, and by 10^-6 to 1.
fn nearly_equal<O: PairRow>(op: O) -> LogitPairProblem<O> {
    let mut draw = Draw::of("nearly equal rows");
    let mut problem = problem(op);
    let apart = [0.0, 1e-7, 1e-6, 1e-4, 1e-2, 1.0];
    problem.ref_logits = problem
        .logits
        .iter()
        .enumerate()
        .map(|(at, &x)| {
            let row = at / V;
            let near = (x as f32).to_bits() + draw.below(3) as u32;
            if row == 0 {
                f64::from(f32::from_bits(near))
            } else {
                f64::from((x + draw.normal(apart[row])) as f32)
            }
        })
        .collect();
    problem
}

/// No divergence of the second traversal is negative, however near the rows are.
pub(super) fn never_negative<O: Tempered>(backend: Backend<'_>) -> Held {
    not_negative(O::at(1.0), backend)
}

/// Neither are those at other parameters.
pub(super) fn never_negative_near_the_ends(backend: Backend<'_>) -> Held {
    for beta in [0.0, 0.001, 0.3, 0.999, 1.0] {
        not_negative(Js { beta, ..Js::default() }, backend)?;
    }
    for alpha in [-3.0, -0.001, 0.001, 0.5, 0.999, 1.001, 4.0] {
        not_negative(AlphaDivergence { alpha, ..AlphaDivergence::default() }, backend)?;
    }
    Ok(())
}

fn not_negative<O: PairRow>(op: O, backend: Backend<'_>) -> Held {
    for problem in [nearly_equal(op), problem(op)] {
        let outputs = run(&problem, backend)?;
        let divergence = of(&outputs, "divergence")?;
        match divergence.iter().position(|d| d.is_nan() || *d < 0.0) {
            None => {}
            Some(row) => return Err(format!("{op:?}: divergence[{row}] is {:e}", divergence[row])),
        }
    }
    Ok(())
}

/// What is negative of a KL is below its bound.
pub(super) fn negative_within_its_bound(backend: Backend<'_>) -> Held {
    let problem = nearly_equal(Kl::default());
    let bounds = problem.reference(Precision::Wgsl).map_err(|e| e.to_string())?;
    let outputs = run(&problem, backend)?;
    for name in values::<Kl>() {
        let bounds = bounds.iter().find(|o| o.name == *name).ok_or("no bound")?;
        for (row, (got, bound)) in of(&outputs, name)?.iter().zip(&bounds.data).enumerate() {
            if got.is_nan() || *got < -bound.error || bound.error > 1e-3 {
                return Err(format!("{name}[{row}] is {got:e}, its bound {:e}", bound.error));
            }
        }
    }
    Ok(())
}

/// Policy and reference exchanged.
fn exchanged<O: PairRow>(op: O, plain: &LogitPairProblem<impl PairRow>) -> LogitPairProblem<O> {
    let [_, forward, reverse, _] = plain.upstream.clone();
    let upstream = if O::UPSTREAM.len() == UPSTREAM {
        [None, reverse, forward, None]
    } else {
        [None, forward, None, None]
    };
    LogitPairProblem {
        op,
        rules: plain.rules,
        v: V,
        gaps: [0, 0],
        mask: None,
        in_place: false,
        storage: Storage::F32,
        logits: plain.ref_logits.clone(),
        ref_logits: plain.logits.clone(),
        labels: plain.labels.clone(),
        upstream,
    }
}

/// Exchanging policy and reference exchanges the two KL divergences and the gradients.
pub(super) fn exchange_of_roles(backend: Backend<'_>) -> Held {
    let mut plain = problem(Kl::default());
    (plain.upstream[0], plain.upstream[3]) = (None, None);
    let turned = exchanged(Kl::default(), &plain);
    let (plain, turned) = (run(&plain, backend)?, run(&turned, backend)?);
    for (a, b) in
        [("kl_forward", "kl_reverse"), ("kl_reverse", "kl_forward"), ("ref_logp", "logp"), ("max", "ref_max")]
    {
        same(a, of(&turned, a)?, of(&plain, b)?)?;
    }
    near("d_logits", of(&turned, "d_logits")?, of(&plain, "d_ref_logits")?, 2.0 * depth(V), 4.0)?;
    near("d_ref_logits", of(&turned, "d_ref_logits")?, of(&plain, "d_logits")?, 2.0 * depth(V), 4.0)
}

/// Exchanging policy and reference together with `beta` and `1 − beta` changes nothing but whose gradient is whose.
pub(super) fn exchange_of_shares(backend: Backend<'_>) -> Held {
    for beta in [0.25, 0.5, 0.0] {
        let mut plain = problem(Js { beta, ..Js::default() });
        plain.upstream[0] = None;
        let turned = exchanged(Js { beta: 1.0 - beta, ..Js::default() }, &plain);
        let (plain, turned) = (run(&plain, backend)?, run(&turned, backend)?);
        for (a, b) in [("divergence", "divergence"), ("mean_slope", "mean_ref_slope")] {
            same(a, of(&turned, a)?, of(&plain, b)?)?;
            same(b, of(&turned, b)?, of(&plain, a)?)?;
        }
        // At an end `p − q` is formed from the other side.
        let units = if beta == 0.0 { 2.0 * depth(V) } else { 0.0 };
        near("d_logits", of(&turned, "d_logits")?, of(&plain, "d_ref_logits")?, units, 4.0)?;
        near("d_ref_logits", of(&turned, "d_ref_logits")?, of(&plain, "d_logits")?, units, 4.0)?;
    }
    Ok(())
}

/// Every gradient sums to zero over the vocabulary: everything here is invariant under shifts.
pub(super) fn gradients_sum_to_zero<O: Tempered>(backend: Backend<'_>) -> Held {
    let outputs = run(&problem(O::at(1.0)), backend)?;
    for name in ["d_logits", "d_ref_logits"] {
        for (row, gradient) in of(&outputs, name)?.chunks_exact(V).enumerate() {
            let (sum, size) = gradient.iter().fold((0.0, 0.0), |(s, a), g| (s + g, a + g.abs()));
            near(&format!("sum of row {row} of {name}"), &[sum], &[0.0], 2.0 * depth(V), size)?;
        }
    }
    Ok(())
}

/// Twice the logits at twice the temperature are the same rows, with half the gradients.
pub(super) fn temperature_scales<O: Tempered>(backend: Backend<'_>) -> Held {
    let (plain, mut scaled) = (problem(O::at(1.0)), problem(O::at(2.0)));
    scaled.logits.iter_mut().chain(&mut scaled.ref_logits).for_each(|x| *x *= 2.0);
    let (plain, scaled) = (run(&plain, backend)?, run(&scaled, backend)?);
    for name in values::<O>().iter().chain(&["logp", "ref_logp", "max", "log_sum", "ref_max", "ref_log_sum"])
    {
        same(name, of(&scaled, name)?, of(&plain, name)?)?;
    }
    for name in ["d_logits", "d_ref_logits"] {
        let want: Vec<f64> = of(&plain, name)?.iter().map(|g| 0.5 * g).collect();
        same(name, of(&scaled, name)?, &want)?;
    }
    Ok(())
}

/// A token that only one row allows: the KL over it is infinite and says so; the gradient by the logits of its second
/// argument is the difference of probabilities, and the other one is NaN in its whole row and in no other.
pub(super) fn infinite_divergences(backend: Backend<'_>) -> Held {
    let mut plain = problem(Kl::default());
    plain.upstream = [None, Some(vec![1.0; N]), None, None];
    plain.logits[2 * V + 7] = f64::NEG_INFINITY;
    let outputs = run(&plain, backend)?;
    let rows = |name| -> Result<Vec<f64>, String> {
        let gradient = of(&outputs, name)?.chunks_exact(V);
        Ok(gradient.map(|row| row.iter().filter(|x| x.is_nan()).count() as f64).collect())
    };
    let infinite: Vec<f64> =
        of(&outputs, "kl_forward")?.iter().map(|x| f64::from(u8::from(x.is_infinite()))).collect();
    same("infinite rows", &infinite, &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0])?;
    same("status", of(&outputs, "status")?, &[0.0, 0.0, 64.0, 0.0, 0.0, 0.0])?;
    same("NaN in d_logits", &rows("d_logits")?, &[0.0; N])?;
    same("NaN in d_ref_logits", &rows("d_ref_logits")?, &[0.0, 0.0, V as f64, 0.0, 0.0, 0.0])?;
    let q = (of(&outputs, "ref_logp")?[2], plain.labels[2] as usize);
    let at_label = plain.ref_logits[2 * V + 7] - plain.ref_logits[2 * V + q.1];
    let want = -(q.0 + at_label).exp();
    near("gradient of the banned token", &[of(&outputs, "d_logits")?[2 * V + 7]], &[want], 64.0, 1.0)
}
