//! The driver of distillation from hidden states, with arbitrary slices.

use bellwether_core::logprob::{Js, Token};
use bellwether_core::sig::{logit_pairs as two, token_rows as token};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients};
use bellwether_cpu_ref::fused_pairs::{HardPlanes, HiddenPairs, fused_pairs, fused_pairs_backward};
use bellwether_cpu_ref::token_rows::TokenUpstream;

use super::all_or_nothing;
use super::draw::Draw;

/// A student that was drawn already, and a teacher beside it.
pub(super) fn distillation(d: &mut Draw<'_>, student: Hidden<'_, f64>, op: Token) -> bool {
    let (n, h, v) = (student.labels.len(), student.h, student.v);
    let ref_h = d.size(4);
    let (held, columns) = (d.near(n.checked_mul(ref_h)), d.near(v.checked_mul(ref_h)));
    let (ref_hidden, ref_weight) = (d.numbers(held), d.numbers(columns));
    let (ref_hidden, ref_weight, ref_bias) = (&ref_hidden[..], &ref_weight[..], None);
    let x = HiddenPairs { student, ref_hidden, ref_weight, ref_bias, ref_h };
    let js = Js::of(d.parameter(0.5), super::drivers::token_op(d));
    let mut work = vec![0.0; d.near((n + 2).checked_mul(v))];
    let planes = [d.near(Some(two::PLANES * n)), d.near(Some(token::PLANES.len() * n))];
    let forward = all_or_nothing(planes, |[result, hard]| {
        fused_pairs(&js, &x, &mut work, result, Some(HardPlanes { op, result: hard }))
    });
    let held = d.near(Some(n));
    let up = d.numbers(held);
    let label = TokenUpstream { logp: Some(&up[..]), ..TokenUpstream::default() };
    let sizes = [d.near(n.checked_mul(h)), d.near(v.checked_mul(h)), d.near(Some(v))];
    let backward = all_or_nothing(sizes, |[d_hidden, d_weight, d_bias]| {
        let out = HiddenGradients { d_hidden, d_weight, d_bias: Some(d_bias) };
        fused_pairs_backward(&js, &x, &[None, Some(&up), None, None], Some((op, label)), &mut work, out)
    });
    forward && backward
}
