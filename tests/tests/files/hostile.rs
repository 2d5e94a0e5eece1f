//! No bytes whatever bring the reader down.

use std::fs;

use bellwether_check::file::{Case, FileError, Named, load, save};
use bellwether_check::tensor::Dtype;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use crate::{dump, read, sample, tensor, write};

/// Both formats, small.
fn small(folder: &TempDir) -> [Vec<u8>; 2] {
    ["s.json", "s.safetensors"].map(|name| {
        let path = folder.path().join(name);
        let inputs = [("x", Dtype::F16), ("l", Dtype::I64)]
            .map(|(name, dtype)| (name.into(), tensor(dtype, &[2], &[1.0, 2.0])));
        let case = sample();
        save(
            &path,
            &Case {
                inputs: inputs.into_iter().collect(),
                grads: Named::default(),
                exact_grads: Named::default(),
                ..case
            },
            true,
        )
        .unwrap();
        fs::read(path).unwrap()
    })
}

#[test]
fn no_truncation_panics_and_none_passes() {
    let folder = TempDir::new().unwrap();
    for bytes in small(&folder) {
        for length in 0..bytes.len() {
            let path = write(&folder, "t.safetensors", &bytes[..length]);
            let error = load(&path).expect_err("a part is not the whole");
            let empty = length == 0 && matches!(error, FileError::UnknownFormat { .. });
            assert!(empty || matches!(error, FileError::Truncated { .. }), "{length}: {error}");
        }
    }
}

#[test]
fn no_changed_byte_panics() {
    let folder = TempDir::new().unwrap();
    for mut bytes in small(&folder) {
        for index in 0..bytes.len() {
            let old = bytes[index];
            for new in [b'9', 0xff, old ^ 1] {
                bytes[index] = new;
                let _ = load(&write(&folder, "m", &bytes));
            }
            bytes[index] = old;
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read("r", &bytes);
        let _ = read("r.safetensors", dump(&format!("{{{}}}", String::from_utf8_lossy(&bytes)), &bytes));
    }

    #[test]
    fn no_structure_panics(
        text in "[\\[{]([\\[\\]{},:]|\"(op|cases|inputs|x|dtype|shape|data|exact|outputs|f64|i64)\"|[0-9]|-|null){0,40}",
    ) {
        let _ = read("r", text);
    }

    #[test]
    fn no_header_panics(
        dtype in "(F64|F32|F16|BF16|I64|I32|U8|BOOL|F4)",
        shape in prop::collection::vec(any::<u64>().prop_map(|x| x >> (x % 64)), 0..4),
        offsets in any::<[u16; 2]>().prop_map(|pair| pair.map(|x| u64::from(x) >> (x % 16))),
        data in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let entry = json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
        let header = json!({"__metadata__": {"op": "o"}, "in.x": entry}).to_string();
        let _ = read("r", dump(&header, &data));
    }
}
