//! The command as a person or a script meets it: text, JSON, exit status, and what it says about the GPU.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use bellwether_check::file::{Case, save};
use bellwether_check::tensor::Named;
use bellwether_core::pair::presets;
use bellwether_core::registry::SPECS;
use common::{Ran, TRACE, command, data, only_case, ran, trace};
use serde_json::{Value, json};
use tempfile::TempDir;

fn run<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    ran(&mut command(args))
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap_or_else(|| panic!("an object: {object}")).keys().map(String::as_str).collect()
}

fn set<const N: usize>(names: [&'static str; N]) -> BTreeSet<&'static str> {
    names.into()
}

/// The object that `check` and `verify` print has the documented keys, and its counts are those of its cases.
fn is_a_report(object: &Value) {
    assert_eq!(keys(object), set(["verdict", "counts", "cases", "notes"]));
    assert_eq!(keys(&object["counts"]), set(["agrees", "disagrees", "unjudged"]));
    let cases = object["cases"].as_array().expect("cases");
    for verdict in ["agrees", "disagrees", "unjudged"] {
        let count = cases.iter().filter(|case| case["verdict"] == verdict).count();
        assert_eq!(object["counts"][verdict], count, "{verdict}");
    }
    for case in cases {
        assert_eq!(keys(case), set(["file", "id", "op", "backend", "verdict", "outputs", "why"]));
        for output in case["outputs"].as_array().expect("outputs") {
            assert_eq!(keys(output), set(["name", "worst", "bound", "ulps", "row"]));
        }
    }
}

/// What the first and the last line say about the GPU: the device, or that none was judged.
fn headline(ran: &Ran) -> &str {
    let line = ran.first_line();
    assert!(line.starts_with("GPU: ") || line.starts_with("NO GPU WAS JUDGED: "), "{}", ran.stdout);
    assert_eq!(ran.last_line(), line, "first and last line say the same: {}", ran.stdout);
    line
}

/// The command where the Vulkan loader finds no driver.
fn without_gpu(args: &[&str]) -> Command {
    let mut command = command(args);
    let nowhere = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].map(|name| (name, "/nonexistent"));
    command.envs(nowhere).env("LIBGL_DRIVERS_PATH", "/nonexistent");
    command
}

fn bundled() -> String {
    data(TRACE).display().to_string()
}

#[test]
fn without_arguments_it_judges_a_real_step() {
    let text = run::<&str>([]);
    assert_eq!((text.status, text.errors()), (0, vec![]), "{}", text.stdout);
    headline(&text);
    let parts = [
        "A real training step: dpo.sigmoid",
        "152 tokens",
        "token log-probs",
        "gradient of weight",
        "AGREES: ",
    ];
    for part in parts {
        assert!(text.stdout.contains(part), "{part}: {}", text.stdout);
    }
}

#[test]
fn without_arguments_but_with_json() {
    let json = run(["--json", "--backend", "cpu"]);
    assert_eq!(json.status, 0);
    let report = json.json();
    is_a_report(&report);
    let ops: BTreeSet<_> = report["cases"].as_array().unwrap().iter().map(|c| c["op"].as_str()).collect();
    assert!(
        ops.contains(&Some("dpo.sigmoid")) && SPECS.iter().all(|s| ops.contains(&Some(s.slug))),
        "{ops:?}"
    );
    assert!(report["notes"].to_string().contains("NO GPU WAS JUDGED"));
}

#[test]
fn the_absence_of_a_gpu_is_said_first_and_last_and_fails_nothing() {
    let file = bundled();
    for args in [&["check", &file][..], &["verify", "--op", "pair/square"]] {
        let cpu = run(args.iter().chain(&["--backend", "cpu"]));
        assert_eq!((cpu.status, cpu.errors()), (0, vec![]));
        assert!(headline(&cpu).contains("--backend cpu"), "{}", cpu.stdout);
        let none = ran(&mut without_gpu(args));
        assert_eq!((none.status, none.errors()), (0, vec![]), "{}", none.stdout);
        assert!(headline(&none).starts_with("NO GPU WAS JUDGED: "), "{}", none.stdout);
        let json = ran(without_gpu(args).arg("--json"));
        assert_eq!(json.status, 0);
        assert!(json.json()["notes"].to_string().contains("NO GPU WAS JUDGED"), "{}", json.stdout);
    }
    let none = ran(&mut without_gpu(&[]));
    assert_eq!(none.status, 0);
    assert!(headline(&none).starts_with("NO GPU WAS JUDGED: "), "{}", none.stdout);
}

#[test]
fn a_gpu_that_is_asked_for_by_name_must_be_there() {
    let file = bundled();
    for args in
        [&["check", &file, "--backend", "gpu"][..], &["verify", "--op", "pair/square", "--backend", "gpu"]]
    {
        let none = ran(&mut without_gpu(args));
        assert_eq!((none.status, none.errors().len()), (2, 1), "{}", none.stderr);
        headline(&none);
    }
    let none = run(["check", &file, "--device", "no such card"]);
    assert_eq!((none.status, none.errors().len()), (2, 1), "{}", none.stderr);
    assert!(none.errors()[0].contains("no such card"), "{}", none.stderr);
}

#[test]
fn check_tells_all_three_verdicts_by_its_status() {
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str, change: fn(&mut Case)| {
        let (path, mut case) = (folder.path().join(name), trace());
        change(&mut case);
        save(&path, &case, false).unwrap_or_else(|error| panic!("{error}"));
        path.display().to_string()
    };
    let wrong = file("wrong.safetensors", |case| {
        let mut loss = case.outputs.get("loss_f64").expect("bundled").clone();
        loss.data[0] *= 1.0001;
        case.outputs.insert("loss_f64", loss);
    });
    let unknown = file("unknown.safetensors", |case| case.op = "mine".into());
    for (files, status, verdict) in [
        (&[&bundled()][..], 0, "agrees"),
        (&[&wrong], 1, "disagrees"),
        (&[&unknown], 2, "unjudged"),
        (&[&unknown, &bundled()], 0, "agrees"),
        (&[&unknown, &wrong, &bundled()], 1, "disagrees"),
    ] {
        let args = ["check", "--backend", "cpu"].into_iter().chain(files.iter().map(|f| f.as_str()));
        let text = run(args.clone());
        let json = run(args.chain(["--json"]));
        assert_eq!((text.status, json.status), (status, status), "{files:?}");
        assert!(text.stdout.contains(&format!("{}: ", verdict.to_uppercase())), "{}", text.stdout);
        headline(&text);
        let report = json.json();
        is_a_report(&report);
        assert_eq!(report["verdict"], verdict);
    }
}

#[test]
fn check_says_what_it_did_not_check() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("more.safetensors");
    let mut case = trace();
    let loss = case.outputs.get("loss").expect("bundled").clone();
    case.outputs.insert("perplexity", loss.clone());
    case.grads.insert("bias", loss);
    let mask = case.inputs.get("labels").expect("bundled").clone();
    case.inputs.insert("completion_mask", mask);
    save(&path, &case, false).unwrap_or_else(|error| panic!("{error}"));
    let args = ["check", "--backend", "cpu", path.to_str().expect("text")];
    let text = run(args);
    assert_eq!(text.status, 0);
    let told = ["not checked: out.perplexity, grad.bias", "not read: in.completion_mask"];
    let joined = text.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.iter().all(|line| joined.contains(line)), "{}", text.stdout);
    let notes = run(args.into_iter().chain(["--json"])).json()["notes"].to_string();
    assert!(told.iter().all(|line| notes.contains(line)), "{notes}");
}

