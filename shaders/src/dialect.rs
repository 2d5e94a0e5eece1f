//! The same text with other access modes, for hosts whose buffers are slices of one pool.

use alloc::string::String;

use bellwether_core::Storage;

use crate::Source;

/// How a buffer that is only read is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`, though nothing is written: wgpu refuses one buffer that is bound both ways.
    ReadWrite,
}

/// Where the argument block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgsSpace {
    /// `var<uniform>`: costs no storage buffer.
    Uniform,
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`.
    ReadWrite,
}

/// How a kernel's bindings are declared. The arithmetic is the same in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// [`Role::Input`](crate::Role::Input), [`Role::Wide`](crate::Role::Wide) and [`Role::Words`](crate::Role::Words).
    pub inputs: Access,
    /// [`Role::Args`](crate::Role::Args).
    pub args: ArgsSpace,
    /// How the numbers of [`Role::Wide`](crate::Role::Wide) stand in memory, and the gradients by them.
    pub storage: Storage,
}

impl Dialect {
    /// Every buffer is a buffer of its own: the texts as they stand.
    pub const EXCLUSIVE: Self =
        Self { inputs: Access::Read, args: ArgsSpace::Uniform, storage: Storage::F32 };
    /// Buffers may be slices of one pool, arguments are a uniform: burn and cubecl.
    pub const POOLED: Self = Self { inputs: Access::ReadWrite, ..Self::EXCLUSIVE };
    /// Every dialect of [`Storage::F32`].
    pub const ALL: [Self; 6] = [
        Self::EXCLUSIVE,
        Self::POOLED,
        Self { args: ArgsSpace::Read, ..Self::EXCLUSIVE },
        Self { args: ArgsSpace::Read, ..Self::POOLED },
        Self { args: ArgsSpace::ReadWrite, ..Self::EXCLUSIVE },
        Self { args: ArgsSpace::ReadWrite, ..Self::POOLED },
    ];

    /// The same with wide arrays stored otherwise.
    #[must_use]
    pub const fn stored(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }
}

impl Source {
    /// The text in another dialect. Plain replacement: hosts in other languages do the same three.
    #[must_use]
    pub fn in_dialect(&self, dialect: Dialect) -> String {
        let read = "var<storage, read>";
        let read_write = "var<storage, read_write>";
        let uniform = "var<uniform>";
        let text = match dialect.inputs {
            Access::Read => String::from(self.text),
            Access::ReadWrite => self.text.replace(read, read_write),
        };
        let text = match dialect.storage {
            Storage::F32 => text,
            Storage::F16 => text.replace("const STORAGE = 0u;", "const STORAGE = 1u;"),
            Storage::Bf16 => text.replace("const STORAGE = 0u;", "const STORAGE = 2u;"),
        };
        match dialect.args {
            ArgsSpace::Uniform => text,
            ArgsSpace::Read => text.replace(uniform, read),
            ArgsSpace::ReadWrite => text.replace(uniform, read_write),
        }
    }
}
