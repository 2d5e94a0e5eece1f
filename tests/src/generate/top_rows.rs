//! Cases of TopRows: what decides which logits are the largest, and who sees them.

use bellwether_core::Storage;
use bellwether_core::logprob::{Token, TopEntropy, TopK};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::top_rows::UPSTREAM;
use bellwether_core::status::{EMPTY_SUPPORT, INFINITE, LABEL_RANGE, NAN};

use super::{Case, Draw, token_rows};
use crate::problem::{Fault, Pinned, TokenProblem, TopProblem};

const NEG_INF: f64 = f64::NEG_INFINITY;

/// The k largest, as the logits are; every second k truncated.
fn plain(k: u32) -> TopK {
    let entropy = if k.is_multiple_of(2) { TopEntropy::Renormalised } else { TopEntropy::Truncated };
    TopK::of(k, entropy, Token::default())
}

/// Normal logits, random labels, all upstream gradients.
fn normal(name: &str, op: TopK, (n, v): (usize, usize), deviation: f64) -> TopProblem {
    let rows = token_rows::normal(name, n, v, deviation);
    let mut draw = Draw::of(&format!("{name}, upstream"));
    let upstream = [n, n, n, op.ranks() * n].map(|len| Some(draw.normals(len, 1.0)));
    TopProblem { op, rows, upstream }
}

/// Rows with logits `f(row, column)`.
fn shaped(
    name: &str,
    op: TopK,
    (n, v): (usize, usize),
    f: impl Fn(&mut Draw, usize, usize) -> f64,
) -> TopProblem {
    let mut problem = normal(name, op, (n, v), 1.0);
    let mut draw = Draw::of(&format!("{name}, logits"));
    problem.rows.logits = (0..n * v).map(|at| f(&mut draw, at / v, at % v)).collect();
    problem
}

/// Every k against every width at which something begins or ends.
fn sizes() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |k: u32, n: usize, v: usize| {
        let name = format!("k = {k}, {n} rows of {v}");
        cases.push(Case::new(&*name, normal(&name, plain(k), (n, v), 3.0)));
    };
    for v in [1, 2, 9, 10, 11, 63, 64, 65, 256, 257, 1021, 4097] {
        add(10, 5, v);
    }
    for k in [1, 2, 7, 8, 9, 17, 63, 64] {
        add(k, 3, 300);
        add(k, 9, 40);
    }
    for (k, v) in [(11, 151_936), (64, 151_936), (10, 16_384), (10, 16_385)] {
        add(k, 2, v);
    }
    add(5, 0, 8);
    // One workgroup more than rows: it must write nothing.
    add(2, 66_001, 3);
    cases
}

/// Logits that are equal, or as good as.
fn ties() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, op, size, f: &dyn Fn(&mut Draw, usize, usize) -> f64| {
        cases.push(Case::new(name, shaped(name, op, size, f)));
    };
    for (name, v) in [("ties at the last place", 300), ("ties, short rows", 40), ("ties over parts", 40_001)]
    {
        add(name, plain(10), (4, v), &|d, _, j| if j % 13 == 5 { 4.0 } else { (d.normal(1.5)).round() });
    }
    add("all equal", plain(10), (3, 130), &|_, row, _| row as f64 - 1.0);
    add("all equal over parts", plain(64), (2, 33_000), &|_, row, _| row as f64 - 1.0);
    add("zeros of both signs", plain(9), (4, 90), &|d, _, _| if d.unit() < 0.5 { 0.0 } else { -0.0 });
    add("denormals", plain(10), (2, 66), &|_, row, j| {
        let x = f64::from(f32::from_bits((j * 37 % 66) as u32 + 1));
        if row == 0 { x } else { -x }
    });
    // Scaled they are equal, as they stand they are not.
    let third = TopK { temperature: 3.0, ..plain(10) };
    add("one unit apart", third, (3, 300), &|_, _, j| {
        f64::from(f32::from_bits(1.0_f32.to_bits() + (j * 71 % 300) as u32))
    });
    let capped = TopK { softcap: 1.0, ..plain(10) };
    add("everything capped", capped, (3, 300), &|d, _, _| 20.0 + d.normal(4.0));
    cases
}

