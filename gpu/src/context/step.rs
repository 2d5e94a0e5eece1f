//! A whole step of a pair loss in one call.

use bellwether_core::logprob::Linear;
use bellwether_core::pair::{Link, PairLoss};
use bellwether_core::sig::pair_rows::LOGGED;
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, exactly};
use crate::error::{Error, product};
use crate::sig::FusedShape;
use crate::slice::Slice;
use crate::step::{PairStep, ReferenceKind, Region, StepBuffers, StepLayout, StepShape, StepSource};

const OP: &str = "pair_step";

/// What log-probabilities come from.
#[derive(Clone, Copy, Debug)]
pub enum StepData<'a> {
    /// `[2B, T, V]`.
    Logits(&'a [f32]),
    /// Hidden states and LM-head weight.
    Hidden {
        /// `[2B, T, H]`.
        hidden: &'a [f32],
        /// `[V, H]`.
        weight: &'a [f32],
        /// Hidden size.
        h: usize,
    },
}

/// One batch.
#[derive(Clone, Copy, Debug)]
pub struct StepInputs<'a> {
    /// What log-probabilities come from.
    pub source: StepData<'a>,
    /// `[2B, T]`.
    pub labels: &'a [i32],
    /// `[2B, T]` or `[2B]`: [`StepShape::reference`].
    pub reference: &'a [f32],
}

/// Everything that a step computes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepOutputs {
    /// The planes of TokenRows, `[6, 2B·T]`.
    pub token: Planes,
    /// The planes of SegmentStats for the policy, `[3, 2B]`.
    pub sequences: Planes,
    /// The same for the reference.
    pub references: Planes,
    /// The planes of PairRows, `[8, B]`.
    pub pair: Planes,
    /// Reduced loss, rewards of chosen and rejected, margin, accuracy.
    pub summary: [f32; LOGGED],
    /// `[2B, T, V]`; empty for hidden states.
    pub d_logits: Vec<f32>,
    /// `[2B, T, H]`; empty for logits.
    pub d_hidden: Vec<f32>,
    /// `[V, H]`; empty for logits.
    pub d_weight: Vec<f32>,
}

/// The buffers that depend on where log-probabilities come from.
enum Store {
    Logits { logits: wgpu::Buffer, d_logits: wgpu::Buffer, elements: usize },
    Hidden { arrays: [wgpu::Buffer; 5], h: usize, tile: [usize; 2], elements: [usize; 2] },
}

impl Context {
    /// Loss, log and gradients of one batch, without leaving the device in between.
    ///
    /// # Errors
    /// Parameters, shapes, limits and the device: see [`Error`].
    pub async fn pair_step<L: Link>(
        &self,
        loss: &PairLoss<L>,
        linear: &Linear,
        shape: &StepShape,
        inputs: &StepInputs<'_>,
    ) -> Result<StepOutputs, Error> {
        let plan = PairStep::compile_with(loss, linear, |source| self.kernel(source, Dialect::POOLED))?;
        inputs.check(shape)?;
        shape.reduction.check(OP)?;
        if shape.pairs == 0 {
            return Ok(inputs.nothing());
        }
        let layout = shape.layout()?;
        let labels = self.upload_i32(inputs.labels)?;
        let reference = self.upload_f32(inputs.reference)?;
        let words = usize::try_from(layout.bytes / 4);
        let workspace =
            self.poisoned(words.map_err(|_| Error::SizeOverflow { op: OP, arg: "workspace" })?)?;
        let store = self.store(shape, &inputs.source)?;
        let [labels, reference] = [&labels, &reference].map(Slice::whole);
        let buffers = StepBuffers::new(store.source(), labels, reference, Slice::whole(&workspace));
        self.run(&plan.record(self.device(), shape, &buffers)?).await?;
        self.outputs(&layout, Slice::whole(&workspace), &store).await
    }

