//! Hidden states and LM-head weight of a file, and the log-probabilities that they give.

use bellwether_core::Error;
use bellwether_core::logprob::Linear;
use bellwether_core::sig::token_rows::{Labels, PLANES};
use bellwether_cpu_ref::fused_linear::{Hidden, fused_linear};

use super::reader::Reader;
use crate::file::FileError;

/// The head of a model, and the hidden states that go into it.
pub(super) struct FileHead {
    /// `[tokens, h]`.
    pub(super) hidden: Vec<f64>,
    /// `[v, h]`.
    pub(super) weight: Vec<f64>,
    /// `[v]`, where the file has one.
    pub(super) bias: Option<Vec<f64>>,
    /// Width of a hidden state.
    pub(super) h: usize,
    /// Entries of the vocabulary.
    pub(super) v: usize,
}

impl FileHead {
    /// Hidden states, weight and bias by these names. The first dimensions of the hidden states are those of the labels;
    /// rows that do not count may hold anything.
    pub(super) fn read(
        reader: Reader<'_>,
        names: [&'static str; 3],
        (labels, tokens): (&str, &[usize]),
        active: impl Fn(usize) -> bool,
    ) -> Result<Self, FileError> {
        let hidden = reader.floats(names[0])?;
        let h = hidden.shape.get(tokens.len()).copied().unwrap_or(0);
        reader.has_shape(names[0], hidden, &[tokens, &[h]].concat(), labels)?;
        let weight = reader.floats(names[1])?;
        let v = weight.shape.first().copied().unwrap_or(0);
        reader.has_shape(names[1], weight, &[v, h], names[0])?;
        reader.at_least_one(names[0], "column", h)?;
        reader.active_finite(names[0], hidden, active, false)?;
        reader.active_finite(names[1], weight, |_| true, false)?;
        let bias = match reader.case.inputs.get(names[2]) {
            None => None,
            Some(_) => {
                let bias = reader.floats_of(names[2], &[v], names[1])?;
                reader.active_finite(names[2], bias, |_| true, false)?;
                Some(bias.data.clone())
            }
        };
        Ok(Self { hidden: hidden.data.clone(), weight: weight.data.clone(), bias, h, v })
    }

    /// The log-probability of each label.
    pub(super) fn token_logps(&self, labels: &[i32], rules: Labels) -> Result<Vec<f64>, Error> {
        let (n, Self { hidden, weight, h, v, .. }) = (labels.len(), self);
        let x = Hidden { hidden, weight, bias: self.bias.as_deref(), h: *h, v: *v, labels, rules };
        let (mut planes, mut scratch) = (vec![0.0; PLANES.len() * n], vec![0.0; (n + 1) * v]);
        fused_linear(&Linear::default(), &x, &mut scratch, &mut planes)?;
        planes.truncate(n);
        Ok(planes)
    }
}
