//! Files that cannot be judged: one line of error each that would help a stranger, exit status 2, and no panic.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use bellwether_check::file::{Case, load, save};
use bellwether_check::tensor::{Dtype, Named, Tensor};
use common::{Ran, TRACE, command, data, only_case, ran, run, trace};
use serde_json::json;
use tempfile::TempDir;

/// `check FILE` on the CPU, as text and as JSON: the same status and the same lines of error.
fn check(path: &Path) -> Ran {
    let args = ["check", "--backend", "cpu"].map(AsRef::as_ref);
    let text = run(args.into_iter().chain([path.as_os_str()]));
    let json = run(args.into_iter().chain(["--json".as_ref(), path.as_os_str()]));
    assert_eq!((json.status, json.errors()), (text.status, text.errors()));
    let object = json.json();
    assert!(object["verdict"].is_string() && object["cases"].is_array(), "{object}");
    let notes = object["notes"].as_array().expect("notes");
    for error in text.errors() {
        assert!(notes.iter().any(|note| note == error), "{error} stands among the notes: {object}");
    }
    text
}

/// The file is refused in one line, which says where and holds all of these words.
#[track_caller]
fn refused(path: &Path, words: &[&str]) {
    let ran = check(path);
    let [error] = ran.errors()[..] else { panic!("one line of error: {}", ran.stderr) };
    let start = format!("error: {}", path.display());
    assert!(error.starts_with(&start), "{error}\ndoes not start with the file");
    for word in words {
        assert!(error.contains(word), "{error}\nlacks {word}");
    }
    assert_eq!(ran.status, 2, "{error}");
    assert!(ran.stdout.contains("UNJUDGED"), "{}", ran.stdout);
}

/// A case in a file of its own.
struct Written {
    _folder: TempDir,
    path: PathBuf,
}

fn written(case: &Case) -> Written {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("bad.safetensors");
    save(&path, case, false).unwrap_or_else(|error| panic!("{error}"));
    Written { _folder: folder, path }
}

/// The changed bundled trace is refused.
#[track_caller]
fn trace_refused(change: impl FnOnce(&mut Case), words: &[&str]) {
    let mut case = trace();
    change(&mut case);
    refused(&written(&case).path, words);
}

/// Changes one input.
fn input(case: &mut Case, name: &str, change: impl FnOnce(&mut Tensor)) {
    let mut tensor = case.inputs.get(name).expect("an input").clone();
    change(&mut tensor);
    case.inputs.insert(name, tensor);
}

fn without(named: &Named, gone: &str) -> Named {
    named.iter().filter(|(name, _)| *name != gone).map(|(name, t)| (name.to_owned(), t.clone())).collect()
}

/// The first token that counts.
fn active(case: &Case) -> usize {
    case.inputs.get("labels").expect("labels").data.iter().position(|y| *y >= 0.0).expect("one counts")
}

#[test]
fn files_that_end_too_early() {
    let (folder, whole) = (TempDir::new().expect("a folder"), fs::read(data(TRACE)).expect("bundled"));
    let path = folder.path().join("short.safetensors");
    let lengths = [0, 3, 8, 9, 500, 1079, 1080, 1081, whole.len() / 2, whole.len() - 1];
    for length in lengths {
        fs::write(&path, &whole[..length]).expect("a folder of our own");
        refused(&path, &["truncated"]);
    }
    let path = folder.path().join("short.json");
    let golden = fs::read(data("golden.json")).expect("bundled");
    for length in [1, 40, 5000, golden.len() - 4] {
        fs::write(&path, &golden[..length]).expect("a folder of our own");
        refused(&path, &["truncated", "line "]);
    }
}

#[test]
fn places_without_a_case() {
    let folder = TempDir::new().expect("a folder");
    refused(folder.path(), &["a directory without .json or .safetensors files"]);
    refused(&folder.path().join("nowhere.safetensors"), &["cannot be read", "No such file"]);
    let path = folder.path().join("empty.json");
    fs::write(&path, "").expect("a folder of our own");
    refused(&path, &["the file is empty"]);
    let path = folder.path().join("model.safetensors");
    fs::write(&path, b"PK\x03\x04torch").expect("a folder of our own");
    refused(&path, &["torch.save"]);
}

