//! Every kernel in every language, and the dialects that the crate makes itself.
#![cfg(feature = "naga")]

use bellwether_core::Storage;
use bellwether_shaders::translate::Module;
use bellwether_shaders::{Dialect, Role, SOURCES};

#[test]
fn every_kernel_translates_in_every_dialect() {
    for source in SOURCES {
        let stored = [Storage::F16, Storage::Bf16].map(|storage| Dialect::POOLED.stored(storage));
        for dialect in Dialect::ALL.into_iter().chain(stored) {
            let label = format!("{} {} {dialect:?}", source.op, source.kernel);
            let module = Module::new(source, dialect).unwrap_or_else(|e| panic!("{label}: {e}"));
            let spirv = module.spirv().unwrap_or_else(|e| panic!("{label}: {e}"));
            assert_eq!(spirv[0], 0x0723_0203, "{label}: no SPIR-V");
            let msl = module.msl().unwrap_or_else(|e| panic!("{label}: {e}"));
            let hlsl = module.hlsl().unwrap_or_else(|e| panic!("{label}: {e}"));
            let glsl = module.glsl().unwrap_or_else(|e| panic!("{label}: {e}"));
            for i in 0..source.bindings.len() {
                assert!(msl.contains(&format!("[[buffer({i})]]")), "{label}: MSL lacks buffer {i}");
                assert!(glsl.contains(&format!("binding = {i})")), "{label}: GLSL lacks binding {i}");
            }
            assert!(hlsl.contains("numthreads"), "{label}: HLSL");
        }
    }
}

#[test]
fn a_dialect_changes_declarations_and_nothing_else() {
    for source in SOURCES {
        assert_eq!(source.in_dialect(Dialect::EXCLUSIVE), source.text);
        let pooled = source.in_dialect(Dialect::POOLED);
        let changed = source.text.lines().zip(pooled.lines()).filter(|(a, b)| a != b).count();
        let read = source
            .bindings
            .iter()
            .filter(|b| matches!(b.role, Role::Input | Role::Wide | Role::Words))
            .count();
        assert_eq!(changed, read, "{} {}", source.op, source.kernel);
        let half = source.in_dialect(Dialect::EXCLUSIVE.stored(Storage::F16));
        let changed = source.text.lines().zip(half.lines()).filter(|(a, b)| a != b).count();
        let wide = source.text.contains("bw_unpack(");
        assert_eq!(changed, usize::from(wide), "{} {}", source.op, source.kernel);
    }
}
