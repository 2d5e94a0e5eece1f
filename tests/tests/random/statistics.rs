//! What a sample says about its distribution, in deviations.

/// Mean and variance.
pub(super) fn moments(xs: &[f64]) -> (f64, f64) {
    let n = xs.len() as f64;
    let mean = xs.iter().sum::<f64>() / n;
    (mean, xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

/// Mean and variance are these within five deviations. `excess` is the distribution's excess kurtosis, of which the
/// variance of the variance is made.
pub(super) fn has_moments(name: &str, xs: &[f64], mean: f64, variance: f64, excess: f64) {
    let (n, (got_mean, got_variance)) = (xs.len() as f64, moments(xs));
    let off_mean = (got_mean - mean) / (variance / n).sqrt();
    let off_variance = (got_variance / variance - 1.0) / ((excess + 2.0) / n).sqrt();
    println!("{name}: mean {off_mean:+.2}, variance {off_variance:+.2} deviations");
    assert!(off_mean.abs() < 5.0, "{name}: mean {got_mean}");
    assert!(off_variance.abs() < 5.0, "{name}: variance {got_variance}");
}

/// Kolmogorov and Smirnov: the largest distance of the distribution functions, times √n, is below 3.3; that fails
/// once in 10⁹.
pub(super) fn follows(name: &str, mut xs: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    xs.sort_by(f64::total_cmp);
    let n = xs.len() as f64;
    let distance = |(i, &x): (usize, &f64)| {
        let f = cdf(x);
        (f - i as f64 / n).max((i + 1) as f64 / n - f)
    };
    let largest = n.sqrt() * xs.iter().enumerate().map(distance).fold(0.0, f64::max);
    println!("{name}: Kolmogorov-Smirnov {largest:.2}");
    assert!(largest < 3.3, "{name}: {largest}");
}

/// χ² of counts that should be equal is within six deviations of its degrees of freedom, on both sides: too even is
/// not random either.
pub(super) fn are_even(name: &str, counts: &[u64], freedom: f64) {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let chi2: f64 = counts.iter().map(|&c| (c as f64 - expected).powi(2) / expected).sum();
    let off = (chi2 - freedom) / (2.0 * freedom).sqrt();
    println!("{name}: chi-square {off:+.2} deviations");
    assert!(off.abs() < 6.0, "{name}: {chi2} with {freedom} degrees of freedom");
}

/// Correlation of two samples, in deviations.
pub(super) fn correlation(xs: &[f64], ys: &[f64]) -> f64 {
    let ((mx, vx), (my, vy)) = (moments(xs), moments(ys));
    let sum: f64 = xs.iter().zip(ys).map(|(x, y)| (x - mx) * (y - my)).sum();
    sum / (vx * vy * xs.len() as f64).sqrt()
}
