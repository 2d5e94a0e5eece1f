//! A matrix of logits, or of their gradients, as it stands in memory: in 32 or 16 bits, with gaps between its rows.

use bellwether_core::Storage;

use super::memory::POISON;
use crate::problem::RunError;
use crate::storage::{pack, unpack, words_of};

/// Sizes, in elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide {
    pub(super) storage: Storage,
    pub(super) n: usize,
    pub(super) width: usize,
    /// Between two rows, and behind the last.
    pub(super) gap: usize,
}

impl Wide {
    pub(super) const fn stride(&self) -> usize {
        self.width + self.gap
    }

    /// Rows of numbers as words, with NaN in the gaps.
    pub(super) fn words<'a>(&self, rows: impl Iterator<Item = &'a [f32]>) -> Vec<u32> {
        let gap = vec![f32::NAN; self.gap];
        let all: Vec<f32> = rows.flat_map(|row| [row, &gap[..]].concat()).collect();
        pack(&all, self.storage, POISON)
    }

    /// What stands there before a kernel writes.
    pub(super) fn poison(&self) -> Vec<u32> {
        vec![POISON; words_of(self.n * self.stride(), self.storage)]
    }

    /// The numbers that a kernel wrote, where the gaps are as before.
    pub(super) fn numbers(
        &self,
        array: &'static str,
        words: &[f32],
        before: &[u32],
    ) -> Result<Vec<f32>, RunError> {
        let words: Vec<u32> = words.iter().map(|x| x.to_bits()).collect();
        let (stride, per_word) = (self.stride(), self.storage.per_word() as usize);
        let all = words.len() * per_word;
        let bits = |words: &[u32], i: usize| match per_word {
            1 => words[i],
            _ => words[i / 2] >> (16 * (i % 2)) & 0xffff,
        };
        let outside = |i: usize| i >= self.n * stride || i % stride >= self.width;
        if let Some(element) = (0..all).find(|&i| outside(i) && bits(&words, i) != bits(before, i)) {
            return Err(RunError::Overwrote { array, element, of: all });
        }
        let numbers = unpack(&words, self.n * stride, self.storage);
        Ok(numbers.chunks(stride.max(1)).flat_map(|row| row[..self.width].to_vec()).collect())
    }
}
