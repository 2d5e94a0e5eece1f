//! Problems of distillation from hidden states: a divergence of two heads' logits, and where it is wanted a label's part.

use bellwether_core::logprob::Token;
use bellwether_core::sig::logit_pairs as pair;
use bellwether_core::sig::token_rows::{self as token, Labels};
use bellwether_core::{Error, Storage};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients};
use bellwether_cpu_ref::fused_pairs::{HardPlanes, HiddenPairs, fused_pairs, fused_pairs_backward};
use bellwether_cpu_ref::logit_pairs::PairRow;
use bellwether_cpu_ref::token_rows::TokenUpstream;

use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, singles, wide, zeros};
use crate::rig::{FusedPairRun, HeadRun, Rig};

/// The names of the label's planes, beside those of the divergence.
const HARD: [&str; token::PLANES.len()] = [
    "hard_logp",
    "hard_lse",
    "hard_entropy",
    "hard_log_sum_sq",
    "hard_mean_logit",
    "hard_top1",
    "hard_max",
    "hard_log_sum",
    "hard_allowed",
    "hard_status",
];

/// Hidden states and LM-head weight of one model.
#[derive(Clone, Debug, Default)]
pub struct HeadInputs {
    /// `[n, h]`.
    pub hidden: Vec<f64>,
    /// `[v, h]`.
    pub weight: Vec<f64>,
    /// `[v]`.
    pub bias: Option<Vec<f64>>,
    /// Width of a hidden state.
    pub h: usize,
}

/// The label's part.
#[derive(Clone, Debug, Default)]
pub struct Hard {
    /// The operator on the student's logits.
    pub op: Token,
    /// `[n]` each, in the order of the contract.
    pub upstream: [Option<Vec<f64>>; token::UPSTREAM.len()],
}

/// Both heads, labels and upstream gradients.
#[derive(Clone, Debug, Default)]
pub struct FusedPairProblem<O> {
    /// The divergence.
    pub op: O,
    /// The label's part.
    pub hard: Option<Hard>,
    /// Which label scores which row.
    pub rules: Labels,
    /// Rows of both weights.
    pub v: usize,
    /// The student's head.
    pub student: HeadInputs,
    /// The teacher's.
    pub teacher: HeadInputs,
    /// `[n]`.
    pub labels: Vec<i32>,
    /// `[n]` each, in the order of the divergence's upstream gradients.
    pub upstream: [Option<Vec<f64>>; pair::UPSTREAM],
    /// How hidden states and weights stand in memory.
    pub storage: Storage,
    /// Rows of the tiles of `forward`, rows and columns of those of `backward`; `None`: the host's choice.
    pub tile: Option<[usize; 3]>,
}

/// A head's arrays over some scalar.
struct Arrays<T> {
    hidden: Vec<T>,
    weight: Vec<T>,
    bias: Option<Vec<T>>,
}

impl HeadInputs {
    fn arrays<T: Number>(&self, storage: Storage) -> Arrays<T> {
        let (hidden, weight) = (wide(&self.hidden, storage), wide(&self.weight, storage));
        Arrays { hidden, weight, bias: self.bias.as_deref().map(inputs) }
    }

    fn run(&self) -> HeadRun {
        let bias = self.bias.as_deref().map(singles);
        HeadRun { hidden: singles(&self.hidden), weight: singles(&self.weight), bias, h: self.h }
    }
}

impl<O: PairRow> FusedPairProblem<O> {
    fn outputs<T: Copy>(&self, result: &[T], hard: &[T], d: [Vec<T>; 3]) -> Outputs<T> {
        let mut outputs = planes(O::PLANES, result);
        if self.hard.is_some() {
            outputs.extend(planes(&HARD, hard));
        }
        let [d_hidden, d_weight, d_bias] = d;
        outputs.push(Output::new("d_hidden", self.student.h, d_hidden));
        outputs.push(Output::new("d_weight", self.student.h, d_weight));
        if self.student.bias.is_some() {
            outputs.push(Output::new("d_bias", 1, d_bias));
        }
        outputs
    }
}

impl<O: PairRow> Compute for FusedPairProblem<O> {
    fn op(&self) -> &'static str {
        O::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (own, teacher) = (self.student.arrays::<T>(self.storage), self.teacher.arrays::<T>(self.storage));
        let (labels, v, n) = (&self.labels[..], self.v, self.labels.len());
        let bias = own.bias.as_deref();
        let (hidden, weight, h, rules) = (&own.hidden[..], &own.weight[..], self.student.h, self.rules);
        let x = HiddenPairs {
            student: Hidden { hidden, weight, bias, h, v, labels, rules },
            ref_hidden: &teacher.hidden,
            ref_weight: &teacher.weight,
            ref_bias: teacher.bias.as_deref(),
            ref_h: self.teacher.h,
        };
        let mut scratch = zeros((n + 2) * v);
        let (mut result, mut label) = (zeros(pair::PLANES * n), zeros(token::PLANES.len() * n));
        let hard = self.hard.as_ref().map(|hard| HardPlanes { op: hard.op, result: &mut label });
        fused_pairs(&self.op, &x, &mut scratch, &mut result, hard)?;
        let up = self.upstream.each_ref().map(|plane| plane.as_deref().map(inputs::<T>));
        let up = up.each_ref().map(Option::as_deref);
        let of = |hard: &Hard| hard.upstream.each_ref().map(|plane| plane.as_deref().map(inputs::<T>));
        let label_up = self.hard.as_ref().map(|hard| (hard.op, of(hard)));
        let label_up =
            label_up.as_ref().map(|(op, up)| (*op, TokenUpstream::of(up.each_ref().map(Option::as_deref))));
        let mut d = [zeros(hidden.len()), zeros(weight.len()), zeros(bias.unwrap_or_default().len())];
        let [d_hidden, d_weight, d_bias] = &mut d;
        let out = HiddenGradients { d_hidden, d_weight, d_bias: bias.map(|_| &mut d_bias[..]) };
        fused_pairs_backward(&self.op, &x, &up, label_up, &mut scratch, out)?;
        Ok(self.outputs(&result, &label, d))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let (student, teacher) = (self.student.run(), self.teacher.run());
        let up = self.upstream.each_ref().map(|plane| plane.as_deref().map(singles));
        let of = |hard: &Hard| hard.upstream.each_ref().map(|plane| plane.as_deref().map(singles));
        let label_up = self.hard.as_ref().map(of);
        let hard = self.hard.as_ref().zip(label_up.as_ref());
        let [result, label, d_hidden, d_weight, d_bias] = rig.fused_pairs(&FusedPairRun {
            op: &self.op,
            hard: hard.map(|(hard, up)| (&hard.op, up.each_ref().map(Option::as_deref))),
            rules: &self.rules,
            v: self.v,
            heads: [&student, &teacher],
            labels: &self.labels,
            upstream: up.each_ref().map(Option::as_deref),
            storage: self.storage,
            tile: self.tile,
        })?;
        Ok(self.outputs(&result, &label, [d_hidden, d_weight, d_bias]))
    }
}
