//! The named pair losses against the numbers, limits and reductions that their papers give.

use bellwether_check::problem::{PairProblem, Precision, Problem};
use bellwether_core::pair::presets::{self, *};
use bellwether_core::pair::{BradleyTerry, Discopop, Exo, Length, Noise, PairLoss, Score, Sft};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::pair_rows::PairLink;

/// The pair of every number below: `Δw = 1.2`, `Δl = −0.7`.
const LOGPS: [f64; 4] = [-12.0, -15.0, -13.2, -14.3];
const LENGTHS: [f64; 2] = [6.0, 5.0];
const NOTHING: [Option<f64>; 3] = [None, None, None];

/// Loss and gradients of one pair in f64, with a weight, a margin and a preference where they are given.
fn of<L: PairLink>(loss: &PairLoss<L>, logps: [f64; 4], extras: [Option<f64>; 3]) -> [f64; 3] {
    let problem = PairProblem {
        lengths: Some(LENGTHS.map(|n| vec![n])),
        extras: extras.map(|x| x.map(|x| vec![x])),
        reduction: Some(Reduction::Sum),
        ..PairProblem::new(*loss, logps.map(|x| vec![x]))
    };
    let outputs = problem.reference(Precision::Double).unwrap_or_else(|error| panic!("{error}"));
    ["loss", "d_chosen", "d_rejected"].map(|name| {
        let found = outputs.iter().find(|o| o.name == name).unwrap_or_else(|| panic!("no {name}"));
        found.data[0].value
    })
}

fn on<L: PairLink>(loss: &PairLoss<L>) -> [f64; 3] {
    of(loss, LOGPS, NOTHING)
}

/// Within one unit of the tenth digit: the numbers are given to eleven or twelve.
#[track_caller]
fn near(got: [f64; 3], want: [f64; 3]) {
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= 1e-9 * want.abs().max(0.1), "{got} is not {want}");
    }
}

/// As [`near`], to six digits.
#[track_caller]
fn about(got: f64, want: f64) {
    assert!((got - want).abs() <= 1.1e-6 * want.abs().max(1.0), "{got} is not {want}");
}

#[test]
fn the_golden_table() {
    near(on(&DPO), [0.602652909299, -0.04526423819, 0.04526423819]);
    near(on(&CDPO), [0.621652909299, -0.03526423819, 0.03526423819]);
    near(on(&RDPO), [0.578902909299, -0.05776423819, 0.05776423819]);
    near(on(&IPO_SUM), [9.61, -6.2, 6.2]);
    near(on(&IPO_TOKEN_MEAN), [21.7156, -1.5533333333, 1.864]);
    near(on(&HINGE), [0.81, -0.1, 0.1]);
    near(on(&SLIC), [0.7, -0.1, 0.1]);
    near(on(&DPO_NORM), [0.6762916736, -0.008191680312, 0.009830016375]);
    near(on(&SIMPO), [0.201413277983, -0.06080850794, 0.07297020952]);
    near(on(&PairLoss { sft: Sft::None, ..CPO }), [0.554355244469, -0.04255574832, 0.04255574832]);
    near(on(&PairLoss { sft: Sft::None, ..ORPO }), [0.0288750784345, -0.004834265061, 0.005278840088]);
    let exo = PairLoss::new(0.1, Exo { epsilon: 0.1 });
    near(on(&exo), [0.411262519966, -0.04973044535, 0.04973044535]);
    near(on(&NCA), [1.34179893017, -0.02050539224, 0.02412535712]);
    near(on(&BCO), [1.29370565714, -0.04700359482, 0.04825071423]);
    near(on(&SPPO_HARD), [32.93, -7.6, 8.6]);
    near(on(&APO_ZERO), [0.952543090569, -0.02491021556, 0.02496939999]);
    near(on(&APO_DOWN), [0.982606433621, 0.0001344899598, 0.0247757256]);
    near(on(&DISCOPOP), [0.822051028669, -0.07227544138, 0.07227544138]);
    near(on(&FDPO_FORWARD_KL), [0.611180855248, -0.01377332129, 0.09208697226]);
    near(on(&FDPO_JS), [0.652033539948, -0.01108800419, 0.03200717956]);
    near(on(&FDPO_ALPHA), [0.609903545941, -0.02505855929, 0.06479415881]);
    let xpo = PairLoss { optimism: 0.01, ..XPO };
    near(of(&xpo, LOGPS, [None, None, Some(1.0)]), [0.452652909299, -0.04526423819, 0.05526423819]);
}

/// Log-ratios as they are.
fn ratios(w: f64, l: f64) -> [f64; 4] {
    [w, l, 0.0, 0.0]
}

