//! ReverseScan: `x_t = a_t + b_t x_{t+1}` over sequences, from arrays of numbers per step.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | up to [`MOST_INPUTS`] inputs, named by the operator | `[rows, len]` each |
//! | constant | up to [`MOST_CONSTANTS`] constants, named by the operator | `[rows, len]` each |
//! | constant | `upstream`, optional: the gradient of each step's first output | `[rows, len]` |
//! | words | `mask`, optional: which steps count; `lengths` of rows, or `offsets` of packed ones | `[rows, len]`, `[rows]`, `[rows + 1]` |
//! | result | planes: the operator's outputs, a gradient per input (where asked for), `status` | `[planes, rows · len]` |
//!
//! Every array but the result is a view, as in [`token_map`](super::token_map): an offset, a distance of rows and a
//! distance of columns. So `[B, T]` and `[T, B]` are read where they lie, `v_tm1` and `v_t` may be the same values one
//! step apart, and a discount or a `λ` that is the same everywhere is one number (both distances 0). Packed rows stand
//! one behind another: `offsets[r]..offsets[r + 1]`, and only the distance of columns is used. The result's planes are
//! batch-major or time-major ([`Order`]).
//!
//! A row ends with its last step that counts; behind it `x` is 0. A step whose mask word is 0 does not count: nothing
//! else of it is read, `x` passes through it unchanged, and all its results are 0. So are those of steps at or behind
//! the row's length. A row with a NaN or an infinity among the numbers of its counted steps, or with a length beyond
//! `len`, is an error on the CPU and poisoned on the GPU: NaN in every plane of every counted step but the status.
//!
//! The names are those of rlax: `_tm1` belongs to the state in which the step was taken, `_t` to the state that it led
//! to. `discount_t` is 0 where an episode ends, and `x` does not pass it.
//!
//! Gradients are those of the *reduced* first output, `scale · Σ upstream · output`
//! ([`Reduction`](super::Reduction)); other outputs have none. What an operator calls detached has none either.

use super::args::args;
pub use super::token_map::MapPlanes as ScanPlanes;
use super::token_map::ViewWords;
use crate::op::Op;

/// The most inputs that an operator may have.
pub const MOST_INPUTS: usize = 5;
/// The most constants.
pub const MOST_CONSTANTS: usize = 3;
/// The most outputs.
pub const MOST_OUTPUTS: usize = 4;

/// Bit of [`ScanArgs::present`]: there is a mask.
pub const MASKED: u32 = 1;
/// Bit of [`ScanArgs::present`]: there are upstream gradients.
pub const WEIGHTED: u32 = 2;
/// Bit of [`ScanArgs::present`]: rows have lengths.
pub const LENGTHS: u32 = 4;
/// Bit of [`ScanArgs::present`]: the result has gradients.
pub const GRADIENTS: u32 = 8;

/// Steps that one row may have: a workgroup takes 512 of them at a time, and llvmpipe ends every loop, without a word,
/// after 65,535 turns.
pub const MOST_STEPS: usize = 512 * 65_535;

/// An operator of this signature.
pub trait ScanOp: Op {
    /// Its arrays.
    const PLANES: ScanPlanes;
}

/// How the steps of padded rows follow one another in a plane of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// `[B, T]`: a row's steps are neighbours.
    #[default]
    BatchMajor,
    /// `[T, B]`: the rows' first steps, then their second.
    TimeMajor,
}

impl Order {
    /// Elements from one row to the next, and from one step to the next.
    #[must_use]
    pub const fn distances(self, rows: usize, len: usize) -> [usize; 2] {
        match self {
            Self::BatchMajor => [len, 1],
            Self::TimeMajor => [1, rows],
        }
    }
}

/// The planes of a result, with or without gradients.
pub fn result(planes: &ScanPlanes, gradients: bool) -> impl Iterator<Item = &'static str> {
    let gradients = if gradients { planes.gradients } else { &[] };
    planes.outputs.iter().chain(gradients).copied().chain(["status"])
}