#[test]
fn verify_judges_what_it_is_told_to() {
    let args = ["verify", "--op", "pair/*", "--case", "*", "--backend", "cpu"];
    let text = run(args);
    assert_eq!(text.status, 0, "{}", text.stdout);
    headline(&text);
    let json = run(args.into_iter().chain(["--json"]));
    let report = json.json();
    is_a_report(&report);
    let cases = report["cases"].as_array().expect("cases");
    assert!(!cases.is_empty() && cases.iter().all(|c| c["op"].as_str().unwrap().starts_with("pair/")));
    let none = run(["verify", "--op", "nothing", "--backend", "cpu"]);
    assert_eq!(none.status, 2);
    assert!(none.stdout.contains("no case matches --op nothing"), "{}", none.stdout);
}

#[test]
fn verify_runs_on_the_gpu() {
    let text = run(["verify", "--op", "pair/square"]);
    assert_eq!(text.status, 0, "{}", text.stdout);
    if headline(&text).starts_with("NO GPU") {
        assert_ne!(std::env::var("BELLWETHER_REQUIRE_GPU").as_deref(), Ok("1"), "{}", text.first_line());
        println!("SKIPPED, no GPU");
        return;
    }
    for rig in ["exclusive default", "exclusive hostile", "pooled default", "pooled hostile"] {
        assert!(text.stdout.contains(&format!("gpu {rig}")), "{rig}: {}", text.stdout);
    }
}