#[test]
fn anchors_of_single_papers() {
    // Diffusion-DPO: errors of .0210 and .0250 against .0215 and .0248.
    let [loss, d_w, _] = of(&DIFFUSION_DPO, [-0.0210, -0.0250, -0.0215, -0.0248], NOTHING);
    about(loss, 0.160224150438);
    about(d_w / 370.117995, -1.0);
    // SePPO: better and worse on the winner than the reference.
    let seppo = PairLoss { beta: 5.0, ..SEPPO };
    about(of(&seppo, [-0.30, -0.52, -0.34, -0.50], NOTHING)[0], 0.554355244);
    about(of(&seppo, [-0.36, -0.52, -0.34, -0.50], NOTHING)[0], 0.798138869);
    about(of(&D3PO, ratios(0.08, -0.2), NOTHING)[0], 0.683922102);
    // Fast and slow margins of 1 and 0.4.
    let (fast, slow) = (PairLoss { beta: 0.5, ..OFS_FAST }, PairLoss { beta: 0.5, ..OFS_SLOW });
    let (mut fast, mut slow) = (fast, slow);
    (fast.link.alpha, slow.link.alpha) = (0.3, 0.3);
    about(of(&fast, ratios(1.0, 0.0), [None, Some(0.2), None])[0], 0.640384);
    about(of(&slow, ratios(0.4, 0.0), [None, Some(0.5), None])[0], 0.431832);
    about(of(&STEP_APO, ratios(2.0, 0.0), [None, Some(1.0), None])[0], 0.913015);
    // DNO: rewards .1 apart, log-ratios .3.
    let preference = 1.0 / (1.0 + f64::exp(-0.1));
    let [loss, d_w, _] = of(&PairLoss { beta: 1.0, ..DNO }, ratios(0.3, 0.0), [None, None, Some(preference)]);
    about(loss, 0.696861488);
    about(d_w, 0.049463329);
    about(of(&TRIPLE_PO, ratios(-20.0, -25.0), NOTHING)[0], 16.513262 - 0.9 * 18.0);
    let [loss, d_w, d_l] = of(&PairLoss { length: Length::Sum, ..ASFT }, ratios(-2.0, -3.0), NOTHING);
    about(loss, 2.051069181 + 2.0);
    about(d_w, -2.0);
    about(d_l, 0.052395696);
    // f-DPO at beta 0.1 and 1, log-ratios 1 and -1.
    for (loss, small, large) in [
        (DPO, 0.598139, 0.126928),
        (FDPO_FORWARD_KL, 0.582517, 0.091056),
        (FDPO_JS, 0.644397, 0.313262),
        (FDPO_ALPHA, 0.594349, 0.117235),
    ] {
        about(of(&loss, ratios(1.0, -1.0), NOTHING)[0], small);
        about(of(&PairLoss { beta: 1.0, ..loss }, ratios(1.0, -1.0), NOTHING)[0], large);
    }
}

#[test]
fn preferences_from_visits() {
    for (w, l, noise) in [(10, 2, 1.0 / 6.0), (3, 0, 0.0), (0, 3, 0.5), (4, 4, 0.5), (2, 5, 0.5)] {
        about(presets::preference_of_visits(w, l), 1.0 - noise);
    }
    // No doubt is DPO; complete doubt has its minimum at equal scores.
    near(of(&MCTS_DPO, LOGPS, [None, None, Some(1.0)]), on(&DPO));
    near(of(&MCTS_DPO, ratios(0.0, 0.0), [None, None, Some(0.5)]), [std::f64::consts::LN_2, 0.0, 0.0]);
}