args! {
    /// Arguments of `forward`.
    ScanArgs {
        /// How many rows.
        rows: u32,
        /// Steps of a padded row; 0: packed.
        len: u32,
        /// Where the lengths, or the offsets of packed rows, begin in `words`.
        extent_offset: u32,
        /// [`MASKED`], [`WEIGHTED`], [`LENGTHS`] and [`GRADIENTS`].
        present: u32,
        /// Where plane 0 of the result begins.
        result_offset: u32,
        /// Elements from one plane to the next.
        result_stride: u32,
        /// Elements from one row of a plane to the next.
        result_row: u32,
        /// Elements from one step to the next.
        result_col: u32,
        /// The reduction's scale: multiplies the gradients.
        scale: f32,
        /// Element 0 of the mask, in `words`.
        mask_offset: u32,
        /// Elements from one row to the next.
        mask_row: u32,
        /// Elements from one step to the next.
        mask_col: u32,
        /// Element 0 of the upstream gradients, in `constants`.
        upstream_offset: u32,
        /// Elements from one row to the next.
        upstream_row: u32,
        /// Elements from one step to the next.
        upstream_col: u32,
        /// Element 0 of input 0, in `inputs`.
        input0_offset: u32,
        /// Elements from one row to the next.
        input0_row: u32,
        /// Elements from one step to the next.
        input0_col: u32,
        /// Element 0 of input 1, in `inputs`.
        input1_offset: u32,
        /// Elements from one row to the next.
        input1_row: u32,
        /// Elements from one step to the next.
        input1_col: u32,
        /// Element 0 of input 2, in `inputs`.
        input2_offset: u32,
        /// Elements from one row to the next.
        input2_row: u32,
        /// Elements from one step to the next.
        input2_col: u32,
        /// Element 0 of input 3, in `inputs`.
        input3_offset: u32,
        /// Elements from one row to the next.
        input3_row: u32,
        /// Elements from one step to the next.
        input3_col: u32,
        /// Element 0 of input 4, in `inputs`.
        input4_offset: u32,
        /// Elements from one row to the next.
        input4_row: u32,
        /// Elements from one step to the next.
        input4_col: u32,
        /// Element 0 of constant 0, in `constants`.
        constant0_offset: u32,
        /// Elements from one row to the next.
        constant0_row: u32,
        /// Elements from one step to the next.
        constant0_col: u32,
        /// Element 0 of constant 1, in `constants`.
        constant1_offset: u32,
        /// Elements from one row to the next.
        constant1_row: u32,
        /// Elements from one step to the next.
        constant1_col: u32,
        /// Element 0 of constant 2, in `constants`.
        constant2_offset: u32,
        /// Elements from one row to the next.
        constant2_row: u32,
        /// Elements from one step to the next.
        constant2_col: u32,
        /// Zero.
        pad0: u32,
    }
}

impl ScanArgs {
    /// The same arguments with these arrays.
    #[must_use]
    pub const fn with_views(
        self,
        inputs: [ViewWords; MOST_INPUTS],
        constants: [ViewWords; MOST_CONSTANTS],
    ) -> Self {
        let [
            [input0_offset, input0_row, input0_col],
            [input1_offset, input1_row, input1_col],
            [input2_offset, input2_row, input2_col],
            [input3_offset, input3_row, input3_col],
            [input4_offset, input4_row, input4_col],
        ] = inputs;
        let [
            [constant0_offset, constant0_row, constant0_col],
            [constant1_offset, constant1_row, constant1_col],
            [constant2_offset, constant2_row, constant2_col],
        ] = constants;
        Self {
            input0_offset,
            input0_row,
            input0_col,
            input1_offset,
            input1_row,
            input1_col,
            input2_offset,
            input2_row,
            input2_col,
            input3_offset,
            input3_row,
            input3_col,
            input4_offset,
            input4_row,
            input4_col,
            constant0_offset,
            constant0_row,
            constant0_col,
            constant1_offset,
            constant1_row,
            constant1_col,
            constant2_offset,
            constant2_row,
            constant2_col,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the arrays of every operator of this signature.
    macro_rules! arrays {
        ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
            #[test]
            fn arrays_are_few_and_named_apart() {
                $(arrays!(@check $sig $family::$name::$op);)*
            }
        };
        (@check ReverseScan $family:ident::$name:ident::$op:ident) => {
            let planes = <crate::$family::$name::$op as ScanOp>::PLANES;
            let most = [MOST_INPUTS, MOST_CONSTANTS, MOST_OUTPUTS];
            super::super::token_map::apart(<crate::$family::$name::$op as Op>::SPEC.slug, &planes, most);
        };
        (@check $sig:ident $family:ident::$name:ident::$op:ident) => {};
    }
    crate::for_each_op!(arrays);

    #[test]
    fn views_stand_where_the_block_says() {
        let view = |i: u32| [3 * i, 3 * i + 1, 3 * i + 2];
        let args = ScanArgs::default().with_views([0, 1, 2, 3, 4].map(view), [5, 6, 7].map(view));
        let words = args.words();
        assert!(words[..15].iter().all(|&word| word == 0) && words[15..39].iter().copied().eq(0..24));
    }
}
