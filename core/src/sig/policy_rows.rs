//! PolicyRows: policy-gradient losses on the tokens of sequences, one loss per sequence.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `logp` | `[rows, len]` |
//! | constant | `old_logp`, optional: the sampling policy's; without it the ratio is 1, and has a gradient | `[rows, len]` |
//! | constant | `ref_logp`, optional: the reference's | `[rows, len]` |
//! | constant | `advantage` | `[rows, len]` |
//! | constant | `weight`, optional: multiplies a token's policy part, not its divergence | `[rows, len]` |
//! | constant | `upstream`, optional: the gradient of each row's loss | `[rows]` |
//! | words | `mask`, optional: which tokens count | `[rows, len]` |
//! | result | planes: `loss`, `kl`, `tokens`, the operator's [`METRICS`](crate::policy::Surrogate::METRICS), `status` | `[planes, rows]` |
//! | result | `d_logp` | `[rows, len]` |
//!
//! Every array `[rows, len]` but the gradient is a view: an advantage per sequence has a distance of columns of 0. `weight`
//! is where masks by entropy or by divergence go, and truncated importance weights.
//!
//! `loss` is the sum or the mean over a row's counted tokens, as the loss's [`Aggregate`](crate::policy::Aggregate) says,
//! unscaled; `kl` and the metrics are means over counted tokens, `tokens` their number. The gradient is that of the
//! *reduced* loss, `scale · Σ upstream · loss` ([`Reduction`](super::Reduction); without upstream gradients each is 1).
//!
//! A token whose mask word is 0 does not count: nothing else of it is read, and its gradient is 0. A row without tokens
//! that count gives zeros and is flagged in the status. A NaN or an infinity among what counts is an error on the CPU and
//! poisons the row on the GPU. Results beyond the precision's range are ±∞.

use super::args::args;
use super::token_map::ViewWords;

/// The most tokens of a row: what every driver can sum in one workgroup.
pub const MOST_TOKENS: usize = 1 << 20;
/// The most metrics of an operator.
pub const MOST_METRICS: usize = 2;
/// The planes before the metrics.
pub const PLANES: [&str; 3] = ["loss", "kl", "tokens"];

/// Bit of [`PolicyArgs::present`]: there is a mask.
pub const MASKED: u32 = 1;
/// Bit of [`PolicyArgs::present`]: there are upstream gradients.
pub const UPSTREAM: u32 = 2;
/// Bit of [`PolicyArgs::present`]: there is a sampling policy.
pub const OLD: u32 = 4;
/// Bit of [`PolicyArgs::present`]: there is a reference.
pub const REFERENCE: u32 = 8;
/// Bit of [`PolicyArgs::present`]: tokens have weights.
pub const WEIGHTED: u32 = 16;

/// The names of the planes of a result, with these metrics.
pub fn result(metrics: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    PLANES.into_iter().chain(metrics.iter().copied()).chain(["status"])
}

args! {
    /// Arguments of `forward`.
    PolicyArgs {
        /// How many rows.
        rows: u32,
        /// Tokens of a row, padding counted.
        len: u32,
        /// Where plane 0 of the result begins.
        result_offset: u32,
        /// Elements from one plane to the next.
        result_stride: u32,
        /// The reduction's scale: multiplies the gradients.
        scale: f32,
        /// Which of the optional arrays there are: a sum of [`MASKED`] and its kin.
        present: u32,
        /// The [`Level`](crate::policy::Level) of the ratio.
        level: u32,
        /// 1 where a row's loss is a mean over its tokens, 0 where it is a sum.
        mean: u32,
        /// Weight of the divergence.
        beta: f32,
        /// 1 where the divergence is multiplied by the ratio.
        corrected: u32,
        /// The upstream gradient of row 0, in `constants`.
        upstream_offset: u32,
        /// Elements from one upstream gradient to the next.
        upstream_stride: u32,
        /// Token 0 of row 0 of the gradient, in `result`; its tokens are neighbours.
        gradient_offset: u32,
        /// Elements from one row to the next.
        gradient_row: u32,
        /// Token 0 of row 0 of the mask, in `words`.
        mask_offset: u32,
        /// Elements from one row to the next.
        mask_row: u32,
        /// Elements from one token to the next.
        mask_col: u32,
        /// Token 0 of row 0 of the log-probabilities, in `inputs`.
        logp_offset: u32,
        /// Elements from one row to the next.
        logp_row: u32,
        /// Elements from one token to the next.
        logp_col: u32,
        /// Token 0 of row 0 of the sampling policy's, in `constants`.
        old_offset: u32,
        /// Elements from one row to the next.
        old_row: u32,
        /// Elements from one token to the next.
        old_col: u32,
        /// Token 0 of row 0 of the reference's, in `constants`.
        ref_offset: u32,
        /// Elements from one row to the next.
        ref_row: u32,
        /// Elements from one token to the next.
        ref_col: u32,
        /// Token 0 of row 0 of the advantages, in `constants`.
        advantage_offset: u32,
        /// Elements from one row to the next.
        advantage_row: u32,
        /// Elements from one token to the next.
        advantage_col: u32,
        /// Token 0 of row 0 of the weights, in `constants`.
        weight_offset: u32,
        /// Elements from one row to the next.
        weight_row: u32,
        /// Elements from one token to the next.
        weight_col: u32,
    }
}

impl PolicyArgs {
    /// The arguments with these arrays: mask, `logp`, `old_logp`, `ref_logp`, `advantage`, `weight`. The rest is left at 0.
    #[must_use]
    pub fn of_views(views: [ViewWords; 6]) -> Self {
        let [
            [mask_offset, mask_row, mask_col],
            [logp_offset, logp_row, logp_col],
            [old_offset, old_row, old_col],
            [ref_offset, ref_row, ref_col],
            [advantage_offset, advantage_row, advantage_col],
            [weight_offset, weight_row, weight_col],
        ] = views;
        Self {
            mask_offset,
            mask_row,
            mask_col,
            logp_offset,
            logp_row,
            logp_col,
            old_offset,
            old_row,
            old_col,
            ref_offset,
            ref_row,
            ref_col,
            advantage_offset,
            advantage_row,
            advantage_col,
            weight_offset,
            weight_row,
            weight_col,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_stand_where_the_block_says() {
        let view = |i: u32| [3 * i, 3 * i + 1, 3 * i + 2];
        let words = PolicyArgs::of_views([0, 1, 2, 3, 4, 5].map(view)).words();
        assert!(words[..14].iter().all(|&word| word == 0) && words[14..].iter().copied().eq(0..18));
    }

    #[test]
    fn planes_are_named_apart() {
        assert!(result(&["a", "b"]).eq(["loss", "kl", "tokens", "a", "b", "status"]));
    }
}
