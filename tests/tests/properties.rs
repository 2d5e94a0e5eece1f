//! Metamorphic properties of every operator that names some, on the CPU in f32 and on the GPU.

#[path = "common/gpu.rs"]
mod common;

use std::collections::BTreeMap;

use bellwether_check::mutants;
use bellwether_check::problem::Backend;
use bellwether_check::properties::LIST;
use bellwether_check::rig::{Mode, Rig};
use bellwether_gpu::Dialect;

fn hold(backends: &[Backend<'_>]) {
    let mut broken = Vec::new();
    for (slug, properties) in LIST {
        for (name, check) in *properties {
            for backend in backends {
                if let Err(why) = check(*backend) {
                    broken.push(format!("{slug}: {name} on {}: {why}", backend.name()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn on_the_cpu() {
    hold(&[Backend::CpuF32]);
}

#[test]
fn on_the_gpu() {
    let Some(context) = common::context() else { return };
    let rigs = Rig::all(&context);
    hold(&rigs.iter().map(Backend::Gpu).collect::<Vec<_>>());
}

/// Broken kernels break properties: one that no mutant of any operator breaks would prove nothing.
#[test]
fn every_property_can_fail() {
    let Some(context) = common::context() else { return };
    let rig = Rig::new(&context, Dialect::EXCLUSIVE, Mode::Default);
    let mutants = mutants::all();
    let mut broken = BTreeMap::<&str, usize>::new();
    for (slug, properties) in LIST {
        let rigs: Vec<_> = mutants.iter().filter(|m| m.op == *slug).map(|m| rig.with_edit(m.edit)).collect();
        for (name, check) in *properties {
            let noticed = rigs.iter().filter(|rig| check(Backend::Gpu(rig)).is_err()).count();
            *broken.entry(name).or_default() += noticed;
        }
    }
    println!("mutants that break each property: {broken:#?}");
    let idle: Vec<_> = broken.iter().filter(|(_, count)| **count == 0).collect();
    assert!(idle.is_empty(), "no mutant breaks {idle:?}");
}
