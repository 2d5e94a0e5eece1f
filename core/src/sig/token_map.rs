//! TokenMap: several arrays of numbers per token, mapped element by element.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | up to [`MOST`] inputs, named by the operator | `[rows, len]` each |
//! | constant | up to [`MOST`] constants, named by the operator | `[rows, len]` each |
//! | constant | `upstream`, optional: the gradient of each element's first output | `[rows, len]` |
//! | words | `mask`, optional: which elements count | `[rows, len]` |
//! | result | planes: the operator's outputs, a gradient per input, `status` | `[planes, rows · len]` |
//!
//! Every array but the result is a view: an offset, a distance of rows and a distance of columns, so that a part of a
//! padded or interleaved tensor is taken where it lies, and a value per row (distance of columns 0) or one value for
//! all (both 0) without copies.
//!
//! An element whose mask word is 0 does not count: nothing else of it is read, and all its results are 0. An element
//! that counts and has a NaN or an infinity among its inputs, constants or upstream gradients is an error on the CPU
//! and poisoned on the GPU: NaN in every plane but the status. A result beyond the precision's range is ±∞.
//!
//! Outputs are per element, unscaled. Gradients are those of the *reduced* first output,
//! `scale · Σ upstream · output` ([`Reduction`](super::Reduction); without upstream gradients each is 1); other outputs
//! have none.

use super::args::args;
use crate::op::Op;

/// The most inputs, constants and outputs that an operator may have, of each.
pub const MOST: usize = 4;
/// The most planes that a result may have.
pub const MOST_PLANES: usize = 2 * MOST + 1;

/// Bit of [`MapArgs::present`]: there is a mask.
pub const MASKED: u32 = 1;
/// Bit of [`MapArgs::present`]: there are upstream gradients.
pub const WEIGHTED: u32 = 2;

/// The names of an operator's arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapPlanes {
    /// The differentiable inputs; one at least.
    pub inputs: &'static [&'static str],
    /// The constants.
    pub constants: &'static [&'static str],
    /// The outputs; gradients are of the first.
    pub outputs: &'static [&'static str],
    /// The gradients: `d_` and the name, for each input.
    pub gradients: &'static [&'static str],
}

impl MapPlanes {
    /// How many planes the result has.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.outputs.len() + self.gradients.len() + 1
    }

    /// The names of the result's planes.
    pub fn result(&self) -> impl Iterator<Item = &'static str> {
        self.outputs.iter().chain(self.gradients).copied().chain(["status"])
    }
}

/// An operator of this signature.
pub trait MapOp: Op {
    /// Its arrays.
    const PLANES: MapPlanes;
}

/// Where an array stands: the offset of element 0, elements from row to row, elements from column to column.
pub type ViewWords = [u32; 3];

args! {
    /// Arguments of `forward`.
    MapArgs {
        /// Elements: rows times `len`.
        n: u32,
        /// Elements of a row; ≥ 1.
        len: u32,
        /// Where plane 0 of the result begins.
        result_offset: u32,
        /// Elements from one plane to the next.
        result_stride: u32,
        /// The reduction's scale: multiplies the gradients.
        scale: f32,
        /// [`MASKED`] where there is a mask, plus [`WEIGHTED`] where there are upstream gradients.
        present: u32,
        /// Element 0 of the mask, in `words`.
        mask_offset: u32,
        /// Elements from one row to the next.
        mask_row: u32,
        /// Elements from one column to the next.
        mask_col: u32,
        /// Element 0 of the upstream gradients, in `constants`.
        upstream_offset: u32,
        /// Elements from one row to the next.
        upstream_row: u32,
        /// Elements from one column to the next.
        upstream_col: u32,
        /// Element 0 of input 0, in `inputs`.
        input0_offset: u32,
        /// Elements from one row to the next.
        input0_row: u32,
        /// Elements from one column to the next.
        input0_col: u32,
        /// Element 0 of input 1, in `inputs`.
        input1_offset: u32,
        /// Elements from one row to the next.
        input1_row: u32,
        /// Elements from one column to the next.
        input1_col: u32,
        /// Element 0 of input 2, in `inputs`.
        input2_offset: u32,
        /// Elements from one row to the next.
        input2_row: u32,
        /// Elements from one column to the next.
        input2_col: u32,
        /// Element 0 of input 3, in `inputs`.
        input3_offset: u32,
        /// Elements from one row to the next.
        input3_row: u32,
        /// Elements from one column to the next.
        input3_col: u32,
        /// Element 0 of constant 0, in `constants`.
        constant0_offset: u32,
        /// Elements from one row to the next.
        constant0_row: u32,
        /// Elements from one column to the next.
        constant0_col: u32,
        /// Element 0 of constant 1, in `constants`.
        constant1_offset: u32,
        /// Elements from one row to the next.
        constant1_row: u32,
        /// Elements from one column to the next.
        constant1_col: u32,
        /// Element 0 of constant 2, in `constants`.
        constant2_offset: u32,
        /// Elements from one row to the next.
        constant2_row: u32,
        /// Elements from one column to the next.
        constant2_col: u32,
        /// Element 0 of constant 3, in `constants`.
        constant3_offset: u32,
        /// Elements from one row to the next.
        constant3_row: u32,
        /// Elements from one column to the next.
        constant3_col: u32,
    }
}

