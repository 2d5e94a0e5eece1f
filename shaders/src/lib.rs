//! The WGSL kernels of [bellwether](https://crates.io/crates/bellwether-shaders), as text and tables.
//!
//! No wgpu here, no allocator, no unsafe code: a host of any wgpu version, or of none, takes a [`Source`] from
//! [`SOURCES`], compiles its text, binds buffers as its [`Binding`]s say and dispatches [`Source::dispatch`]. What a
//! kernel computes, and what every word of its argument block means, stands in `bellwether-core`.
//!
//! ```
//! let kernel = bellwether_shaders::find("pair/logistic", "forward").unwrap();
//! assert_eq!(kernel.dispatch(1000), [16, 1, 1]);
//! assert_eq!(kernel.args_words(), kernel.args.len() + 4);
//! ```
//!
//! The texts keep to WebGPU's base limits: one entry point `main`, at most five storage buffers in `@group(0)`
//! (four but for the backward kernels of LogitPairs), no optional feature, no `override`. They work with bounds checks off
//! and workgroup memory not zeroed.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
mod dialect;
mod source;
mod table;
#[cfg(feature = "naga")]
pub mod translate;

#[cfg(feature = "alloc")]
pub use dialect::{Access, ArgsSpace, Dialect};
pub use source::{Binding, Role, Source};
pub use table::{SOURCES, find};
