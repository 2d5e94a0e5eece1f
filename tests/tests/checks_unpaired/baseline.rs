//! The baseline of KTO as operators form it, on the CPU and in one recording of kernels.

use bellwether_core::logprob::{K1, SequenceMean};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{self as segment, Keep, Segments};
use bellwether_core::unpaired::Kto;
use bellwether_core::{Bound, Real};
use bellwether_cpu_ref::segment_stats::{Values, segment_stats};
use bellwether_cpu_ref::token_map::{MapInputs, View, token_map};
use bellwether_cpu_ref::token_rows::Scalar;
use bellwether_gpu::{
    Context, Dialect, MapBuffers, MapShape, SegmentForward, SegmentShape, SegmentStats, Slice, TokenMap,
};

use super::{gpu, near};

/// The baseline of KTO from responses behind prompts that are not theirs, and the loss of the batch against it.
struct Baseline {
    logp: [f64; 5],
    reference: [f64; 5],
    labels: [f64; 5],
    /// Of the completions in the order of [`mismatched`].
    behind_others: [f64; 5],
    reference_behind_others: [f64; 5],
}

const BASELINE: Baseline = Baseline {
    logp: [-30.5, -41.25, -28.0, -77.5, -50.0],
    reference: [-31.0, -39.5, -30.25, -77.5, -52.0],
    labels: [1.0, 0.0, 1.0, 0.0, 1.0],
    behind_others: [-60.5, -71.0, -66.25, -90.0, -85.5],
    reference_behind_others: [-62.0, -70.0, -68.5, -91.25, -86.0],
};

impl Baseline {
    fn scalars<T: Real>(array: &[f64; 5]) -> [T; 5] {
        array.map(T::lift)
    }

    /// Through the reference: `logprob/k1`, `logprob/sequence_mean`, `unpaired/kto`, in any scalar.
    fn reference<T: Scalar>(&self) -> Vec<T> {
        let [x, c] = [&self.behind_others, &self.reference_behind_others].map(Self::scalars::<T>);
        let (x, c) = ([View::packed(&x[..], 5)], [View::packed(&c[..], 5)]);
        let mut k1 = [T::zero(); 15];
        token_map(&K1 {}, &MapInputs::new((1, 5), &x, &c), Reduction::Sum, &mut k1).expect("a map");
        let segments = Segments::Padded { count: 1, len: 5 };
        let mut mean = [T::zero(); segment::PLANES.len()];
        let values = Values { values: &k1[..5], segments, keep: Keep::All };
        segment_stats(&SequenceMean {}, &values, Reduction::Sum, &mut mean).expect("a mean");
        let [logp, reference, labels] = [&self.logp, &self.reference, &self.labels].map(Self::scalars::<T>);
        let x = [View::packed(&logp[..], 5)];
        let kl = View { data: &mean[segment::VALUE..], row: 0, col: 0 };
        let c = [View::packed(&reference[..], 5), View::packed(&labels[..], 5), kl];
        let mut result = vec![T::zero(); 20];
        let over = Reduction::Mean { over: 5 };
        token_map(&Kto::default(), &MapInputs::new((1, 5), &x, &c), over, &mut result).expect("a map");
        result
    }

    /// The same three kernels in one recording: nothing comes back to the host in between.
    fn gpu(&self, context: &Context) -> Result<Vec<f32>, bellwether_gpu::Error> {
        /// Where the mean stands: behind the constants, at an offset that a binding may have.
        const KL: usize = 64;
        let (device, dialect) = (context.device(), Dialect::EXCLUSIVE);
        let f32s = |arrays: &[&[f64; 5]]| arrays.iter().flat_map(|a| a.map(|x| x as f32)).collect::<Vec<_>>();
        let mut constants = f32s(&[&self.reference, &self.labels]);
        constants.resize(2 * KL, f32::NAN);
        let inputs = context.upload_f32(&f32s(&[&self.logp]))?;
        let constants = context.upload_f32(&constants)?;
        let others = context.upload_f32(&f32s(&[&self.behind_others]))?;
        let other_references = context.upload_f32(&f32s(&[&self.reference_behind_others]))?;
        let (k1, result) = (context.poisoned(15)?, context.poisoned(20)?);

        let buffers = |inputs, constants, result| MapBuffers {
            inputs: Slice::whole(inputs),
            constants: Some(Slice::whole(constants)),
            mask: None,
            result: Slice::whole(result),
        };
        let shape = MapShape::packed(1, 5, Reduction::Sum);
        let mut recorded = TokenMap::new(device, &K1 {}, dialect)?.forward(
            device,
            &shape,
            &buffers(&others, &other_references, &k1),
        )?;
        let mean = SegmentForward {
            values: Slice::whole(&k1),
            words: None,
            result: Slice::whole(&constants).part(KL as u64, segment::PLANES.len() as u64),
        };
        let means = SegmentStats::new(device, &SequenceMean {}, dialect)?;
        recorded.append(means.forward(device, &SegmentShape::padded(1, 5), &mean)?);
        let mut shape = MapShape::packed(1, 5, Reduction::Mean { over: 5 });
        shape.constants[2] = bellwether_gpu::View { offset: KL + segment::VALUE, row: 0, col: 0 };
        let kto = TokenMap::new(device, &Kto::default(), dialect)?;
        recorded.append(kto.forward(device, &shape, &buffers(&inputs, &constants, &result))?);
        pollster::block_on(context.run(&recorded))?;
        pollster::block_on(context.download_f32(Slice::whole(&result)))
    }
}

#[test]
fn the_baseline_is_formed_by_operators_on_both_sides() {
    let values = BASELINE.reference::<f64>();
    // (1.5 − 1 + 2.25 + 1.25 + 0.5) / 5 is the baseline.
    let [gain, slope]: [f64; 2] = [0.1 * (0.5 - 0.9), 0.1];
    near(&values[..1], &[(-gain).sigmoid()], 15);
    near(&values[10..11], &[-slope * gain.sigmoid() * (-gain).sigmoid() / 5.0], 15);
    let Some(context) = gpu::context() else { return };
    let got = BASELINE.gpu(&context).unwrap_or_else(|error| panic!("{error}"));
    for (i, (got, want)) in got.into_iter().zip(BASELINE.reference::<Bound<23>>()).enumerate() {
        assert!((f64::from(got) - want.value).abs() <= want.error, "{i}: {got}, not {want:?}");
    }
}
