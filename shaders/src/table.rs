//! The table of kernels, put together at compile time from the registry and the files below `wgsl/`.

use bellwether_core::sig::{
    fused_linear, list_rows, logit_pairs, pair_rows, policy_rows, reverse_scan, segment_stats, token_map,
    token_rows,
};

use crate::{Binding, Role, Source};

/// Bindings from `name: Role` pairs.
macro_rules! bindings {
    ($($name:ident: $role:ident),*) => {
        &[$(Binding { name: stringify!($name), role: Role::$role }),*]
    };
}

/// A module's text: a title, a skeleton of `wgsl/sig`, the operator's own files (or none) and files of `wgsl/lib`.
macro_rules! text {
    ($family:ident / $name:ident $kernel:literal: $($sig:ident)+ [$($own:ident)*] [$($lib:ident)*]) => {
        concat!(
            "// bellwether: ", stringify!($family), "/", stringify!($name), ", ", $kernel, "\n",
            $("\n", include_str!(concat!("../wgsl/sig/", stringify!($sig), ".wgsl")),)+
            $("\n", include_str!(concat!("../wgsl/", stringify!($family), "/", stringify!($own), ".wgsl")),)*
            $("\n", include_str!(concat!("../wgsl/lib/", stringify!($lib), ".wgsl")),)*
        )
    };
}

