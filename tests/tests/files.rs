//! The file formats: what is read, what is written, and that no bytes whatever bring the reader down.

#[path = "files/errors.rs"]
mod errors;
#[path = "files/hostile.rs"]
mod hostile;

use std::fs;
use std::path::{Path, PathBuf};

use bellwether_check::file::{Case, FileError, Named, files, load, load_within, memory_limit, save};
use bellwether_check::tensor::{Dtype, Tensor};
use serde_json::json;
use tempfile::TempDir;

const GOLDEN: &str = r#"{"format": "bellwether-cases/1", "family": "t", "seed": 0, "peers": {"x": "1"}, "cases": [
{"id": "a#0", "op": "dpo.sigmoid", "source": "me", "params": {"beta": 0.1, "acc_dtype": "f32", "off": null},
 "inputs": {"w": {"dtype": "f64", "shape": [2, 1], "data": [-3.6822832101289324, 2]},
            "labels": {"dtype": "i64", "shape": [2], "data": [-100, 9007199254740992]},
            "mask": {"dtype": "bool", "shape": [2], "data": [true, 0]}},
 "outputs": {"loss": {"dtype": "f32", "shape": [], "data": [0.1]},
             "per": {"dtype": "f64", "shape": [2, 1], "data": ["nan", "-inf"]}},
 "cotangents": {"loss": {"dtype": "f64", "shape": [], "data": [1]}},
 "grads": {"w": {"dtype": "f64", "shape": [2, 1], "data": ["inf", 1e-310]}},
 "exact": {"outputs": {"per": [1, 2]}, "grads": {"w": [3, 4]}},
 "tags": ["hazard"], "note": "n", "reduction": "mean over pairs", "peer_deviation": 1e-16, "naive_f32": {"per": [1]},
 "inptus": {}},
{"op": "dpo.ipo"}]}"#;

