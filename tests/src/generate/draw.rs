//! Numbers drawn from a seed that is a name.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of numbers, all exactly representable in f32.
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream of a name. Inside a suite no name is used twice: a test sees to it.
    pub fn of(name: &str) -> Self {
        // FNV-1a: a name's 64 bits.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        #[cfg(test)]
        super::seeds::note(name, hash);
        Self(ChaCha8Rng::seed_from_u64(hash))
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32() >> 8) / f64::from(1_u32 << 24)
    }

    /// Uniform in `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    /// Uniform in [low, high), rounded to f32.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        f64::from((low + (high - low) * self.unit()) as f32)
    }

    /// Normal with mean 0 (Box and Muller), rounded to f32.
    pub fn normal(&mut self, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        f64::from((deviation * radius * (std::f64::consts::TAU * self.unit()).cos()) as f32)
    }

    /// `n` normals.
    pub fn normals(&mut self, n: usize, deviation: f64) -> Vec<f64> {
        (0..n).map(|_| self.normal(deviation)).collect()
    }

    /// `n` labels below `v`, each ignored with this probability.
    pub fn labels(&mut self, n: usize, v: usize, ignored: f64) -> Vec<i32> {
        (0..n).map(|_| if self.unit() < ignored { -100 } else { self.below(v) as i32 }).collect()
    }
}
