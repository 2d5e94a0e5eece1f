//! Returns, advantages and rewards against the identities of their papers, and against exact values and gradients: every
//! trajectory of a small problem, weighted with its probability.

use bellwether_core::returns::{Discounted, Gae, ImportanceCorrected, Lambda, OffPolicy, TdError, Vtrace};
use bellwether_core::reward::Rto;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::reverse_scan::result as names;
use bellwether_cpu_ref::reverse_scan::{ScanInputs, ScanRow, reverse_scan};
use bellwether_cpu_ref::token_map::{MapInputs, View, token_map};

/// The planes of one row, on the reference.
fn of<O: ScanRow>(op: O, inputs: &[&[f64]], constants: &[&[f64]]) -> Vec<Vec<f64>> {
    let n = inputs[0].len();
    let x: Vec<_> = inputs.iter().map(|data| View::packed(data, n)).collect();
    let c: Vec<_> = constants.iter().map(|data| View::packed(data, n)).collect();
    let mut result = vec![0.0; names(&O::PLANES, true).count() * n];
    let scan = ScanInputs { gradients: true, ..ScanInputs::new((1, n), &x, &c) };
    reverse_scan(&op, &scan, Reduction::Sum, &mut result).expect("finite inputs");
    result.chunks(n).map(<[f64]>::to_vec).collect()
}

#[track_caller]
fn close(got: f64, want: f64, within: f64) {
    assert!((got - want).abs() <= within, "{got} is not {want} within {within:e}");
}

#[track_caller]
fn all_close(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).for_each(|(&got, &want)| close(got, want, 1e-13));
}

const R: [f64; 6] = [0.5, -1.25, 2.0, 0.0, 3.5, -0.75];
const V: [f64; 7] = [0.3, -0.2, 1.1, 0.7, -0.4, 0.9, 2.5];
const D: [f64; 6] = [0.97, 0.97, 0.0, 0.97, 0.9, 0.97];
const ONES: [f64; 6] = [1.0; 6];

#[test]
fn the_ends_of_lambda() {
    let (v_tm1, v_t) = (&V[..6], &V[1..]);
    let delta: Vec<f64> = (0..6).map(|t| R[t] + D[t] * V[t + 1] - V[t]).collect();
    let of_lambda = |lambda: f64| of(Gae {}, &[&R, &D, &[lambda; 6], v_tm1, v_t], &[]);
    all_close(&of_lambda(0.0)[0], &delta);
    let returns = &of(Discounted {}, &[&R, &D, &[V[6]; 6]], &[])[0];
    let whole = of_lambda(1.0);
    all_close(&whole[1], returns);
    let less: Vec<f64> = returns.iter().zip(v_tm1).map(|(g, v)| g - v).collect();
    all_close(&whole[0], &less);
    for lambda in [0.0, 0.35, 0.95, 1.0] {
        let returns = &of(Lambda {}, &[&R, &D, &[lambda; 6], v_t], &[])[0];
        all_close(&of_lambda(lambda)[1], returns);
    }
}

#[test]
fn on_policy_every_corrected_error_is_the_advantage() {
    let (v_tm1, v_t, lambda) = (&V[..6], &V[1..], &[0.8; 6][..]);
    let want = &of(Gae {}, &[&R, &D, lambda, v_tm1, v_t], &[])[0];
    all_close(&of(ImportanceCorrected {}, &[&R, v_tm1, v_t, &ONES], &[&D, lambda])[0], want);
    all_close(&of(Vtrace::default(), &[v_tm1, v_t, &R], &[&D, &ONES, lambda])[0], want);
    // With the state's value in place of the action's, and a trace of λ.
    let off = of(OffPolicy::default(), &[v_tm1, &R, v_t, v_t, lambda], &[&D]);
    all_close(&off[0], want);
}

#[test]
fn shaping_telescopes_and_leaves_differences_of_returns() {
    let (phi, phi_next) = (&V[..6], &[&V[1..6], &[0.0]].concat()[..]);
    let views = [phi, &R, phi_next].map(|data| View::packed(data, 6));
    let discount = [View { data: &[1.0][..], row: 0, col: 0 }];
    let mut result = [0.0; 5 * 6];
    let map = MapInputs::new((1, 6), &views, &discount);
    token_map(&TdError::default(), &map, Reduction::Sum, &mut result).expect("finite inputs");
    let (plain, shaped) = (R.iter().sum::<f64>(), result[..6].iter().sum::<f64>());
    close(shaped, plain - phi[0], 1e-13);
}

