//! The one list of operators.
//!
//! [`for_each_op!`](crate::for_each_op) hands the list to a macro of the caller's. The shader table, the conformance
//! suite, the catalogue and the benches are expansions of it, so an operator that stands here is everywhere, and a
//! test fails when one of its parts is missing.

/// Calls `$with!` with one line per operator: `family::name::Type: Signature [WGSL pieces],`.
///
/// The pieces are files of `shaders/wgsl/lib`, without those that the signature itself needs.
#[macro_export]
macro_rules! for_each_op {
    ($with:path) => {
        $with! {
            logprob::token::Token: TokenRows [],
            logprob::top_k::TopK: TopRows [],
            logprob::kl::Kl: LogitPairs [],
            logprob::js::Js: LogitPairs [expm1m],
            logprob::alpha_divergence::AlphaDivergence: LogitPairs [expm1m],
            logprob::linear::Linear: FusedLinear [],
            logprob::sequence_sum::SequenceSum: SegmentStats [],
            logprob::sequence_mean::SequenceMean: SegmentStats [],
            logprob::k1::K1: TokenMap [],
            logprob::k2::K2: TokenMap [],
            logprob::k3::K3: TokenMap [exp expm1m],
            logprob::nll::Nll: TokenMap [],
            logprob::dft::Dft: TokenMap [exp],
            logprob::denoising::Denoising: TokenMap [],
            unpaired::kto::Kto: TokenMap [exp log sigmoid],
            unpaired::apo_zero::ApoZero: TokenMap [exp log sigmoid],
            unpaired::bco::Bco: TokenMap [exp log sigmoid softplus],
            unpaired::dro::Dro: TokenMap [],
            unpaired::direct_advantage::DirectAdvantage: TokenMap [],
            unpaired::soft_critic::SoftCritic: TokenMap [exp log sigmoid],
            unpaired::a2po::A2po: TokenMap [],
            unpaired::nash_md::NashMd: TokenMap [],
            pair::logistic::Logistic: PairRows [],
            pair::square::Square: PairRows [],
            pair::hinge::Hinge: PairRows [],
            pair::exo::Exo: PairRows [],
            pair::discopop::Discopop: PairRows [softplus],
            pair::regression::Regression: PairRows [],
            pair::copg::Copg: PairRows [],
            pair::nca::Nca: PairRows [],
            pair::sppo::Sppo: PairRows [],
            pair::bco::Bco: PairRows [],
            pair::apo_zero::ApoZero: PairRows [],
            pair::apo_down::ApoDown: PairRows [],
            pair::odds_ratio::OddsRatio: PairRows [softplus log1mexp],
            pair::asft::Asft: PairRows [log1mexp],
            pair::bradley_terry::BradleyTerry: PairRows [],
            pair::seppo::Seppo: PairRows [softplus],
            pair::ofs_fast::OfsFast: PairRows [softplus],
            pair::ofs_slow::OfsSlow: PairRows [softplus],
            list::plackett_luce::PlackettLuce: ListRows [logsumexp],
            list::pairwise_logistic::PairwiseLogistic: ListRows [],
            list::brain::Brain: ListRows [expm1m],
            list::copg::Copg: ListRows [],
            list::leave_one_out::LeaveOneOut: ListRows [],
            list::context_mixture::ContextMixture: ListRows [],
            list::aot::Aot: ListRows [],
            returns::discounted::Discounted: ReverseScan [],
            returns::gae::Gae: ReverseScan [],
            returns::lambda::Lambda: ReverseScan [],
            returns::td_lambda::TdLambda: ReverseScan [],
            returns::vtrace::Vtrace: ReverseScan [],
            returns::importance_corrected::ImportanceCorrected: ReverseScan [],
            returns::off_policy::OffPolicy: ReverseScan [],
            returns::td_error::TdError: TokenMap [],
            reward::rto::Rto: ReverseScan [],
            policy::clip::Clip: PolicyRows [],
            policy::cispo::Cispo: PolicyRows [],
            policy::sapo::Sapo: PolicyRows [log sigmoid],
            policy::vespo::Vespo: PolicyRows [],
            policy::gmpo::Gmpo: PolicyRows [],
            policy::value_clip::ValueClip: TokenMap [],
        }
    };
}

macro_rules! specs {
    ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
        /// The page of every operator, in the order of the list.
        pub const SPECS: &[crate::Spec] = &[$(<crate::$family::$name::$op as crate::Op>::SPEC),*];
    };
}
for_each_op!(specs);

#[cfg(test)]
mod tests {
    use super::SPECS;

    #[test]
    fn every_operator_has_a_formula_a_paper_and_a_slug_of_its_own() {
        for (i, spec) in SPECS.iter().enumerate() {
            assert!(!spec.formula.is_empty() && !spec.title.is_empty(), "{}", spec.slug);
            assert!(!spec.papers.is_empty(), "{} names no paper", spec.slug);
            assert!(SPECS[..i].iter().all(|other| other.slug != spec.slug), "{} twice", spec.slug);
        }
    }

    macro_rules! slugs {
        ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
            #[test]
            fn the_slug_is_the_path_and_the_signature_the_one_listed() {
                $(
                    let spec = <crate::$family::$name::$op as crate::Op>::SPEC;
                    assert_eq!(spec.slug, concat!(stringify!($family), "/", stringify!($name)));
                    assert_eq!(spec.signature, crate::sig::Signature::$sig, "{}", spec.slug);
                )*
            }
        };
    }
    crate::for_each_op!(slugs);
}
