//! Functions of one argument, over all f32 or every n-th.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Function, Worst};

/// Of every so many f32, one is looked at in every test run. A prime: no pattern of bits is left out.
pub const STRIDE: u64 = 1009;

/// All bit patterns.
pub const ALL: u64 = 1 << 32;

/// Every `stride`-th f32 of a range of bit patterns, infinities and NaN excepted.
pub fn range(function: &Function, bits: std::ops::Range<u64>, stride: u64) -> Worst {
    let mut worst = Worst::default();
    for bits in bits.step_by(stride as usize) {
        look(&mut worst, function, f32::from_bits(bits as u32));
    }
    worst
}

/// The neighbourhood of an input: 4096 f32 on either side.
pub fn around(function: &Function, x: f32) -> Worst {
    let bits = u64::from(x.to_bits());
    range(function, bits.saturating_sub(4096)..(bits + 4097).min(ALL), 1)
}

fn look(worst: &mut Worst, function: &Function, x: f32) {
    if x.is_finite() {
        let got = (function.twin)([x, 0.0, 0.0, 0.0]);
        worst.see([x, 0.0, 0.0, 0.0], got, (function.truth)([f64::from(x), 0.0, 0.0, 0.0]));
    }
}

/// Every f32, on all cores; `progress` is told the share that is done.
pub fn exhaustive(function: &Function, progress: impl Fn(f64) + Sync) -> Worst {
    const PIECES: u64 = 256;
    let next = AtomicU64::new(0);
    let work = || {
        let mut worst = Worst::default();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= PIECES {
                return worst;
            }
            let size = ALL / PIECES;
            worst = worst.and(range(function, piece * size..(piece + 1) * size, 1));
            progress((piece + 1) as f64 / PIECES as f64);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let seen = workers.into_iter().map(|worker| worker.join().expect("a sweep does not panic"));
        seen.fold(Worst::default(), Worst::and)
    })
}

/// The f32 reference's function, which is `libm`'s, over every `stride`-th f32.
pub fn reference(function: &Function, stride: u64) -> Worst {
    match function.reference {
        Some(form) => range(&Function { twin: form, ..*function }, 0..ALL, stride),
        None => Worst::default(),
    }
}
