//! Results do not depend, in bits, on how rows are cut into pieces: not by the binding limit, not by the dispatch
//! limit, not by the caller.

#[path = "common/gpu.rs"]
mod common;

use bellwether_check::generate::Draw;
use bellwether_check::rig::{FusedPairRun, HeadRun, Mode, Rig, TokenRun};
use bellwether_core::Storage;
use bellwether_core::logprob::{Js, SequenceSum, Token};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{Keep, Segments};
use bellwether_core::sig::token_rows::{Labels, PLANES};
use bellwether_gpu::Dialect;

struct Rows {
    v: usize,
    logits: Vec<f32>,
    labels: Vec<i32>,
    up: Vec<f32>,
}

fn rows(name: &str, n: usize, v: usize) -> Rows {
    let mut draw = Draw::of(name);
    Rows {
        v,
        logits: (0..n * v).map(|_| draw.uniform(-8.0, 8.0) as f32).collect(),
        labels: draw.labels(n, v, 0.01),
        up: (0..n).map(|_| draw.uniform(-1.0, 1.0) as f32).collect(),
    }
}

impl Rows {
    /// Planes and gradient of some of the rows.
    fn run(&self, rig: &Rig, from: usize, to: usize) -> (Vec<f32>, Vec<f32>) {
        let logits = (&self.logits[from * self.v..to * self.v], self.v);
        let up = Some(&self.up[from..to]);
        let (op, rules) = (Token::default(), Labels::default());
        let run = TokenRun::new(&op, &rules, logits, &self.labels[from..to]);
        rig.token_rows(&TokenRun { upstream: [up, None, up, up, up], ..run }).expect("the run succeeds")
    }

    /// The whole at once has the bits of its pieces.
    fn whole_equals_pieces(&self, rig: &Rig, piece: usize) {
        let n = self.labels.len();
        let (planes, d_logits) = self.run(rig, 0, n);
        for from in (0..n).step_by(piece) {
            let to = (from + piece).min(n);
            let (some, d_some) = self.run(rig, from, to);
            for plane in 0..PLANES.len() {
                let (whole, part) =
                    (&planes[plane * n..][from..to], &some[plane * (to - from)..][..to - from]);
                assert!(same(whole, part), "{} differs in rows {from}..{to}", PLANES[plane]);
            }
            assert!(
                same(&d_logits[from * self.v..to * self.v], &d_some),
                "d_logits of rows {from}..{to} differ"
            );
        }
    }
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits())
}

/// 9001 × 4099 logits are 148 MB: more than the 128 MiB that WebGPU promises to a binding, and than lavapipe offers.
#[test]
fn logits_beyond_one_binding() {
    let Some(context) = common::context() else { return };
    let limit = u64::from(context.device().limits().max_storage_buffer_binding_size as u32);
    let (n, v) = (9001, 4099);
    println!("{} bytes of logits, a binding holds {limit}", 4 * n * v);
    let rig = Rig::new(&context, Dialect::POOLED, Mode::Default);
    rows("beyond one binding", n, v).whole_equals_pieces(&rig, 1700);
}

#[test]
fn rows_beyond_65535() {
    let Some(context) = common::context() else { return };
    for dialect in [Dialect::EXCLUSIVE, Dialect::POOLED] {
        let rig = Rig::new(&context, dialect, Mode::Hostile);
        rows("rows beyond 65535", 66_003, 5).whole_equals_pieces(&rig, 20_000);
    }
}

#[test]
fn segments_beyond_65535() {
    let Some(context) = common::context() else { return };
    let rig = Rig::new(&context, Dialect::POOLED, Mode::Default);
    let mut draw = Draw::of("segments");
    let (count, len) = (66_001, 3);
    let values: Vec<f32> = (0..count * len).map(|_| draw.normal(1.0) as f32).collect();
    let up = vec![1.0; count];
    let run = |from: usize, to: usize| {
        let segments = Segments::Padded { count: to - from, len };
        let values = &values[from * len..to * len];
        rig.segment_stats(&SequenceSum {}, values, segments, Keep::All, Reduction::Sum, &up[from..to])
            .expect("the run succeeds")
            .0
    };
    let whole = run(0, count);
    for (from, to) in [(0, 30_000), (30_000, 60_000), (60_000, count)] {
        assert!(same(&whole[from..to], &run(from, to)[..to - from]), "sums of segments {from}..{to} differ");
    }
}

/// Distillation from hidden states, in tiles of several sizes: planes and gradients are the same bits.
#[test]
fn tiles_of_two_heads() {
    let Some(context) = common::context() else { return };
    let rig = Rig::new(&context, Dialect::EXCLUSIVE, Mode::Default);
    let (n, v, mut draw) = (300, 2100, Draw::of("tiles of two heads"));
    let mut numbers = |count: usize| (0..count).map(|_| draw.normal(1.0) as f32).collect::<Vec<_>>();
    let mut head = |h: usize| {
        let (hidden, weight) = (numbers(n * h), numbers(v * h));
        HeadRun { hidden, weight, bias: None, h }
    };
    let (student, teacher) = (head(3), head(2));
    let (up, hard_up) = (numbers(n), numbers(n));
    let labels: Vec<i32> = (0..n).map(|i| if i % 7 == 3 { -100 } else { (i * 7) as i32 }).collect();
    let run = |tile: [usize; 3]| {
        rig.fused_pairs(&FusedPairRun {
            op: &Js::of(0.3, Token::at(2.0)),
            hard: Some((&Token::default(), [Some(&hard_up), None, None, None, None])),
            rules: &Labels::default(),
            v,
            heads: [&student, &teacher],
            labels: &labels,
            upstream: [None, Some(&up), None, None],
            storage: Storage::F32,
            tile: Some(tile),
        })
        .expect("the run succeeds")
    };
    let first = run([64, 256, 2048]);
    for (whole, part) in first.iter().zip(&run([192, 512, 4096])) {
        assert!(same(whole, part), "tiles show");
    }
}

/// Running the same thing twice gives the same bits.
#[test]
fn run_to_run() {
    let Some(context) = common::context() else { return };
    let rig = Rig::new(&context, Dialect::POOLED, Mode::Hostile);
    let rows = rows("run to run", 300, 1021);
    let (first, second) = (rows.run(&rig, 0, 300), rows.run(&rig, 0, 300));
    assert!(same(&first.0, &second.0) && same(&first.1, &second.1));
}
