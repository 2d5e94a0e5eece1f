//! Divergences from hidden states: sizes, tiles, storages, biases, and a label's part at a temperature of its own.

use bellwether_core::Storage;
use bellwether_core::logprob::Token;
use bellwether_core::sig::fused_linear::COLUMNS;
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::status::{LABEL_RANGE, NAN};
use bellwether_cpu_ref::logit_pairs::PairRow;

use super::super::{Case, Draw};
use crate::problem::{Fault, FusedPairProblem, Hard, HeadInputs};

/// Rows, hidden sizes of student and teacher, columns.
type Sizes = (usize, [usize; 2], usize);

/// Normal hidden states and weights; rows that do not count hold what must not be read.
fn normal<O: PairRow>(op: O, name: &str, (n, h, v): Sizes) -> FusedPairProblem<O> {
    let mut draw = Draw::of(&format!("from hidden states, {name}"));
    let mut head = |h: usize| HeadInputs {
        hidden: draw.normals(n * h, 1.0),
        weight: draw.normals(v * h, 1.5 / (h as f64).sqrt()),
        bias: name.contains("bias").then(|| draw.normals(v, 0.5)),
        h,
    };
    let (mut student, mut teacher) = (head(h[0]), head(h[1]));
    let mut draw = Draw::of(&format!("from hidden states, rows, {name}"));
    let mut labels = draw.labels(n, v, 0.2);
    if v > COLUMNS {
        // Labels of the first tile of columns and of the last.
        let ends = [5, v as i32 - 1].into_iter().cycle();
        labels.iter_mut().zip(ends).filter(|(label, _)| **label >= 0).for_each(|(label, end)| *label = end);
    }
    for (i, _) in labels.iter().enumerate().filter(|(_, label)| **label < 0) {
        let fill = if i % 2 == 0 { f64::NAN } else { f64::INFINITY };
        student.hidden[i * h[0]..][..h[0]].fill(fill);
        teacher.hidden[i * h[1]..][..h[1]].fill(-fill);
    }
    let upstream = core::array::from_fn(|i| (i < O::UPSTREAM.len()).then(|| draw.normals(n, 1.0)));
    let hard = name.contains("label").then(|| Hard {
        op: Token::at(1.7),
        upstream: [1.0, 0.5, 0.25, 0.7, 0.3].map(|scale| Some(draw.normals(n, scale))),
    });
    let (rules, storage) = (Labels::default(), Storage::F32);
    FusedPairProblem { op, hard, rules, v, student, teacher, labels, upstream, storage, tile: None }
}

/// The cases of an operator.
pub(super) fn of<O: PairRow>(op: O) -> Vec<Case> {
    let sizes: [(&str, Sizes, Option<[usize; 3]>, Storage); 10] = [
        ("nothing", (0, [4, 3], 5), None, Storage::F32),
        ("one row", (1, [1, 2], 1), None, Storage::F32),
        ("several", (17, [5, 9], 33), None, Storage::F32),
        ("bias", (20, [12, 6], 70), None, Storage::F32),
        ("bias and label", (20, [12, 6], 70), None, Storage::F32),
        ("label, f16", (9, [13, 7], 41), None, Storage::F16),
        ("label, bf16, bias", (9, [8, 13], 300), None, Storage::Bf16),
        ("label, tiles of columns", (5, [3, 4], 2100), Some([128, 256, 2048]), Storage::F32),
        ("tiles of rows", (300, [3, 2], 20), Some([128, 256, 2048]), Storage::F16),
        ("label, one tile", (300, [3, 2], 20), Some([512, 512, 4096]), Storage::F32),
    ];
    let mut cases: Vec<Case> = sizes
        .into_iter()
        .map(|(name, sizes, tile, storage)| {
            let problem = FusedPairProblem { tile, storage, ..normal(op, name, sizes) };
            Case::new(format!("from hidden states, {name}"), problem)
        })
        .collect();
    let name = "labels of the next token";
    let mut next = normal(op, name, (20, [6, 5], 40));
    next.rules = Labels::next(5);
    for row in (0..20).filter(|&row| next.rules.of(&next.labels, row).is_some()) {
        let mut draw = Draw::of(&format!("from hidden states, {name}, {row}"));
        next.student.hidden[row * 6..][..6].copy_from_slice(&draw.normals(6, 1.0));
        next.teacher.hidden[row * 5..][..5].copy_from_slice(&draw.normals(5, 1.0));
    }
    cases.push(Case::new(format!("from hidden states, {name}"), next));
    cases.push(faults(op));
    cases
}

/// Inputs outside the contract in either head, and a label that no column has: the rows say so.
fn faults<O: PairRow>(op: O) -> Case {
    let name = "inputs outside the contract";
    let mut problem = normal(op, name, (9, [6, 5], 40));
    let hidden = |row: usize| (0..6).map(move |k| f64::from(row as u32 + k) / 16.0);
    for row in 0..9 {
        // Every row counts.
        problem.labels[row] = row as i32;
        problem.student.hidden[row * 6..][..6].iter_mut().zip(hidden(row)).for_each(|(to, x)| *to = x);
        problem.teacher.hidden[row * 5..][..5].iter_mut().zip(hidden(row)).for_each(|(to, x)| *to = x);
    }
    problem.labels[7] = 40;
    (problem.student.hidden[6], problem.teacher.hidden[4 * 5 + 1]) = (f64::NAN, f64::NAN);
    let status = (0..9).map(|row| [0, NAN, 0, 0, NAN, 0, 0, LABEL_RANGE, 0][row]).collect();
    Case::new(format!("from hidden states, {name}"), Fault { problem, status })
}
