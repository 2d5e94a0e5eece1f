//! `bellwether check` and `verify`: judges files' numbers against the reference, and backends against the reference.

use bellwether_core::bound::DIVISION_UNITS;
use bellwether_core::{Bound, Error};

use crate::file::{Case, FileError};
use crate::generate;
use crate::judge::{judge, judge_output, verdict};
use crate::peers::{self, Claim, Judgement};
use crate::problem::{Backend, Judged, Output, Outputs, Precision, RunError};
use crate::report::{CaseReport, OutputReport, Verdict};
use crate::tensor::Dtype;

/// One unit of the truth in a file, which was computed with so many digits.
const UNIT_OF_TRUTH: f64 = 1e-60;

/// What a formula in a form that cancels loses, in arithmetic with this unit, relative to `max(1, |x|)`: `1 − σ(x)`
/// loses digits of 1, `x − logsumexp(x)` digits of the largest input. Three roundings are of that size: of an input's
/// scaling, of the sum and of the difference.
fn cancellation(case: &Case, unit: f64) -> f64 {
    const ROUNDINGS: f64 = DIVISION_UNITS + 1.0 + 1.0;
    let finite = case.inputs.iter().flat_map(|(_, t)| &t.data).map(|x| x.abs()).filter(|x| x.is_finite());
    ROUNDINGS * unit * finite.fold(1.0, f64::max)
}

/// What an f64 peer is granted beside the derived bound: it may have written the same formula in a form that cancels.
/// A number that is not as good as one unit of f32 is no f64 number, however large an input is.
fn peer_f64(case: &Case) -> f64 {
    cancellation(case, Bound::<53>::UNIT).min(Bound::<24>::UNIT)
}

/// A case's reports, or why the case is bad.
pub type Checked = Result<Vec<CaseReport>, FileError>;

/// Judges one case: the file's own numbers first, then every backend on the file's inputs.
///
/// # Errors
/// What is wrong with the case. An operator that is not known is no error but a report that says so.
pub fn check(case: &Case, backends: &[Backend<'_>]) -> Checked {
    let judgements = match peers::read(case) {
        Ok(judgements) => judgements,
        Err(FileError::UnknownOp { op, .. }) => {
            let why = format!("unknown op `{op}`: not in the catalogue (see `bellwether ops`)");
            return Ok(vec![report(case, "file", Vec::new(), Some(why))]);
        }
        Err(error) => return Err(error),
    };
    let mut reports = vec![check_file(case, &judgements)?];
    if !backends.is_empty() {
        let references = judgements.iter().map(|j| j.problem.reference(Precision::Wgsl));
        let references: Vec<_> = references.collect::<Result<_, _>>().map_err(|e| refused(case, e))?;
        reports.extend(backends.iter().map(|&b| check_backend(case, &judgements, &references, b)));
    }
    Ok(reports)
}

fn report(case: &Case, backend: &str, outputs: Vec<OutputReport>, why: Option<String>) -> CaseReport {
    CaseReport {
        file: case.file.clone(),
        id: case.id.clone(),
        op: case.op.clone(),
        backend: backend.to_owned(),
        verdict: if why.is_some() { Verdict::Unjudged } else { verdict(&outputs) },
        outputs,
        why,
        warnings: Vec::new(),
    }
}

fn refused(case: &Case, error: Error) -> FileError {
    FileError::bad_parameter(case, error.to_string())
}

/// The file's numbers against the reference, with the bound of the precision that they were computed in.
fn check_file(case: &Case, judgements: &[Judgement]) -> Result<CaseReport, FileError> {
    let (mut outputs, mut judged, mut unjudged, mut skipped) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for judgement in judgements {
        let claims = judgement.claims(case);
        for precision in [Precision::Double, Precision::Single] {
            let of_precision = |c: &&Claim<'_>| precision_of(case, c.tensor.dtype) == precision;
            let claims: Vec<_> = claims.iter().filter(of_precision).collect();
            if claims.is_empty() {
                continue;
            }
            let reference = judgement.problem.reference(precision).map_err(|e| refused(case, e))?;
            for claim in claims {
                let (held, missing) = hold(case, claim, &reference)?;
                skipped += missing;
                judged.push(claim.name.clone());
                let (all, left) = (claim.tensor.len(), claim.tensor.len().saturating_sub(held.elements));
                if left > 0 {
                    unjudged
                        .push(format!("{}: {left} of {all} numbers have no bound: not judged", claim.name));
                }
                outputs.push(held);
            }
        }
    }
    let why = match &outputs[..] {
        [] => Some("the file holds no output that this operator has".to_owned()),
        outputs => unbounded(outputs),
    };
    let mut report = report(case, "file", outputs, why);
    report.warnings.clone_from(&case.warnings);
    report.warnings.extend(unjudged);
    report.warnings.extend(unchecked(case, &judged));
    report.warnings.extend(unread(case, judgements));
    if skipped > 0 {
        report
            .warnings
            .push(format!("{skipped} numbers of the file are nan or inf, as its author says: not judged"));
    }
    Ok(report)
}

/// Why outputs prove nothing: no element of any has a bound, and none is wrong all the same.
fn unbounded(outputs: &[OutputReport]) -> Option<String> {
    let none = !outputs.is_empty() && outputs.iter().all(|o| o.elements == 0 && o.holds());
    none.then(|| "no number has a bound: all are padding, or beyond what the precision represents".to_owned())
}

/// Outputs and gradients that no claim covers: what was not checked is said.
fn unchecked(case: &Case, judged: &[String]) -> Vec<String> {
    let names = |kind: &'static str, named: &crate::tensor::Named| -> Vec<String> {
        named.iter().map(|(name, _)| format!("{kind}.{name}")).collect()
    };
    let all = [names("out", &case.outputs), names("grad", &case.grads)].concat();
    let left: Vec<_> = all.into_iter().filter(|name| !judged.contains(name)).collect();
    if left.is_empty() { Vec::new() } else { vec![format!("not checked: {}", left.join(", "))] }
}

