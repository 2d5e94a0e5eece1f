//! Error scopes: what wgpu would otherwise throw at the host's uncaptured-error handler, which panics by default.
//!
//! Scopes belong to a thread, so a [`Scope`] is opened and closed between two awaits, never across one.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::Error;

/// Three open scopes: validation, memory, internal.
pub(crate) struct Scope {
    validation: wgpu::ErrorScopeGuard,
    memory: wgpu::ErrorScopeGuard,
    internal: wgpu::ErrorScopeGuard,
}

/// What a closed scope caught.
pub(crate) enum Caught {
    /// Out of memory.
    Memory,
    /// Anything else, in wgpu's words.
    Text(String),
}

impl Caught {
    /// The error of the step that made `arg`.
    pub(crate) fn into_error(self, op: &'static str, arg: &'static str, need: u64) -> Error {
        match self {
            Self::Memory => Error::OutOfMemory { op, arg, need },
            Self::Text(text) => Error::Refused { op, arg, text },
        }
    }
}

impl Scope {
    /// Opens the scopes on this thread.
    pub(crate) fn open(device: &wgpu::Device) -> Self {
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        Self { validation, memory, internal }
    }

    /// Closes the scopes at once; the future resolves to the first thing they caught.
    pub(crate) fn close(self) -> impl Future<Output = Option<Caught>> + use<> {
        let internal = self.internal.pop();
        let memory = self.memory.pop();
        let validation = self.validation.pop();
        async move {
            let (internal, memory, validation) = (internal.await, memory.await, validation.await);
            match memory.or(validation).or(internal)? {
                wgpu::Error::OutOfMemory { .. } => Some(Caught::Memory),
                other => Some(Caught::Text(other.to_string())),
            }
        }
    }

    /// Closes the scopes without waiting: natively the answer is there at once. A browser answers later, and then what
    /// it caught is not seen here: the invalid object it left behind fails where it is used.
    pub(crate) fn close_now(self) -> Option<Caught> {
        let future = pin!(self.close());
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(caught) => caught,
            Poll::Pending => None,
        }
    }
}
