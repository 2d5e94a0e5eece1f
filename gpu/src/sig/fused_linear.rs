//! FusedLinear on the GPU: hidden states and LM-head weight in, planes or gradients out, logits never whole.

mod shape;

use bellwether_core::Op;
use bellwether_core::logprob::{Linear, Token};
use bellwether_shaders::{Access, Dialect, Source};

pub use shape::{FusedBackward, FusedForward, FusedShape};

use crate::error::{Error, product};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::product::{Factor, Product};
use crate::sig::token_rows::{Rows, TokenBackward, TokenForward, TokenRows, tiles};
use crate::sig::{Params, source};
use crate::slice::{Limits, Matrix, Slice};

const OP: &str = <Linear as Op>::SPEC.slug;

/// The plan: the product and the kernels on logits, compiled.
#[derive(Clone, Debug)]
pub struct FusedLinear {
    params: Params,
    product: Kernel,
    pub(crate) token: TokenRows,
}

/// One chunk of rows as matrices.
struct Chunk<'a> {
    rows: Rows,
    hidden: Matrix<'a>,
    weight: Matrix<'a>,
    logits: Matrix<'a>,
    gradient: Matrix<'a>,
}

impl FusedLinear {
    /// Compiles the kernels.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new(device: &wgpu::Device, op: &Linear, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, Self::dialect_of(source, dialect)))
    }

    /// The dialect of one kernel of a plan in `dialect`: `backward` reads one half of the scratch and writes the
    /// other, so it is always pooled. For [`FusedLinear::compile_with`].
    #[must_use]
    pub fn dialect_of(source: &Source, dialect: Dialect) -> Dialect {
        if source.kernel == "backward" { Dialect { inputs: Access::ReadWrite, ..dialect } } else { dialect }
    }

    /// The plan with kernels of the caller's making.
    ///
    /// # Errors
    /// As [`FusedLinear::new`], and those of `compile`.
    pub fn compile_with(
        op: &Linear,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let params = Params::of(op)?;
        let product = compile(source(OP, "product")?)?;
        let token = TokenRows::compile_with::<Token>(&op.token(), compile)?;
        Ok(Self { params, product, token })
    }

    /// The dispatches of `forward`.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, limits, aliasing: see [`Error`].
    pub fn forward(
        &self,
        device: &wgpu::Device,
        shape: &FusedShape,
        buffers: &FusedForward<'_>,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        self.plan_forward(&Limits::of(device), shape, buffers, &mut calls)?;
        record(device, &calls)
    }

    /// The dispatches of `backward`.
    ///
    /// # Errors
    /// As [`FusedLinear::forward`].
    pub fn backward(
        &self,
        device: &wgpu::Device,
        shape: &FusedShape,
        buffers: &FusedBackward<'_>,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        self.plan_backward(&Limits::of(device), shape, buffers, &mut calls)?;
        record(device, &calls)
    }

    pub(crate) fn plan_forward<'a>(
        &'a self,
        limits: &Limits,
        shape: &FusedShape,
        buffers: &FusedForward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        shape.check(&buffers.scratch)?;
        let FusedForward { hidden, weight, labels, scratch, result } = *buffers;
        for rows in tiles(shape.n as u64, shape.chunk as u64) {
            let chunk = Chunk::new(shape, rows, hidden, weight, scratch)?;
            self.logits(limits, &chunk, calls)?;
            let buffers = TokenForward { logits: chunk.logits.slice, labels, result };
            self.token.plan_forward(limits, &shape.token(), chunk.rows, &buffers, calls)?;
        }
        Ok(())
    }

    pub(crate) fn plan_backward<'a>(
        &'a self,
        limits: &Limits,
        shape: &FusedShape,
        buffers: &FusedBackward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        shape.check(&buffers.scratch)?;
        let FusedBackward { hidden, weight, labels, rows, scratch, saved, upstream, .. } = *buffers;
        for tile in tiles(shape.n as u64, shape.chunk as u64) {
            let chunk = Chunk::new(shape, tile, hidden, weight, scratch)?;
            self.logits(limits, &chunk, calls)?;
            let (logits, d_logits) = (chunk.logits.slice, chunk.gradient.slice);
            let token = TokenBackward { logits, rows, labels, d_logits, saved, upstream };
            self.token.plan_backward(limits, &shape.token(), chunk.rows, &token, calls)?;
            self.d_hidden(limits, &chunk, shape, buffers.d_hidden, calls)?;
            self.d_weight(limits, &chunk, shape, buffers.d_weight, calls)?;
        }
        if shape.n == 0 {
            return self.no_rows(limits, shape, buffers, calls);
        }
        Ok(())
    }

    /// `logits = hidden · weightᵀ`.
    fn logits<'a>(
        &'a self,
        limits: &Limits,
        chunk: &Chunk<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let product = Product {
            a: Factor { matrix: chunk.hidden, rows_are_terms: false },
            b: Factor { matrix: chunk.weight, rows_are_terms: false },
            c: chunk.logits,
            terms: chunk.hidden.width,
            accumulate: false,
            b_finite: false,
        };
        product.plan(&self.product, &self.params, limits, calls)
    }

    /// `d_hidden = d_logits · weight`.
    fn d_hidden<'a>(
        &'a self,
        limits: &Limits,
        chunk: &Chunk<'a>,
        shape: &FusedShape,
        d_hidden: Slice<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let product = Product {
            a: Factor { matrix: chunk.gradient, rows_are_terms: false },
            b: Factor { matrix: chunk.weight, rows_are_terms: true },
            c: chunk.rows_of("d_hidden", d_hidden, shape)?,
            terms: shape.v as u64,
            accumulate: false,
            b_finite: false,
        };
        product.plan(&self.product, &self.params, limits, calls)
    }

    /// `d_weight (+)= d_logitsᵀ · hidden`: chunk after chunk, in order.
    fn d_weight<'a>(
        &'a self,
        limits: &Limits,
        chunk: &Chunk<'a>,
        shape: &FusedShape,
        d_weight: Slice<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let product = Product {
            a: Factor { matrix: chunk.gradient, rows_are_terms: true },
            b: Factor { matrix: chunk.hidden, rows_are_terms: true },
            c: Matrix::packed("d_weight", d_weight, shape.v as u64, shape.h as u64),
            terms: chunk.rows.n,
            accumulate: chunk.rows.base > 0,
            b_finite: true,
        };
        product.plan(&self.product, &self.params, limits, calls)
    }

    /// An empty batch has a gradient by the weight all the same: zero. A sum of no terms writes it.
    fn no_rows<'a>(
        &'a self,
        limits: &Limits,
        shape: &FusedShape,
        buffers: &FusedBackward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let (v, h) = (shape.v as u64, shape.h as u64);
        let unread = |slice| Factor { matrix: Matrix::packed("unread", slice, 1, 1), rows_are_terms: true };
        let product = Product {
            a: unread(buffers.scratch),
            b: unread(buffers.weight),
            c: Matrix::packed("d_weight", buffers.d_weight, v, h),
            terms: 0,
            accumulate: false,
            b_finite: true,
        };
        product.plan(&self.product, &self.params, limits, calls)
    }
}