/// The kernels of one operator, by its signature.
macro_rules! kernels {
    (TokenRows $family:ident $name:ident [$($lib:ident)*]) => {
        &[
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "forward",
                text: text!($family/$name "forward": token_rows_forward token_rows_wide token_rows_logits token_rows token_rows_scan token_rows_lane token_rows_planes token_rows_status [logit $name] [bits stored exp log tanh $($lib)*]),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![logits: Wide, labels: Words, result: Result, args: Args],
                args: token_rows::ForwardArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "narrow",
                text: text!($family/$name "narrow": token_rows_forward token_rows_narrow token_rows_logits token_rows token_rows_scan token_rows_lane token_rows_planes token_rows_status [logit $name] [bits stored exp log tanh $($lib)*]),
                workgroup: 64,
                rows_per_group: 8,
                bindings: bindings![logits: Wide, labels: Words, result: Result, args: Args],
                args: token_rows::ForwardArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "partial",
                text: text!($family/$name "partial": token_rows_partial token_rows_wide token_rows_logits token_rows token_rows_scan token_rows_lane token_rows_state [logit $name] [bits stored exp log tanh $($lib)*]),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![logits: Wide, labels: Words, result: Result, args: Args],
                args: token_rows::PartialArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "finish",
                text: text!($family/$name "finish": token_rows_finish token_rows token_rows_state token_rows_planes token_rows_status [logit $name] [bits stored exp log tanh $($lib)*]),
                workgroup: 64,
                rows_per_group: 64,
                bindings: bindings![states: Input, labels: Words, result: Result, args: Args],
                args: token_rows::FinishArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "backward",
                text: text!($family/$name "backward": token_rows_backward token_rows_backward_bindings token_rows_logits token_rows token_rows_saved token_rows_slope token_rows_slope_of columns [logit $name] [bits stored exp log tanh $($lib)*]),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![logits: Wide, rows: Input, labels: Words, result: Result, args: Args],
                args: token_rows::BackwardArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "backward_in_place",
                text: text!($family/$name "backward_in_place": token_rows_backward token_rows_in_place_bindings token_rows_in_place token_rows token_rows_saved token_rows_slope token_rows_slope_of columns [logit $name] [bits stored exp log tanh $($lib)*]),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![rows: Input, labels: Words, result: Result, args: Args],
                args: token_rows::BackwardArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "step",
                text: text!($family/$name "step": token_rows_step token_rows_wide token_rows_in_place token_rows token_rows_scan token_rows_lane token_rows_planes token_rows_status token_rows_saved token_rows_slope columns [logit $name] [bits stored exp log tanh $($lib)*]),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![rows: Input, labels: Words, planes: Result, result: Result, args: Args],
                args: token_rows::StepArgs::FIELDS,
            },
        ]
    };
    // The mathematics of a row's normaliser is that of logprob/token.
    (TopRows $family:ident $name:ident $lib:tt) => {
        &[
            kernels!(@top "forward" $family $name $lib 1 ForwardArgs [top_rows_forward token_rows_wide] [top_rows_planes token_rows_status]),
            kernels!(@top "narrow" $family $name $lib 8 ForwardArgs [top_rows_forward token_rows_narrow] [top_rows_planes token_rows_status]),
            kernels!(@top "partial" $family $name $lib 1 PartialArgs [top_rows_partial token_rows_wide] []),
            kernels!(@top_source "finish" $family $name $lib 64 FinishArgs
                [top_rows_finish token_rows top_rows_list top_rows_planes token_rows_status]
                [states: Input, labels: Words, result: Result, args: Args]),
            kernels!(@top_source "backward" $family $name $lib 1 BackwardArgs
                [token_rows_backward token_rows_backward_bindings token_rows_logits token_rows token_rows_saved top_rows_list top_rows_slope columns]
                [logits: Wide, rows: Input, labels: Words, result: Result, args: Args]),
        ]
    };
    (@top $kernel:literal $family:ident $name:ident $lib:tt $rows:literal $args:ident [$($first:ident)*] [$($last:ident)*]) => {
        kernels!(@top_source $kernel $family $name $lib $rows $args
            [$($first)* token_rows_logits token_rows token_rows_scan top_rows_lane top_rows_list top_rows_merge $($last)*]
            [logits: Wide, labels: Words, result: Result, args: Args])
    };
    (@top_source $kernel:literal $family:ident $name:ident [$($lib:ident)*] $rows:literal $args:ident [$($piece:ident)*] [$($bound:tt)*]) => {
        Source {
            op: concat!(stringify!($family), "/", stringify!($name)),
            kernel: $kernel,
            text: text!($family/$name $kernel: $($piece)* [logit token $name] [bits stored exp log tanh $($lib)*]),
            workgroup: 64,
            rows_per_group: $rows,
            bindings: bindings![$($bound)*],
            args: token_rows::$args::FIELDS,
        }
    };
    // KL is finished after one traversal.
    (LogitPairs $family:ident kl [$($lib:ident)*]) => {
        kernels!(@logit_pairs logit_pairs_once $family kl [$($lib)*])
    };
    (LogitPairs $family:ident $name:ident [$($lib:ident)*]) => {
        kernels!(@logit_pairs logit_pairs_twice $family $name [$($lib)*])
    };
    (@logit_pairs $passes:ident $family:ident $name:ident [$($lib:ident)*]) => {
        &[
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "forward",
                text: text!(
                    $family/$name "forward": logit_pairs_forward token_rows_logits logit_pairs_reference logit_pairs_state $passes
                    logit_pairs token_rows
                    [logit $name] [bits stored exp log tanh $($lib)*]
                ),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![logits: Wide, ref_logits: Wide, labels: Words, result: Result, args: Args],
                args: logit_pairs::ForwardArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "backward",
                text: text!(
                    $family/$name "backward": logit_pairs_backward token_rows_logits logit_pairs_reference
                    logit_pairs_backward_bindings logit_pairs token_rows token_rows_saved columns
                    [logit $name] [bits stored exp log tanh $($lib)*]
                ),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![
                    logits: Wide, ref_logits: Wide, rows: Input, labels: Words, result: Result, args: Args
                ],
                args: logit_pairs::BackwardArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "backward_in_place",
                text: text!(
                    $family/$name "backward_in_place": logit_pairs_backward logit_pairs_in_place logit_pairs
                    token_rows token_rows_saved columns
                    [logit $name] [bits stored exp log tanh $($lib)*]
                ),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![other: Wide, rows: Input, labels: Words, result: Result, args: Args],
                args: logit_pairs::BackwardArgs::FIELDS,
            },
        ]
    };
    (FusedLinear $family:ident $name:ident [$($lib:ident)*]) => {
        &[
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "product",
                text: text!($family/$name "product": fused_linear_product fused_linear_a [] [bits stored $($lib)*]),
                workgroup: 256,
                rows_per_group: 1,
                bindings: bindings![a: Input, b: Wide, bias: Input, result: Result, args: Args],
                args: fused_linear::ProductArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "product_wide",
                text: text!($family/$name "product_wide": fused_linear_product fused_linear_a_wide [] [bits stored $($lib)*]),
                workgroup: 256,
                rows_per_group: 1,
                bindings: bindings![a: Wide, b: Wide, bias: Input, result: Result, args: Args],
                args: fused_linear::ProductArgs::FIELDS,
            },
        ]
    };
    (SegmentStats $family:ident $name:ident [$($lib:ident)*]) => {
        &[
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "forward",
                text: text!($family/$name "forward": segment_stats_forward segment_stats [$name] [bits $($lib)*]),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![values: Input, words: Words, result: Result, args: Args],
                args: segment_stats::SegmentArgs::FIELDS,
            },
            Source {
                op: concat!(stringify!($family), "/", stringify!($name)),
                kernel: "backward",
                text: text!($family/$name "backward": segment_stats_backward segment_stats [$name] [bits $($lib)*]),
                workgroup: 64,
                rows_per_group: 1,
                bindings: bindings![rows: Input, words: Words, result: Result, args: Args],
                args: segment_stats::SegmentArgs::FIELDS,
            },
        ]
    };
    (PairRows $family:ident $name:ident [$($lib:ident)*]) => {
        &[Source {
            op: concat!(stringify!($family), "/", stringify!($name)),
            kernel: "forward",
            text: text!($family/$name "forward": pair_rows_forward pair_score [$name] [bits exp log sigmoid $($lib)*]),
            workgroup: 64,
            rows_per_group: 64,
            bindings: bindings![inputs: Input, constants: Input, result: Result, args: Args],
            args: pair_rows::PairArgs::FIELDS,
        }]
    };
    (TokenMap $family:ident $name:ident [$($lib:ident)*]) => {
        &[Source {
            op: concat!(stringify!($family), "/", stringify!($name)),
            kernel: "forward",
            text: text!($family/$name "forward": token_map [$name] [bits $($lib)*]),
            workgroup: 64,
            rows_per_group: 64,
            bindings: bindings![inputs: Input, constants: Input, words: Words, result: Result, args: Args],
            args: token_map::MapArgs::FIELDS,
        }]
    };
    (ReverseScan $family:ident $name:ident [$($lib:ident)*]) => {
        &[Source {
            op: concat!(stringify!($family), "/", stringify!($name)),
            kernel: "forward",
            text: text!($family/$name "forward": reverse_scan reverse_scan_lanes reverse_scan_arrays [$name] [bits $($lib)*]),
            workgroup: 64,
            rows_per_group: 1,
            bindings: bindings![inputs: Input, constants: Input, words: Words, result: Result, args: Args],
            args: reverse_scan::ScanArgs::FIELDS,
        }]
    };
    (ListRows $family:ident $name:ident [$($lib:ident)*]) => {
        &[Source {
            op: concat!(stringify!($family), "/", stringify!($name)),
            kernel: "forward",
            text: text!($family/$name "forward": list_rows list_sums [$name] [bits exp log sigmoid softplus $($lib)*]),
            workgroup: 64,
            rows_per_group: 1,
            bindings: bindings![inputs: Input, constants: Input, words: Words, result: Result, args: Args],
            args: list_rows::ListArgs::FIELDS,
        }]
    };
    (PolicyRows $family:ident $name:ident [$($lib:ident)*]) => {
        &[Source {
            op: concat!(stringify!($family), "/", stringify!($name)),
            kernel: "forward",
            text: text!($family/$name "forward": policy_rows list_sums [$name] [bits exp expm1m $($lib)*]),
            workgroup: 64,
            rows_per_group: 1,
            bindings: bindings![inputs: Input, constants: Input, words: Words, result: Result, args: Args],
            args: policy_rows::PolicyArgs::FIELDS,
        }]
    };
}

macro_rules! table {
    ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
        /// The kernels of each operator, in the order of the registry.
        const BY_OP: &[&[Source]] = &[$(kernels!($sig $family $name [$($lib)*])),*];
    };
}
bellwether_core::for_each_op!(table);

/// Every kernel, in the order of the registry.
pub const SOURCES: &[Source] = &flatten::<{ count(BY_OP) }>(BY_OP);

/// The kernel of an operator, by slug and kernel name.
#[must_use]
pub fn find(op: &str, kernel: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|source| source.op == op && source.kernel == kernel)
}

const fn count(by_op: &[&[Source]]) -> usize {
    let (mut total, mut i) = (0, 0);
    while i < by_op.len() {
        total += by_op[i].len();
        i += 1;
    }
    total
}

const fn flatten<const N: usize>(by_op: &[&[Source]]) -> [Source; N] {
    let mut all = [by_op[0][0]; N];
    let (mut k, mut i) = (0, 0);
    while i < by_op.len() {
        let mut j = 0;
        while j < by_op[i].len() {
            all[k] = by_op[i][j];
            (j, k) = (j + 1, k + 1);
        }
        i += 1;
    }
    all
}
