//! The kernels' elementary functions on the machine's device, held to the truth and to their twins.

use bellwether_check::functions::device::{Probe, Seen, points};
use bellwether_check::functions::{FUNCTIONS, Function};
use bellwether_gpu::Context;

/// Units that a device is granted where no bound is derived for it; software drivers stay below.
const GOAL: f64 = 3.0;

/// Drivers, by a part of their description, and functions that they compute bit for bit as the twin: nothing in these
/// can be reassociated, or this version does not.
const SAME_BITS: [(&str, &[&str]); 3] = [
    ("llvmpipe", &["log", "log1p"]),
    ("llvmpipe Mesa 22.3", &REASSOCIATION_PROOF),
    ("SwiftShader", &SWIFTSHADER),
];

/// All but `sigmoid`, where one quotient that should be subnormal becomes the smallest normal number.
const SWIFTSHADER: [&str; 12] = [
    "exp",
    "expm1",
    "expm1m",
    "log",
    "log1p",
    "log1mexp",
    "log_sigmoid",
    "softplus",
    "tanh",
    "xlogy",
    "logaddexp",
    "lse_merge",
];

/// Drivers that round to nearest, by a part of their description; for others, WGSL's rules are all there is.
const NEAREST: [&str; 2] = ["llvmpipe", "SwiftShader"];

/// Those whose sums no known compiler reassociates: all but the merge.
const REASSOCIATION_PROOF: [&str; 12] = [
    "exp",
    "expm1",
    "expm1m",
    "log",
    "log1p",
    "log1mexp",
    "sigmoid",
    "log_sigmoid",
    "softplus",
    "tanh",
    "xlogy",
    "logaddexp",
];

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
        let (name, Seen { worst, differ, flushed }) = (f.bound.name, seen(&context, f));
        let (units, args) = (worst.units, worst.args);
        println!(
            "{name:<12} {units:.4} at {args:?}; {differ} of {} differ from the twin, {flushed} flushed; {:?}",
            worst.points, worst.fault
        );
        let known =
            |(driver, functions): &(&str, &[&str])| device.contains(driver) && functions.contains(&name);
        if SAME_BITS.iter().any(known) && differ > 0 {
            wrong.push(format!("{name}: {differ} results differ from the twin"));
        }
        if device.contains("llvmpipe") && flushed > 0 {
            wrong.push(format!("{name}: {flushed} results are flushed, and llvmpipe keeps subnormals"));
        }
        let nearest = NEAREST.iter().any(|driver| device.contains(driver));
        let granted = if nearest { GOAL } else { f.bound.derived };
        if units > granted || worst.fault.is_some() {
            wrong.push(format!("{name}: {units:.4} units at {args:?}, fault {:?}", worst.fault));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