impl<'a> Chunk<'a> {
    fn new(
        shape: &FusedShape,
        (base, n): (u64, u64),
        hidden: Slice<'a>,
        weight: Slice<'a>,
        scratch: Slice<'a>,
    ) -> Result<Self, Error> {
        let (v, h, half) = (shape.v as u64, shape.h as u64, shape.half()?);
        let rows = Rows { base, n };
        Ok(Self {
            rows,
            hidden: rows_of("hidden", hidden, shape, rows)?,
            weight: Matrix::packed("weight", weight, v, h),
            logits: Matrix::packed("scratch", scratch.part(0, half), n, v),
            gradient: Matrix::packed("scratch", scratch.part(half, half), n, v),
        })
    }

    /// The chunk's rows of a `[n, h]` array.
    fn rows_of(&self, arg: &'static str, slice: Slice<'a>, shape: &FusedShape) -> Result<Matrix<'a>, Error> {
        rows_of(arg, slice, shape, self.rows)
    }
}

/// Some rows of a packed `[n, h]` array. They begin at a multiple of 256 rows, so of 1024 bytes.
fn rows_of<'a>(
    arg: &'static str,
    slice: Slice<'a>,
    shape: &FusedShape,
    rows: Rows,
) -> Result<Matrix<'a>, Error> {
    let h = shape.h as u64;
    slice.holds(OP, arg, product(OP, arg, shape.n as u64, h)?)?;
    Ok(Matrix::packed(arg, slice.part(rows.base * h, rows.n * h), rows.n, h))
}