fn write(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// Loads `bytes` as a file of that name.
fn read(name: &str, bytes: impl AsRef<[u8]>) -> Result<Vec<Case>, FileError> {
    let folder = TempDir::new().unwrap();
    load(&write(&folder, name, bytes))
}

fn tensor(dtype: Dtype, shape: &[usize], data: &[f64]) -> Tensor {
    Tensor::new(dtype, shape.to_vec(), data.to_vec()).unwrap()
}

/// A safetensors file from its header and data.
fn dump(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A case with a tensor of every type, and values that are hard to write down.
fn sample() -> Case {
    let hard = [0.1, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, f64::MAX, -3.6822832101289324];
    let named = |name: &str, tensor| [(name.to_owned(), tensor)].into_iter().collect::<Named>();
    let mut inputs = named("hard", tensor(Dtype::F64, &[2, 4], &hard));
    for dtype in Dtype::ALL {
        inputs.insert(dtype.name(), tensor(dtype, &[3], &[0.0, 1.0, 1.0]));
    }
    Case {
        id: "x".into(),
        op: "pair/dpo".into(),
        source: "me".into(),
        params: json!({"beta": 0.30000000000000004, "name": "é"}).as_object().unwrap().clone(),
        inputs,
        outputs: named("loss", tensor(Dtype::F16, &[], &[0.5])),
        cotangents: named("loss", tensor(Dtype::F64, &[], &[1.0])),
        grads: named("hard", tensor(Dtype::F32, &[2, 0], &[])),
        exact_outputs: named("loss", tensor(Dtype::F64, &[], &[0.5])),
        exact_grads: named("hard", tensor(Dtype::F64, &[2, 0], &[])),
        tags: vec!["hazard".into()],
        note: Some("n".into()),
        reduction: Some("sum".into()),
        accumulation: Some(Dtype::Bf16),
        meta: [("step".to_owned(), "3".to_owned()), ("format".to_owned(), "trace/1".to_owned())].into(),
        ..Case::default()
    }
}

#[test]
fn a_golden_file_is_read_whole() {
    let cases = read("g.json", GOLDEN).unwrap();
    assert_eq!(cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), ["a#0", "case 1"]);
    let case = &cases[0];
    assert_eq!((case.op.as_str(), case.source.as_str()), ("dpo.sigmoid", "me"));
    assert_eq!(case.params["off"], json!(null));
    assert_eq!(case.inputs.get("w").unwrap().shape, [2, 1]);
    assert_eq!(case.inputs.get("labels").unwrap().data, [-100.0, 9007199254740992.0]);
    assert_eq!(case.inputs.get("mask").unwrap().to_i32().unwrap(), [1, 0]);
    assert_eq!(case.outputs.get("loss"), Some(&tensor(Dtype::F32, &[], &[f64::from(0.1f32)])));
    assert!(case.outputs.get("per").unwrap().data[0].is_nan());
    assert_eq!(case.grads.get("w").unwrap().data, [f64::INFINITY, 1e-310]);
    assert_eq!(case.exact_outputs.get("per"), Some(&tensor(Dtype::F64, &[2, 1], &[1.0, 2.0])));
    assert_eq!(case.exact_grads.get("w"), Some(&tensor(Dtype::F64, &[2, 1], &[3.0, 4.0])));
    assert_eq!((case.tags.as_slice(), case.note.as_deref()), (&["hazard".to_owned()][..], Some("n")));
    assert_eq!((case.reduction.as_deref(), case.accumulation), (Some("mean over pairs"), Some(Dtype::F32)));
    assert_eq!(case.meta["peer_deviation"].parse(), Ok(1e-16));
    assert!(case.warnings.iter().any(|warning| warning.contains("`inptus`")), "{:?}", case.warnings);
}

#[test]
fn decimals_are_read_to_the_last_bit() {
    let data = [-3.6822832101289324, 1.7976931348623157e308, 2.225073858507201e-308, 0.6576043473453546];
    let text = json!({"op": "o", "inputs": {"x": {"dtype": "f64", "shape": [4], "data": data}}}).to_string();
    let needs = "serde_json needs its feature `float_roundtrip`";
    assert_eq!(read("c.json", text).unwrap()[0].inputs.get("x").unwrap().data, data, "{needs}");
}

#[test]
fn one_case_a_list_and_a_byte_order_mark_are_read() {
    let one = r#"{"op": "o", "params": {"reduction": "sum"}}"#;
    let case = &read("one.json", one).unwrap()[0];
    assert_eq!((case.id.as_str(), case.reduction.as_deref()), ("one", Some("sum")));
    assert_eq!(case.place(), case.file);
    assert_eq!(read("two.txt", format!("\u{feff} [{one}, {one}]")).unwrap().len(), 2);
    assert_eq!(read("none.json", "[]"), Ok(vec![]));
}

#[test]
fn both_formats_give_back_the_same_case() {
    let (folder, case) = (TempDir::new().unwrap(), sample());
    for name in ["x.json", "x.safetensors"] {
        let path = folder.path().join(name);
        save(&path, &case, false).unwrap();
        let [back] = &load(&path).unwrap()[..] else { panic!("one case") };
        for (group, own) in [
            (&back.inputs, &case.inputs),
            (&back.outputs, &case.outputs),
            (&back.grads, &case.grads),
            (&back.cotangents, &case.cotangents),
            (&back.exact_outputs, &case.exact_outputs),
            (&back.exact_grads, &case.exact_grads),
        ] {
            assert_eq!(group.len(), own.len());
            for (name, tensor) in own.iter() {
                let read = group.get(name).unwrap();
                assert_eq!((read.dtype, &read.shape), (tensor.dtype, &tensor.shape), "{name}");
                let bits = |tensor: &Tensor| tensor.data.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(read), bits(tensor), "{name}");
            }
        }
        let rest = |case: &Case| {
            let none = Named::default;
            let file = String::new();
            let case = Case { inputs: none(), outputs: none(), grads: none(), file, ..case.clone() };
            Case { cotangents: none(), exact_outputs: none(), exact_grads: none(), warnings: vec![], ..case }
        };
        assert_eq!(rest(back), rest(&case), "{name}");
        let bytes = fs::read(&path).unwrap();
        save(&path, &case, true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes, "the same case gives the same bytes");
    }
}

