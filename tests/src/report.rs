//! What was judged, how it came out, and how that is told: as JSON and as a text for people.

mod text;

use serde_json::{Value, json};

use crate::file::line;

/// How one case, or all of them, came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Every output that was judged is within its bound.
    Agrees,
    /// An output is outside its bound.
    Disagrees,
    /// Nothing could be judged.
    Unjudged,
}

impl Verdict {
    /// The word used in reports: `agrees`, `disagrees`, `unjudged`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Disagrees => "disagrees",
            Self::Unjudged => "unjudged",
        }
    }
}

/// One output (or gradient) of one case: the element with the largest ratio of error to bound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutputReport {
    /// Name of the output; gradients as `grad.NAME`.
    pub name: String,
    /// Error of that element.
    pub worst: f64,
    /// Bound of that element, in the same unit.
    pub bound: f64,
    /// The error in units of the last place, see [`ulps`].
    pub ulps: f64,
    /// Row of that element; `None` for a scalar.
    pub row: Option<usize>,
    /// Elements judged.
    pub elements: usize,
    /// The inputs of that row, or whatever else helps.
    pub detail: Option<String>,
}

impl OutputReport {
    /// Error as a fraction of its bound: 0 where there is no error, infinity where the bound is 0 or either is NaN.
    pub fn ratio(&self) -> f64 {
        match self.worst / self.bound {
            ratio if ratio >= 0.0 => ratio,
            _ if self.worst == 0.0 && self.bound == 0.0 => 0.0,
            _ => f64::INFINITY,
        }
    }

    /// Whether the error is within its bound.
    pub fn holds(&self) -> bool {
        self.ratio() <= 1.0
    }
}

/// One case on one backend.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseReport {
    /// File of the case.
    pub file: String,
    /// Name of the case.
    pub id: String,
    /// Operator.
    pub op: String,
    /// What was judged: `file`, `cpu`, `gpu`, with or without a device name.
    pub backend: String,
    /// How it came out.
    pub verdict: Verdict,
    /// Every output judged.
    pub outputs: Vec<OutputReport>,
    /// Why the verdict is not `Agrees`, or what was left out.
    pub why: Option<String>,
    /// Why the case proves little.
    pub warnings: Vec<String>,
}

impl CaseReport {
    /// The output with the largest ratio of error to bound.
    pub fn worst(&self) -> Option<&OutputReport> {
        self.outputs.iter().max_by(|a, b| a.ratio().total_cmp(&b.ratio()))
    }
}

/// Cases per verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases that agree.
    pub agrees: usize,
    /// Cases that disagree.
    pub disagrees: usize,
    /// Cases that could not be judged.
    pub unjudged: usize,
}

/// The outcome of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Every case on every backend, in the order of judgement.
    pub cases: Vec<CaseReport>,
    /// What else has to be said: devices that are missing, what was not checked.
    pub notes: Vec<String>,
}

impl Report {
    /// Cases per verdict.
    pub fn counts(&self) -> Counts {
        let count = |verdict| self.cases.iter().filter(|case| case.verdict == verdict).count();
        Counts {
            agrees: count(Verdict::Agrees),
            disagrees: count(Verdict::Disagrees),
            unjudged: count(Verdict::Unjudged),
        }
    }

    /// `Disagrees` if any case does; else `Agrees` if any does; else `Unjudged`.
    pub fn verdict(&self) -> Verdict {
        match self.counts() {
            Counts { disagrees: 1.., .. } => Verdict::Disagrees,
            Counts { agrees: 1.., .. } => Verdict::Agrees,
            _ => Verdict::Unjudged,
        }
    }

    /// Exit status: 0 agrees, 1 disagrees, 2 cannot be judged.
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            Verdict::Agrees => 0,
            Verdict::Disagrees => 1,
            Verdict::Unjudged => 2,
        }
    }

    /// The report as one object. Numbers that JSON lacks are the strings `"nan"`, `"inf"` and `"-inf"`; `row` and
    /// `why` are `null` where there is none; the warnings of the cases stand among the notes.
    pub fn to_json(&self) -> Value {
        let counts = self.counts();
        json!({
            "verdict": self.verdict().name(),
            "counts": {"agrees": counts.agrees, "disagrees": counts.disagrees, "unjudged": counts.unjudged},
            "cases": self.cases.iter().map(case_json).collect::<Vec<_>>(),
            "notes": self.notes.iter().cloned().chain(self.warnings()).collect::<Vec<_>>(),
        })
    }

    /// The report for people: a table by operator and backend, then every disagreement, everything that was not
    /// judged with the reason, and warnings. At most 110 columns, no colour.
    pub fn to_text(&self) -> String {
        text::render(self)
    }

    /// The warnings of all cases, each said once per case however many backends it ran on.
    fn warnings(&self) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let all = self.cases.iter().flat_map(|case| {
            case.warnings.iter().map(|warning| format!("{}: {}: {}", case.file, case.id, line(warning)))
        });
        all.filter(|warning| seen.insert(warning.clone())).collect()
    }
}

fn case_json(case: &CaseReport) -> Value {
    let output = |output: &OutputReport| {
        json!({
            "name": output.name,
            "worst": number(output.worst),
            "bound": number(output.bound),
            "ulps": number(output.ulps),
            "row": output.row,
        })
    };
    json!({
        "file": case.file,
        "id": case.id,
        "op": case.op,
        "backend": case.backend,
        "verdict": case.verdict.name(),
        "outputs": case.outputs.iter().map(output).collect::<Vec<_>>(),
        "why": case.why,
    })
}