#[test]
fn eval_writes_what_check_agrees_with() {
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let bare = Case { outputs: Named::default(), grads: Named::default(), ..trace() };
    save(path("bare.safetensors").as_ref(), &bare, false).unwrap_or_else(|error| panic!("{error}"));
    let unjudged = run(["check", "--backend", "cpu", &path("bare.safetensors")]);
    assert_eq!(unjudged.status, 0);
    let whole = unjudged.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(whole.contains("the file holds no output"), "nothing of the file is judged: {whole}");
    for ending in ["safetensors", "json"] {
        let out = path(&format!("out.{ending}"));
        let eval = ["eval", &path("bare.safetensors"), "-o", &out];
        let text = run(eval);
        assert_eq!((text.status, text.errors()), (0, vec![]), "{}", text.stderr);
        assert!(text.stdout.contains(&out) && text.stdout.contains("token_logps"), "{}", text.stdout);
        let check = run(["check", "--backend", "cpu", "--json", &out]);
        assert_eq!(check.status, 0, "{}", check.stdout);
        let report = check.json();
        let names: Vec<_> =
            report["cases"][0]["outputs"].as_array().unwrap().iter().map(|o| o["name"].clone()).collect();
        for name in ["out.loss", "out.per_pair", "out.token_logps", "grad.hidden", "grad.weight"] {
            assert!(names.contains(&json!(name)), "{name}: {names:?}");
        }
        let before = fs::read(&out).expect("it was written");
        let again = run(eval);
        assert_eq!((again.status, again.errors().len()), (2, 1), "{}", again.stderr);
        assert!(again.errors()[0].contains("exists already"), "{}", again.stderr);
        assert_eq!(fs::read(&out).expect("it is kept"), before);
        let forced = run(eval.into_iter().chain(["--force", "--json"]));
        assert_eq!((forced.status, forced.errors()), (0, vec![]));
        let object = forced.json();
        assert_eq!(keys(&object), set(["op", "outputs", "grads", "written"]));
        assert_eq!(object["grads"], json!(["hidden", "weight"]));
    }
    // What the bundled trace says is what eval says.
    let (theirs, ours) = (trace(), only_case(path("out.safetensors").as_ref()));
    let (a, b) = (theirs.outputs.get("token_logps").unwrap(), ours.outputs.get("token_logps").unwrap());
    assert_eq!(a.shape, b.shape);
    assert!(a.data.iter().zip(&b.data).all(|(x, y)| (x - y).abs() <= 1e-12 * y.abs()));
}

