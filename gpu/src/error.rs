//! Errors of the GPU host: each names the operator, the argument, what was given and what is allowed.

/// What can go wrong between a call and its result. Nothing in this crate panics on an input.
///
/// `op` is the operator's slug (`logprob/token`), `arg` the argument's name as in the documentation; sizes are bytes
/// unless the message says otherwise.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are the words of the message above them")]
pub enum Error {
    /// No adapter, or none that matches what was asked for.
    #[error("no adapter matches {wanted:?}; found: {found}")]
    NoAdapter { wanted: String, found: String },
    /// The adapter refused the device.
    #[error("{adapter} gave no device: {text}")]
    NoDevice { adapter: String, text: String },
    /// The device is gone; so is everything made on it.
    #[error("the device is lost: {text}")]
    DeviceLost { text: String },
    /// The driver has no memory left.
    #[error("{op}: out of memory while making {arg} ({need} bytes)")]
    OutOfMemory { op: &'static str, arg: &'static str, need: u64 },
    /// A limit of the device is below what the call needs, and splitting does not help.
    #[error("{op}: {arg} needs {limit} of {need}, the device offers {have}")]
    LimitTooSmall { op: &'static str, arg: &'static str, limit: &'static str, need: u64, have: u64 },
    /// A single row is above the binding limit.
    #[error("{op}: one row of {arg} has {need} bytes, a binding holds {have}")]
    RowTooLarge { op: &'static str, arg: &'static str, need: u64, have: u64 },
    /// A product of sizes that no index can hold.
    #[error("{op}: the size of {arg} overflows the index type")]
    SizeOverflow { op: &'static str, arg: &'static str },
    /// A slice too short for the shape, or a wrong number of something.
    #[error("{op}: {arg} holds {given} elements, the shape needs {expected}")]
    ShapeMismatch { op: &'static str, arg: &'static str, expected: u64, given: u64 },
    /// Two bindings that may not share memory.
    #[error("{op}: {a} and {b} share memory: {why}")]
    AliasedBuffers { op: &'static str, a: &'static str, b: &'static str, why: &'static str },
    /// A buffer without the usage that its role needs.
    #[error("{op}: the buffer of {arg} lacks usage {need}, it has {have}")]
    BufferUsage { op: &'static str, arg: &'static str, need: &'static str, have: String },
    /// An offset or a size that is no multiple of what the device asks for.
    #[error("{op}: {arg} is at byte {given}, which is no multiple of {align}")]
    Misaligned { op: &'static str, arg: &'static str, given: u64, align: u64 },
    /// The device did not finish in time. Buffers of the job may still be written.
    #[error("{op}: the device did not finish within {seconds} s")]
    Timeout { op: &'static str, seconds: u64 },
    /// A kernel that the driver does not take.
    #[error("{op}, kernel {kernel}, on {adapter}: {text}")]
    Shader { op: &'static str, kernel: &'static str, adapter: String, text: String },
    /// No such kernel in the shader table.
    #[error("{op} has no kernel {kernel}")]
    UnknownKernel { op: &'static str, kernel: &'static str },
    /// wgpu refused a call for a reason that none of the checks above foresaw: please report it.
    #[error("{op}: wgpu refused {arg}: {text}")]
    Refused { op: &'static str, arg: &'static str, text: String },
    /// A parameter, a shape or a combination outside the operator's contract.
    #[error(transparent)]
    Contract(#[from] bellwether_core::Error),
}

/// A size that has to fit a kernel's 32-bit index.
pub(crate) fn index(op: &'static str, arg: &'static str, size: u64) -> Result<u32, Error> {
    u32::try_from(size).map_err(|_| Error::SizeOverflow { op, arg })
}

/// A product of sizes.
pub(crate) fn product(op: &'static str, arg: &'static str, a: u64, b: u64) -> Result<u64, Error> {
    a.checked_mul(b).ok_or(Error::SizeOverflow { op, arg })
}
