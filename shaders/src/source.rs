//! One kernel: its text and what a host must know to run it.

use bellwether_core::op::PARAM_WORDS;

/// The most workgroups that WebGPU takes in one direction.
const GROUPS_PER_AXIS: u32 = 65_535;

/// What a binding is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Numbers that are read: an array of f32.
    Input,
    /// Numbers that are read and may stand in 16 bits: an array of u32, read as the
    /// [`Storage`](bellwether_core::Storage) of the dialect says.
    Wide,
    /// Labels, masks or offsets: an array of u32, read.
    Words,
    /// Where results go: an array of f32, or of u32 where results may stand in 16 bits; `read_write`.
    Result,
    /// The argument block; the last binding.
    Args,
}

/// One binding of `@group(0)`; its number is its place in [`Source::bindings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The variable in the text.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
}

/// One kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The operator: its slug in `bellwether-core`.
    pub op: &'static str,
    /// `forward`, `backward` or `product`.
    pub kernel: &'static str,
    /// The whole module, with buffers of their own and arguments in a uniform; its entry point is `main`.
    pub text: &'static str,
    /// Lanes of a workgroup, all in x.
    pub workgroup: u32,
    /// Units (rows, segments, pairs or tiles) that one workgroup does.
    pub rows_per_group: u32,
    /// The bindings, in order.
    pub bindings: &'static [Binding],
    /// The fields of the argument block before the operator's own parameters: core's `FIELDS` of the kernel's block.
    pub args: &'static [&'static str],
}

impl Source {
    /// Workgroups for so many units: rows of TokenRows, segments, pairs, or 64 × 64 tiles of `product`.
    ///
    /// Folded into two directions as evenly as can be; the kernel skips what is beyond the last unit. No unit gives
    /// no workgroup. Up to 65,535² workgroups fit.
    #[must_use]
    pub const fn dispatch(&self, units: u32) -> [u32; 3] {
        self.dispatch_within(units, u32::MAX)
    }

    /// The same on a device that takes no more than `most` workgroups in one direction.
    #[must_use]
    pub const fn dispatch_within(&self, units: u32, most: u32) -> [u32; 3] {
        let groups = units.div_ceil(self.rows_per_group);
        let most = if most < GROUPS_PER_AXIS { most } else { GROUPS_PER_AXIS };
        if groups == 0 || most == 0 {
            return [groups, 1, 1];
        }
        let y = groups.div_ceil(most);
        [groups.div_ceil(y), y, 1]
    }

    /// Words of the argument block: [`args`](Self::args), then the operator's `words()`. A multiple of 4.
    #[must_use]
    pub const fn args_words(&self) -> usize {
        self.args.len() + PARAM_WORDS
    }
}
