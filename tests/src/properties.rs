//! Metamorphic properties: what must happen to the results when the inputs change in a known way.
//!
//! They need no reference, so they hold the reference too. An operator names its properties in one line of [`LIST`];
//! each runs on any backend. Where the transformed inputs are exact in f32 the results must be equal in bits.

mod divergence;
mod list;
mod map;
mod pair;
mod scan;
mod segment;
mod token;
mod top;
mod unpaired;

use bellwether_core::list::{
    Aot, Brain, ContextMixture, Copg as ListCopg, LeaveOneOut, PairwiseLogistic, PlackettLuce,
};
use bellwether_core::logprob::{
    AlphaDivergence, Denoising, Dft, Js, K1, K2, K3, Kl, Nll, SequenceMean, SequenceSum,
};
use bellwether_core::pair::{
    ApoDown, ApoZero, Asft, Bco, BradleyTerry, Copg, Discopop, Exo, Hinge, Logistic, Nca, OddsRatio, OfsFast,
    OfsSlow, Regression, Seppo, Sppo, Square,
};
use bellwether_core::returns::{
    Discounted, Gae, ImportanceCorrected, Lambda, OffPolicy, TdError, TdLambda, Vtrace,
};
use bellwether_core::reward::Rto;
use bellwether_core::unpaired::{
    A2po, ApoZero as UnpairedApoZero, Bco as UnpairedBco, DirectAdvantage, Dro, Kto, NashMd, SoftCritic,
};

use crate::problem::{Backend, Outputs, Problem};

/// A property: its name, and what a backend that breaks it is told.
pub type Property = (&'static str, fn(Backend<'_>) -> Result<(), String>);

macro_rules! properties {
    ($($slug:literal: $($module:ident::$name:ident$(::<$op:ident>)?),*;)*) => {
        /// Every operator with its properties.
        pub const LIST: &[(&str, &[Property])] =
            &[$(($slug, &[$((stringify!($name), $module::$name$(::<$op>)?)),*])),*];
    };
}

