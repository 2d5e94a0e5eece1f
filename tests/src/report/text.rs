//! The report as text: aligned columns, nothing wider than [`WIDTH`], nothing left out.

use std::collections::BTreeMap;

use super::{CaseReport, OutputReport, Report, Verdict, line};

/// The widest line.
const WIDTH: usize = 110;

pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    if !report.cases.is_empty() {
        table(&mut text, &report.cases);
    }
    disagreements(&mut text, &report.cases);
    unjudged(&mut text, &report.cases);
    section(&mut text, "WARNINGS", &report.warnings());
    section(&mut text, "NOTES", &report.notes);
    let counts = report.counts();
    let summary = format!(
        "{}: {} agree, {} disagree, {} not judged",
        report.verdict().name().to_uppercase(),
        counts.agrees,
        counts.disagrees,
        counts.unjudged
    );
    wrap(&mut text, 0, &summary);
    text
}

/// Cases of one operator on one backend.
#[derive(Default)]
struct Group<'a> {
    cases: usize,
    agree: usize,
    worst: Option<(&'a CaseReport, &'a OutputReport)>,
}

fn table(text: &mut String, cases: &[CaseReport]) {
    let mut groups = BTreeMap::<(&str, &str), Group>::new();
    for case in cases {
        let group = groups.entry((&case.op, &case.backend)).or_default();
        group.cases += 1;
        group.agree += usize::from(case.verdict == Verdict::Agrees);
        let worse =
            |output: &&OutputReport| group.worst.is_none_or(|(_, worst)| output.ratio() > worst.ratio());
        if let Some(output) = case.worst().filter(worse) {
            group.worst = Some((case, output));
        }
    }
    let columns =
        |op: &str, backend: &str| (op.chars().count().clamp(2, 32), backend.chars().count().clamp(7, 24));
    let wide = groups.keys().map(|(op, backend)| columns(op, backend));
    let (op, backend) = wide.fold((2, 7), |(a, b), (c, d)| (a.max(c), b.max(d)));
    let mut row = |cells: [&str; 6]| {
        let [first, second, count, agree, ratio, whence] = cells;
        let (first, second) = (shorten(first, op), shorten(second, backend));
        let start = format!("{first:op$}  {second:backend$}  {count:>6}  {agree:>6}  {ratio:>11}  ");
        let whence = shorten(whence, WIDTH - start.chars().count());
        text.push_str(format!("{start}{whence}").trim_end());
        text.push('\n');
    };
    row(["op", "backend", "cases", "agree", "worst/bound", "worst case"]);
    for ((op, backend), group) in groups {
        let (ratio, whence) = match group.worst {
            Some((case, output)) => (figure(output.ratio()), format!("{} {}", case.id, output.name)),
            None => ("-".into(), String::new()),
        };
        row([op, backend, &group.cases.to_string(), &group.agree.to_string(), &ratio, &whence]);
    }
    text.push('\n');
}

fn disagreements(text: &mut String, cases: &[CaseReport]) {
    let bad: Vec<_> = cases.iter().filter(|case| case.verdict == Verdict::Disagrees).collect();
    if bad.is_empty() {
        return;
    }
    wrap(text, 0, &format!("DISAGREES ({})", bad.len()));
    for case in bad {
        // A generated case comes from no file.
        let file = if case.file.is_empty() { String::new() } else { format!("{}: ", case.file) };
        wrap(text, 2, &format!("{file}{} [{}, {}]", case.id, case.op, case.backend));
        for output in case.outputs.iter().filter(|output| !output.holds()) {
            let row = output.row.map_or_else(String::new, |row| format!(" row {row}"));
            let (worst, bound, ulps) = (figure(output.worst), figure(output.bound), figure(output.ulps));
            let ratio = figure(output.ratio());
            let name = &output.name;
            wrap(text, 4, &format!("{name}{row}: error {worst}, bound {bound} ({ratio} times), {ulps} ulps"));
            output.detail.iter().for_each(|detail| wrap(text, 6, detail));
        }
        case.why.iter().for_each(|why| wrap(text, 4, why));
    }
    text.push('\n');
}

/// By reason, then by operator, backend and file.
fn unjudged(text: &mut String, cases: &[CaseReport]) {
    let mut reasons = BTreeMap::<&str, BTreeMap<(&str, &str, &str), Vec<&str>>>::new();
    let open = cases.iter().filter(|case| case.verdict == Verdict::Unjudged);
    let total = open.clone().count();
    for case in open {
        let why = case.why.as_deref().unwrap_or("no reason given");
        reasons
            .entry(why)
            .or_default()
            .entry((&case.op, &case.backend, &case.file))
            .or_default()
            .push(&case.id);
    }
    if total == 0 {
        return;
    }
    wrap(text, 0, &format!("NOT JUDGED ({total})"));
    for (why, places) in reasons {
        wrap(text, 2, &format!("{why} ({})", places.values().map(Vec::len).sum::<usize>()));
        for ((op, backend, file), ids) in places {
            wrap(text, 4, &format!("{op} [{backend}] {file}: {}", ids.join(", ")));
        }
    }
    text.push('\n');
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    wrap(text, 0, &format!("{title} ({})", lines.len()));
    lines.iter().for_each(|line| wrap(text, 2, line));
    text.push('\n');
}

