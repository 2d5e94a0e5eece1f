//! A number with an error under WGSL's rules, to run the functions' own steps on.
//!
//! Finer than [`Bound`](bellwether_core::Bound), which knows nothing of what a function does inside. Affine arithmetic:
//! every rounding is a symbol of its own, of up to one unit in the last place (2.5 of a division), and later steps
//! carry it along with its sign, so that a correction cancels what it was made to cancel. A step whose operands are
//! exact and whose result f32 holds is exact under any rounding: argument reduction is built on that. Products of
//! errors are added to a remainder without a sign.
//!
//! Not covered: a compiler that reassociates, and results that a device flushes to zero.

use std::cell::Cell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use bellwether_core::bound::DIVISION_UNITS;
use bellwether_core::math::Scalar;

use super::worst::unit;
use super::{Args, Function, grid, sweep};

/// Roundings that are told apart; those beyond are added to the remainder.
const SYMBOLS: usize = 64;

thread_local! {
    /// The next free symbol of the evaluation under way.
    static NEXT: Cell<usize> = const { Cell::new(0) };
}

/// The value that the steps give without rounding, and how far f32 may be from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loose {
    /// The value.
    pub value: f64,
    symbols: [f64; SYMBOLS],
    remainder: f64,
}

impl Loose {
    /// A number that f32 holds.
    pub const fn exact(value: f64) -> Self {
        Self { value, symbols: [0.0; SYMBOLS], remainder: 0.0 }
    }

    /// The largest error.
    pub fn error(&self) -> f64 {
        self.symbols.iter().map(|s| s.abs()).sum::<f64>() + self.remainder
    }

    /// `value` with errors `a` times those of `x` plus `b` times those of `y`, not rounded.
    fn linear(value: f64, (a, x): (f64, &Self), (b, y): (f64, &Self)) -> Self {
        let symbols = std::array::from_fn(|i| a * x.symbols[i] + b * y.symbols[i]);
        Self { value, symbols, remainder: a.abs() * x.remainder + b.abs() * y.remainder }
    }

    /// The result of a step, rounded by at most so many units of the last place.
    fn rounded(mut self, units: f64) -> Self {
        let propagated = self.error();
        if propagated == 0.0 && f64::from(self.value as f32).to_bits() == self.value.to_bits() {
            return self;
        }
        let rounding = units * unit(self.value.abs() + propagated);
        let symbol = NEXT.replace(NEXT.get() + 1);
        match self.symbols.get_mut(symbol) {
            Some(free) => *free = rounding,
            None => self.remainder += rounding,
        }
        self
    }

    /// Whether multiplying by it rounds nothing.
    fn is_power_of_two(&self) -> bool {
        self.error() == 0.0 && self.value != 0.0 && self.value.to_bits().trailing_zeros() >= 52
    }
}

impl Add for Loose {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        match (self == Self::exact(0.0), o == Self::exact(0.0)) {
            (true, _) => o,
            (_, true) => self,
            _ => Self::linear(self.value + o.value, (1.0, &self), (1.0, &o)).rounded(1.0),
        }
    }
}

impl Sub for Loose {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}

impl Mul for Loose {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let mut product = Self::linear(self.value * o.value, (o.value, &self), (self.value, &o));
        if self.is_power_of_two() || o.is_power_of_two() {
            return product;
        }
        product.remainder += self.error() * o.error();
        product.rounded(1.0)
    }
}

impl Div for Loose {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let value = self.value / o.value;
        let mut quotient = Self::linear(value, (1.0 / o.value, &self), (-value / o.value, &o));
        // 1 / (1 + h) is not 1 - h: what the first order leaves.
        let h = o.error() / o.value.abs();
        quotient.remainder += (self.error() / o.value.abs() + value.abs() * h) * h / (1.0 - h);
        quotient.rounded(DIVISION_UNITS)
    }
}

impl Neg for Loose {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, symbols: self.symbols.map(|s| -s), remainder: self.remainder }
    }
}

impl Scalar for Loose {
    fn lift(x: f32) -> Self {
        Self::exact(x.into())
    }
    fn value(self) -> f32 {
        self.value as f32
    }
    fn scaled(self, k: i32) -> Self {
        self * Self::exact(2.0_f64.powi(k))
    }
}

/// The bound at one point, in units; 0 where the result is subnormal, infinite or not a number.
pub fn at(function: &Function, args: Args<f32>) -> f64 {
    let truth = (function.truth)(args.map(f64::from));
    let t = truth.value.abs();
    if !(t >= f64::from(f32::MIN_POSITIVE) && t <= f64::from(f32::MAX)) {
        return 0.0;
    }
    NEXT.set(0);
    let loose = (function.loose)(args.map(|x| Loose::exact(x.into())));
    ((loose.value - truth.value).abs() + loose.error()) / unit(truth.scale)
}

/// The largest bound over a grid of inputs, and where it is: every 100,003rd f32 with the neighbourhood of the worst, or
/// every 16th point of the grid.
pub fn derive(function: &Function) -> (f64, Args<f32>) {
    let mut largest = (0.0, [0.0; 4]);
    let mut look = |args| {
        let units = at(function, args);
        // An error without bound is the largest too.
        if units > largest.0 || units.is_nan() {
            largest = (units, args);
        }
    };
    if function.arity > 1 {
        grid::points(function).into_iter().step_by(16).for_each(look);
        return largest;
    }
    let single = |bits: u64| [f32::from_bits(bits as u32), 0.0, 0.0, 0.0];
    let finite = |args: &Args<f32>| args[0].is_finite();
    (0..sweep::ALL).step_by(100_003).map(single).filter(finite).for_each(&mut look);
    let worst = u64::from(function.bound.worst[0].to_bits());
    (worst.saturating_sub(1000)..worst + 1000).map(single).filter(finite).for_each(&mut look);
    largest
}