properties! {
    "logprob/token": token::shift, token::more_rows, token::more_banned_tokens, token::permuted_rows,
        token::permuted_vocabulary, token::gradient_sums_to_zero, token::temperature_scales,
        token::every_way_the_same_bits;
    "logprob/top_k": top::shift, top::permuted_vocabulary, top::the_largest_in_order, top::fewer_are_the_first,
        top::heat_spreads, top::truncated_from_renormalised, top::all_are_the_row, top::gradient_sums_to_zero;
    "logprob/kl": divergence::shift::<Kl>, divergence::equal_is_zero::<Kl>, divergence::exchange_of_roles,
        divergence::gradients_sum_to_zero::<Kl>, divergence::temperature_scales::<Kl>,
        divergence::negative_within_its_bound, divergence::infinite_divergences;
    "logprob/js": divergence::shift::<Js>, divergence::equal_is_zero::<Js>, divergence::exchange_of_shares,
        divergence::gradients_sum_to_zero::<Js>, divergence::temperature_scales::<Js>,
        divergence::never_negative::<Js>, divergence::never_negative_near_the_ends;
    "logprob/alpha_divergence": divergence::shift::<AlphaDivergence>, divergence::equal_is_zero::<AlphaDivergence>,
        divergence::gradients_sum_to_zero::<AlphaDivergence>, divergence::temperature_scales::<AlphaDivergence>,
        divergence::never_negative::<AlphaDivergence>;
    "logprob/sequence_sum": segment::padded_is_packed::<SequenceSum>, segment::linear::<SequenceSum>,
        segment::padding::<SequenceSum>, segment::mask_of_ones::<SequenceSum>;
    "logprob/sequence_mean": segment::padded_is_packed::<SequenceMean>, segment::linear::<SequenceMean>,
        segment::padding::<SequenceMean>, segment::mask_of_ones::<SequenceMean>;
    "logprob/k1": map::tokens_turned::<K1>, map::longer_rows::<K1>,
        map::ones_are_nothing::<K1>, map::any_layout::<K1>, map::rows_alone::<K1>, map::upstream_scales::<K1>,
        map::swap_negates;
    "logprob/k2": map::tokens_turned::<K2>, map::longer_rows::<K2>,
        map::ones_are_nothing::<K2>, map::any_layout::<K2>, map::rows_alone::<K2>, map::upstream_scales::<K2>,
        map::swap_is_nothing;
    "logprob/k3": map::tokens_turned::<K3>, map::longer_rows::<K3>,
        map::ones_are_nothing::<K3>, map::any_layout::<K3>, map::rows_alone::<K3>, map::upstream_scales::<K3>,
        map::never_negative, map::beyond_is_infinite;
    "logprob/nll": map::tokens_turned::<Nll>, map::longer_rows::<Nll>,
        map::ones_are_nothing::<Nll>, map::any_layout::<Nll>, map::rows_alone::<Nll>, map::upstream_scales::<Nll>;
    "logprob/dft": map::tokens_turned::<Dft>, map::longer_rows::<Dft>,
        map::ones_are_nothing::<Dft>, map::any_layout::<Dft>, map::rows_alone::<Dft>, map::upstream_scales::<Dft>;
    "logprob/denoising": map::tokens_turned::<Denoising>, map::longer_rows::<Denoising>,
        map::ones_are_nothing::<Denoising>, map::any_layout::<Denoising>, map::rows_alone::<Denoising>,
        map::upstream_scales::<Denoising>;
    "pair/logistic": pair::translated::<Logistic>, pair::permuted::<Logistic>,
        pair::beta_times_ratio::<Logistic>, pair::micro_batches::<Logistic>, pair::antisymmetric::<Logistic>,
        pair::exchanged_labels::<Logistic>, pair::swap_differs_by_margin, pair::unbiased_under_flips;
    "pair/square": pair::translated::<Square>, pair::permuted::<Square>, pair::micro_batches::<Square>,
        pair::antisymmetric::<Square>, pair::exchanged_labels::<Square>;
    "pair/hinge": pair::translated::<Hinge>, pair::permuted::<Hinge>, pair::beta_times_ratio::<Hinge>,
        pair::micro_batches::<Hinge>, pair::antisymmetric::<Hinge>, pair::exchanged_labels::<Hinge>;
    "pair/exo": pair::translated::<Exo>, pair::permuted::<Exo>, pair::beta_times_ratio::<Exo>,
        pair::micro_batches::<Exo>, pair::antisymmetric::<Exo>, pair::exchanged_labels::<Exo>;
    "pair/discopop": pair::translated::<Discopop>, pair::permuted::<Discopop>,
        pair::beta_times_ratio::<Discopop>, pair::micro_batches::<Discopop>, pair::antisymmetric::<Discopop>,
        pair::exchanged_labels::<Discopop>;
    "pair/regression": pair::translated::<Regression>, pair::permuted::<Regression>,
        pair::beta_times_ratio::<Regression>, pair::micro_batches::<Regression>,
        pair::antisymmetric::<Regression>, pair::exchanged_labels::<Regression>;
    "pair/copg": pair::translated::<Copg>, pair::permuted::<Copg>, pair::micro_batches::<Copg>,
        pair::antisymmetric::<Copg>, pair::exchanged_labels::<Copg>;
    "pair/nca": pair::translated::<Nca>, pair::permuted::<Nca>, pair::beta_times_ratio::<Nca>,
        pair::micro_batches::<Nca>, pair::exchanged_labels::<Nca>;
    "pair/sppo": pair::translated::<Sppo>, pair::permuted::<Sppo>, pair::micro_batches::<Sppo>,
        pair::exchanged_labels::<Sppo>;
    "pair/bco": pair::translated::<Bco>, pair::permuted::<Bco>, pair::beta_times_ratio::<Bco>,
        pair::micro_batches::<Bco>, pair::exchanged_labels::<Bco>;
    "pair/apo_zero": pair::translated::<ApoZero>, pair::permuted::<ApoZero>, pair::beta_times_ratio::<ApoZero>,
        pair::micro_batches::<ApoZero>, pair::exchanged_labels::<ApoZero>;
    "pair/apo_down": pair::translated::<ApoDown>, pair::permuted::<ApoDown>, pair::beta_times_ratio::<ApoDown>,
        pair::micro_batches::<ApoDown>, pair::exchanged_labels::<ApoDown>;
    "pair/odds_ratio": pair::permuted::<OddsRatio>, pair::micro_batches::<OddsRatio>,
        pair::exchanged_labels::<OddsRatio>;
    "pair/asft": pair::permuted::<Asft>, pair::micro_batches::<Asft>, pair::exchanged_labels::<Asft>;
    "pair/bradley_terry": pair::translated::<BradleyTerry>, pair::permuted::<BradleyTerry>,
        pair::micro_batches::<BradleyTerry>, pair::exchanged_labels::<BradleyTerry>;
    "pair/seppo": pair::translated::<Seppo>, pair::permuted::<Seppo>, pair::beta_times_ratio::<Seppo>,
        pair::micro_batches::<Seppo>, pair::exchanged_labels::<Seppo>;
    "pair/ofs_fast": pair::translated::<OfsFast>, pair::permuted::<OfsFast>, pair::beta_times_ratio::<OfsFast>,
        pair::micro_batches::<OfsFast>, pair::antisymmetric::<OfsFast>, pair::exchanged_labels::<OfsFast>;
    "pair/ofs_slow": pair::translated::<OfsSlow>, pair::permuted::<OfsSlow>, pair::beta_times_ratio::<OfsSlow>,
        pair::micro_batches::<OfsSlow>, pair::antisymmetric::<OfsSlow>, pair::exchanged_labels::<OfsSlow>;
    "unpaired/kto": map::tokens_turned::<Kto>, map::longer_rows::<Kto>,
        map::ones_are_nothing::<Kto>, map::any_layout::<Kto>, map::rows_alone::<Kto>, map::upstream_scales::<Kto>,
        unpaired::sides_mirrored::<Kto>,
        unpaired::baseline_of_zero;
    "unpaired/apo_zero": map::upstream_scales::<UnpairedApoZero>,
        unpaired::sides_mirrored::<UnpairedApoZero>;
    "unpaired/bco": map::upstream_scales::<UnpairedBco>,
        unpaired::sides_mirrored::<UnpairedBco>;
    "unpaired/dro": map::tokens_turned::<Dro>, map::longer_rows::<Dro>,
        map::ones_are_nothing::<Dro>, map::any_layout::<Dro>, map::rows_alone::<Dro>, map::upstream_scales::<Dro>,
        unpaired::value_apart;
    "unpaired/direct_advantage": map::upstream_scales::<DirectAdvantage>;
    "unpaired/soft_critic": map::upstream_scales::<SoftCritic>,
        unpaired::target_mirrored;
    "unpaired/a2po": map::upstream_scales::<A2po>;
    "unpaired/nash_md": map::tokens_turned::<NashMd>, map::longer_rows::<NashMd>,
        map::ones_are_nothing::<NashMd>, map::any_layout::<NashMd>, map::rows_alone::<NashMd>, map::upstream_scales::<NashMd>,
        unpaired::penalty_is_a_constant;
    "list/plackett_luce": list::items_turned::<PlackettLuce>, list::longer_lists::<PlackettLuce>,
        list::lists_alone::<PlackettLuce>, list::any_layout::<PlackettLuce>,
        list::upstream_scales::<PlackettLuce>, list::shifted::<PlackettLuce>,
        list::gradients_sum_to_zero::<PlackettLuce>, list::two_are_a_pair;
    "list/pairwise_logistic": list::items_turned::<PairwiseLogistic>, list::longer_lists::<PairwiseLogistic>,
        list::lists_alone::<PairwiseLogistic>, list::any_layout::<PairwiseLogistic>,
        list::upstream_scales::<PairwiseLogistic>, list::shifted::<PairwiseLogistic>,
        list::gradients_sum_to_zero::<PairwiseLogistic>, list::two_are_a_pair;
    "list/brain": list::items_turned::<Brain>, list::longer_lists::<Brain>, list::lists_alone::<Brain>,
        list::any_layout::<Brain>, list::upstream_scales::<Brain>, list::shifted::<Brain>,
        list::gradients_sum_to_zero::<Brain>;
    "list/copg": list::items_turned::<ListCopg>, list::longer_lists::<ListCopg>, list::lists_alone::<ListCopg>,
        list::any_layout::<ListCopg>, list::upstream_scales::<ListCopg>, list::shifted::<ListCopg>,
        list::gradients_sum_to_zero::<ListCopg>;
    "list/leave_one_out": list::items_turned::<LeaveOneOut>, list::longer_lists::<LeaveOneOut>,
        list::lists_alone::<LeaveOneOut>, list::any_layout::<LeaveOneOut>, list::upstream_scales::<LeaveOneOut>,
        list::gradients_sum_to_zero::<LeaveOneOut>;
    "list/context_mixture": list::items_turned::<ContextMixture>, list::longer_lists::<ContextMixture>,
        list::lists_alone::<ContextMixture>, list::any_layout::<ContextMixture>,
        list::upstream_scales::<ContextMixture>, list::shares_sum_to_one;
    "list/aot": list::items_turned::<Aot>, list::longer_lists::<Aot>, list::lists_alone::<Aot>,
        list::any_layout::<Aot>, list::upstream_scales::<Aot>, list::each_array_turned;
    "returns/discounted": scan::each_row_alone::<Discounted>, scan::padded_rows::<Discounted>,
        scan::packed_is_padded::<Discounted>, scan::every_layout::<Discounted>, scan::upstream_multiplies::<Discounted>, scan::episodes_apart::<Discounted>;
    "returns/gae": scan::each_row_alone::<Gae>, scan::padded_rows::<Gae>,
        scan::packed_is_padded::<Gae>, scan::every_layout::<Gae>, scan::upstream_multiplies::<Gae>, scan::episodes_apart::<Gae>;
    "returns/lambda": scan::each_row_alone::<Lambda>, scan::padded_rows::<Lambda>,
        scan::packed_is_padded::<Lambda>, scan::every_layout::<Lambda>, scan::upstream_multiplies::<Lambda>, scan::episodes_apart::<Lambda>;
    "returns/td_lambda": scan::each_row_alone::<TdLambda>, scan::padded_rows::<TdLambda>,
        scan::packed_is_padded::<TdLambda>, scan::every_layout::<TdLambda>, scan::upstream_multiplies::<TdLambda>, scan::episodes_apart::<TdLambda>;
    "returns/vtrace": scan::each_row_alone::<Vtrace>, scan::padded_rows::<Vtrace>,
        scan::packed_is_padded::<Vtrace>, scan::every_layout::<Vtrace>, scan::upstream_multiplies::<Vtrace>, scan::episodes_apart::<Vtrace>;
    "returns/importance_corrected": scan::each_row_alone::<ImportanceCorrected>, scan::padded_rows::<ImportanceCorrected>,
        scan::packed_is_padded::<ImportanceCorrected>, scan::every_layout::<ImportanceCorrected>, scan::upstream_multiplies::<ImportanceCorrected>, scan::episodes_apart::<ImportanceCorrected>;
    "returns/off_policy": scan::each_row_alone::<OffPolicy>, scan::padded_rows::<OffPolicy>,
        scan::packed_is_padded::<OffPolicy>, scan::every_layout::<OffPolicy>, scan::upstream_multiplies::<OffPolicy>, scan::episodes_apart::<OffPolicy>;
    "reward/rto": scan::each_row_alone::<Rto>, scan::padded_rows::<Rto>,
        scan::packed_is_padded::<Rto>, scan::every_layout::<Rto>, scan::upstream_multiplies::<Rto>;
    "returns/td_error": map::upstream_scales::<TdError>;
}

