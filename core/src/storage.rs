//! How the numbers of a wide array stand in memory.

/// Logits, hidden states, weights and gradients of logits may stand in 16 bits; everything is computed in f32.
///
/// Two 16-bit numbers make a 4-byte word, the one of the lower index in the lower half: little-endian memory as it is.
/// A number that is written is rounded to nearest, ties to even; beyond the largest it becomes infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Storage {
    /// IEEE binary32.
    #[default]
    F32,
    /// IEEE binary16: 11 bits of significand, largest 65504.
    F16,
    /// The upper half of an f32: 8 bits of significand.
    Bf16,
}

impl Storage {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::Bf16];

    /// Bytes of a number.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Numbers in a 4-byte word.
    #[must_use]
    pub const fn per_word(self) -> u64 {
        4 / self.bytes()
    }

    /// The name: `f32`, `f16`, `bf16`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }
}
