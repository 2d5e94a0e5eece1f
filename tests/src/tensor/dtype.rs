//! Element types: their names, what they can hold, and their bytes.

use std::fmt;

use super::BadElement;

/// The largest magnitude up to which every integer is an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Element type of a tensor in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// bfloat16: the upper half of a binary32.
    Bf16,
    /// Signed 64-bit integer, of magnitude at most 2^53.
    I64,
    /// Signed 32-bit integer.
    I32,
    /// Unsigned byte.
    U8,
    /// Truth value, one byte.
    Bool,
}

impl Dtype {
    /// Every element type, in the order in which messages list them.
    pub const ALL: [Self; 8] =
        [Self::F64, Self::F32, Self::F16, Self::Bf16, Self::I64, Self::I32, Self::U8, Self::Bool];

    /// The type that a name stands for: `f32`, `F32`, `float32`, `torch.float32`, `bf16`, `bfloat16`, `int64`, ….
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Some(match name.strip_prefix("torch.").unwrap_or(&name) {
            "f64" | "float64" | "double" => Self::F64,
            "f32" | "float32" | "float" => Self::F32,
            "f16" | "float16" | "half" => Self::F16,
            "bf16" | "bfloat16" => Self::Bf16,
            "i64" | "int64" | "long" => Self::I64,
            "i32" | "int32" | "int" => Self::I32,
            "u8" | "uint8" => Self::U8,
            "bool" => Self::Bool,
            _ => return None,
        })
    }

    /// Short lower-case name, as golden cases write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::U8 => "u8",
            Self::Bool => "bool",
        }
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::U8 | Self::Bool => 1,
        }
    }

    /// Bits of the significand, hidden bit included: the unit roundoff is 2^-unit. `None` for integers.
    pub fn unit(self) -> Option<u32> {
        match self {
            Self::F64 => Some(53),
            Self::F32 => Some(24),
            Self::F16 => Some(11),
            Self::Bf16 => Some(8),
            Self::I64 | Self::I32 | Self::U8 | Self::Bool => None,
        }
    }

    /// Whether this is a floating-point type.
    pub fn is_float(self) -> bool {
        self.unit().is_some()
    }

    /// `value` as this type holds it: floats rounded to nearest even, integers unchanged; an error names what is allowed.
    pub fn fit(self, value: f64) -> Result<f64, &'static str> {
        let integral = |low: f64, high: f64| value.fract() == 0.0 && (low..=high).contains(&value);
        match self {
            Self::I64 if integral(-EXACT, EXACT) => Ok(value),
            Self::I64 => Err("integers of magnitude at most 2^53"),
            Self::I32 if integral(i32::MIN.into(), i32::MAX.into()) => Ok(value),
            Self::I32 => Err("integers from -2147483648 to 2147483647"),
            Self::U8 if integral(0.0, 255.0) => Ok(value),
            Self::U8 => Err("integers from 0 to 255"),
            Self::Bool if integral(0.0, 1.0) => Ok(value),
            Self::Bool => Err("0 or 1"),
            _ => match self.round(value) {
                held if held.is_infinite() && value.is_finite() => Err("magnitudes that the dtype can hold"),
                held => Ok(held),
            },
        }
    }

    /// Nearest value of a floating-point type, ties to even, overflow to infinity; integers pass.
    fn round(self, value: f64) -> f64 {
        match self {
            Self::F32 => f64::from(value as f32),
            Self::F16 => f64::from(f16_value(f16_bits(value))),
            Self::Bf16 => f64::from(round_bits(value, 8, -126) as f32),
            _ => value,
        }
    }

    /// The element in `bytes`, little-endian, exactly [`size`](Self::size) of them.
    fn read(self, bytes: &[u8]) -> Option<f64> {
        Some(match self {
            Self::F64 => f64::from_le_bytes(bytes.try_into().ok()?),
            Self::F32 => f64::from(f32::from_le_bytes(bytes.try_into().ok()?)),
            Self::F16 => f64::from(f16_value(u16::from_le_bytes(bytes.try_into().ok()?))),
            Self::Bf16 => {
                f64::from(f32::from_bits(u32::from(u16::from_le_bytes(bytes.try_into().ok()?)) << 16))
            }
            Self::I64 => i64::from_le_bytes(bytes.try_into().ok()?) as f64,
            Self::I32 => f64::from(i32::from_le_bytes(bytes.try_into().ok()?)),
            Self::U8 | Self::Bool => f64::from(*bytes.first()?),
        })
    }

    /// Appends the elements in little-endian `bytes` to `data`; a remainder shorter than an element is left out.
    pub fn decode(self, bytes: &[u8], data: &mut Vec<f64>) -> Result<(), BadElement> {
        for element in bytes.chunks_exact(self.size()) {
            let value = self.read(element).unwrap_or(f64::NAN);
            // 2^53 + 1 rounds to 2^53: the way back tells them apart.
            let exact = self != Self::I64 || (value as i64).to_le_bytes() == element;
            let held = match self.fit(value) {
                Err(allowed) => Err(allowed),
                Ok(_) if !exact => self.fit(f64::INFINITY),
                Ok(_) => Ok(value),
            };
            data.push(held.map_err(|allowed| BadElement { index: data.len(), value, allowed })?);
        }
        Ok(())
    }

    /// `values` as little-endian bytes of this type; each must [`fit`](Self::fit), others saturate.
    pub fn encode(self, values: &[f64]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(values.len() * self.size());
        for &value in values {
            match self {
                Self::F64 => bytes.extend(value.to_le_bytes()),
                Self::F32 => bytes.extend((value as f32).to_le_bytes()),
                Self::F16 => bytes.extend(f16_bits(value).to_le_bytes()),
                Self::Bf16 => {
                    bytes.extend(((self.round(value) as f32).to_bits() >> 16).to_le_bytes().iter().take(2));
                }
                Self::I64 => bytes.extend((value as i64).to_le_bytes()),
                Self::I32 => bytes.extend((value as i32).to_le_bytes()),
                Self::U8 | Self::Bool => bytes.push(value as u8),
            }
        }
        bytes
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// `value` to `bits` significant bits and exponents from `least`, ties to even. All steps but the rounding are exact.
fn round_bits(value: f64, bits: i32, least: i32) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let exponent = (((value.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(least);
    let step = 2f64.powi(exponent - bits + 1);
    (value / step).round_ties_even() * step
}

/// The binary16 nearest to `value`.
fn f16_bits(value: f64) -> u16 {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let held = round_bits(value, 11, -14).abs();
    if held.is_nan() {
        return sign | 0x7e00;
    }
    if held > 65504.0 {
        return sign | 0x7c00;
    }
    let steps = |exponent: i32| (held / 2f64.powi(exponent - 10)) as u16;
    let exponent = ((held.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    match exponent {
        // Subnormal: the count of 2^-24. Normal: the leading 1 of the 11-bit count adds one to the exponent field.
        ..-14 => sign | steps(-14),
        _ => sign | ((((exponent + 14) as u16) << 10) + steps(exponent)),
    }
}

/// The value of a binary16; every one is a binary32.
fn f16_value(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    sign * match (exponent, bits & 0x3ff) {
        (31, 0) => f32::INFINITY,
        (31, _) => f32::NAN,
        (0, _) => fraction * 2f32.powi(-24),
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binary16_survives_the_way_there_and_back() {
        for bits in 0..=u16::MAX {
            let value = f64::from(f16_value(bits));
            if value.is_nan() {
                assert_eq!(f16_bits(value) & 0x7c00, 0x7c00);
            } else {
                assert_eq!(f16_bits(value), bits, "{value}");
            }
        }
    }

    #[test]
    fn rounding_is_to_nearest_even_and_overflow_is_refused() {
        assert_eq!(Dtype::F16.fit(1.0 + 2f64.powi(-11)), Ok(1.0));
        assert_eq!(Dtype::F16.fit(1.0 + 3.0 * 2f64.powi(-11)), Ok(1.0 + 2f64.powi(-9)));
        assert_eq!(Dtype::F16.fit(2f64.powi(-25) * 1.5), Ok(2f64.powi(-24)));
        assert_eq!(Dtype::Bf16.fit(1.0 + 2f64.powi(-8) * 1.01), Ok(1.0 + 2f64.powi(-7)));
        assert_eq!(Dtype::Bf16.fit(-0.1), Ok(-0.10009765625));
        assert!(Dtype::F16.fit(65520.0).is_err() && Dtype::F16.fit(65519.0) == Ok(65504.0));
        assert!(Dtype::F32.fit(1e39).is_err() && Dtype::Bf16.fit(3.4e38).is_err());
        assert_eq!(Dtype::F32.fit(f64::NEG_INFINITY), Ok(f64::NEG_INFINITY));
    }

    #[test]
    fn integers_beyond_2_to_the_53_are_refused_in_bytes() {
        let mut data = Vec::new();
        let whole = (1i64 << 53) + 1;
        let bad = Dtype::I64.decode(&whole.to_le_bytes(), &mut data).unwrap_err();
        assert_eq!((bad.index, bad.allowed), (0, "integers of magnitude at most 2^53"));
        Dtype::I64.decode(&(-(1i64 << 53)).to_le_bytes(), &mut data).unwrap();
        assert_eq!(data, [-EXACT]);
        assert!(Dtype::Bool.decode(&[2], &mut data).is_err());
    }

    #[test]
    fn bytes_and_values_agree_for_every_type() {
        for dtype in Dtype::ALL {
            let values =
                if dtype.is_float() { vec![0.0, -1.5, 0.25, f64::INFINITY] } else { vec![0.0, 1.0, 1.0] };
            let bytes = dtype.encode(&values);
            assert_eq!(bytes.len(), values.len() * dtype.size());
            let mut back = Vec::new();
            dtype.decode(&bytes, &mut back).unwrap();
            assert_eq!(back, values, "{dtype}");
            assert_eq!(Dtype::parse(dtype.name()), Some(dtype));
        }
        assert_eq!(Dtype::parse("torch.BFloat16"), Some(Dtype::Bf16));
        assert_eq!(Dtype::parse("F8_E4M3"), None);
    }
}