#[test]
fn token_rewards_sum_to_what_dpo_implies() {
    let (reference, dpo) = ([-1.0, -2.5, -0.3, -4.0], [-0.5, -3.0, -0.9, -1.0]);
    let policy = [-1.5, -0.25, -2.0, -3.0];
    let score = [7.5; 4];
    let op = Rto { dpo_scale: 0.2, kl_coef: 0.0, ..Rto::default() };
    let ratio: f64 = dpo.iter().zip(&reference).map(|(p, r)| p - r).sum();
    let implied = &of(op, &[&policy], &[&reference, &dpo, &[0.0; 4]])[0];
    close(implied.iter().sum(), 0.2 * ratio, 1e-14);
    // The policy that DPO found is paid what it costs, but for the score.
    let op = Rto { dpo_scale: 0.2, kl_coef: 0.2, ..Rto::default() };
    let paid = &of(op, &[&dpo], &[&reference, &dpo, &score])[0];
    all_close(paid, &[0.0, 0.0, 0.0, 7.5]);
    // The KL-shaped reward of PPO: the score less the penalty.
    let op = Rto { dpo_scale: 0.0, kl_coef: 0.1, ..Rto::default() };
    let shaped = &of(op, &[&policy], &[&reference, &reference, &score])[0];
    let divergence: f64 = policy.iter().zip(&reference).map(|(p, r)| p - r).sum();
    close(shaped.iter().sum(), 7.5 - 0.1 * divergence, 1e-14);
    let op = Rto { score_clip: 5.0, ..op };
    close(of(op, &[&policy], &[&reference, &reference, &score])[0][3] - shaped[3], -2.5, 1e-14);
}

/// Three steps in a chain of two states; action and state say the reward and how likely the next state is 1.
const STEPS: usize = 3;
const REWARD: [[f64; 2]; 2] = [[1.0, -0.5], [0.25, 2.0]];
const NEXT: [[f64; 2]; 2] = [[0.3, 0.8], [0.6, 0.1]];
const GAMMA: f64 = 0.9;

/// The probability of action 1 in each state.
type Policy = [f64; 2];

fn chance(p: f64, one: usize) -> f64 {
    if one == 1 { p } else { 1.0 - p }
}

/// Action values by steps gone and state, of a policy, exactly.
fn action_values(policy: &Policy) -> Vec<[[f64; 2]; 2]> {
    let mut q = vec![[[0.0; 2]; 2]; STEPS + 1];
    for t in (0..STEPS).rev() {
        for s in 0..2 {
            for a in 0..2 {
                let of = |s: usize| (0..2).map(|a| chance(policy[s], a) * q[t + 1][s][a]).sum::<f64>();
                q[t][s][a] =
                    REWARD[s][a] + GAMMA * (0..2).map(|n| chance(NEXT[s][a], n) * of(n)).sum::<f64>();
            }
        }
    }
    q
}

fn value(policy: &Policy, q: &[[f64; 2]; 2], s: usize) -> f64 {
    (0..2).map(|a| chance(policy[s], a) * q[s][a]).sum()
}

/// A trajectory from state 0: states, actions, and its probability under a policy.
struct Trajectory {
    states: [usize; STEPS + 1],
    actions: [usize; STEPS],
    probability: f64,
}

impl Trajectory {
    fn all(policy: &Policy) -> impl Iterator<Item = Self> {
        (0..1_usize << (2 * STEPS)).map(|bits| {
            let (mut states, mut actions, mut probability) = ([0; STEPS + 1], [0; STEPS], 1.0);
            for t in 0..STEPS {
                (actions[t], states[t + 1]) = (bits >> (2 * t) & 1, bits >> (2 * t + 1) & 1);
                probability *= chance(policy[states[t]], actions[t]);
                probability *= chance(NEXT[states[t]][actions[t]], states[t + 1]);
            }
            Self { states, actions, probability }
        })
    }

    fn rewards(&self) -> [f64; STEPS] {
        std::array::from_fn(|t| REWARD[self.states[t]][self.actions[t]])
    }

    fn ratios(&self, target: &Policy, behaviour: &Policy) -> [f64; STEPS] {
        let ratio = |s: usize, a| chance(target[s], a) / chance(behaviour[s], a);
        std::array::from_fn(|t| ratio(self.states[t], self.actions[t]))
    }
}

/// Discounts: the last step ends the episode.
const ENDING: [f64; STEPS] = [GAMMA, GAMMA, 0.0];
const TARGET: Policy = [0.7, 0.4];
const BEHAVIOUR: Policy = [0.35, 0.8];

/// Wrong values, by steps gone and state: an estimator that is unbiased does not need right ones.
fn guess(t: usize, s: usize) -> f64 {
    0.4 - 0.7 * t as f64 + 1.3 * s as f64
}

#[test]
fn corrected_errors_are_unbiased_for_any_values() {
    let exact = value(&TARGET, &action_values(&TARGET)[0], 0);
    let (mut whole, mut corrected, mut vtrace) = (0.0, 0.0, 0.0);
    for path in Trajectory::all(&BEHAVIOUR) {
        let v: [f64; STEPS + 1] = std::array::from_fn(|t| guess(t, path.states[t]));
        let (r, rho) = (path.rewards(), path.ratios(&TARGET, &BEHAVIOUR));
        let errors = of(ImportanceCorrected {}, &[&r, &v[..STEPS], &v[1..], &rho], &[&ENDING, &[1.0; STEPS]]);
        whole += path.probability;
        corrected += path.probability * (v[0] + errors[0][0]);
        // Nothing is clipped where all of a ratio leaks.
        let op = Vtrace { alpha: 0.0, ..Vtrace::default() };
        let errors = of(op, &[&v[..STEPS], &v[1..], &r], &[&ENDING, &rho, &[1.0; STEPS]]);
        vtrace += path.probability * (v[0] + errors[0][0]);
    }
    close(whole, 1.0, 1e-14);
    close(corrected, exact, 1e-13);
    close(vtrace, exact, 1e-13);
}

