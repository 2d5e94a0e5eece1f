//! The elementary functions: twins over a part of all f32 (`--ignored`: over all), kernels on the device.

#![expect(clippy::float_cmp, reason = "limits and identities are exact, and that is what is tested")]

use bellwether_check::functions::{FUNCTIONS, Function, Verdict, Worst, grid, loose, sweep};
use bellwether_core::math::LogSumExp;

/// The accuracy that every function is held to on an IEEE machine.
const GOAL: f64 = 2.0;

/// What is wrong with a function, against a row of the table: nothing, one would hope.
fn complaints(name: &str, what: &str, measured: f64, committed: f64) -> Option<String> {
    match Verdict::of(measured, committed) {
        Verdict::Agrees => None,
        Verdict::Exceeds => Some(format!("{name}: {what} is {measured:.4}, the table says {committed}")),
        Verdict::Stale => Some(format!("{name}: {what} {committed} may be tightened to {measured:.4}")),
    }
}

fn faultless(function: &Function, worst: &Worst) -> Option<String> {
    worst.fault.map(|(args, got)| format!("{}{args:?} gives {got}", function.bound.name))
}

/// Prints all lines, fails if there are complaints.
fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn strided(function: &Function) -> Worst {
    match function.arity {
        1 => sweep::range(function, 0..sweep::ALL, sweep::STRIDE),
        _ => grid::sweep(function),
    }
}

#[test]
fn every_function_is_as_good_as_its_table() {
    let mut wrong = Vec::new();
    for f in &FUNCTIONS {
        let name = f.bound.name;
        let part = strided(f);
        wrong.extend(complaints(name, "strided", part.units, f.bound.strided));
        wrong.extend(faultless(f, &part));
        println!("{name:<12} strided {:.4} at {:?}", part.units, part.args);
        if f.arity == 1 && f.bound.exhaustive.is_some() {
            let near = sweep::around(f, f.bound.worst[0]);
            wrong.extend(faultless(f, &near));
            wrong.extend(complaints(name, "largest error", near.and(part).units, f.bound.measured()));
        }
        if f.bound.measured() > GOAL {
            wrong.push(format!("{name}: {} is beyond the goal of {GOAL}", f.bound.measured()));
        }
    }
    report(&wrong);
}

#[test]
fn the_bound_under_wgsls_rules_is_the_tables() {
    let mut wrong = Vec::new();
    for f in &FUNCTIONS {
        let (units, args) = loose::derive(f);
        println!("{:<12} derived {units:.4} at {args:?}", f.bound.name);
        wrong.extend(complaints(f.bound.name, "derived", units, f.bound.derived));
        assert!(f.bound.measured() <= f.bound.derived, "{}", f.bound.name);
    }
    report(&wrong);
}

#[test]
fn the_f32_reference_is_as_good_as_its_table() {
    let mut wrong = Vec::new();
    for f in FUNCTIONS.iter().filter(|f| f.reference.is_some()) {
        let seen = sweep::reference(f, 10_007);
        println!("{:<12} reference {:.4} at {:?}", f.bound.name, seen.units, seen.args[0]);
        wrong.extend(complaints(f.bound.name, "reference", seen.units, f.bound.reference));
        wrong.extend(faultless(f, &seen));
    }
    report(&wrong);
}

/// Numbers of the table cannot be loosened, nor tightened beyond the truth.
#[test]
fn a_doubled_or_halved_tolerance_is_noticed() {
    for row in FUNCTIONS.map(|f| f.bound) {
        for committed in [row.strided, row.measured(), row.derived] {
            assert_eq!(Verdict::of(committed, 2.0 * committed), Verdict::Stale, "{}", row.name);
            assert_eq!(Verdict::of(committed, 0.5 * committed), Verdict::Exceeds, "{}", row.name);
        }
    }
}

