//! ListRows: lists of up to [`MOST_ITEMS`] responses to one prompt, one loss per list.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | up to [`MOST_INPUTS`] inputs, named by the operator | `[lists, items]` each |
//! | constant | up to [`MOST_CONSTANTS`] constants, named by the operator | `[lists, items]` each |
//! | constant | `upstream`, optional: the gradient of each list's first output | `[lists]` |
//! | words | `rank`, where the operator wants one: 1 is the best | `[lists, items]` |
//! | words | `length`, optional: the items of each list | `[lists]` |
//! | result | planes: the operator's outputs, `status` | `[planes, lists]` |
//! | result | a gradient per input | `[lists, items]` each |
//!
//! Items from a list's length on are padding: they may hold anything, are not read, and get gradient 0. The ranks of a
//! list are a permutation of `1..=length`: a tie has no order, so it is refused. Whose order it is (of labels or of
//! the model's own scores) is the caller's choice.
//!
//! Outputs are per list, unscaled. Gradients are those of the *reduced* first output, `scale · Σ upstream · output`
//! ([`Reduction`](super::Reduction); without upstream gradients each is 1). A list with fewer items than
//! [`ListPlanes::least`] gives zeros and is flagged in the status. A list with a NaN or an infinity among what counts, with
//! a length above `items` or with ranks that are no permutation is an error on the CPU and poisoned on the GPU.

use super::args::args;
use super::token_map::ViewWords;
use crate::op::Op;

/// The most items of a list: a kernel holds one list in workgroup memory.
pub const MOST_ITEMS: usize = 1024;
/// The most inputs of an operator.
pub const MOST_INPUTS: usize = 2;
/// The most constants of an operator.
pub const MOST_CONSTANTS: usize = 3;
/// The most outputs of an operator.
pub const MOST_OUTPUTS: usize = 2;

/// Bit of [`ListArgs::present`]: lists have lengths of their own.
pub const LENGTHS: u32 = 1;
/// Bit of [`ListArgs::present`]: there are upstream gradients.
pub const WEIGHTED: u32 = 2;

/// The arrays of an operator, and what it asks of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPlanes {
    /// The differentiable inputs; one at least.
    pub inputs: &'static [&'static str],
    /// The constants.
    pub constants: &'static [&'static str],
    /// The outputs, one number per list; gradients are of the first.
    pub outputs: &'static [&'static str],
    /// The gradients: `d_` and the name, for each input.
    pub gradients: &'static [&'static str],
    /// Whether it reads ranks.
    pub ranked: bool,
    /// The fewest items that mean something.
    pub least: usize,
}

impl ListPlanes {
    /// How many planes of one number per list the result has.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.outputs.len() + 1
    }

    /// The names of these planes.
    pub fn result(&self) -> impl Iterator<Item = &'static str> {
        self.outputs.iter().copied().chain(["status"])
    }
}

/// An operator of this signature.
pub trait ListOp: Op {
    /// Its arrays.
    const PLANES: ListPlanes;
}

args! {
    /// Arguments of `forward`.
    ListArgs {
        /// How many lists.
        lists: u32,
        /// Items of a list, padding counted.
        items: u32,
        /// Where plane 0 of the result begins.
        result_offset: u32,
        /// Elements from one plane to the next.
        result_stride: u32,
        /// The reduction's scale: multiplies the gradients.
        scale: f32,
        /// [`LENGTHS`] where lists have lengths, plus [`WEIGHTED`] where there are upstream gradients.
        present: u32,
        /// The length of list 0, in `words`.
        length_offset: u32,
        /// Elements from one length to the next.
        length_stride: u32,
        /// The upstream gradient of list 0, in `constants`.
        upstream_offset: u32,
        /// Elements from one upstream gradient to the next.
        upstream_stride: u32,
        /// The rank of item 0 of list 0, in `words`.
        rank_offset: u32,
        /// Elements from one list to the next.
        rank_row: u32,
        /// Elements from one item to the next.
        rank_col: u32,
        /// Item 0 of list 0 of input 0, in `inputs`.
        input0_offset: u32,
        /// Elements from one list to the next.
        input0_row: u32,
        /// Elements from one item to the next.
        input0_col: u32,
        /// Item 0 of list 0 of input 1, in `inputs`.
        input1_offset: u32,
        /// Elements from one list to the next.
        input1_row: u32,
        /// Elements from one item to the next.
        input1_col: u32,
        /// Item 0 of list 0 of the gradient by input 0, in `result`; its items are neighbours.
        gradient0_offset: u32,
        /// Elements from one list to the next.
        gradient0_row: u32,
        /// Item 0 of list 0 of the gradient by input 1.
        gradient1_offset: u32,
        /// Elements from one list to the next.
        gradient1_row: u32,
        /// Item 0 of list 0 of constant 0, in `constants`.
        constant0_offset: u32,
        /// Elements from one list to the next.
        constant0_row: u32,
        /// Elements from one item to the next.
        constant0_col: u32,
        /// Item 0 of list 0 of constant 1, in `constants`.
        constant1_offset: u32,
        /// Elements from one list to the next.
        constant1_row: u32,
        /// Elements from one item to the next.
        constant1_col: u32,
        /// Item 0 of list 0 of constant 2, in `constants`.
        constant2_offset: u32,
        /// Elements from one list to the next.
        constant2_row: u32,
        /// Elements from one item to the next.
        constant2_col: u32,
    }
}

impl ListArgs {
    /// The arguments with these arrays; the rest is left at 0.
    #[must_use]
    pub fn of_views(inputs: [ViewWords; MOST_INPUTS], constants: [ViewWords; MOST_CONSTANTS]) -> Self {
        let [[input0_offset, input0_row, input0_col], [input1_offset, input1_row, input1_col]] = inputs;
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
            constant0_offset,
            constant0_row,
            constant0_col,
            constant1_offset,
            constant1_row,
            constant1_col,
            constant2_offset,
            constant2_row,
            constant2_col,
            ..Self::default()
        }
    }
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
        (@check ListRows $family:ident::$name:ident::$op:ident) => {
            apart(<crate::$family::$name::$op as Op>::SPEC.slug, &<crate::$family::$name::$op as ListOp>::PLANES);
        };
        (@check $sig:ident $family:ident::$name:ident::$op:ident) => {};
    }
    crate::for_each_op!(planes);

    fn apart(slug: &str, planes: &ListPlanes) {
        let ListPlanes { inputs, constants, outputs, gradients, least, .. } = planes;
        assert!((1..=MOST_INPUTS).contains(&inputs.len()), "{slug}");
        assert!((1..=MOST_OUTPUTS).contains(&outputs.len()), "{slug}");
        assert!(constants.len() <= MOST_CONSTANTS && (1..=2).contains(least), "{slug}");
        let named = gradients.iter().map(|name| name.strip_prefix("d_"));
        assert!(named.eq(inputs.iter().copied().map(Some)), "{slug}: {gradients:?}");
        let given = inputs.iter().chain(*constants).chain(&["rank", "length", "upstream"]);
        assert!(given.clone().all(|a| given.clone().filter(|b| a == *b).count() == 1), "{slug}");
        assert_eq!(planes.result().count(), planes.count(), "{slug}");
    }

    #[test]
    fn views_stand_where_the_block_says() {
        let view = |i: u32| [3 * i, 3 * i + 1, 3 * i + 2];
        let words = ListArgs::of_views([0, 1].map(view), [2, 3, 4].map(view)).words();
        assert!(words[..13].iter().chain(&words[19..23]).all(|&word| word == 0));
        assert!(words[13..19].iter().chain(&words[23..]).copied().eq(0..15));
    }
}