#[test]
fn losses_reduce_to_each_other() {
    let none = Noise::Conservative { label_smoothing: 0.0 };
    assert_eq!(on(&PairLoss { noise: none, ..CDPO }).map(f64::to_bits), on(&DPO).map(f64::to_bits));
    let none = Noise::Corrected { label_smoothing: 0.0 };
    near(on(&PairLoss { noise: none, ..RDPO }), on(&DPO));
    // Constant smoothing is the same preference for every pair.
    near(of(&DPO, LOGPS, [None, None, Some(0.9)]), on(&CDPO));
    near(of(&PairLoss { optimism: 0.0, ..XPO }, LOGPS, [None, None, Some(1.0)]), on(&DPO));
    let [w, l, ..] = LOGPS;
    let equal = [w, l, -3.0, -3.0];
    near(on(&PairLoss { sft: Sft::None, ..CPO }), of(&DPO, equal, NOTHING));
    near(on(&SLIC), of(&HINGE, equal, NOTHING));
    let simpo = PairLoss { beta: 2.0, margin: 0.5, ..DPO_NORM };
    near(on(&SIMPO), of(&simpo, [w, l, 0.0, 0.0], NOTHING));
    // The mean before or after a plain score.
    near(on(&PairLoss { length: Length::MeanLogp, ..DPO_NORM }), on(&DPO_NORM));
    let alpha_of_0 = PairLoss { score: Score::ReverseKl, ..ALPHA_PO };
    near(on(&alpha_of_0), on(&PairLoss { beta: 2.5, ..SIMPO }));
    let wide = PairLoss { score: Score::ClippedRatio { epsilon: 0.999_999 }, ..D3PO };
    near(of(&wide, ratios(0.3, -0.4), NOTHING), of(&DPO, ratios(0.3, -0.4), NOTHING));
    // REBEL with a difference of rewards of one half is IPO, but for beta squared; CoPG is REBEL over 2 beta.
    let half = [None, Some(0.5), None];
    let rebel = of(&PairLoss { beta: 0.1, ..REBEL }, LOGPS, half);
    near(rebel, on(&IPO_SUM).map(|x| 0.01 * x));
    near(of(&PairLoss { beta: 0.1, ..COPG }, LOGPS, half), rebel.map(|x| x / 0.2));
    near(of(&STEP_APO, LOGPS, [None, Some(0.0), None]), on(&PairLoss { beta: 0.3, ..DPO }));
    let reward = PairLoss { beta: 1.0, ..PairLoss::new(1.0, BradleyTerry { center: 0.0 }) };
    near(
        of(&reward, ratios(0.3, -0.4), NOTHING),
        of(&PairLoss { beta: 1.0, ..DPO }, ratios(0.3, -0.4), NOTHING),
    );
    // A winner on which the policy is better makes SePPO Diffusion-DPO.
    let errors = [-0.30, -0.52, -0.34, -0.50];
    let plain = PairLoss { beta: 2000.0, ..DIFFUSION_DPO };
    near(of(&SEPPO, errors, NOTHING), of(&plain, errors, NOTHING));
    // Without a chase both modules train DPO.
    let (mut fast, mut slow) = (OFS_FAST, OFS_SLOW);
    (fast.link.alpha, slow.link.alpha) = (0.0, 0.0);
    near(of(&fast, LOGPS, [None, Some(7.0), None]), on(&DPO));
    near(of(&slow, LOGPS, [None, Some(7.0), None]), on(&DPO));
    // Weights multiply everything.
    near(of(&CPO, LOGPS, [Some(0.25), None, None]), on(&CPO).map(|x| 0.25 * x));
}

#[test]
fn stationary_points_and_order() {
    // IPO at a margin of 1/(2 beta), EXO and conservative DPO at log((1 - e)/e).
    near(of(&IPO_SUM, ratios(5.0, 0.0), NOTHING), [0.0; 3]);
    let at = f64::ln(9.0) / 0.1;
    near(of(&PairLoss::new(0.1, Exo { epsilon: 0.1 }), ratios(at, 0.0), NOTHING), [0.0; 3]);
    let [_, slope, _] = of(&CDPO, ratios(at, 0.0), NOTHING);
    about(slope, 0.0);
    // softplus(-a) + softplus(b) >= softplus(b - a).
    for (w, l) in [(1.0, -1.0), (-3.0, 5.0), (0.0, 0.0), (40.0, 41.0)] {
        assert!(of(&BCO, ratios(w, l), NOTHING)[0] >= of(&DPO, ratios(w, l), NOTHING)[0]);
    }
    // DiscoPOP is about -z for badly wrong pairs.
    let discopop = PairLoss::new(1.0, Discopop { tau: 0.05 });
    about(of(&discopop, ratios(-720.0, 0.0), NOTHING)[0] / 720.0, 1.0);
    // The alpha-divergence tends to reverse KL and, but for a constant, to forward KL.
    let score = |coef| Score::AlphaDivergence { coef, cap: Score::UNCAPPED };
    let near_reverse = on(&PairLoss { score: score(1.0 + 1e-9), ..FDPO_ALPHA });
    near_reverse.iter().zip(on(&DPO)).for_each(|(x, y)| about(*x, y));
    near(on(&PairLoss { score: score(0.0), ..FDPO_ALPHA }), on(&FDPO_FORWARD_KL));
}

#[test]
fn unbiased_under_flips_whatever_the_link() {
    // (1 - e) L(pair) + e L(pair exchanged), L corrected for noise, is the loss without noise.
    fn holds<L: PairLink>(link: L) {
        let noise = Noise::Corrected { label_smoothing: 0.2 };
        let (clean, noisy) = (PairLoss::new(0.1, link), PairLoss { noise, ..PairLoss::new(0.1, link) });
        let [w, l, ref_w, ref_l] = LOGPS;
        let [kept, ..] = on(&noisy);
        let [flipped, ..] = of(&noisy, [l, w, ref_l, ref_w], NOTHING);
        about(0.8 * kept + 0.2 * flipped, on(&clean)[0]);
    }
    holds(DPO.link);
    holds(IPO_SUM.link);
    holds(HINGE.link);
    holds(NCA.link);
    holds(SPPO_HARD.link);
    holds(APO_DOWN.link);
}