/// Where the largest stand.
fn places() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, k, size, f: &dyn Fn(&mut Draw, usize, usize) -> f64| {
        cases.push(Case::new(name, shaped(name, plain(k), size, f)));
    };
    add("rising", 10, (2, 2049), &|_, _, j| j as f64 / 16.0);
    add("falling", 64, (2, 2049), &|_, _, j| -(j as f64) / 16.0);
    add("rising over parts", 64, (2, 40_001), &|_, _, j| j as f64 / 1024.0);
    add("falling over parts", 9, (2, 40_001), &|_, _, j| -(j as f64) / 1024.0);
    add("all in one lane", 64, (2, 5000), &|d, row, j| {
        let lane = if row == 0 { 63 } else { 0 };
        d.normal(1.0) + if j % 64 == lane { 9.0 } else { 0.0 }
    });
    add("one in every lane", 64, (2, 1024), &|_, _, j| if j < 64 { 3.0 - j as f64 / 64.0 } else { -2.0 });
    add("in the last column", 1, (3, 257), &|_, _, j| if j == 256 { 30.0 } else { 0.0 });
    add("one peak 90", 4, (3, 65), &|_, _, j| if j == 64 { 90.0 } else { 0.0 });
    add("scale 40", 10, (4, 333), &|d, _, _| d.normal(40.0));
    add("common shift", 10, (4, 99), &|d, _, _| (d.normal(2.0) * 512.0).round() / 512.0 - 2e4);
    add("long tail", 5, (2, 100_001), &|_, _, j| if j == 17 { 0.0 } else { -9.0 });
    add("extremes 1e30", 10, (4, 66), &|_, row, j| {
        f64::from(if (j + row) % 3 == 0 { 1e30_f32 } else { -1e30_f32 })
    });
    add("extremes of f32", 3, (2, 300), &|_, _, j| f64::from(if j == 299 { f32::MAX } else { f32::MIN }));
    add("all the lowest of f32", 10, (2, 1100), &|_, _, _| f32::MIN.into());
    add("whole lanes banned", 10, (2, 1030), &|d, _, j| if j % 64 < 40 { NEG_INF } else { d.normal(3.0) });
    for v in [40, 131, 33_000] {
        // One token more than k, k, one less, and one alone.
        add(&format!("few allowed of {v}"), 10, (4, v), &|d, row, j| {
            let allowed = [11, 10, 9, 1][row];
            if (j + 7 * row) % (v / 12) == 1 && j / (v / 12) < allowed { d.normal(2.0) } else { NEG_INF }
        });
    }
    cases
}

/// Fewer allowed than asked for, in a row too long for a lane.
fn alone() -> Case {
    let name = "one token of 300";
    let problem =
        shaped(name, plain(4), (2, 300), |_, row, j| if j == 7 + 250 * row { 1.5 } else { NEG_INF });
    let none = f64::from(1 << 24);
    let logp = [0.0, NEG_INF, NEG_INF, NEG_INF].repeat(2);
    let index = vec![7.0, none, none, none, 257.0, none, none, none];
    Case::new(name, Pinned { problem, exact: vec![("logp", logp), ("index", index)] })
}

/// Scaled, capped, heated.
fn scaled() -> Vec<Case> {
    let tries = [
        ("temperature 0.7", Token::at(0.7), 3.0),
        ("temperature 8, truncated", Token::at(8.0), 3.0),
        ("logit_scale 0.5", Token { logit_scale: 0.5, ..Token::at(1.3) }, 3.0),
        ("softcap 30, truncated", Token { softcap: 30.0, ..Token::default() }, 20.0),
        ("softcap 50 of twice", Token { softcap: 50.0, logit_scale: 2.0, temperature: 1.3 }, 30.0),
    ];
    let made = |(name, token, deviation): (&str, Token, f64)| {
        let kind = if name.contains("truncated") { TopEntropy::Truncated } else { TopEntropy::Renormalised };
        Case::new(name, normal(name, TopK::of(10, kind, token), (6, 140), deviation))
    };
    tries.into_iter().map(made).collect()
}

/// Rows that do not count hold what must not be read; labels and masks say which.
fn counted() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, filler, v) in [
        ("padding NaN", f64::NAN, 67),
        ("padding infinite", f64::INFINITY, 300),
        ("padding NaN, parts", f64::NAN, 17_000),
    ] {
        let mut problem = normal(name, plain(4), (12, v), 2.0);
        for row in [0, 3, 4, 11] {
            problem.rows.labels[row] = -100;
            problem.rows.logits[row * v..][..v].fill(filler);
            problem.upstream.iter_mut().flatten().for_each(|plane| plane[row] = f64::NAN);
        }
        cases.push(Case::new(name, problem));
    }
    for (name, v) in [("a mask", 90), ("a mask, long rows", 290)] {
        let mut masked = normal(name, plain(3), (12, v), 2.0);
        masked.rows.gap = 2;
        masked.rows.mask = Some((0..12).map(|i| i % 3).collect());
        for row in (0..12).filter(|i| i % 3 == 0) {
            masked.rows.logits[row * v..][..v].fill(f64::NAN);
            masked.rows.labels[row] = 1 << 20;
        }
        cases.push(Case::new(name, masked));
    }
    let name = "labels of the next token";
    let mut shifted = normal(name, plain(6), (21, 40), 2.0);
    shifted.rows.rules = Labels::next(7);
    for row in [6, 13, 20] {
        shifted.rows.logits[row * 40..][..40].fill(f64::NAN);
    }
    cases.push(Case::new(name, shifted));
    cases
}