/// Inputs that the operator does not read: a mask of the file's author, say, that would change every number.
fn unread(case: &Case, judgements: &[Judgement]) -> Option<String> {
    let read = |name: &str| judgements.iter().any(|j| j.reads.iter().any(|read| read == name));
    let left = case.inputs.iter().filter(|(name, _)| !read(name)).map(|(name, _)| format!("in.{name}"));
    let left: Vec<_> = left.collect();
    (!left.is_empty()).then(|| format!("not read: {}", left.join(", ")))
}

/// The precision that a number was computed in: what the file says, else its element type.
fn precision_of(case: &Case, dtype: Dtype) -> Precision {
    match case.accumulation.unwrap_or(dtype) {
        Dtype::F64 | Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::Bool => Precision::Double,
        Dtype::F32 | Dtype::F16 | Dtype::Bf16 => Precision::Single,
    }
}

/// Holds one tensor of the file to the reference. Also gives how many of its elements are not numbers and are said to
/// be so by the file's author.
fn hold(
    case: &Case,
    claim: &Claim<'_>,
    reference: &Outputs<Judged>,
) -> Result<(OutputReport, usize), FileError> {
    let missing = || {
        FileError::bad_parameter(case, format!("{} has no counterpart {}", claim.name, claim.entry.output))
    };
    let output = reference.iter().find(|o| o.name == claim.entry.output).ok_or_else(missing)?;
    let said_nonfinite =
        case.tags.iter().any(|tag| tag == "peer_nonfinite") && !claim.name.starts_with("exact");
    let mut skipped = 0;
    let mut widened = |want: Judged, got: f64| {
        let value = claim.factor * want.value;
        if said_nonfinite && !got.is_finite() && value.is_finite() {
            skipped += 1;
            return Judged { value: got, error: 0.0 };
        }
        Judged { value, error: claim.factor.abs() * want.error + allowance(case, claim, value) }
    };
    let picked: Vec<Judged> = match claim.entry.element {
        None => output.data.clone(),
        Some(i) => output.data.get(i).copied().into_iter().collect(),
    };
    let got = |i: usize| claim.tensor.data.get(i).copied().unwrap_or(f64::NAN);
    let data = picked.into_iter().enumerate().map(|(i, want)| widened(want, got(i))).collect();
    let width = if claim.entry.element.is_some() { 1 } else { output.width };
    let mut held = judge_output(&Output { name: output.name, width, data }, &claim.tensor.data);
    held.name.clone_from(&claim.name);
    Ok((held, skipped))
}

/// What a number of the file is granted beside the derived bound: the rounding of its element type, and what peers'
/// formulas lose.
fn allowance(case: &Case, claim: &Claim<'_>, value: f64) -> f64 {
    let magnitude = value.abs();
    if !magnitude.is_finite() {
        return 0.0;
    }
    match claim.tensor.dtype.unit() {
        Some(53) if claim.name.starts_with("exact") => {
            let rounding =
                magnitude * Bound::<53>::UNIT + cancellation(case, UNIT_OF_TRUTH) * magnitude.max(1.0);
            rounding + if claim.name.starts_with("exact.grad") { difference_of_truth(case) } else { 0.0 }
        }
        Some(53) => peer_f64(case) * magnitude.max(1.0),
        Some(bits) => magnitude * (-f64::from(bits)).exp2(),
        None => 0.0,
    }
}

