//! Numbers in 16 bits: how a wide array is rounded, packed and read back.

use bellwether_core::Storage;
use half::{bf16, f16};

/// The bits of a number in 16.
fn bits(x: f32, storage: Storage) -> u16 {
    if storage == Storage::Bf16 { bf16::from_f32(x).to_bits() } else { f16::from_f32(x).to_bits() }
}

fn value(bits: u16, storage: Storage) -> f32 {
    if storage == Storage::Bf16 { bf16::from_bits(bits).to_f32() } else { f16::from_bits(bits).to_f32() }
}

/// `x` as an array holds it.
pub fn round(x: f32, storage: Storage) -> f32 {
    if storage == Storage::F32 { x } else { value(bits(x, storage), storage) }
}

/// The largest error of [`round`] on a number of that magnitude; infinite where it may become infinite.
pub fn rounding(magnitude: f64, storage: Storage) -> f64 {
    let (digits, smallest, largest) = match storage {
        Storage::F32 => return 0.0,
        Storage::F16 => (11, -25, 65504.0),
        Storage::Bf16 => (8, -134, f64::from(bf16::MAX.to_f32())),
    };
    if magnitude > largest {
        return f64::INFINITY;
    }
    (magnitude * f64::exp2(f64::from(-digits))).max(f64::exp2(f64::from(smallest)))
}

/// An array's words; the last one is filled up with `filler`.
pub fn pack(xs: &[f32], storage: Storage, filler: u32) -> Vec<u32> {
    if storage == Storage::F32 {
        return xs.iter().map(|x| x.to_bits()).collect();
    }
    let word = |pair: &[f32]| {
        let upper = pair.get(1).map_or(filler >> 16, |&x| bits(x, storage).into());
        u32::from(bits(pair[0], storage)) | upper << 16
    };
    xs.chunks(2).map(word).collect()
}

/// The first `n` numbers of an array's words.
pub fn unpack(words: &[u32], n: usize, storage: Storage) -> Vec<f32> {
    if storage == Storage::F32 {
        return words.iter().take(n).map(|&word| f32::from_bits(word)).collect();
    }
    let halves = words.iter().flat_map(|word| [*word as u16, (word >> 16) as u16]);
    halves.take(n).map(|bits| value(bits, storage)).collect()
}

/// Numbers in an array of so many words.
pub const fn words_of(n: usize, storage: Storage) -> usize {
    n.div_ceil(storage.per_word() as usize)
}
