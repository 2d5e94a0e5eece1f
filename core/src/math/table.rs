//! What is known of each function's error.

/// One row of [`TABLE`]: errors in units in the last place of f32 at the true value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FunctionBound {
    /// The function, as it is called in this module; in the kernels with `bw_` before it.
    pub name: &'static str,
    /// How it is computed, in a few words.
    pub method: &'static str,
    /// The largest error of the twin over the part that every test run looks at: IEEE arithmetic.
    pub strided: f64,
    /// The largest error of the twin over every finite f32; `None` where there are too many inputs, or none was run.
    pub exhaustive: Option<f64>,
    /// Where the largest error was seen.
    pub worst: [f32; 4],
    /// The bound under WGSL's rules: each `+ − ×` off by a whole unit, each division by 2.5. Derived by running the
    /// function's own steps on a number with an error, over a grid of inputs; a compiler that reassociates within a
    /// polynomial is not covered.
    pub derived: f64,
    /// The largest error of the same function in [`Real`](crate::Real) for f32, which is `libm`'s; 0 where there is
    /// none.
    pub reference: f64,
}

impl FunctionBound {
    /// The largest error seen on an IEEE machine.
    #[must_use]
    pub const fn measured(&self) -> f64 {
        match self.exhaustive {
            Some(all) if all > self.strided => all,
            _ => self.strided,
        }
    }

    /// Units of `2^-bits`, relative, that one call may cost: a unit in the last place is at most one unit of WGSL's
    /// f32 and at most two of a machine that rounds to nearest.
    #[must_use]
    pub(crate) const fn units(&self, bits: u32) -> f64 {
        if bits <= 23 {
            return self.derived;
        }
        2.0 * if self.reference > self.measured() { self.reference } else { self.measured() }
    }
}

macro_rules! table {
    ($($name:ident: $slug:literal, $method:literal, $strided:literal, $all:expr, $worst:expr, $derived:literal, $reference:literal;)*) => {
        $(
            #[doc = concat!("`", $slug, "`: ", $method, ".")]
            pub const $name: FunctionBound = FunctionBound {
                name: $slug,
                method: $method,
                strided: $strided,
                exhaustive: $all,
                worst: $worst,
                derived: $derived,
                reference: $reference,
            };
        )*
        /// Every function. Numbers here may only shrink: a test fails where one is too small, and where one is larger
        /// than what is measured.
        pub const TABLE: &[FunctionBound] = &[$($name),*];
    };
}

/// The worst input of a function of one argument.
const fn at(bits: u32) -> [f32; 4] {
    [f32::from_bits(bits), 0.0, 0.0, 0.0]
}

table! {
    EXP: "exp", "x = n ln 2 + r; 2^n (1 + q(r)), q of degree 7", 0.900, Some(0.967), at(0xc2a2_de55), 2.089, 0.793;
    EXPM1: "expm1", "2^n q(r) + (2^n - 1)", 1.384, Some(1.492), at(0x3eb7_c4a9), 5.260, 0.743;
    EXPM1M: "expm1m", "x^2/2 + x^3 q(x) near 0; else 2^n q(r) + (2^n - 1) - x", 1.696, Some(1.956), at(0x3f90_081c), 5.129, 0.501;
    LOG: "log", "x = 2^k (1 + f); k ln 2 + f - f^2/2 + f^3 q(f), q of degree 8", 0.760, Some(0.825), at(0x3f33_b9be), 2.761, 0.704;
    LOG1P: "log1p", "log's polynomial in x, or in x 2^-k + (2^-k - 1)", 1.318, Some(1.382), at(0x3ed9_a727), 3.836, 0.752;
    LOG1MEXP: "log1mexp", "log(-expm1(x)) above -ln 2, log1p(-exp(x)) below", 1.797, Some(1.982), at(0xbf7e_57a9), 6.284, 1.565;
    SIGMOID: "sigmoid", "e / (1 + e) of e = exp(-|x|), what was rounded off put back", 1.265, Some(1.462), at(0xc0bb_dd7b), 8.001, 1.972;
    LOG_SIGMOID: "log_sigmoid", "min(x, 0) - log1p(exp(-|x|))", 1.542, Some(1.683), at(0x3fa1_8d23), 4.922, 1.407;
    SOFTPLUS: "softplus", "max(x, 0) + log1p(exp(-|x|))", 1.544, Some(1.683), at(0xbfa1_8d23), 4.920, 1.512;
    TANH: "tanh", "x + x^3 p(x^2) below 0.5625; 1 - 2 / (exp(2x) + 1) beyond", 1.383, Some(1.420), at(0x3f11_2871), 4.058, 2.029;
    XLOGY: "xlogy", "x log(y), 0 where x is 0", 1.751, None, [-0.007697165, 2.7571957, 0.0, 0.0], 4.885, 0.0;
    LOGADDEXP: "logaddexp", "max + log1p(exp(-distance)), the distance with its rounding put back", 1.752, None, [0.0002547663, -0.8170503, 0.0, 0.0], 6.497, 0.0;
    LSE_MERGE: "lse_merge", "sum + sum' exp(-distance), the distance with its rounding put back", 1.887, None, [-0.0025881387, -3.1338298, 2.178555, 267.64767], 7.752, 0.0;
}