#[test]
fn nan_gives_nan_and_infinities_their_limits() {
    let quiet = f32::from_bits(0x7fc0_1234);
    for f in FUNCTIONS.iter().filter(|f| f.bound.name != "lse_merge") {
        for i in 0..f.arity {
            let mut args = [1.0; 4];
            args[i] = quiet;
            assert!((f.twin)(args).is_nan(), "{}{args:?}", f.bound.name);
        }
    }
    for state in [LogSumExp { top: quiet, sum: 1.0 }, LogSumExp { top: 1.0, sum: quiet }] {
        for other in [LogSumExp::empty(), LogSumExp::of(0.5)] {
            assert!(state.merge(other).value().is_nan() && other.merge(state).value().is_nan());
        }
    }
    let inf = f32::INFINITY;
    let limits: [(&str, [f32; 2]); 10] = [
        ("exp", [0.0, inf]),
        ("expm1", [-1.0, inf]),
        ("expm1m", [inf, inf]),
        ("log", [f32::NAN, inf]),
        ("log1p", [f32::NAN, inf]),
        ("log1mexp", [0.0, f32::NAN]),
        ("sigmoid", [0.0, 1.0]),
        ("log_sigmoid", [-inf, 0.0]),
        ("softplus", [0.0, inf]),
        ("tanh", [-1.0, 1.0]),
    ];
    for (name, want) in limits {
        let f = FUNCTIONS.iter().find(|f| f.bound.name == name).expect("a function of the table");
        let got = [-inf, inf].map(|x| (f.twin)([x, 0.0, 0.0, 0.0]));
        assert!(got[0] == want[0] || want[0].is_nan() && got[0].is_nan(), "{name}(-inf) = {}", got[0]);
        assert!(got[1] == want[1] || want[1].is_nan() && got[1].is_nan(), "{name}(inf) = {}", got[1]);
    }
}

#[test]
fn an_empty_sum_of_exponentials_changes_nothing() {
    let empties = [LogSumExp::empty(), LogSumExp { top: f32::NEG_INFINITY, sum: 0.0 }];
    for state in
        [LogSumExp::of(-3.5e4_f32), LogSumExp { top: 1e30, sum: 7.25 }, LogSumExp::of(f32::NEG_INFINITY)]
    {
        for empty in empties {
            assert_eq!(state.merge(empty), state);
            assert_eq!(empty.merge(state), state);
        }
    }
    assert_eq!(empties[0].merge(empties[1]).value(), f32::NEG_INFINITY);
    // Banned tokens: two terms of weight 0 stay a state without a NaN.
    let banned = LogSumExp::of(f32::NEG_INFINITY);
    assert_eq!(banned.merge(banned).value(), f32::NEG_INFINITY);
    assert_eq!(banned.merge(LogSumExp::of(2.0)).value(), 2.0);
}

/// Every f32, function by function; `BELLWETHER_FUNCTION` names one. `cargo xtask prove` runs this.
#[test]
#[ignore = "about two minutes per function and core, optimised"]
fn every_f32() {
    let wanted = std::env::var("BELLWETHER_FUNCTION").ok();
    let mut wrong = Vec::new();
    for f in FUNCTIONS.iter().filter(|f| f.arity == 1) {
        let name = f.bound.name;
        if wanted.as_deref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let worst = sweep::exhaustive(f, |share| eprint!("\r{name:<12} {:3.0} %", 100.0 * share));
        let bits = worst.args[0].to_bits();
        eprintln!(
            "\r{name:<12} {:.4} at {:?} ({bits:#010x}), {} inputs",
            worst.units, worst.args[0], worst.points
        );
        wrong.extend(faultless(f, &worst));
        wrong.extend(complaints(
            name,
            "exhaustive",
            worst.units,
            f.bound.exhaustive.unwrap_or(f64::INFINITY),
        ));
        if worst.units > GOAL {
            wrong.push(format!("{name}: {:.4} is beyond the goal of {GOAL}", worst.units));
        }
    }
    report(&wrong);
}