    fn store(&self, shape: &StepShape, data: &StepData<'_>) -> Result<Store, Error> {
        match *data {
            StepData::Logits(values) => {
                let (logits, d_logits) = (self.upload_f32(values)?, self.poisoned(values.len())?);
                Ok(Store::Logits { logits, d_logits, elements: values.len() })
            }
            StepData::Hidden { hidden, weight, h } => {
                let n = shape.rows()?;
                let fused = FusedShape::packed(n, shape.v, h, shape.labels());
                let tile = [fused.chunk, fused.columns];
                let elements = [hidden.len(), weight.len()];
                let arrays = [
                    self.upload_f32(hidden)?,
                    self.upload_f32(weight)?,
                    self.poisoned(hidden.len())?,
                    self.poisoned(weight.len())?,
                    self.scratch(fused.scratch_bytes()?)?,
                ];
                Ok(Store::Hidden { arrays, h, tile, elements })
            }
        }
    }

    async fn outputs(
        &self,
        layout: &StepLayout,
        workspace: Slice<'_>,
        store: &Store,
    ) -> Result<StepOutputs, Error> {
        let mut outputs = StepOutputs {
            token: self.region(&layout.token, workspace).await?,
            sequences: self.region(&layout.sequences, workspace).await?,
            references: self.region(&layout.references, workspace).await?,
            pair: self.region(&layout.pair, workspace).await?,
            ..StepOutputs::default()
        };
        let summary = self.region(&layout.summary, workspace).await?;
        for (to, from) in outputs.summary.iter_mut().zip(summary.plane(0)) {
            *to = *from;
        }
        match store {
            Store::Logits { d_logits, elements, .. } => {
                outputs.d_logits = self.array(d_logits, *elements).await?;
            }
            Store::Hidden { arrays: [_, _, d_hidden, d_weight, _], elements, .. } => {
                outputs.d_hidden = self.array(d_hidden, elements[0]).await?;
                outputs.d_weight = self.array(d_weight, elements[1]).await?;
            }
        }
        Ok(outputs)
    }

    /// The planes of a region, gaps removed.
    async fn region(&self, region: &Region, workspace: Slice<'_>) -> Result<Planes, Error> {
        let all = self.download_f32(region.slice(workspace)).await?;
        let plane = |i: usize| all.get(i * region.stride..).and_then(|rest| rest.get(..region.n));
        let data = (0..region.planes).flat_map(|i| plane(i).unwrap_or_default()).copied().collect();
        Ok(Planes { n: region.n, data })
    }
}

impl Store {
    fn source(&self) -> StepSource<'_> {
        match self {
            Self::Logits { logits, d_logits, .. } => {
                StepSource::Logits { logits: Slice::whole(logits), d_logits: Slice::whole(d_logits) }
            }
            Self::Hidden { arrays, h, tile, .. } => StepSource::Hidden {
                hidden: Slice::whole(&arrays[0]),
                weight: Slice::whole(&arrays[1]),
                bias: None,
                d_hidden: Slice::whole(&arrays[2]),
                d_weight: Slice::whole(&arrays[3]),
                d_bias: None,
                scratch: Slice::whole(&arrays[4]),
                h: *h,
                chunk: tile[0],
                columns: tile[1],
            },
        }
    }
}

impl StepInputs<'_> {
    fn check(&self, shape: &StepShape) -> Result<(), Error> {
        let (rows, v) = (shape.rows()?, shape.v as u64);
        let n = rows as u64;
        exactly(OP, "labels", n, self.labels.len())?;
        let reference = match shape.reference {
            ReferenceKind::PerToken => rows,
            ReferenceKind::PerSequence => shape.sequences()?,
        };
        exactly(OP, "reference", reference as u64, self.reference.len())?;
        match self.source {
            StepData::Logits(logits) => exactly(OP, "logits", product(OP, "logits", n, v)?, logits.len()),
            StepData::Hidden { hidden, weight, h } => {
                exactly(OP, "hidden", product(OP, "hidden", n, h as u64)?, hidden.len())?;
                exactly(OP, "weight", product(OP, "weight", v, h as u64)?, weight.len())
            }
        }
    }

    /// The outputs of an empty batch.
    fn nothing(&self) -> StepOutputs {
        let d_weight = match self.source {
            StepData::Logits(_) => Vec::new(),
            StepData::Hidden { weight, .. } => vec![0.0; weight.len()],
        };
        StepOutputs { d_weight, ..StepOutputs::default() }
    }
}
