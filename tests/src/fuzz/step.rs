//! A whole training step with arbitrary slices.

use bellwether_core::Error;
use bellwether_core::logprob::Linear;
use bellwether_core::pair::{Hinge, Logistic, PairLoss};
use bellwether_core::sig::{pair_rows as pair, segment_stats as segment, token_rows as token};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients};
use bellwether_cpu_ref::pair_rows::Extras;
use bellwether_cpu_ref::pair_rows::PairLink;
use bellwether_cpu_ref::step::{Batch, Reference, StepOut, step_from_hidden, step_from_logits};

use super::draw::Draw;
use super::{MARK, all_or_nothing, drivers};

/// A step keeps what its first stages did; a fault of shape or parameter shows before the first.
pub(super) fn step(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (pairs, len, v) = (d.size(3), d.size(4), d.size(5));
    let (rows, labelled) =
        (pairs.checked_mul(2), pairs.checked_mul(2).and_then(|rows| rows.checked_mul(len)));
    let n = d.near(labelled);
    let labels = d.labels(n, v);
    let per_token = d.any();
    let held = d.near(if per_token { labelled } else { rows });
    let reference = d.numbers(held);
    let (rules, reduction) = (d.rules(len), d.reduction());
    let reference =
        if per_token { Reference::Token(&reference[..]) } else { Reference::Sequence(&reference) };
    let extras = Extras::default();
    let batch = Batch { labels: &labels, rules, pairs, len, reference, reduction, extras };
    carve(&mut d, pairs, len);
    if d.any() {
        let loss = drivers::loss(Hinge {}, &mut d);
        from_logits(&loss, &batch, v, &mut d)
    } else {
        let loss = drivers::loss(Logistic {}, &mut d);
        from_hidden(&loss, &batch, v, &mut d)
    }
}

/// Carving a workspace gives slices of the sizes that a step asks for, or an error.
fn carve(d: &mut Draw<'_>, pairs: usize, len: usize) {
    let elements = StepOut::<u8>::elements(pairs, len);
    let mut workspace = vec![0_u8; d.near(Some(elements))];
    let given = workspace.len();
    match StepOut::carve(&mut workspace, pairs, len) {
        Err(_) => assert!(given < elements, "{given} of {elements} were refused"),
        Ok(out) => {
            let (rows, n) = (2 * pairs, 2 * pairs * len);
            let sizes = [out.tokens.len(), out.sequences.len(), out.pairs.len(), out.d_tokens.len()];
            let planes =
                [token::PLANES.len() * n, segment::PLANES.len() * rows, pair::PLANES.len() * pairs, n];
            assert_eq!(sizes, planes);
        }
    }
}

/// The six slices of a step's results.
struct Room([Vec<f64>; 6]);

impl Room {
    fn draw(d: &mut Draw<'_>, batch: &Batch<'_, f64>) -> Self {
        let rows = batch.pairs.checked_mul(2);
        let n = rows.and_then(|rows| rows.checked_mul(batch.len));
        let planes = |count: usize, of: Option<usize>| of.and_then(|of| of.checked_mul(count));
        let sizes = [
            planes(token::PLANES.len(), n),
            planes(segment::PLANES.len(), rows),
            planes(segment::PLANES.len(), rows),
            planes(pair::PLANES.len(), Some(batch.pairs)),
            Some(pair::LOGGED),
            n,
        ];
        Self(sizes.map(|size| vec![MARK; d.near(size)]))
    }

    fn out(&mut self) -> StepOut<'_, f64> {
        let [tokens, sequences, ref_sequences, pairs, summary, d_tokens] =
            self.0.each_mut().map(|x| &mut x[..]);
        StepOut { tokens, sequences, ref_sequences, pairs, summary, d_tokens }
    }

    /// Whether the step may have begun although it was refused: the fault is in a number.
    fn check(&self, done: &Result<(), Error>) {
        let of_numbers = matches!(done, Ok(()) | Err(Error::NonFinite { .. } | Error::EmptyMean { .. }));
        let marked = self.0.iter().flatten().all(|x| x.to_bits() == MARK.to_bits());
        assert!(of_numbers || marked, "refused, but the step had begun: {done:?}");
    }
}

fn from_logits<L: PairLink>(loss: &PairLoss<L>, batch: &Batch<'_, f64>, v: usize, d: &mut Draw<'_>) -> bool {
    let (held, width) =
        (d.near(batch.labels.len().checked_mul(v)), d.near(batch.labels.len().checked_mul(v)));
    let (logits, op) = (d.numbers(held), drivers::token_op(d));
    let mut room = Room::draw(d, batch);
    all_or_nothing([width], |[d_logits]| {
        let done = step_from_logits(loss, &op, batch, (&logits, v), &mut room.out(), d_logits);
        room.check(&done);
        done
    })
}

fn from_hidden<L: PairLink>(loss: &PairLoss<L>, batch: &Batch<'_, f64>, v: usize, d: &mut Draw<'_>) -> bool {
    let (n, h) = (batch.labels.len(), d.size(3));
    let (held, columns) = (d.near(n.checked_mul(h)), d.near(v.checked_mul(h)));
    let (hidden, weight, op) = (d.numbers(held), d.numbers(columns), Linear { token: drivers::token_op(d) });
    let other = d.labels(n, v);
    let labels = if d.rarely() { &other } else { batch.labels };
    let x = Hidden { hidden: &hidden, weight: &weight, bias: None, h, v, labels, rules: batch.rules };
    let mut scratch = vec![0.0; d.near((n + 1).checked_mul(v))];
    let sizes = [d.near(n.checked_mul(h)), d.near(v.checked_mul(h))];
    let mut room = Room::draw(d, batch);
    all_or_nothing(sizes, |[d_hidden, d_weight]| {
        let work = (&mut scratch[..], HiddenGradients { d_hidden, d_weight, d_bias: None });
        let done = step_from_hidden(loss, &op, batch, &x, &mut room.out(), work);
        room.check(&done);
        done
    })
}