/// Appends `words`, broken at spaces (a longer word anywhere), continued two columns further in.
fn wrap(text: &mut String, indent: usize, words: &str) {
    let mut room = WIDTH - indent;
    text.push_str(&" ".repeat(indent));
    let mut first = true;
    for word in words.split_whitespace() {
        let word = clean(word);
        let mut rest: Vec<char> = word.chars().collect();
        let gap = usize::from(!first);
        if rest.len() + gap > room && !first {
            room = continued(text, indent);
        } else if !first {
            text.push(' ');
            room -= 1;
        }
        while rest.len() > room {
            text.extend(rest.drain(..room));
            room = continued(text, indent);
        }
        room -= rest.len();
        text.extend(rest);
        first = false;
    }
    text.push('\n');
}

fn continued(text: &mut String, indent: usize) -> usize {
    text.push('\n');
    text.push_str(&" ".repeat(indent + 2));
    WIDTH - indent - 2
}

/// Control characters escaped, whatever the length.
fn clean(word: &str) -> String {
    word.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// At most `width` characters: the middle gives way.
fn shorten(words: &str, width: usize) -> String {
    let all: Vec<char> = line(words).chars().collect();
    if all.len() <= width {
        return all.into_iter().collect();
    }
    let tail = (width - 1) / 2;
    let head = all.iter().take(width - 1 - tail);
    head.chain(&['…']).chain(&all[all.len() - tail..]).collect()
}

/// Three digits, plain where that is short.
fn figure(value: f64) -> String {
    match value {
        _ if value.is_nan() => "nan".into(),
        0.0 => "0".into(),
        _ if !value.is_finite() => value.to_string(),
        _ if (1e-3..1e4).contains(&value.abs()) => format!("{value:.3}"),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(
        id: &str,
        backend: &str,
        verdict: Verdict,
        outputs: &[(&str, f64)],
        why: Option<&str>,
    ) -> CaseReport {
        let output = |&(name, worst): &(&str, f64)| OutputReport {
            name: name.into(),
            worst,
            bound: 1e-6,
            ulps: 12.0,
            row: Some(7),
            ..OutputReport::default()
        };
        CaseReport {
            file: "dir/dpo.json".into(),
            id: id.into(),
            op: "pair/dpo".into(),
            backend: backend.into(),
            verdict,
            outputs: outputs.iter().map(output).collect(),
            why: why.map(Into::into),
            warnings: vec![],
        }
    }

    fn sample() -> Report {
        let cases = vec![
            case("a", "cpu", Verdict::Agrees, &[("loss", 2e-7), ("grad.w", 5e-7)], None),
            case("b", "cpu", Verdict::Agrees, &[("loss", 1e-7)], None),
            case(
                "a",
                "gpu",
                Verdict::Disagrees,
                &[("loss", 3e-6), ("grad.w", 5e-7)],
                Some("outside the bound"),
            ),
            case("c", "gpu", Verdict::Unjudged, &[], Some("unknown op")),
            case("d", "gpu", Verdict::Unjudged, &[], Some("unknown op")),
        ];
        Report { cases, notes: vec!["no GPU".into()] }
    }

    #[test]
    fn the_text_tells_everything_in_aligned_columns() {
        let expected = "\
op        backend   cases   agree  worst/bound  worst case
pair/dpo  cpu           2       2        0.500  a grad.w
pair/dpo  gpu           3       0        3.000  a loss

DISAGREES (1)
  dir/dpo.json: a [pair/dpo, gpu]
    loss row 7: error 3.00e-6, bound 1.00e-6 (3.000 times), 12.000 ulps
    outside the bound

NOT JUDGED (2)
  unknown op (2)
    pair/dpo [gpu] dir/dpo.json: c, d

NOTES (1)
  no GPU

DISAGREES: 2 agree, 1 disagree, 2 not judged
";
        assert_eq!(sample().to_text(), expected);
    }

    #[test]
    fn no_line_is_too_wide_and_no_name_is_dropped() {
        let mut report = sample();
        let ids: Vec<_> = (0..60).map(|i| format!("case-{i}")).collect();
        report.cases.extend(ids.iter().map(|id| case(id, "gpu", Verdict::Unjudged, &[], Some("why\nnot"))));
        for case in &mut report.cases {
            case.file = format!("{}/x.json", "folder".repeat(40));
            case.warnings.push("w ".repeat(200));
        }
        report.cases[2].op = "o".repeat(200);
        report.cases[2].backend = "b\u{1b}[31m".repeat(60);
        report.cases[2].id = "i".repeat(300);
        let text = report.to_text();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(
            !text.contains('\u{1b}') && text.contains("NOT JUDGED (62)") && text.contains("why not (60)")
        );
        let joined: String = text.split_whitespace().collect();
        assert!(ids.iter().all(|id| joined.contains(id)) && joined.contains(&"i".repeat(300)));
    }

    #[test]
    fn words_of_every_length_fit() {
        for length in 95..230 {
            let (mut text, long) = (String::new(), "x".repeat(length));
            wrap(&mut text, 4, &format!("a {long} b"));
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
            assert_eq!(text.split_whitespace().map(str::len).sum::<usize>(), length + 2);
        }
    }

    #[test]
    fn figures_are_short() {
        let shown = [0.0, 0.5, 1e-9, 12345.0, f64::INFINITY, f64::NAN].map(figure);
        assert_eq!(shown, ["0", "0.500", "1.00e-9", "1.23e4", "inf", "nan"]);
    }
}