#[test]
fn tensors_that_are_missing() {
    let missing = |name: &str, words: &[&str]| {
        trace_refused(|case| case.inputs = without(&case.inputs, name), &[words, &["is missing"]].concat());
    };
    missing("labels", &["`in.labels`"]);
    missing("ref_logps", &["`in.ref_logps`"]);
    missing("weight", &["`in.weight`"]);
    missing("hidden", &["in.hidden", "in.logits"]);
}

#[test]
fn tensors_of_another_type() {
    let retyped = |name: &str, dtype: Dtype, words: &[&str]| {
        let change = |case: &mut Case| {
            input(case, name, |t| {
                t.dtype = dtype;
                t.data.iter_mut().for_each(|x| *x = x.round());
            });
        };
        trace_refused(change, words);
    };
    retyped("labels", Dtype::F32, &["`in.labels` has dtype f32", "allowed: i64, i32"]);
    retyped("hidden", Dtype::I64, &["`in.hidden` has dtype i64", "allowed: f64, f32, f16, bf16"]);
    retyped("ref_logps", Dtype::I32, &["`in.ref_logps` has dtype i32"]);
}

#[test]
fn tensors_of_another_shape() {
    let cut = |t: &mut Tensor| {
        let width = t.row_len();
        t.data = t.data.chunks_exact(width).flat_map(|row| row[..width - 1].to_vec()).collect();
        *t.shape.last_mut().expect("dimensions") -= 1;
    };
    let words = ["`in.weight`", "[1024, 63]", "[1024, 64]", "`in.hidden`"];
    trace_refused(|case| input(case, "weight", cut), &words);
    let words = ["`in.ref_logps`", "[8, 50]", "[8, 51]", "`in.labels`"];
    trace_refused(|case| input(case, "ref_logps", cut), &words);
    let words = ["`in.ref_logps`", "[8, 51]", "[8, 50]", "`in.labels`"];
    trace_refused(|case| input(case, "labels", cut), &words);
    let words = ["`in.hidden`", "[1, 51, 64]", "[8, 51, 64]", "`in.labels`"];
    let first = |t: &mut Tensor| {
        t.shape[0] = 1;
        t.data.truncate(51 * 64);
    };
    trace_refused(|case| input(case, "hidden", first), &words);
    let odd = |case: &mut Case| {
        for name in ["labels", "hidden", "ref_logps"] {
            input(case, name, |t| {
                t.data.truncate(t.len() / 8 * 7);
                t.shape[0] = 7;
            });
        }
    };
    trace_refused(odd, &["in.labels", "7 rows", "even"]);
    let flat = |t: &mut Tensor| t.shape = vec![t.len()];
    trace_refused(|case| input(case, "labels", flat), &["in.labels", "[408]", "[2B, T]"]);
}

#[test]
fn numbers_out_of_range() {
    for label in [1024.0, -7.0] {
        let change = |case: &mut Case| {
            let at = active(case);
            input(case, "labels", |t| t.data[at] = label);
        };
        let at = active(&trace());
        let found = format!("element {at} is {label}");
        trace_refused(change, &["`in.labels`", &found, "0..1024", "-100"]);
    }
    let at = active(&trace());
    for (name, row, col, width) in [("hidden", at, 5, 64), ("weight", 1000, 63, 64), ("ref_logps", at, 0, 1)]
    {
        for value in [f64::NAN, f64::INFINITY] {
            let place = format!("row {row}, column {col}");
            let change = |case: &mut Case| input(case, name, |t| t.data[row * width + col] = value);
            trace_refused(change, &[&format!("`in.{name}` is {value}"), &place]);
        }
    }
}

#[test]
fn logits_that_are_no_numbers() {
    let golden = load(&data("golden.json")).unwrap_or_else(|error| panic!("{error}"));
    let mut case = golden.iter().find(|case| case.op == "logps.sequence").expect("bundled").clone();
    let width = case.inputs.get("logits").expect("logits").row_len();
    let row = case.inputs.get("labels").expect("labels").data.iter().skip(1).position(|y| *y >= 0.0);
    let row = row.expect("one counts");
    input(&mut case, "logits", |t| t.data[row * width + 2] = f64::NAN);
    refused(&written(&case).path, &["`in.logits` is NaN", &format!("row {row}, column 2")]);
}