/// What gradients of the truth lose where they were formed as differences of its outputs.
fn difference_of_truth(case: &Case) -> f64 {
    let outputs = case.exact_outputs.iter().flat_map(|(_, tensor)| &tensor.data);
    outputs.filter(|x| x.is_finite()).fold(0.0, |most: f64, x| most.max(x.abs())) * UNIT_OF_TRUTH
}

/// One backend on the file's inputs.
fn check_backend(
    case: &Case,
    judgements: &[Judgement],
    references: &[Outputs<Judged>],
    backend: Backend<'_>,
) -> CaseReport {
    let (mut outputs, mut why, mut broken) = (Vec::new(), None, false);
    for (judgement, reference) in judgements.iter().zip(references) {
        match judgement.problem.run(backend) {
            Ok(got) => outputs.extend(judge(reference, &got).into_iter().map(|mut output| {
                if judgements.len() > 1 {
                    output.name = format!("{} (from {})", output.name, judgement.from);
                }
                output
            })),
            Err(error) => {
                broken |= matches!(error, RunError::Overwrote { .. } | RunError::Unwritten { .. });
                why = Some(error.to_string());
            }
        }
    }
    // What was judged before something failed counts, and so does a kernel that wrote where it must not, or not where it must.
    broken |= verdict(&outputs) == Verdict::Disagrees;
    let why = why.or_else(|| unbounded(&outputs));
    let mut report = report(case, backend.name(), outputs, why);
    if broken {
        report.verdict = Verdict::Disagrees;
    }
    report
}

/// Runs one generated case on every backend.
pub fn verify(op: &str, case: &generate::Case, backends: &[Backend<'_>]) -> Vec<CaseReport> {
    let reports = |outputs: Vec<OutputReport>, backend: &str, why: Option<String>, failed: bool| CaseReport {
        file: String::new(),
        id: case.name.clone(),
        op: op.to_owned(),
        backend: backend.to_owned(),
        verdict: if failed { Verdict::Disagrees } else { verdict(&outputs) },
        outputs,
        why,
        warnings: Vec::new(),
    };
    let reference = match case.problem.reference(Precision::Wgsl) {
        Ok(reference) => reference,
        Err(error) => return vec![reports(Vec::new(), "reference", Some(error.to_string()), true)],
    };
    let run = |&backend: &Backend<'_>| match case.problem.run(backend) {
        Ok(got) => reports(judge(&reference, &got), backend.name(), None, false),
        Err(error) => reports(Vec::new(), backend.name(), Some(error.to_string()), true),
    };
    backends.iter().map(run).collect()
}

/// Fills in a case's outputs and gradients from the reference.
///
/// # Errors
/// What is wrong with the case, its operator included.
pub fn evaluate(case: &Case) -> Result<Case, FileError> {
    let mut filled = case.clone();
    for judgement in peers::read(case)? {
        let reference = judgement.problem.reference(Precision::Double).map_err(|e| refused(case, e))?;
        fill(&mut filled, &judgement, &reference);
    }
    Ok(filled)
}

fn fill(case: &mut Case, judgement: &Judgement, reference: &Outputs<Judged>) {
    let entries = [(false, &judgement.outputs, 1.0), (true, &judgement.grads, judgement.cotangent)];
    for (is_grad, entries, factor) in entries {
        for entry in entries {
            let Some(output) = reference.iter().find(|o| o.name == entry.output) else { continue };
            let values: Vec<f64> = match entry.element {
                None => output.data.iter().map(|x| factor * x.value).collect(),
                Some(i) => output.data.get(i).map(|x| factor * x.value).into_iter().collect(),
            };
            let shape = shape_of(case, entry, is_grad, values.len());
            let Some(tensor) = crate::tensor::Tensor::new(Dtype::F64, shape, values) else { continue };
            let named = if is_grad { &mut case.grads } else { &mut case.outputs };
            named.insert(entry.name, tensor);
        }
    }
}

/// The shape of a filled tensor: the file's own, that of the input a gradient belongs to, that of the labels where
/// there is one value per label, else flat.
fn shape_of(case: &Case, entry: &peers::Entry, is_grad: bool, elements: usize) -> Vec<usize> {
    let labels = ["labels", "index", "input_ids"].into_iter().find_map(|name| case.inputs.get(name));
    let own = if is_grad { case.inputs.get(entry.name) } else { case.outputs.get(entry.name) };
    match own.into_iter().chain(labels).find(|t| t.len() == elements && entry.element.is_none()) {
        Some(tensor) => tensor.shape.clone(),
        None if entry.element.is_some() => Vec::new(),
        None => vec![elements],
    }
}
