//! Forged numbers: what `check` notices in a real training step, and how small a change it cannot see.
//!
//! A derived bound is only worth something if a forged number falls outside it. Where it cannot, the share is counted
//! and asserted here: no tolerance was ever set so that a forgery shows.

mod common;

use bellwether_check::check::check;
use bellwether_check::file::{Case, Named, load, save};
use bellwether_check::peers;
use bellwether_check::problem::{Backend, Judged, Precision};
use bellwether_check::report::{CaseReport, Verdict};
use bellwether_check::tensor::{Dtype, Tensor};
use common::{data, run, trace, traces};

/// The change that the brief of this kit asks about: one part in ten thousand.
const SMALL: f64 = 1e-4;

/// The group of a case and the name within it.
fn split(full: &str) -> (&str, &str) {
    full.split_once('.').expect("in.NAME, out.NAME or grad.NAME")
}

fn group<'c>(case: &'c mut Case, full: &str) -> &'c mut Named {
    match split(full).0 {
        "in" => &mut case.inputs,
        "out" => &mut case.outputs,
        _ => &mut case.grads,
    }
}

fn tensor<'c>(case: &'c mut Case, full: &str) -> Option<&'c Tensor> {
    group(case, full).get(split(full).1)
}

/// The case with one tensor changed.
fn with(case: &Case, full: &str, change: impl FnOnce(&mut Tensor)) -> Case {
    let mut case = case.clone();
    let mut changed = tensor(&mut case, full).expect("the case has it").clone();
    change(&mut changed);
    group(&mut case, full).insert(split(full).1, changed);
    case
}

/// The case with nothing claimed but this tensor, so that a run judges no more than is needed.
fn claiming_only(case: &Case, full: &str) -> Case {
    let keep = |kind: &str, named: &Named| -> Named {
        let pairs = named.iter().filter(|(name, _)| format!("{kind}.{name}") == full);
        pairs.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect()
    };
    let without = |named: &Named, names: &[&str]| -> Named {
        let pairs = named.iter().filter(|(name, _)| !names.contains(name));
        pairs.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect()
    };
    let inputs = match full {
        "in.logits" => case.inputs.clone(),
        "grad.logits" => without(&case.inputs, &["hidden", "weight"]),
        _ => without(&case.inputs, &["logits"]),
    };
    Case { inputs, outputs: keep("out", &case.outputs), grads: keep("grad", &case.grads), ..case.clone() }
}

