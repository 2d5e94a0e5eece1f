//! Device memory for one run: poisoned, guarded, and compared afterwards.
//!
//! Outputs begin as NaN, so that an element which is never written is a finding. Behind each array stand guard words,
//! so that a write past the end is one too. Inputs must come back as they went in.

use bellwether_gpu::{Bound, Recorded, Slice, wgpu};

use super::Rig;
use crate::problem::RunError;

/// What an output holds before the run, and what stands between arrays: a NaN with a recognisable payload.
pub(super) const POISON: u32 = 0x7fc0_dead;
/// Words of poison behind each array; also the alignment of arrays, 256 bytes.
const GUARD: usize = 64;

/// An array of a run.
#[derive(Clone, Copy, Debug)]
pub struct Handle(usize);

struct Part {
    name: &'static str,
    words: Vec<u32>,
    /// Where results go, in their order.
    writable: Vec<usize>,
    /// Whether every result must have been written.
    complete: bool,
    buffer: usize,
    start: usize,
}

/// Collects the arrays of a run.
pub struct Arena<'r> {
    rig: &'r Rig,
    parts: Vec<Part>,
}

/// The arrays of a run, on the device.
pub struct Memory<'r> {
    rig: &'r Rig,
    parts: Vec<Part>,
    buffers: Vec<wgpu::Buffer>,
    lengths: Vec<usize>,
}

impl<'r> Arena<'r> {
    /// No arrays yet.
    pub const fn new(rig: &'r Rig) -> Self {
        Self { rig, parts: Vec::new() }
    }

    /// An array with words at some places, results at others and poison between.
    fn part(
        &mut self,
        name: &'static str,
        words: impl Iterator<Item = (usize, u32)>,
        writable: Vec<usize>,
    ) -> Handle {
        let mut image = vec![POISON; writable.iter().map(|place| place + 1).max().unwrap_or(0)];
        for (place, word) in words {
            image.resize(image.len().max(place + 1), POISON);
            image[place] = word;
        }
        self.parts.push(Part { name, words: image, writable, complete: false, buffer: 0, start: 0 });
        Handle(self.parts.len() - 1)
    }

    /// Numbers that no kernel may change.
    pub fn input(&mut self, name: &'static str, xs: &[f32]) -> Handle {
        self.input_at(name, xs, |i| i)
    }

    /// Numbers that no kernel may change, each at a place of its own.
    pub fn input_at(&mut self, name: &'static str, xs: &[f32], place: impl Fn(usize) -> usize) -> Handle {
        self.part(name, xs.iter().enumerate().map(|(i, x)| (place(i), x.to_bits())), vec![])
    }

    /// Words that no kernel may change.
    pub fn words(&mut self, name: &'static str, words: Vec<u32>) -> Handle {
        self.words_at(name, words, 0)
    }

    /// Words that a kernel reads and then replaces.
    pub fn replaced(&mut self, name: &'static str, words: Vec<u32>) -> Handle {
        let all = (0..words.len()).collect();
        self.part(name, words.into_iter().enumerate(), all)
    }

    /// Words that no kernel may change, `lead` words of poison before them.
    pub fn words_at(&mut self, name: &'static str, words: Vec<u32>, lead: usize) -> Handle {
        self.part(name, words.into_iter().enumerate().map(|(i, word)| (lead + i, word)), vec![])
    }

    /// Room for a kernel's own use, and for results that need not be written.
    pub fn output(&mut self, name: &'static str, n: usize) -> Handle {
        self.part(name, std::iter::empty(), (0..n).collect())
    }

    /// Room for `n` results, each at a place of its own and to be written, and constants in the same array.
    pub fn output_at(
        &mut self,
        name: &'static str,
        n: usize,
        place: impl Fn(usize) -> usize,
        constants: impl Iterator<Item = (usize, f32)>,
    ) -> Handle {
        let constants = constants.map(|(place, x)| (place, x.to_bits()));
        let handle = self.part(name, constants, (0..n).map(place).collect());
        self.parts[handle.0].complete = true;
        handle
    }

