//! Holds numbers to the reference and its bounds.

use crate::problem::{Judged, Output, Outputs};
use crate::report::{OutputReport, Verdict};

/// Compares every output of the reference; one that is missing disagrees.
pub fn judge(reference: &Outputs<Judged>, got: &Outputs<f64>) -> Vec<OutputReport> {
    let find = |name| got.iter().find(|o: &&Output<f64>| o.name == name);
    let held = |want: &Output<Judged>| match find(want.name) {
        Some(got) => Some(judge_output(want, &got.data)),
        None if REFERENCE_ONLY.contains(&want.name) => None,
        None => Some(judge_output(want, &[])),
    };
    reference.iter().filter_map(held).collect()
}

/// Outputs that only the reference forms, for what files hold beside an operator's own results.
const REFERENCE_ONLY: [&str; 2] = ["logps_mean", "logits"];

/// Error as a fraction of the bound: 0 where both agree to the bit, infinite where one is not a number.
fn ratio(want: Judged, got: f64) -> f64 {
    let error = (got - want.value).abs();
    if got.to_bits() == want.value.to_bits() || error == 0.0 {
        0.0
    } else if want.value.is_nan() && want.error == 0.0 {
        // The contract says that there is no number here; a NaN that arithmetic left has no bound.
        if got.is_nan() { 0.0 } else { f64::INFINITY }
    } else if want.error.is_infinite() && !want.value.is_nan() {
        // Beyond what the precision represents, or padding: anything may stand here.
        0.0
    } else if error.is_nan() || want.error == 0.0 {
        f64::INFINITY
    } else {
        error / want.error
    }
}

/// One output: the element that comes nearest to its bound, or farthest beyond it.
pub fn judge_output(want: &Output<Judged>, got: &[f64]) -> OutputReport {
    let mut report =
        OutputReport { name: want.name.into(), elements: judged(want), ..OutputReport::default() };
    if got.len() != want.data.len() {
        report.detail = Some(format!("{} elements, the reference has {}", got.len(), want.data.len()));
        (report.worst, report.bound, report.row) = (f64::INFINITY, 0.0, Some(0));
        return report;
    }
    let mut worst = -1.0;
    for (i, (&want_i, &got_i)) in want.data.iter().zip(got).enumerate() {
        let r = ratio(want_i, got_i);
        if r > worst {
            worst = r;
            report.worst = if r == 0.0 { 0.0 } else { (got_i - want_i.value).abs() };
            report.bound = want_i.error;
            report.row = Some(i / want.width.max(1));
            report.ulps = crate::report::ulps(got_i, want_i.value, 24);
            report.detail = (r > 1.0).then(|| {
                format!(
                    "element {} of row {}: {got_i:e}, the reference is {:e}",
                    i % want.width.max(1),
                    i / want.width.max(1),
                    want_i.value
                )
            });
        }
        if r.is_infinite() {
            (report.worst, report.bound) =
                if want_i.error == 0.0 { (report.worst, 0.0) } else { (f64::INFINITY, want_i.error) };
            break;
        }
    }
    report
}

/// How many elements have a bound.
fn judged(want: &Output<Judged>) -> usize {
    want.data.iter().filter(|x| x.error.is_finite()).count()
}

/// Agrees when every output stays inside its bound.
pub fn verdict(outputs: &[OutputReport]) -> Verdict {
    match outputs {
        [] => Verdict::Unjudged,
        _ if outputs.iter().all(|o| o.ratio() <= 1.0) => Verdict::Agrees,
        _ => Verdict::Disagrees,
    }
}