impl MapArgs {
    /// The arguments with these arrays; shape, result, scale and mask are left at 0.
    #[must_use]
    pub fn of_views(inputs: [ViewWords; MOST], constants: [ViewWords; MOST]) -> Self {
        let [
            [input0_offset, input0_row, input0_col],
            [input1_offset, input1_row, input1_col],
            [input2_offset, input2_row, input2_col],
            [input3_offset, input3_row, input3_col],
        ] = inputs;
        let [
            [constant0_offset, constant0_row, constant0_col],
            [constant1_offset, constant1_row, constant1_col],
            [constant2_offset, constant2_row, constant2_col],
            [constant3_offset, constant3_row, constant3_col],
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
            constant0_offset,
            constant0_row,
            constant0_col,
            constant1_offset,
            constant1_row,
            constant1_col,
            constant2_offset,
            constant2_row,
            constant2_col,
            constant3_offset,
            constant3_row,
            constant3_col,
            ..Self::default()
        }
    }
}

/// Arrays are as many as may be, and named apart.
#[cfg(test)]
pub(super) fn apart(slug: &str, planes: &MapPlanes, most: [usize; 3]) {
    let MapPlanes { inputs, constants, outputs, gradients } = planes;
    assert!((1..=most[0]).contains(&inputs.len()) && (1..=most[2]).contains(&outputs.len()), "{slug}");
    assert!(constants.len() <= most[1], "{slug}");
    let named = gradients.iter().map(|name| name.strip_prefix("d_"));
    assert!(named.eq(inputs.iter().copied().map(Some)), "{slug}: {gradients:?}");
    let given = inputs.iter().chain(*constants).chain(&["mask", "upstream"]);
    assert!(given.clone().all(|a| given.clone().filter(|b| a == *b).count() == 1), "{slug}");
    let results = || planes.result();
    assert!(results().all(|a| results().filter(|b| a == *b).count() == 1), "{slug}");
    assert_eq!(results().count(), planes.count(), "{slug}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the arrays of every operator of this signature.
    macro_rules! planes {
        ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
            #[test]
            fn arrays_are_few_and_named_apart() {
                $(planes!(@check $sig $family::$name::$op);)*
            }
        };
        (@check TokenMap $family:ident::$name:ident::$op:ident) => {
            let planes = <crate::$family::$name::$op as MapOp>::PLANES;
            apart(<crate::$family::$name::$op as Op>::SPEC.slug, &planes, [MOST; 3]);
        };
        (@check $sig:ident $family:ident::$name:ident::$op:ident) => {};
    }
    crate::for_each_op!(planes);

    #[test]
    fn views_stand_where_the_block_says() {
        let view = |i: u32| [3 * i, 3 * i + 1, 3 * i + 2];
        let words = MapArgs::of_views([0, 1, 2, 3].map(view), [4, 5, 6, 7].map(view)).words();
        assert!(words[..12].iter().all(|&word| word == 0) && words[12..].iter().copied().eq(0..24));
    }
}