fn number(value: f64) -> Value {
    match value {
        _ if value.is_nan() => "nan".into(),
        f64::INFINITY => "inf".into(),
        f64::NEG_INFINITY => "-inf".into(),
        _ => value.into(),
    }
}

/// Distance of `a` from `b` in units of the last place at |`b`|, for a type of `bits` significant bits (53, 24, 11, 8).
///
/// Below the type's normal range the unit is that of its subnormals. Equal values, both NaN and equal infinities are
/// at distance 0; any other pair with a NaN or an infinity is infinitely far apart.
pub fn ulps(a: f64, b: f64, bits: u32) -> f64 {
    let error = (a - b).abs();
    if error == 0.0 || (a.is_nan() && b.is_nan()) || (a.is_infinite() && a.total_cmp(&b).is_eq()) {
        return 0.0;
    }
    if !a.is_finite() || !b.is_finite() {
        return f64::INFINITY;
    }
    let least = match bits {
        53 => -1022,
        11 => -14,
        _ => -126,
    };
    let exponent = (((b.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(least);
    let place = exponent - bits as i32 + 1;
    // In two steps: 2^-place alone may overflow.
    error * 2f64.powi(-place / 2) * 2f64.powi(-place - -place / 2)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    fn case(verdict: Verdict, worst: f64, bound: f64) -> CaseReport {
        let output = OutputReport { name: "loss".into(), worst, bound, ..Default::default() };
        let text = String::from;
        let (file, id, op, backend) = (text("f.json"), text("c"), text("dpo"), text("cpu"));
        CaseReport { file, id, op, backend, verdict, outputs: vec![output], why: None, warnings: vec![] }
    }

    #[test]
    fn ulps_at_every_scale() {
        assert_eq!(ulps(1.0 + f64::EPSILON, 1.0, 53), 1.0);
        assert_eq!(ulps(1.0, f64::from(f32::EPSILON) + 1.0, 24), 1.0);
        assert_eq!(ulps(3.0, 2.0, 8), 64.0);
        assert_eq!(ulps(0.0, f64::from_bits(3), 53), 3.0);
        assert_eq!(ulps(2f64.powi(-149), 0.0, 24), 1.0);
        assert_eq!(ulps(2f64.powi(-24), 0.0, 11), 1.0);
        assert_eq!(ulps(f64::MAX, f64::MAX.next_down(), 53), 1.0);
        assert_eq!(ulps(-0.0, 0.0, 53), 0.0);
        assert_eq!(ulps(f64::NAN, f64::NAN, 53), 0.0);
        assert_eq!(ulps(f64::INFINITY, f64::INFINITY, 24), 0.0);
        for (a, b) in
            [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, f64::NEG_INFINITY), (0.0, f64::INFINITY)]
        {
            assert_eq!(ulps(a, b, 24), f64::INFINITY);
        }
    }

    #[test]
    fn a_ratio_never_hides_an_error() {
        let ratio = |worst, bound| OutputReport { worst, bound, ..Default::default() }.ratio();
        assert_eq!((ratio(0.0, 0.0), ratio(0.0, 1.0), ratio(1.0, 2.0)), (0.0, 0.0, 0.5));
        for (worst, bound) in [(1.0, 0.0), (f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, f64::INFINITY)] {
            assert_eq!(ratio(worst, bound), f64::INFINITY);
        }
        assert_eq!(ratio(1.0, -1.0), f64::INFINITY);
        assert_eq!(case(Verdict::Agrees, 1.0, 1.0).worst().map(OutputReport::holds), Some(true));
    }

    #[test]
    fn one_disagreement_decides_and_nothing_judged_is_no_agreement() {
        use Verdict::{Agrees, Disagrees, Unjudged};
        let of = |all: &[Verdict]| {
            let cases = all.iter().map(|&verdict| case(verdict, 0.0, 1.0)).collect();
            let report = Report { cases, notes: vec![] };
            (report.verdict(), report.exit_code())
        };
        assert_eq!(of(&[]), (Unjudged, 2));
        assert_eq!(of(&[Unjudged, Unjudged]), (Unjudged, 2));
        assert_eq!(of(&[Unjudged, Agrees]), (Agrees, 0));
        assert_eq!(of(&[Agrees, Disagrees, Unjudged]), (Disagrees, 1));
    }

    #[test]
    fn the_json_is_the_documented_object() {
        let mut bad = case(Verdict::Disagrees, f64::NAN, f64::INFINITY);
        (bad.outputs[0].row, bad.outputs[0].ulps) = (Some(3), f64::NEG_INFINITY);
        (bad.why, bad.warnings) = (Some("no".into()), vec!["constant".into()]);
        let report = Report { cases: vec![bad.clone(), bad], notes: vec!["n".into()] };
        let one = concat!(
            r#"{"file":"f.json","id":"c","op":"dpo","backend":"cpu","verdict":"disagrees","outputs":[{"name":"loss","#,
            r#""worst":"nan","bound":"inf","ulps":"-inf","row":3}],"why":"no"}"#
        );
        let counts = r#""counts":{"agrees":0,"disagrees":2,"unjudged":0}"#;
        let notes = r#""notes":["n","f.json: c: constant"]"#;
        let whole = format!(r#"{{"verdict":"disagrees",{counts},"cases":[{one},{one}],{notes}}}"#);
        assert_eq!(report.to_json().to_string(), whole);
        let fine = Report { cases: vec![case(Verdict::Agrees, 1e-300, 0.5)], notes: vec![] }.to_json();
        assert_eq!(fine["cases"][0]["outputs"][0]["worst"], json!(1e-300));
        assert_eq!(fine["cases"][0]["why"], Value::Null);
    }
}
