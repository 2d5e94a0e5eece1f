//! The kernels' elementary functions on the machine's device, held to the truth and to their twins.

use bellwether_check::functions::device::{GOAL, LIBRARY, Probe, Seen, points};
use bellwether_check::functions::{FUNCTIONS, Function};
use bellwether_check::mutants::sweeps;
use bellwether_gpu::Context;

fn seen(context: &Context, function: &Function) -> Seen {
    Probe::new(context, function).judge(function, &points(function)).expect("the device runs")
}

#[test]
fn kernels_are_as_good_as_their_bounds() {
    let Some(context) = common::context() else { return };
    let device = context.describe();
    println!("{device}");
    let mut wrong = Vec::new();
    for f in &FUNCTIONS {
        let (name, seen) = (f.bound.name, seen(&context, f));
        let (units, args, Seen { worst, differ, flushed }) = (seen.worst.units, seen.worst.args, seen);
        println!(
            "{name:<12} {units:.4} at {args:?}; {differ} of {} differ from the twin, {flushed} flushed; {:?}",
            worst.points, worst.fault
        );
        wrong.extend(seen.complaint(&device, f));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kinds_of_numbers_are_told_from_bits() {
    let Some(context) = common::context() else { return };
    assert!(sweeps::bits_agree(&context, LIBRARY).expect("the device runs"));
}

/// What the functions would be without this library. None may pass.
const NAIVE: [(&str, &str); 7] = [
    ("log", "log(v.x)"),
    ("tanh", "tanh(v.x)"),
    ("expm1", "exp(v.x) - 1.0"),
    ("log1p", "log(1.0 + v.x)"),
    ("softplus", "log(1.0 + exp(v.x))"),
    ("expm1m", "bw_expm1(v.x) - v.x"),
    ("log1mexp", "bw_log(1.0 - bw_exp(v.x))"),
];

#[test]
fn naive_forms_are_caught() {
    let Some(context) = common::context() else { return };
    for (name, call) in NAIVE {
        let f = FUNCTIONS.iter().find(|f| f.bound.name == name).expect("a function of the table");
        let worst = Probe::with_call(&context, call).judge(f, &points(f)).expect("the device runs").worst;
        println!("{call:<28} {:.1} units, fault {:?}", worst.units, worst.fault);
        assert!(worst.units > GOAL.max(f.bound.derived) || worst.fault.is_some(), "{call} passes as {name}");
    }
}

#[path = "common/gpu.rs"]
mod common;
