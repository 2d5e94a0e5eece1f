//! What is said about files and cases that are of no use.

use std::path::Path;

use bellwether_check::file::{Case, FileError, Named, load, warnings};
use bellwether_check::tensor::{BadElement, Dtype};

use crate::{dump, read, tensor};

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// Each of these files is an error that says so, naming the file, in one line.
fn are_told(bad: &[(Vec<u8>, &str)]) {
    for (bytes, part) in bad {
        let message = read("bad.bin", bytes).expect_err(part).to_string();
        assert!(message.contains(part) && message.contains("bad.bin"), "{message}\nlacks {part}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn bad_json_is_told() {
    are_told(&[
        (vec![], "not a known format: the file is empty"),
        (text("hello"), "not a known format: neither"),
        (text("PK\u{3}\u{4}..."), "torch.save"),
        (text(r#"{"format": "other/2", "cases": []}"#), r#"`format` is "other/2""#),
        (text("[1]"), "bad JSON in line 1"),
        (text("{\"op\": \"o\",\n\n nan}"), "bad JSON in line 3"),
        (text(r#"{"op": "o""#), "truncated: the JSON text ends"),
        (text(r#"{"id": "i"}"#), ": i: field `op` is missing"),
        (text(r#"{"op": "o"} x"#), "trailing"),
        (text(&format!(r#"{{"op": "o", "params": {{"a": {}"#, "[".repeat(100_000))), "recursion limit"),
        (text("[[1]]"), "invalid type: sequence, expected a case"),
        (text(&r#"{"cases":["#.repeat(10_000)), "recursion limit"),
    ]);
    assert!(read("x.safetensors", [8, 0, 0]).unwrap_err().to_string().contains("truncated: 3 bytes cannot"));
    assert!(
        load(Path::new("/nowhere/x")).unwrap_err().to_string().starts_with("/nowhere/x: cannot be read: ")
    );
}

#[test]
fn bad_tensors_in_json_are_told() {
    let with = |tensor: &str| text(&format!(r#"{{"op": "o", "inputs": {{"x": {tensor}}}}}"#));
    are_told(&[
        (
            with(r#"{"dtype": "f8", "shape": [1], "data": [1]}"#),
            "`inputs.x` has the unknown dtype `f8`; known are f64",
        ),
        (
            with(r#"{"dtype": "f64", "shape": [2, 2], "data": [1]}"#),
            "`inputs.x` has shape [2, 2] but 1 elements",
        ),
        (with(r#"{"dtype": "f64", "shape": [18446744073709551615, 2], "data": []}"#), "but 0 elements"),
        (with(r#"{"dtype": "f64", "shape": [-1], "data": []}"#), "bad JSON"),
        (with(r#"{"dtype": "f64", "shape": [1], "data": ["x"]}"#), "expected a number"),
        (
            with(r#"{"dtype": "i64", "shape": [2], "data": [0, 9007199254740993]}"#),
            "`inputs.x`: element 1 is 9007199254740992; allowed: integers of magnitude at most 2^53",
        ),
        (with(r#"{"dtype": "i64", "shape": [1], "data": [-9007199254740993]}"#), "at most 2^53"),
        (
            with(r#"{"dtype": "i32", "shape": [1], "data": [0.5]}"#),
            "element 0 is 0.5; allowed: integers from",
        ),
        (
            text(
                r#"{"op": "o", "inputs": {"x": {"dtype":"f64","shape":[],"data":[1]}, "x": {"dtype":"f64","shape":[],"data":[1]}}}"#,
            ),
            "`x` is given twice",
        ),
        (text(r#"{"op": "o", "exact": {"outputs": {"y": [1]}}}"#), "tensor `outputs.y` is missing"),
        (
            text(
                r#"{"op": "o", "outputs": {"y": {"dtype":"f64","shape":[2],"data":[1,2]}}, "exact": {"outputs": {"y": [1]}}}"#,
            ),
            "`exact.outputs.y` has shape [2] but 1 elements",
        ),
        (text(r#"{"op": "o", "accumulate": "f19"}"#), "bad parameter: `accumulate` is `f19`"),
    ]);
}

/// The header of a dump with one tensor.
fn entry(dtype: &str, shape: &str, last: u32) -> String {
    format!(
        r#"{{"__metadata__":{{"op":"o"}},"in.x":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{last}]}}}}"#
    )
}

#[test]
fn bad_headers_are_told() {
    let meta = |text: &str| dump(&format!(r#"{{"__metadata__":{{{text}}}}}"#), &[]);
    let behind =
        entry("U8", "[4]", 4).replace("}}", r#"},"y":{"dtype":"U8","shape":[],"data_offsets":[4,2]}}"#);
    are_told(&[
        (dump("{\"op\"", &[]), "bad safetensors header"),
        (dump("{}", &[]), "field `op` is missing"),
        (dump("{}", &[0]), "1 bytes follow the data"),
        (meta(r#""op": 3"#), "bad safetensors header: `__metadata__`"),
        (meta(r#""op": "o", "params": "{""#), "bad parameter: `params` is not JSON"),
        (meta(r#""op": "o", "params": "[]""#), "bad parameter: `params` is not a JSON object"),
        (
            dump(&entry("F32", "[2]", 8), &[0; 7]),
            "truncated: the data of tensor `in.x` end at byte 8, 7 are present",
        ),
        (dump(&entry("F32", "[3]", 8), &[0; 8]), "`in.x` has shape [3] but 2 elements"),
        (dump(&entry("F32", "[2]", 7), &[0; 7]), "`in.x` has shape [2] but 1 elements"),
        (dump(&entry("F32", "[1]", 7), &[0; 7]), "`in.x` has shape [1] but 1 elements"),
        (dump(&entry("F32", "[4611686018427387904, 4]", 0), &[]), "but 0 elements"),
        (dump(&entry("F8_E4M3", "[2]", 2), &[0; 2]), "unknown dtype `F8_E4M3`"),
        (dump(&entry("BOOL", "[2]", 2), &[1, 7]), "`in.x`: element 1 is 7; allowed: 0 or 1"),
        (dump(&entry("I64", "[1]", 8), &[1, 0, 0, 0, 0, 0, 0x20, 0]), "integers of magnitude at most 2^53"),
        (dump(&entry("F32", "[]", 4).replace("[0,4]", "[4,8]"), &[0; 8]), "bytes of tensor `in.x` are 4..8"),
        (dump(&entry("F32", "[]", 4).replace("[0,4]", "[4,0]"), &[0; 8]), "bytes of tensor `in.x` are 4..0"),
        (dump(&entry("a\\nb", "[]", 4), &[0; 4]), "unknown dtype `a\\nb`"),
        (dump(&behind, &[0; 4]), "bytes of tensor `y` are 4..2"),
        (b"\xff\xff\xff\xff\0\0\0\0{".to_vec(), "4294967295 bytes long, more than"),
        (b"\xff\xff\0\0\0\0\0\0{".to_vec(), "truncated: the header needs 65535 bytes, 1 are present"),
    ]);
}

#[test]
fn errors_about_a_case_name_place_and_tensor() {
    let case = Case { file: "d/f.json".into(), id: "c".into(), op: "dpo".into(), ..Case::default() };
    let bad = BadElement { index: 4, value: 0.5, allowed: "integers" };
    let messages = [
        (FileError::missing_tensor(&case, "in.w"), "tensor `in.w` is missing"),
        (
            FileError::wrong_dtype(&case, "in.w", Dtype::I64, &[Dtype::F64, Dtype::F32]),
            "tensor `in.w` has dtype i64; allowed: f64, f32",
        ),
        (
            FileError::shape_mismatch(&case, "in.w", &[2, 3], &[2], "in.l"),
            "tensor `in.w` has shape [2, 3], needed is [2] because of `in.l`",
        ),
        (
            FileError::non_finite(&case, "in.w", 2, 5, f64::NAN),
            "tensor `in.w` is NaN in the active position row 2, column 5",
        ),
        (FileError::bad_element(&case, "in.w", bad), "tensor `in.w`: element 4 is 0.5; allowed: integers"),
        (FileError::unknown_op(&case), "unknown op `dpo`"),
        (
            FileError::unknown_parameter(&case, "bta", &["beta", "tau"]),
            "op `dpo` has no parameter `bta`; it has: beta, tau",
        ),
        (FileError::bad_parameter(&case, "`beta` is\n-1"), "bad parameter: `beta` is\\n-1"),
    ];
    for (error, text) in messages {
        assert_eq!(error.to_string(), format!("d/f.json: c: {text}"));
    }
}

#[test]
fn cases_that_prove_nothing_are_told() {
    let named = |name: &str, tensor| [(name.to_owned(), tensor)].into_iter().collect::<Named>();
    let good = Case {
        inputs: named("x", tensor(Dtype::F32, &[2], &[1.0, 2.0])),
        outputs: named("y", tensor(Dtype::F32, &[2], &[1.0, 2.0])),
        grads: named("x", tensor(Dtype::F32, &[2], &[0.0, 2.0])),
        ..Case::default()
    };
    assert_eq!(warnings(&good), Vec::<String>::new());
    let said = |case: Case, part: &str| {
        let all = warnings(&case);
        assert!(all.len() == 1 && all[0].contains(part), "{all:?}");
    };
    for value in [0.5, f64::NAN] {
        said(
            Case { outputs: named("y", tensor(Dtype::F32, &[2], &[value; 2])), ..good.clone() },
            "output `y` is constant",
        );
    }
    said(Case { grads: Named::default(), ..good.clone() }, "no gradient");
    said(
        Case { grads: named("x", tensor(Dtype::F32, &[2], &[0.0, -0.0])), ..good.clone() },
        "gradient `x` is zero",
    );
    let mut row = Case { inputs: named("x", tensor(Dtype::F32, &[1, 2], &[1.0, 2.0])), ..good.clone() };
    row.inputs.insert("weight", tensor(Dtype::F32, &[3, 2], &[1.0; 6]));
    row.outputs = named("y", tensor(Dtype::F32, &[1], &[1.0]));
    said(row, "single row");
    let labels =
        Case { inputs: named("x", tensor(Dtype::I64, &[2], &[1.0, 2.0])), grads: Named::default(), ..good };
    assert_eq!(warnings(&labels), Vec::<String>::new());
}