/// Rows with inputs outside the contract, among good ones.
fn faults(name: &str, v: usize) -> Case {
    let mut problem = normal(name, plain(5), (9, v), 2.0);
    let (rows, mut status) = (&mut problem.rows, vec![0; 9]);
    for (row, column, x, said) in [
        (1, v - 1, f64::NAN, NAN),
        (2, 0, f64::INFINITY, INFINITE),
        (4, 33, -f64::NAN, NAN),
        (7, 5, f64::NAN, NAN),
    ] {
        rows.logits[row * v + column] = x;
        status[row] = said;
    }
    rows.logits[5 * v..][..v].fill(NEG_INF);
    (rows.labels[6], rows.labels[7]) = (v as i32, -5);
    (status[5], status[6], status[7]) = (EMPTY_SUPPORT, LABEL_RANGE, NAN | LABEL_RANGE);
    Case::new(name, Fault { problem, status })
}

/// A fault in every lane and in every place of a lane's block, one per row: none may be lost on its way to the status.
fn scattered_faults() -> Case {
    let name = "a fault anywhere";
    let columns: Vec<usize> = (0..64).chain((0..17).map(|place| place * 64 + 5)).collect();
    let (n, v) = (columns.len(), 1100);
    let mut problem = normal(name, plain(3), (n, v), 2.0);
    for (row, column) in columns.into_iter().enumerate() {
        problem.rows.logits[row * v + column] = f64::NAN;
    }
    Case::new(name, Fault { problem, status: vec![NAN; n] })
}

/// Rows that a small device takes in windows which begin anywhere, some of them masked, labelled by the next token.
fn windows() -> Vec<Case> {
    let tries = [
        ("windows of short rows", (203, 7), 181, Storage::F32, 0),
        ("windows of long rows", (130, 10), 301, Storage::F32, 1),
        ("windows of rows that share words", (175, 7), 401, Storage::Bf16, 0),
    ];
    let made = |(name, (n, seq), v, storage, gap)| {
        let mask = Some((0..n as i32).map(|i| i % 7).collect());
        let mut problem = normal(name, plain(4), (n, v), 3.0);
        problem.rows = TokenProblem { storage, gap, mask, rules: Labels::next(seq), ..problem.rows };
        Case::tight(name, problem)
    };
    tries.into_iter().map(made).collect()
}

/// The smallest numbers of both signs, which a device may take for 0, in an order that the bits alone know.
fn smallest() -> Case {
    let values = [0.0, -1e-45, 1e-45, -0.0, -3e-45, 3e-45, -1e-38, 1e-38].map(|x: f64| f64::from(x as f32));
    let f = |_: &mut Draw, row: usize, j: usize| if j < 8 { values[(row + 3 * j) % 8] } else { -1.0 };
    Case::new("the smallest numbers", shaped("the smallest numbers", plain(3), (8, 20), f))
}

/// Logits in 16 bits, rows that share words; values that tie once they are stored.
fn stored() -> Vec<Case> {
    let mut cases = Vec::new();
    for storage in [Storage::F16, Storage::Bf16] {
        for (v, gap) in [(1, 0), (7, 0), (65, 1), (65, 2), (1021, 0), (33_001, 0)] {
            let name = format!("{}, v = {v}, gap {gap}", storage.name());
            let mut problem = shaped(&name, plain(5), (7, v), |d, _, _| d.normal(3.0));
            problem.rows = TokenProblem { storage, gap, ..problem.rows };
            problem.rows.labels[3] = -100;
            cases.push(Case::new(name, problem));
        }
    }
    cases
}

/// One upstream gradient at a time, none, and tokens that are nearly certain.
fn upstream() -> Vec<Case> {
    let mut cases = Vec::new();
    for op in [plain(6), plain(7)] {
        for (i, which) in UPSTREAM.into_iter().enumerate() {
            let name = format!("upstream {which} only, k = {}", op.k);
            let mut problem = normal(&name, op, (6, 90), 2.0);
            let others = problem.upstream.iter_mut().enumerate().filter(|(j, _)| i != *j);
            others.for_each(|(_, plane)| *plane = None);
            cases.push(Case::new(name, problem));
        }
    }
    for k in [1, 4] {
        let name = format!("confident, upstream logp only, k = {k}");
        let mut problem =
            shaped(&name, plain(k), (4, 64), |_, row, j| if j == 16 * row + 3 { 15.0 } else { -1.0 });
        problem.upstream[..3].fill(None);
        // Of the first alone: what the others take from it is 0.
        problem.upstream[3].iter_mut().for_each(|plane| plane[4..].fill(0.0));
        cases.push(Case::new(name, problem));
    }
    let mut none = normal("no upstream", plain(3), (3, 50), 2.0);
    none.upstream.fill(None);
    cases.push(Case::new("no upstream", none));
    cases
}

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    let faults = vec![
        faults("inputs outside the contract", 70),
        faults("inputs outside the contract, long rows", 300),
        faults("inputs outside the contract, parts", 17_000),
        scattered_faults(),
        smallest(),
    ];
    [faults, windows(), sizes(), ties(), places(), vec![alone()], scaled(), counted(), stored(), upstream()]
        .into_iter()
        .flatten()
        .collect()
}