    /// Room for `n` results, all to be written, and constants behind them in the same array.
    pub fn output_then_input(
        &mut self,
        name: &'static str,
        n: usize,
        xs: impl Iterator<Item = f32>,
    ) -> Handle {
        self.output_at(name, n, |i| i, xs.enumerate().map(|(i, x)| (n + i, x)))
    }

    /// Puts everything on the device: slices of one buffer in the pooled dialect, a buffer each otherwise.
    ///
    /// # Errors
    /// The device has no room.
    pub fn commit(mut self) -> Result<Memory<'r>, RunError> {
        let mut images: Vec<Vec<u32>> = Vec::new();
        for part in &mut self.parts {
            if images.is_empty() || !self.rig.pooled() {
                images.push(Vec::new());
            }
            part.buffer = images.len() - 1;
            let image = images.last_mut().expect("one was pushed above");
            part.start = image.len();
            image.extend(&part.words);
            image.resize((image.len() + GUARD).next_multiple_of(GUARD), POISON);
        }
        let buffers = images.iter().map(|image| self.rig.context.upload_u32(image));
        let buffers = buffers.collect::<Result<_, _>>()?;
        let lengths = images.iter().map(Vec::len).collect();
        Ok(Memory { rig: self.rig, parts: self.parts, buffers, lengths })
    }
}

impl Memory<'_> {
    /// Where an array lies.
    pub fn slice(&self, handle: Handle) -> Slice<'_> {
        let part = &self.parts[handle.0];
        let bytes = |words: usize| 4 * words as u64;
        Slice { buffer: &self.buffers[part.buffer], offset: bytes(part.start), size: bytes(part.words.len()) }
    }

    /// Runs what was recorded and gives back the arrays asked for.
    ///
    /// # Errors
    /// The device failed, or a kernel wrote where it must not.
    pub fn run<const N: usize>(
        &self,
        recorded: &Recorded,
        wanted: [Handle; N],
    ) -> Result<[Vec<f32>; N], RunError> {
        let context = &self.rig.context;
        self.rig.ran.borrow_mut().extend(recorded.calls().iter().map(Bound::name));
        match &self.rig.remote {
            Some(remote) => remote.run(self.rig, recorded)?,
            None => context.run_blocking(recorded)?,
        }
        let mut images = Vec::new();
        for (buffer, &words) in self.buffers.iter().zip(&self.lengths) {
            let whole = Slice { buffer, offset: 0, size: 4 * words as u64 };
            images.push(context.download_u32_blocking(whole)?);
        }
        self.parts.iter().try_for_each(|part| part.check(&images[part.buffer]))?;
        Ok(wanted.map(|handle| self.parts[handle.0].results(&images)))
    }
}

impl Part {
    /// Nothing changed outside of the results, guards included, and no result is what it was: a kernel's own NaN
    /// has other bits.
    fn check(&self, image: &[u32]) -> Result<(), RunError> {
        let end = self.start + self.words.len();
        let guard_end = (end + GUARD).next_multiple_of(GUARD).min(image.len());
        let before = |i: usize| self.words.get(i).copied().unwrap_or(POISON);
        let mut kept = vec![true; guard_end - self.start];
        self.writable.iter().for_each(|&place| kept[place] = false);
        for (i, &word) in image[self.start..guard_end].iter().enumerate() {
            if kept[i] && word != before(i) {
                return Err(RunError::Overwrote { array: self.name, element: i, of: self.words.len() });
            }
        }
        let unwritten = |&&place: &&usize| self.complete && image[self.start + place] == POISON;
        match self.writable.iter().find(unwritten) {
            Some(&element) => Err(RunError::Unwritten { array: self.name, element }),
            None => Ok(()),
        }
    }

    fn results(&self, images: &[Vec<u32>]) -> Vec<f32> {
        let image = &images[self.buffer][self.start..];
        self.writable.iter().map(|&place| f32::from_bits(image[place])).collect()
    }
}