#[test]
fn every_operator_and_every_named_method_has_a_page() {
    let (text, json) = (run(["ops"]), run(["ops", "--json"]));
    let list = json.json();
    assert_eq!((text.status, json.status), (0, 0));
    assert_eq!(keys(&list), set(["ops", "presets"]));
    assert_eq!(list["ops"].as_array().map(Vec::len), Some(SPECS.len()));
    for spec in SPECS {
        assert!(text.stdout.contains(spec.slug) && text.stdout.contains(spec.title));
        let page = run(["ops", spec.slug]);
        assert_eq!((page.status, page.errors()), (0, vec![]));
        let whole = [spec.formula, spec.signature.name()];
        let parts = spec.params.iter().flat_map(|p| [p.name, p.doc, p.range]).chain(whole);
        parts.chain(spec.papers.iter().map(|p| p.id)).for_each(|part| {
            assert!(page.stdout.contains(part), "{}: {part}", spec.slug);
        });
        let object = run(["ops", spec.slug, "--json"]).json();
        assert_eq!(object["slug"], spec.slug);
        assert_eq!(keys(&object), set(["slug", "title", "signature", "formula", "params", "papers"]));
    }
    for preset in presets::ALL {
        assert!(text.stdout.contains(preset.slug));
        let page = run(["ops", preset.slug]);
        assert_eq!((page.status, page.errors()), (0, vec![]));
        assert!(
            page.stdout.contains(preset.paper.id) && page.stdout.contains(preset.link),
            "{}",
            preset.slug
        );
        let object = run(["ops", preset.slug, "--json"]).json();
        assert!(!SPECS.iter().any(|s| s.slug == preset.slug), "{} names two things", preset.slug);
        assert_eq!(object["slug"], preset.slug);
    }
    for json in [false, true] {
        let unknown = ran(command(["ops", "pair/dpoo"]).args(json.then_some("--json")));
        assert_eq!(unknown.status, 2);
        assert!(unknown.errors()[0].contains("unknown op `pair/dpoo`") && unknown.errors().len() == 1);
        assert!(!json || unknown.json()["error"].is_string());
    }
}

#[test]
fn devices_are_listed_or_said_to_be_absent() {
    let (text, json) = (run(["devices"]), run(["devices", "--json"]));
    assert_eq!((text.status, json.status, text.errors().len()), (0, 0, 0));
    let object = json.json();
    assert_eq!(keys(&object), set(["devices"]));
    for device in object["devices"].as_array().expect("devices") {
        assert_eq!(keys(device), set(["index", "name", "backend", "type", "driver", "driver_info"]));
        assert!(text.stdout.contains(device["name"].as_str().expect("a name")));
    }
    let none = ran(&mut without_gpu(&["devices"]));
    assert_eq!(none.status, 0);
    assert!(none.stdout.starts_with("no GPU device found"), "{}", none.stdout);
}

#[test]
fn bad_arguments_are_refused() {
    for args in [&["check"][..], &["frobnicate"], &["check", "x", "--backend", "tpu"], &["eval", "x"]] {
        let bad = run(args);
        assert_eq!((bad.status, bad.stdout.as_str()), (2, ""), "{args:?}");
        assert!(bad.stderr.starts_with("error: "), "{}", bad.stderr);
    }
    assert_eq!((run(["--help"]).status, run(["--version"]).status), (0, 0));
}

/// A reader that goes away, as `head` does: at once, and after the first line.
#[test]
fn standard_output_may_close_early() {
    let file = bundled();
    let check = ["check", "--backend", "cpu", &file];
    for args in [&["ops"][..], &["ops", "--json"], &check, &["--help"], &["devices"]] {
        for lines in [0, 1] {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            let mut child = command(args).stdout(writer).stderr(Stdio::piped()).spawn().expect("it is built");
            let mut reader = BufReader::with_capacity(16, reader);
            let mut first = String::new();
            (0..lines).for_each(|_| assert!(reader.read_line(&mut first).is_ok()));
            drop(reader);
            let mut stderr = String::new();
            child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
            let status = child.wait().expect("it ends");
            let panicked = stderr.contains("panicked") || status.code() == Some(101);
            assert!(!panicked && status.code().is_some(), "{args:?}: {status} {stderr}");
        }
    }
}
