//! FusedLinear on the GPU: hidden states and LM-head weight in, planes or gradients out, logits never whole.

mod shape;
mod tile;

use bellwether_core::logprob::{Linear, Token};
use bellwether_core::{Op, Storage};
use bellwether_shaders::{Access, Dialect, Source};

pub(crate) use shape::MOST_TILE;
pub use shape::{FusedBackward, FusedForward, FusedShape};

use crate::error::Error;
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::token_rows::{Over, Rows, TokenOver, TokenRows, tiles};
use crate::sig::{Params, source};
use crate::slice::Limits;
pub(crate) use tile::{Arrays, Gradients, Tile};

const OP: &str = <Linear as Op>::SPEC.slug;

/// The plan: the products and the kernels on logits, compiled.
#[derive(Clone, Debug)]
pub struct FusedLinear {
    params: Params,
    product: Kernel,
    product_wide: Kernel,
    over: Kernel,
    over_params: Params,
    pub(crate) token: TokenRows,
}

impl FusedLinear {
    /// Compiles the kernels.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new(device: &wgpu::Device, op: &Linear, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, Self::dialect_of(source, dialect)))
    }

    /// The dialect of one kernel of a plan in `dialect`. `partial` reads one part of the scratch and writes another, so
    /// it is always pooled; logits stand in f32. For [`FusedLinear::compile_with`].
    #[must_use]
    pub fn dialect_of(source: &Source, dialect: Dialect) -> Dialect {
        let inputs = if source.kernel == "partial" { Access::ReadWrite } else { dialect.inputs };
        let storage = if source.op == OP { dialect.storage } else { Storage::F32 };
        Dialect { inputs, storage, ..dialect }
    }

    /// The plan with kernels of the caller's making.
    ///
    /// # Errors
    /// As [`FusedLinear::new`], and those of `compile`.
    pub fn compile_with(
        op: &Linear,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let (params, over_params) = (Params::of(op)?, Params::of(&op.token)?);
        let product = compile(source(OP, "product")?)?;
        let product_wide = compile(source(OP, "product_wide")?)?;
        let over = compile(source(Token::SPEC.slug, "backward_in_place")?)?;
        let token = TokenRows::compile_with::<Token>(&op.token, compile)?;
        Ok(Self { params, product, product_wide, over, over_params, token })
    }

    /// How hidden states and weight stand in memory.
    #[must_use]
    pub const fn storage(&self) -> Storage {
        self.product.dialect().storage
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
        let FusedForward { hidden, weight, bias, labels, scratch, result } = *buffers;
        let arrays = Arrays { hidden, weight, bias, labels, scratch, storage: self.storage() };
        for (base, n) in tiles(shape.n as u64, shape.chunk as u64) {
            let rows = Rows { base, n };
            for columns in tiles(shape.v as u64, shape.width()) {
                let tile = Tile::new(shape, rows, columns, &arrays)?;
                self.logits(limits, &tile, calls)?;
                let from = (tile.logits.slice, labels);
                let (token, parts) = (shape.token(columns), tile.parts(shape)?);
                self.token.plan_partial(limits, &token, rows, from, &parts, calls)?;
            }
            let last = Tile::new(shape, rows, (0, shape.width()), &arrays)?.parts(shape)?;
            let all = shape.token((0, shape.v as u64));
            self.token.plan_merge(&all, rows, &last, (labels, result), calls)?;
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
        let FusedBackward { hidden, weight, bias, labels, rows: planes, scratch, .. } = *buffers;
        let FusedBackward { d_hidden, d_weight, d_bias, .. } = *buffers;
        let gradients = Gradients { d_hidden, d_weight, d_bias };
        let arrays = Arrays { hidden, weight, bias, labels, scratch, storage: self.storage() };
        for (base, n) in tiles(shape.n as u64, shape.chunk as u64) {
            let rows = Rows { base, n };
            for columns in tiles(shape.v as u64, shape.width()) {
                let tile = Tile::new(shape, rows, columns, &arrays)?;
                self.logits(limits, &tile, calls)?;
                let over = Over { params: &self.over_params, kernel: &self.over };
                let (logits, saved, upstream) = (tile.logits.slice, buffers.saved, buffers.upstream);
                let to = TokenOver { logits, rows: planes, labels, saved, upstream };
                over.plan(limits, &shape.token(columns), rows, &to, calls)?;
                self.gradients(limits, &tile, shape, &gradients, calls)?;
            }
        }
        if shape.n == 0 {
            return self.no_rows(limits, shape, (weight, scratch), &gradients, calls);
        }
        Ok(())
    }
}