/// The report on the file's own numbers.
fn judged(case: &Case) -> CaseReport {
    let mut reports = check(case, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

/// Names and rows of what does not hold.
fn faults(report: &CaseReport) -> Vec<(&str, Option<usize>)> {
    report.outputs.iter().filter(|o| !o.holds()).map(|o| (o.name.as_str(), o.row)).collect()
}

/// The forged case disagrees, in this tensor and in one of these rows, and in nothing else.
fn blames(case: &Case, full: &str, rows: &[usize]) {
    let report = judged(case);
    assert_eq!(report.verdict, Verdict::Disagrees, "{}: {full} was forged", case.file);
    let [(name, Some(row))] = faults(&report)[..] else { panic!("{full} alone was forged: {report:?}") };
    assert!(name == full && rows.contains(&row), "{full}, rows {rows:?}: blamed is {name} row {row}");
}

/// Whether `check` on the whole file notices something.
fn notices(case: &Case) -> bool {
    judged(case).verdict == Verdict::Disagrees
}

/// A tensor of the file beside what it is held to.
struct Held {
    name: String,
    tensor: Tensor,
    reference: Vec<Judged>,
}

impl Held {
    /// Everything that the file claims and the reference judges.
    fn all(case: &Case) -> Vec<Self> {
        let mut all = Vec::new();
        for judgement in peers::read(case).unwrap_or_else(|error| panic!("{error}")) {
            let of = |precision| judgement.problem.reference(precision).expect("a good case");
            let (double, single) = (of(Precision::Double), of(Precision::Single));
            for claim in judgement.claims(case) {
                let outputs = if claim.tensor.dtype == Dtype::F64 { &double } else { &single };
                let output = outputs.iter().find(|o| o.name == claim.entry.output).expect("a counterpart");
                let reference = match claim.entry.element {
                    None => output.data.clone(),
                    Some(i) => vec![output.data[i]],
                };
                all.push(Self { name: claim.name, tensor: claim.tensor.clone(), reference });
            }
        }
        all
    }

    /// Whether multiplying element `i` by `1 + change` leaves the bound and what a number is granted for its storage.
    fn notices(&self, i: usize, change: f64) -> bool {
        let (x, held) = (self.tensor.data[i], self.reference[i]);
        let storage = match self.tensor.dtype {
            Dtype::F64 => 1e-9,
            _ => held.value.abs() * (-24f64).exp2(),
        };
        (x * (1.0 + change) - held.value).abs() > held.error + storage
    }

    /// Elements that a change of so much can move at all: not zero, not padding.
    fn elements(&self) -> Vec<usize> {
        let able = |&i: &usize| self.tensor.data[i] != 0.0 && self.reference[i].error.is_finite();
        (0..self.tensor.len()).filter(able).collect()
    }

    /// Those within a factor of ten of the largest.
    fn large(&self) -> Vec<usize> {
        let size = |i: usize| self.tensor.data[i].abs();
        let largest = self.elements().into_iter().map(size).fold(0.0, f64::max);
        self.elements().into_iter().filter(|&i| size(i) >= largest / 10.0).collect()
    }

    fn share(&self, among: &[usize], change: f64) -> f64 {
        let noticed = among.iter().filter(|&&i| self.notices(i, change)).count();
        noticed as f64 / among.len().max(1) as f64
    }

    /// The largest element, and others spread over those of typical size.
    fn chosen(&self, count: usize) -> Vec<usize> {
        let mut elements = self.elements();
        elements.sort_by(|&a, &b| self.tensor.data[b].abs().total_cmp(&self.tensor.data[a].abs()));
        let typical = elements.len() / 2;
        let mut chosen: Vec<_> = (0..count).map(|k| elements[typical * k / count]).collect();
        chosen.dedup();
        chosen
    }
}

/// The row of element `i` as reports count it: sequences of token log-probabilities, else rows of the last dimension;
/// scalars and values per pair are rows of their own.
fn row(held: &Held, i: usize) -> usize {
    if held.tensor.shape.len() > 1 { i / held.tensor.row_len() } else { i }
}

#[test]
fn the_share_of_small_changes_that_is_noticed() {
    println!(
        "noticed of single numbers times 1 + 1e-4: of all; of those within a factor of 10 of the largest"
    );
    for case in traces() {
        println!("{}", case.file);
        for held in Held::all(&case) {
            let (all, large) = (held.elements(), held.large());
            let (of_all, of_large) = (held.share(&all, SMALL), held.share(&large, SMALL));
            println!(
                "  {:<16}{:>8.4} of {:<8}{of_large:>8.4} of {}",
                held.name,
                of_all,
                all.len(),
                large.len()
            );
            match (held.name.as_str(), held.tensor.dtype) {
                // f64 numbers are held to f64.
                (_, Dtype::F64) => assert!(of_all >= 1.0, "{}", held.name),
                // A logit's bound is that of a sum of H products of usual size; 3 % of the logits are small beside it.
                ("in.logits", _) => assert!(of_all > 0.96 && of_large > 0.99, "{}", held.name),
                // One row's softmax, exact to a few units, times the pair's coefficient, which is uncertain by
                // beta times the rounding of sums of token log-probabilities.
                ("grad.logits" | "out.loss", _) => assert!(of_all >= 1.0, "{}: {of_all}", held.name),
                // As before, and sums of V or 2B·T products that cancel: a number that is small beside the terms of
                // its sum is as uncertain as they are, so of those only the large ones can be held to 1e-4.
                ("grad.hidden", _) => assert!(of_large > 0.55 && of_all > 0.35, "{of_large} {of_all}"),
                ("grad.weight", _) => assert!(of_large > 0.85 && of_all > 0.08, "{of_large} {of_all}"),
                (name, _) => panic!("{name}: say what is expected of it"),
            }
            // What the bounds promise of every tensor: half a percent shows, in each number that matters.
            assert!(held.share(&large, 5e-3) >= 1.0, "{}: {}", held.name, held.share(&large, 5e-3));
        }
    }
}

#[test]
fn check_notices_what_the_bounds_say_and_blames_its_row() {
    let (mut forged, mut noticed) = (0, 0);
    let all = traces();
    let per_tensor = if all.len() == 1 { 5 } else { 2 };
    for case in all {
        for held in Held::all(&case) {
            let alone = claiming_only(&case, &held.name);
            for i in held.chosen(per_tensor) {
                for change in [SMALL, 5e-3] {
                    let bad = with(&alone, &held.name, |t| t.data[i] *= 1.0 + change);
                    forged += 1;
                    if held.notices(i, change) {
                        noticed += 1;
                        blames(&bad, &held.name, &[row(&held, i)]);
                    } else {
                        assert_eq!(judged(&bad).verdict, Verdict::Agrees, "{} {i}", held.name);
                    }
                }
            }
        }
    }
    println!("{forged} forgeries, {noticed} noticed and blamed on their row");
    assert!(noticed * 2 > forged);
}

#[test]
fn a_forged_input_shows_in_the_outputs() {
    for case in traces() {
        let counted = counted_rows(&case);
        for name in ["in.hidden", "in.weight", "in.ref_logps"] {
            let input = tensor(&mut case.clone(), name).expect("an input").clone();
            let rows: Vec<usize> = match name {
                "in.weight" => (0..input.rows()).collect(),
                _ => counted.clone(),
            };
            let width = if name == "in.ref_logps" { 1 } else { input.row_len() };
            let largest = rows.iter().flat_map(|r| r * width..(r + 1) * width);
            let largest = largest.max_by(|&a, &b| input.data[a].abs().total_cmp(&input.data[b].abs()));
            let typical = rows[rows.len() / 2] * width + width / 2;
            for i in [largest.expect("there are rows"), typical] {
                let mut bad = with(&case, name, |t| t.data[i] *= 1.0 + SMALL);
                bad.grads = Named::default();
                assert!(notices(&bad), "{}: {name}[{i}] was forged", case.file);
            }
        }
    }
}

/// Tokens that count.
fn counted_rows(case: &Case) -> Vec<usize> {
    let labels = case.inputs.get("labels").expect("labels");
    (0..labels.len()).filter(|&i| labels.data[i] >= 0.0).collect()
}

fn padded_rows(case: &Case) -> Vec<usize> {
    let labels = case.inputs.get("labels").expect("labels");
    (0..labels.len()).filter(|&i| labels.data[i] < 0.0).collect()
}

/// Names of the gradients that the case has.
fn gradients(case: &Case) -> Vec<String> {
    case.grads.iter().map(|(name, _)| format!("grad.{name}")).collect()
}

#[test]
fn two_rows_of_a_gradient_swapped() {
    for case in traces() {
        for name in gradients(&case) {
            let rows = if name == "grad.weight" { vec![3, 700] } else { counted_rows(&case) };
            let (a, b) = (rows[0], rows[rows.len() - 1]);
            let bad = with(&claiming_only(&case, &name), &name, |t| {
                let width = t.row_len();
                (0..width).for_each(|k| t.data.swap(a * width + k, b * width + k));
            });
            blames(&bad, &name, &[a, b]);
        }
    }
}

#[test]
fn nan_where_nothing_counts() {
    for case in traces() {
        let row = padded_rows(&case)[1];
        let len = case.inputs.get("labels").expect("labels").row_len();
        for name in gradients(&case).iter().filter(|name| *name != "grad.weight") {
            let bad = with(&claiming_only(&case, name), name, |t| {
                let width = t.row_len();
                t.data[row * width + width / 2] = f64::NAN;
            });
            blames(&bad, name, &[row]);
        }
        let name = "out.token_logps";
        let bad = with(&claiming_only(&case, name), name, |t| t.data[row] = f64::NAN);
        blames(&bad, name, &[row / len]);
        // An input's padding may hold anything: nothing of it is read, on any backend.
        let mut fine = case.clone();
        for name in ["in.hidden", "in.logits", "in.ref_logps"] {
            if tensor(&mut fine, name).is_some() {
                fine = with(&fine, name, |t| {
                    let width = if name == "in.ref_logps" { 1 } else { t.row_len() };
                    padded_rows(&case).into_iter().for_each(|r| t.data[r * width..][..width].fill(f64::NAN));
                });
            }
        }
        let reports = check(&fine, &[Backend::CpuF32]).unwrap_or_else(|error| panic!("{error}"));
        assert!(reports.iter().all(|r| r.verdict == Verdict::Agrees), "{reports:?}");
    }
}

/// Changes every number of a tensor.
fn each(case: &Case, full: &str, change: impl Fn(f64) -> f64) -> Case {
    with(&claiming_only(case, full), full, |t| t.data.iter_mut().for_each(|x| *x = change(*x)))
}

/// The forged tensor is blamed, in whichever row is worst.
fn blames_somewhere(case: &Case, full: &str) {
    let report = judged(case);
    assert_eq!(report.verdict, Verdict::Disagrees, "{}: {full}", case.file);
    assert_eq!(faults(&report).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), [full]);
}

#[test]
fn the_usual_mistakes_of_whole_tensors() {
    for case in traces() {
        for name in gradients(&case).into_iter().chain(["out.loss".to_owned(), "out.loss_f64".to_owned()]) {
            // The mean over 2B rows instead of B pairs.
            blames_somewhere(&each(&case, &name, |x| x / 2.0), &name);
            blames_somewhere(&each(&case, &name, |x| -x), &name);
        }
        for name in gradients(&case) {
            let largest = tensor(&mut case.clone(), &name).expect("a gradient").data.clone();
            let largest = largest.into_iter().fold(0.0, f64::max);
            blames_somewhere(&each(&case, &name, |_| largest), &name);
            let zero = each(&case, &name, |_| 0.0);
            blames_somewhere(&zero, &name);
        }
    }
}

#[test]
fn labels_shifted_by_one() {
    for case in traces() {
        let bad = with(&case, "in.labels", |t| {
            let len = t.row_len();
            t.data.chunks_exact_mut(len).for_each(|row| row.rotate_right(1));
        });
        let report = judged(&bad);
        assert_eq!(report.verdict, Verdict::Disagrees);
        let named: Vec<_> = faults(&report).into_iter().map(|(name, _)| name).collect();
        for name in ["out.token_logps", "out.per_pair", "grad.hidden", "grad.weight"] {
            assert!(named.contains(&name), "{name} must show it: {named:?}");
        }
    }
}

/// What a golden file says about its peer's precision widens nothing.
#[test]
fn a_file_cannot_excuse_itself() {
    let cases = load(&data("golden.json")).unwrap_or_else(|error| panic!("{error}"));
    let case = cases.iter().find(|case| case.op == "dpo.sigmoid").expect("bundled");
    for deviation in ["inf", "nan", "1e9", "-1"] {
        let mut fine = case.clone();
        fine.meta.insert("peer_deviation".into(), deviation.into());
        assert_eq!(judged(&fine).verdict, Verdict::Agrees, "{deviation}");
        let bad = with(&fine, "out.losses", |t| t.data[3] += 1e-11 * t.data[3].abs().max(1.0));
        assert!(notices(&bad), "peer_deviation {deviation} excuses a wrong number");
    }
}

#[test]
fn the_command_says_the_same() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("forged.safetensors");
    let row = counted_rows(&trace())[9];
    let bad = with(&trace(), "grad.hidden", |t| {
        let width = t.row_len();
        t.data[row * width..][..width].iter_mut().for_each(|x| *x = -*x);
    });
    save(&path, &bad, false).expect("a folder of our own");
    let text = run(["check".as_ref(), path.as_os_str(), "--backend".as_ref(), "cpu".as_ref()]);
    assert_eq!((text.status, text.errors()), (1, vec![]));
    assert!(text.stdout.contains(&format!("grad.hidden row {row}: error ")), "{}", text.stdout);
    let json = run(["--json".as_ref(), "check".as_ref(), path.as_os_str(), "--backend=cpu".as_ref()]);
    let report = json.json();
    assert_eq!((json.status, report["verdict"].as_str()), (1, Some("disagrees")));
    let [file, cpu] = &report["cases"].as_array().expect("cases")[..] else { panic!("{report}") };
    assert_eq!((file["backend"].as_str(), file["verdict"].as_str()), (Some("file"), Some("disagrees")));
    assert_eq!((cpu["backend"].as_str(), cpu["verdict"].as_str()), (Some("cpu f32"), Some("agrees")));
    let outputs = file["outputs"].as_array().expect("outputs");
    let hidden = outputs.iter().find(|o| o["name"] == "grad.hidden").expect("it was judged");
    assert_eq!(hidden["row"], row);
    assert!(hidden["worst"].as_f64() > hidden["bound"].as_f64());
}
