//! Results have the same bits with the feature `rayon` and without, on any number of threads.
//!
//! The feature is either in a build or not, so the bits are written down here: the ordinary test run holds the loop
//! over rows to them, and `cargo xtask test`, which runs this once more with the feature, every number of threads.

mod common;

use bellwether_core::logprob::{SequenceMean, Token};
use bellwether_core::pair::presets::DPO;
use bellwether_core::sig::segment_stats::{Keep, Segments};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::{Reduction, pair_rows as pair, segment_stats as segment, token_rows as token};
use bellwether_cpu_ref::pair_rows::{PairInputs, pair_rows};
use bellwether_cpu_ref::segment_stats::{Values, segment_stats};
use bellwether_cpu_ref::token_rows::{Scalar, TokenUpstream, Tokens, token_rows, token_rows_backward};
use common::{Tested, labels, numbers};

/// FNV-1a over the bits of all results, in f64 and in f32.
const BITS: [u64; 2] = [0xc8ff_5d4d_e66f_796f, 0x0e62_d279_5b92_eb1b];

/// Rows: more than any number of threads divides.
const N: usize = if cfg!(miri) { 13 } else { 1009 };
const V: usize = 7;

fn as_t<T: Scalar>(xs: Vec<f64>) -> Vec<T> {
    xs.into_iter().map(T::lift).collect()
}

/// Everything that runs over rows.
fn results<T: Scalar>() -> Result<Vec<T>, bellwether_core::Error> {
    let (labels, logits, up) = (labels(N, V), as_t::<T>(numbers(N * V, 1)), as_t::<T>(numbers(N, 2)));
    let x = Tokens::new(&logits, V, &labels, Labels::next(10));
    let mut planes = vec![T::zero(); token::PLANES.len() * N];
    token_rows(&Token::at(0.75), &x, &mut planes)?;
    let mut d_logits = vec![T::zero(); N * V];
    let upstream = TokenUpstream { logp: Some(&up), lse: Some(&up), ..TokenUpstream::default() };
    token_rows_backward(&Token::at(0.75), &x, &upstream, &mut d_logits)?;
    let values = Values { values: &up, segments: Segments::Padded { count: N, len: 1 }, keep: Keep::All };
    let mut stats = vec![T::zero(); segment::PLANES.len() * N];
    segment_stats(&SequenceMean {}, &values, Reduction::Mean { over: 3 }, &mut stats)?;
    let [a, b, c, d] = std::array::from_fn(|salt| as_t::<T>(numbers(N, 3 + salt)));
    let mut pairs = vec![T::zero(); pair::PLANES.len() * N];
    pair_rows(&DPO, &PairInputs::new(&a, &b, &c, &d), Reduction::Sum, &mut pairs)?;
    Ok([planes, d_logits, stats, pairs].concat())
}

fn digest() -> Result<[u64; 2], bellwether_core::Error> {
    let fnv = |hash: u64, x: u64| (hash ^ x).wrapping_mul(0x0100_0000_01b3);
    let start = 0xcbf2_9ce4_8422_2325;
    let double = results::<f64>()?.iter().map(|x| x.to_bits()).fold(start, fnv);
    let single = results::<f32>()?.iter().map(|x| x.to_bits().into()).fold(start, fnv);
    Ok([double, single])
}

/// Miri runs fewer rows, whose bits are not written down.
#[test]
#[cfg_attr(miri, ignore = "the bits are those of more rows")]
fn the_bits_are_those_written_down() -> Tested {
    assert_eq!(digest()?, BITS, "an output bit of the reference has changed: CHANGELOG.md, Numerics");
    Ok(())
}

#[test]
#[cfg(feature = "rayon")]
fn no_number_of_threads_changes_a_bit() -> Tested {
    let want = if cfg!(miri) { digest()? } else { BITS };
    for threads in if cfg!(miri) { &[1, 3][..] } else { &[1, 2, 3, 4, 7, 16] } {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(*threads).build();
        let got = pool.expect("threads can be started").install(digest)?;
        assert_eq!(got, want, "{threads} threads");
    }
    Ok(())
}