#[test]
fn parameters_of_no_use() {
    let with = |name: &'static str, value: serde_json::Value| {
        move |case: &mut Case| drop(case.params.insert(name.into(), value))
    };
    trace_refused(with("bta", json!(0.1)), &["`dpo.sigmoid`", "no parameter `bta`", "beta"]);
    trace_refused(with("beta", json!(0)), &["beta is 0", "allowed is"]);
    trace_refused(with("beta", json!(-0.1)), &["beta is -0.1", "allowed is"]);
    trace_refused(with("beta", json!("0.1")), &["`beta` is \"0.1\"", "a number"]);
    trace_refused(with("label_smoothing", json!(0.5)), &["label_smoothing is 0.5", "allowed is"]);
    trace_refused(with("loss_type", json!("ipo")), &["`loss_type` is \"ipo\"", "sigmoid"]);
    trace_refused(with("layout", json!("interleaved")), &["`layout`", "rows 0..B chosen"]);
    trace_refused(with("reduction", json!("median")), &["`reduction`", "mean over pairs"]);
    trace_refused(with("reduction", json!("sum")), &["`reduction` is \"mean over pairs\", and \"sum\""]);
    trace_refused(with("ignore_index", json!(0.5)), &["`ignore_index` is 0.5", "an integer"]);
    let robust = |case: &mut Case| {
        case.op = "dpo.robust".into();
        case.params.insert("loss_type".into(), json!("robust"));
        case.params.insert("label_smoothing".into(), json!(0.5));
    };
    trace_refused(robust, &["label_smoothing is 0.5", "allowed is"]);
    let seven = Tensor::new(Dtype::F64, vec![7], vec![1.0; 7]).expect("seven");
    let weights = |name: &'static str, t: Tensor| move |case: &mut Case| case.cotangents.insert(name, t);
    trace_refused(weights("per_pair", seven.clone()), &["cotangent.per_pair", "loss"]);
    trace_refused(weights("loss", seven), &["cotangent.loss has 7 elements"]);
}

#[test]
fn an_unknown_operator_is_unjudged_by_name_and_an_error_where_it_is_alone() {
    let mut case = trace();
    case.op = "dpo.sigmod".into();
    let bad = written(&case);
    refused(&bad.path, &["unknown op `dpo.sigmod`"]);
    let ran = check(&bad.path);
    assert!(ran.stdout.contains("NOT JUDGED (1)") && ran.stdout.contains("unknown op `dpo.sigmod`"));
}

#[test]
fn one_bad_file_stops_no_other() {
    let bad = written(&Case { params: json!({"beta": 0}).as_object().expect("a map").clone(), ..trace() });
    let good = data(TRACE);
    let args = ["check", "--backend", "cpu", "--json"].map(AsRef::as_ref);
    let ran = run(args.into_iter().chain([bad.path.as_os_str(), good.as_os_str()]));
    assert_eq!((ran.status, ran.errors().len()), (2, 1), "{}", ran.stderr);
    assert_eq!(ran.json()["counts"], json!({"agrees": 2, "disagrees": 0, "unjudged": 0}));
}

#[test]
fn eval_says_the_same_and_writes_nothing() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("out.safetensors");
    let mut unknown = trace();
    unknown.op = "dpo.sigmod".into();
    let zero = Case { params: json!({"beta": 0}).as_object().expect("a map").clone(), ..trace() };
    for (case, word) in [(unknown, "unknown op `dpo.sigmod`"), (zero, "beta is 0")] {
        let bad = written(&case);
        for json in [false, true] {
            let mut eval = command(["eval"]);
            eval.arg(&bad.path).arg("-o").arg(&out).args(json.then_some("--json"));
            let ran = ran(&mut eval);
            let [error] = ran.errors()[..] else { panic!("one line: {}", ran.stderr) };
            assert!(ran.status == 2 && error.contains(word) && !out.exists(), "{error}");
            match json {
                true => assert!(error.ends_with(ran.json()["error"].as_str().expect("a text"))),
                false => assert_eq!(ran.stdout, ""),
            }
        }
    }
    assert_eq!(only_case(&data(TRACE)).op, "dpo.sigmoid");
}

/// What a driver prints is its own: with a GPU the command adds one line for one error.
#[test]
fn one_line_of_error_with_a_gpu_too() {
    let path = Path::new("nowhere.json");
    let ran = run(["check".as_ref(), path.as_os_str()]);
    assert_eq!((ran.status, ran.errors().len()), (2, 1), "{}", ran.stderr);
}
