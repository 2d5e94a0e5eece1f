//! Row functions of the family `list`.

mod aot;
mod brain;
mod context_mixture;
mod copg;
mod leave_one_out;
mod pairwise_logistic;
mod plackett_luce;

use bellwether_core::Real;

/// `log Σ exp(x_i)` of at least one number.
fn logsumexp<T: Real>(n: usize, x: impl Fn(usize) -> T) -> T {
    let top = (1..n).map(&x).fold(x(0), |a, b| if b.value() > a.value() { b } else { a }).frozen();
    top + T::total((0..n).map(|i| (x(i) - top).exp())).ln()
}