#[test]
fn the_safetensors_crate_reads_our_dumps_and_we_read_its() {
    let (folder, case) = (TempDir::new().unwrap(), sample());
    let path = folder.path().join("x.safetensors");
    save(&path, &case, false).unwrap();
    let bytes = fs::read(&path).unwrap();
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(theirs.len(), 14);
    assert_eq!(theirs.tensor("in.i32").unwrap().data(), [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(theirs.tensor("in.bf16").unwrap().data(), [0, 0, 0x80, 0x3f, 0x80, 0x3f]);
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["op"], "pair/dpo");
    let aligned = |info: &safetensors::tensor::TensorInfo| {
        (info.data_offsets.0 * 8).is_multiple_of(info.dtype.bitsize())
    };
    assert!(header.tensors().values().all(|info| aligned(info)), "elements are aligned");
    let mut tensors = theirs.tensors();
    tensors.push(("stray".into(), theirs.tensor("in.f32").unwrap()));
    let meta = [("op", "o"), ("params", r#"{"reduction": "sum"}"#), ("accumulate", "float16"), ("step", "1")];
    let meta = meta.map(|(key, text)| (key.to_owned(), text.to_owned()));
    let case =
        &read("y.safetensors", safetensors::serialize(tensors, Some(meta.into())).unwrap()).unwrap()[0];
    assert_eq!((case.id.as_str(), case.op.as_str(), case.meta["step"].as_str()), ("y", "o", "1"));
    assert_eq!((case.reduction.as_deref(), case.accumulation), (Some("sum"), Some(Dtype::F16)));
    assert_eq!(case.inputs.get("bf16").unwrap().data, [0.0, 1.0, 1.0]);
    assert!(case.warnings.iter().any(|warning| warning.contains("`stray`")));
}

#[test]
fn a_file_larger_than_memory_is_an_error_with_both_sizes() {
    let (folder, case) = (TempDir::new().unwrap(), sample());
    for name in ["x.json", "x.safetensors"] {
        let path = folder.path().join(name);
        save(&path, &case, false).unwrap();
        let message = load_within(&path, Some(1000)).unwrap_err().to_string();
        assert!(
            message.contains("too large: needs ") && message.ends_with(", 1000 are available"),
            "{message}"
        );
        load_within(&path, Some(1 << 20)).unwrap();
    }
    // One byte in the file, eight in memory: the limit counts the latter.
    let header =
        r#"{"__metadata__":{"op":"o"},"in.x":{"dtype":"U8","shape":[9999],"data_offsets":[0,9999]}}"#;
    let path = write(&folder, "u.safetensors", dump(header, &[0; 9999]));
    let error = load_within(&path, Some(79_991)).unwrap_err();
    assert_eq!(
        error,
        FileError::TooLarge { at: path.display().to_string(), needed: 79_992, available: 79_991 }
    );
    assert_eq!(load_within(&path, Some(79_992)).unwrap().len(), 1);
    assert!(!cfg!(target_os = "linux") || memory_limit().is_some_and(|bytes| bytes > 1 << 20));
}

#[test]
fn a_directory_is_read_in_order() {
    let folder = TempDir::new().unwrap();
    assert!(load(folder.path()).unwrap_err().to_string().contains("a directory without"));
    fs::create_dir(folder.path().join("b")).unwrap();
    for name in ["c.json", "b/z.json", "a.json", "ignored.txt"] {
        write(&folder, name, r#"{"op": "o"}"#);
    }
    let ids = load(folder.path()).unwrap().into_iter().map(|case| case.id);
    assert_eq!(ids.collect::<Vec<_>>(), ["a", "z", "c"]);
    assert_eq!(files(folder.path()).unwrap().len(), 3);
}

#[test]
fn nothing_is_overwritten_unasked_and_a_failure_leaves_nothing() {
    let (folder, case) = (TempDir::new().unwrap(), sample());
    let path = write(&folder, "x.json", "mine");
    assert!(matches!(save(&path, &case, false), Err(FileError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    save(&path, &case, true).unwrap();
    assert_eq!(load(&path).unwrap().len(), 1);
    let mut broken = case.clone();
    broken.inputs.insert("y", Tensor { dtype: Dtype::U8, shape: vec![2], data: vec![1.0, 300.0] });
    let message = save(&folder.path().join("y.json"), &broken, false).unwrap_err().to_string();
    assert!(message.contains("`in.y`: element 1 is 300"), "{message}");
    broken.inputs.insert("y", Tensor { dtype: Dtype::U8, shape: vec![3], data: vec![1.0] });
    assert!(matches!(save(&path, &broken, true), Err(FileError::DataLength { .. })));
    assert!(matches!(save(&folder.path().join("z.txt"), &case, false), Err(FileError::UnknownFormat { .. })));
    assert!(matches!(save(&folder.path().join("no/z.json"), &case, true), Err(FileError::Write { .. })));
    fs::create_dir(folder.path().join("d.json")).unwrap();
    assert!(matches!(save(&folder.path().join("d.json"), &case, true), Err(FileError::Write { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// The golden cases and traces, where this checkout has them.
fn oracle() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = std::env::var_os("BELLWETHER_ORACLE").map(PathBuf::from);
    let places = [named, Some(root.join("../shared/oracle")), Some(root.join("../../shared/oracle"))];
    places.into_iter().flatten().find(|path| path.is_dir())
}

#[test]
fn the_oracle_is_read_as_it_is() {
    let Some(oracle) = oracle() else {
        eprintln!("no oracle here: not checked");
        return;
    };
    let cases = load(&oracle.join("cases")).unwrap();
    assert!(cases.len() > 3000 && cases.iter().filter(|case| !case.exact_outputs.is_empty()).count() > 300);
    assert!(cases.iter().all(|case| !case.warnings.iter().any(|warning| warning.contains("ignored"))));
    let traces = load(&oracle.join("traces")).unwrap();
    for trace in &traces {
        assert!(trace.op.starts_with("dpo.") && trace.reduction.as_deref() == Some("mean over pairs"));
        assert_eq!((trace.inputs.len(), trace.outputs.len(), trace.grads.len()), (5, 4, 3));
        assert_eq!(trace.inputs.get("logits").unwrap().row_len(), 1024);
        assert_eq!((trace.warnings.as_slice(), trace.meta["vocab"].as_str()), (&[][..], "1024"));
    }
    let curve = load(&oracle.join("curves")).unwrap_err();
    assert!(matches!(curve, FileError::MissingField { .. }), "{curve}");
}
