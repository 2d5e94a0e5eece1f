//! The macro behind every argument block.

/// Declares an argument block: 4-byte scalars only, a multiple of 16 bytes, in the order of the WGSL struct `Args`.
///
/// The block ends where the operator's own parameters ([`crate::op::PARAM_WORDS`] words) begin.
macro_rules! args {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        #[cfg_attr(feature = "bytemuck", derive(bytemuck::Pod, bytemuck::Zeroable))]
        #[repr(C)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind,)* }

        impl $name {
            /// The fields, in order: what the WGSL `struct Args` must say too.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
            /// How many words the block has.
            pub const WORDS: usize = Self::FIELDS.len();

            /// The block as words, ready for a uniform buffer.
            #[must_use]
            pub fn words(&self) -> [u32; Self::WORDS] {
                [$(args!(@word $kind, self.$field)),*]
            }
        }
        const _: () = assert!($name::WORDS % 4 == 0, "an argument block is a multiple of 16 bytes");
    };
    (@word u32, $value:expr) => { $value };
    (@word f32, $value:expr) => { $value.to_bits() };
}
pub(crate) use args;
