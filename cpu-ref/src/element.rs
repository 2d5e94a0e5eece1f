//! How a wide array holds its numbers, apart from what they are computed in.

use crate::rows::Scalar;

/// A number as an array of logits or of their gradients holds it, which a row function reads as a `T`.
///
/// A scalar is its own element. With the feature `half` so are `half::f16` and `half::bf16` for f32 and f64: they are
/// read as they are, and a result is rounded once when it is written, to nearest, ties to even, and to an infinity
/// beyond the largest.
pub trait Element<T>: Copy + Send + Sync {
    /// The number.
    fn read(self) -> T;
    /// What holds a result.
    fn write(x: T) -> Self;
}

impl<T: Scalar> Element<T> for T {
    fn read(self) -> T {
        self
    }
    fn write(x: T) -> Self {
        x
    }
}

#[cfg(feature = "half")]
mod sixteen_bits {
    use half::{bf16, f16};

    use super::Element;

    macro_rules! halves {
        ($($half:ty),*) => {$(
            impl Element<f32> for $half {
                fn read(self) -> f32 {
                    self.to_f32()
                }
                fn write(x: f32) -> Self {
                    Self::from_f32(x)
                }
            }
            impl Element<f64> for $half {
                fn read(self) -> f64 {
                    self.to_f64()
                }
                fn write(x: f64) -> Self {
                    Self::from_f32(to_odd(x))
                }
            }
        )*};
    }
    halves!(f16, bf16);

    /// The f32 nearer to 0 of the two around `x`, its last bit set where anything is left: rounding that is exact once. Of an
    /// f64 the crate's own conversion drops the lower half of the bits.
    fn to_odd(x: f64) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "what is cut off is looked at next")]
        let near = x as f32;
        let back = f64::from(near);
        if x.is_nan() || back.to_bits() == x.to_bits() {
            return near;
        }
        let towards_zero = near.to_bits() - u32::from(back.abs() > x.abs());
        f32::from_bits(towards_zero | 1)
    }
}