/// The results of a problem.
fn run(problem: &impl Problem, backend: Backend<'_>) -> Result<Outputs<f64>, String> {
    problem.run(backend).map_err(|error| error.to_string())
}

/// One output by name.
fn of<'o>(outputs: &'o Outputs<f64>, name: &str) -> Result<&'o [f64], String> {
    let found = outputs.iter().find(|o| o.name == name);
    found.map(|o| o.data.as_slice()).ok_or_else(|| format!("no output {name}"))
}

/// Two arrays are equal in bits, or the first difference. The sign of a zero is free: WGSL does not keep it.
fn same(name: &str, got: &[f64], want: &[f64]) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!("{name}: {} elements, not {}", got.len(), want.len()));
    }
    let equal = |a: f64, b: f64| a.to_bits() == b.to_bits() || a - b == 0.0;
    match got.iter().zip(want).position(|(&a, &b)| !equal(a, b)) {
        None => Ok(()),
        Some(i) => Err(format!("{name}[{i}] is {:e}, not {:e}", got[i], want[i])),
    }
}

/// Two arrays agree within `units` of f32 at the given scale.
fn near(name: &str, got: &[f64], want: &[f64], units: f64, scale: f64) -> Result<(), String> {
    let bound = units * scale * f64::from(f32::EPSILON);
    match got.iter().zip(want).position(|(a, b)| (a - b).abs() > bound || (a - b).is_nan()) {
        None => Ok(()),
        Some(i) => Err(format!("{name}[{i}] is {:e}, not {:e} within {bound:e}", got[i], want[i])),
    }
}
