//! Whole steps of a loss on single responses: the arrays that a trainer would own, and what it reads back.

use bellwether_core::logprob::Linear;
use bellwether_core::sig::fused_linear::{CHUNK, COLUMNS};
use bellwether_core::sig::segment_stats::VALUE;
use bellwether_cpu_ref::token_map::MapRow;
use bellwether_gpu::{
    Dialect, FusedShape, ReferenceKind, Region, SingleBuffers, SingleConstant, SingleShape,
    SingleStep as Plan, Slice, StepSource,
};

use super::layout::label_words;
use super::linear::scratch_elements;
use super::{Arena, Handle, Memory, Rig};
use crate::problem::{Head, RefLogps, RunError, SinglePlanes, SingleStep, singles};

/// The arrays of a step.
struct Arrays<'r> {
    memory: Memory<'r>,
    /// Log-probabilities or logits, or hidden states, weight and bias.
    head: Vec<Handle>,
    gradients: Vec<Handle>,
    scratch: Option<Handle>,
    labels: Handle,
    reference: Option<Handle>,
    inputs: Vec<Handle>,
    /// And whether there is one for all.
    constants: Vec<(Handle, bool)>,
    workspace: Handle,
}

fn shape_of<O>(p: &SingleStep<O>) -> SingleShape {
    SingleShape {
        responses: p.responses,
        len: p.len,
        v: p.v,
        ignore_index: p.rules.ignore_index,
        shift: p.rules.shift,
        reduction: p.reduction,
        weight: p.weight,
        reference: match p.reference {
            Some(RefLogps::Token(_)) => ReferenceKind::PerToken,
            _ => ReferenceKind::PerSequence,
        },
    }
}

impl<'r> Arrays<'r> {
    fn new<O: MapRow>(rig: &'r Rig, p: &SingleStep<O>, bytes: u64) -> Result<Self, RunError> {
        let mut arena = Arena::new(rig);
        let both = |arena: &mut Arena<'r>, names: [&'static str; 2], x: &[f64]| {
            (arena.input(names[0], &singles(x)), arena.output(names[1], x.len()))
        };
        let mut scratch = None;
        let arrays = match &p.head {
            Head::Logps(logps) => vec![both(&mut arena, ["logps", "d_logps"], logps)],
            Head::Logits(logits) => vec![both(&mut arena, ["logits", "d_logits"], logits)],
            Head::Hidden { hidden, weight, bias, h } => {
                let fused = FusedShape::packed(p.labels.len(), p.v, *h, p.rules).tiled(CHUNK, COLUMNS);
                let mut arrays = vec![
                    both(&mut arena, ["hidden", "d_hidden"], hidden),
                    both(&mut arena, ["weight", "d_weight"], weight),
                ];
                arrays.extend(bias.as_ref().map(|bias| both(&mut arena, ["bias", "d_bias"], bias)));
                scratch = Some(arena.output("scratch", scratch_elements(&fused)?));
                arrays
            }
        };
        let (head, gradients) = arrays.into_iter().unzip();
        let labels = arena.words("labels", label_words(&p.labels));
        let reference = p.reference.as_ref().map(RefLogps::values);
        let reference = reference.map(|x| arena.input("reference", &singles(x)));
        let inputs = p.inputs.iter().map(|x| arena.input("input", &singles(x))).collect();
        let constants = p.constants.iter();
        let constants =
            constants.map(|x| (arena.input("constant", &singles(x)), p.distance(x) == 0)).collect();
        let workspace = arena.output("workspace", usize::try_from(bytes / 4).unwrap_or(usize::MAX));
        let memory = arena.commit()?;
        Ok(Self { memory, head, gradients, scratch, labels, reference, inputs, constants, workspace })
    }

    fn source(&self, head: &Head) -> StepSource<'_> {
        let at = |handle| self.memory.slice(handle);
        let (x, dx) = (|i: usize| at(self.head[i]), |i: usize| at(self.gradients[i]));
        match head {
            Head::Logps(_) => StepSource::Logps { logps: x(0), d_logps: dx(0) },
            Head::Logits(_) => StepSource::Logits { logits: x(0), d_logits: dx(0) },
            Head::Hidden { h, bias, .. } => StepSource::Hidden {
                hidden: x(0),
                weight: x(1),
                bias: bias.as_ref().map(|_| x(2)),
                d_hidden: dx(0),
                d_weight: dx(1),
                d_bias: bias.as_ref().map(|_| dx(2)),
                scratch: at(self.scratch.unwrap_or(self.workspace)),
                h: *h,
                chunk: CHUNK,
                columns: COLUMNS,
            },
        }
    }
}

impl Rig {
    /// A whole step.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn single_step<O: MapRow>(&self, p: &SingleStep<O>) -> Result<SinglePlanes<f32>, RunError> {
        let plan =
            Plan::compile_with(&p.op, &Linear::default(), |source| self.kernel_in(source, Dialect::POOLED))?;
        let shape = shape_of(p);
        let layout = plan.layout(&shape)?;
        let arrays = Arrays::new(self, p, layout.bytes)?;
        let at = |handle: Handle| arrays.memory.slice(handle);
        let inputs: Vec<Slice<'_>> = arrays.inputs.iter().copied().map(at).collect();
        let constant = |&(handle, all): &(Handle, bool)| {
            if all { SingleConstant::All(at(handle)) } else { SingleConstant::Each(at(handle)) }
        };
        let constants: Vec<_> = arrays.constants.iter().map(constant).collect();
        let buffers = SingleBuffers {
            source: arrays.source(&p.head),
            labels: at(arrays.labels),
            reference: arrays.reference.map(at),
            inputs: &inputs,
            constants: &constants,
            workspace: at(arrays.workspace),
        };
        let recorded = plan.record(self.context.device(), &shape, &buffers)?;
        let gradient = |i: usize| arrays.gradients.get(i).copied().unwrap_or(arrays.gradients[0]);
        let wanted = [arrays.workspace, gradient(0), gradient(1), gradient(2)];
        let [workspace, first, second, third] = arrays.memory.run(&recorded, wanted)?;
        let planes = |region: Region| {
            let plane = |i| region.values(i, &workspace).iter().copied();
            (0..region.planes).flat_map(plane).collect::<Vec<_>>()
        };
        Ok(SinglePlanes {
            sequences: layout.sequences.values(VALUE, &workspace).to_vec(),
            map: planes(layout.map),
            // An empty batch has no dispatch that would write it.
            sum: if p.responses == 0 { 0.0 } else { layout.summary.values(VALUE, &workspace)[0] },
            gradients: [first, second, third].into_iter().take(arrays.gradients.len()).collect(),
        })
    }
}