#[test]
fn clipped_ratios_leave_right_values_alone() {
    // The errors of right values have mean 0 whatever the traces are.
    let q = action_values(&TARGET);
    let mut mean = 0.0;
    for path in Trajectory::all(&TARGET) {
        let v: [f64; STEPS + 1] = std::array::from_fn(|t| value(&TARGET, &q[t], path.states[t]));
        let rho = [0.4, 1.7, 0.9];
        let errors =
            of(Vtrace::default(), &[&v[..STEPS], &v[1..], &path.rewards()], &[&ENDING, &rho, &[0.6; STEPS]]);
        mean += path.probability * errors[0][0];
    }
    close(mean, 0.0, 1e-13);
}

/// The mean over trajectories of the first return off policy, given the first action, with these traces.
fn off_policy_mean(
    action: usize,
    q: &dyn Fn(usize, usize, usize) -> f64,
    trace: &dyn Fn(f64, f64) -> f64,
) -> f64 {
    let mut mean = 0.0;
    for path in Trajectory::all(&BEHAVIOUR).filter(|path| path.actions[0] == action) {
        let next =
            |t: usize| if t + 1 < STEPS { q(t + 1, path.states[t + 1], path.actions[t + 1]) } else { 0.0 };
        let expected = |t: usize| {
            let s = path.states[t + 1];
            if t + 1 < STEPS { (0..2).map(|a| chance(TARGET[s], a) * q(t + 1, s, a)).sum() } else { 0.0 }
        };
        let rho = path.ratios(&TARGET, &BEHAVIOUR);
        let traced = |t: usize| {
            let (s, a) = (path.states[t], path.actions[t]);
            trace(rho[t], chance(TARGET[s], a))
        };
        let c: [f64; STEPS] = std::array::from_fn(|t| if t + 1 < STEPS { traced(t + 1) } else { 0.0 });
        let (q_t, v_t): ([f64; STEPS], [f64; STEPS]) =
            (std::array::from_fn(next), std::array::from_fn(expected));
        let g = of(OffPolicy::default(), &[&[0.0; STEPS], &path.rewards(), &q_t, &v_t, &c], &[&ENDING]);
        mean += path.probability / chance(BEHAVIOUR[0], action) * g[1][0];
    }
    mean
}

#[test]
fn returns_off_policy_are_unbiased() {
    let q = action_values(&TARGET);
    let right = |t: usize, s: usize, a: usize| q[t][s][a];
    let wrong = |t: usize, s: usize, a: usize| guess(t, s) + 0.5 * a as f64;
    for (action, &exact) in q[0][0].iter().enumerate() {
        // Right values stay right with every trace: Retrace, tree-backup, Q(λ).
        close(off_policy_mean(action, &right, &|rho, _| 0.8 * rho.min(1.0)), exact, 1e-13);
        close(off_policy_mean(action, &right, &|_, pi| 0.8 * pi), exact, 1e-13);
        close(off_policy_mean(action, &right, &|_, _| 0.8), exact, 1e-13);
        // With whole ratios wrong values do not matter; with clipped ones they do.
        close(off_policy_mean(action, &wrong, &|rho, _| rho), exact, 1e-13);
        assert!((off_policy_mean(action, &wrong, &|rho, _| 0.8 * rho.min(1.0)) - exact).abs() > 1e-3);
    }
}

#[test]
fn advantages_give_the_exact_policy_gradient() {
    let start = |policy: &Policy| value(policy, &action_values(policy)[0], 0);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let logits = [0.4, -0.7];
    let policy = logits.map(sigmoid);
    for state in 0..2 {
        let moved = |h: f64| {
            let mut logits = logits;
            logits[state] += h;
            start(&logits.map(sigmoid))
        };
        let exact = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        // Any baseline with λ = 1; right values with any λ.
        let q = action_values(&policy);
        let right = |t: usize, s: usize| value(&policy, &q[t], s);
        for (lambda, v) in [(1.0, &guess as &dyn Fn(usize, usize) -> f64), (0.3, &right)] {
            let mut gradient = 0.0;
            for path in Trajectory::all(&policy) {
                let values: [f64; STEPS + 1] = std::array::from_fn(|t| v(t, path.states[t]));
                let inputs = [&path.rewards()[..], &ENDING, &[lambda; STEPS], &values[..STEPS], &values[1..]];
                let advantages = &of(Gae {}, &inputs, &[])[0];
                for t in (0..STEPS).filter(|&t| path.states[t] == state) {
                    let score = path.actions[t] as f64 - policy[state];
                    gradient += path.probability * GAMMA.powi(t as i32) * score * advantages[t];
                }
            }
            close(gradient, exact, 1e-9);
        }
    }
}
