//! Lists of dispatches: what the typed bindings and the step make, and what a host records into its pass.

use crate::Error;
use crate::error::{index, product};
use crate::kernel::{Bound, Kernel};
use crate::scope::Scope;
use crate::slice::{ELEMENT, Slice};

/// Arguments are a uniform unless the dialect says otherwise. They can be read back, so that a recording can be shown.
const ARGS_USAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::UNIFORM.union(wgpu::BufferUsages::STORAGE).union(wgpu::BufferUsages::COPY_SRC);

/// Dispatches in order, with everything they need already made.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    pub(crate) calls: Vec<Bound>,
}

impl Recorded {
    /// Records every dispatch into the caller's pass. Never submits, blocks, reads back or allocates; wgpu orders the
    /// dispatches of a pass by the buffers they use.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        for call in &self.calls {
            call.encode(pass);
        }
    }

    /// How many dispatches there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there is nothing to do: an empty batch.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The dispatches, for hosts that cut a long step into several submissions.
    #[must_use]
    pub fn calls(&self) -> &[Bound] {
        &self.calls
    }

    /// Appends the dispatches of `later`.
    pub fn append(&mut self, mut later: Self) {
        self.calls.append(&mut later.calls);
    }
}

impl From<Vec<Bound>> for Recorded {
    fn from(calls: Vec<Bound>) -> Self {
        Self { calls }
    }
}

/// Argument blocks in one uniform buffer, each in a slot of its own, written once when the buffer is made: no queue is
/// needed, and two dispatches of one submission never share a slot.
#[derive(Clone, Debug)]
pub struct Slots {
    buffer: wgpu::Buffer,
    stride: u64,
}

impl Slots {
    /// A buffer of argument blocks.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::DeviceLost`], [`Error::SizeOverflow`], [`Error::LimitTooSmall`].
    pub fn new<B: AsRef<[u32]>>(device: &wgpu::Device, blocks: &[B]) -> Result<Self, Error> {
        let op = "args";
        let limits = device.limits();
        let align =
            limits.min_uniform_buffer_offset_alignment.max(limits.min_storage_buffer_offset_alignment);
        let align = u64::from(align.max(16));
        let longest = blocks.iter().map(|block| block.as_ref().len() as u64 * ELEMENT).max().unwrap_or(0);
        let stride = longest.max(1).next_multiple_of(align);
        let slot = (stride / ELEMENT) as usize;
        let words = product(op, "blocks", slot as u64, blocks.len() as u64)?;
        index(op, "blocks", words)?;
        let mut all = vec![0u32; words as usize];
        for (to, from) in all.chunks_exact_mut(slot).zip(blocks) {
            to[..from.as_ref().len()].copy_from_slice(from.as_ref());
        }
        let buffer = filled(device, op, bytemuck::cast_slice(&all), ARGS_USAGE)?;
        Ok(Self { buffer, stride })
    }

    /// Slot `i` as the last binding of a kernel whose block has `words` words.
    #[must_use]
    pub fn binding(&self, i: usize, words: usize) -> wgpu::BufferBinding<'_> {
        let size = wgpu::BufferSize::new(words as u64 * ELEMENT);
        wgpu::BufferBinding { buffer: &self.buffer, offset: (i as u64).saturating_mul(self.stride), size }
    }
}

/// A uniform buffer with one argument block.
///
/// # Errors
/// [`Error::OutOfMemory`], [`Error::DeviceLost`], [`Error::LimitTooSmall`].
pub fn args_buffer(device: &wgpu::Device, words: &[u32]) -> Result<wgpu::Buffer, Error> {
    filled(device, "args", bytemuck::cast_slice(words), ARGS_USAGE)
}

/// A buffer that holds `bytes` from its creation on (at least 16, zero-padded to a multiple of 16).
pub(crate) fn filled(
    device: &wgpu::Device,
    op: &'static str,
    bytes: &[u8],
    usage: wgpu::BufferUsages,
) -> Result<wgpu::Buffer, Error> {
    let size = (bytes.len() as u64).max(1).next_multiple_of(16);
    let have = device.limits().max_buffer_size;
    if size > have {
        let limit = "max_buffer_size";
        return Err(Error::LimitTooSmall { op, arg: "buffer", limit, need: size, have });
    }
    let scope = Scope::open(device);
    let descriptor = wgpu::BufferDescriptor { label: Some(op), size, usage, mapped_at_creation: true };
    let buffer = device.create_buffer(&descriptor);
    let view = buffer.get_mapped_range_mut(..);
    let written = view.map(|mut view| view.slice(..bytes.len()).copy_from_slice(bytes));
    if written.is_ok() {
        buffer.unmap();
    }
    if let Some(caught) = scope.close_now() {
        return Err(caught.into_error(op, "buffer", size));
    }
    written.map_err(|error| Error::DeviceLost { text: error.to_string() })?;
    Ok(buffer)
}

/// A dispatch before its arguments have a buffer.
pub(crate) struct Call<'a> {
    pub(crate) kernel: &'a Kernel,
    /// All bindings but the last.
    pub(crate) buffers: Vec<Slice<'a>>,
    /// The header's words and the operator's.
    pub(crate) args: Vec<u32>,
    pub(crate) units: u64,
}

/// Makes the arguments' buffer and the bind groups of a list of calls.
pub(crate) fn record(device: &wgpu::Device, calls: &[Call<'_>]) -> Result<Recorded, Error> {
    if calls.is_empty() {
        return Ok(Recorded::default());
    }
    let blocks: Vec<&[u32]> = calls.iter().map(|call| call.args.as_slice()).collect();
    let slots = Slots::new(device, &blocks)?;
    let mut recorded = Recorded { calls: Vec::with_capacity(calls.len()) };
    for (i, call) in calls.iter().enumerate() {
        let mut bindings: Vec<_> = call.buffers.iter().map(Slice::binding).collect();
        bindings.push(slots.binding(i, call.args.len()));
        let units = index(call.kernel.source().op, "units", call.units)?;
        recorded.calls.push(call.kernel.bind(device, &bindings, units as usize)?);
    }
    Ok(recorded)
}
