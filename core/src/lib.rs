//! The contracts of [bellwether](https://crates.io/crates/bellwether-core): what every operator computes, from which
//! inputs, with which parameters, and where it is published.
//!
//! This crate holds no kernel and no reference: those are `bellwether-shaders` and `bellwether-cpu-ref`, which share
//! what is written here and nothing else. It is `no_std`, needs no allocator and forbids unsafe code.
//!
//! Where to look:
//! - [`registry`]: the list of all operators, [`for_each_op!`].
//! - [`logprob`], [`pair`], [`unpaired`], [`list`], [`returns`], [`reward`], [`policy`]: one file per operator: parameters, formula, paper.
//! - [`sig`]: one file per signature: inputs, outputs and the argument block of its kernels.
//! - [`real`], [`dual`], [`bound`]: the scalars that a row function runs on: numbers, derivatives, error bounds.
//! - [`math`]: the kernels' elementary functions once more, in Rust, with their proven errors.
//! - [`random`]: random numbers as functions of a counter.
#![no_std]
#![forbid(unsafe_code)]

pub mod bound;
pub mod dual;
pub mod error;
pub mod list;
pub mod logprob;
pub mod math;
pub mod op;
pub mod pair;
pub mod policy;
pub mod random;
pub mod real;
pub mod registry;
pub mod returns;
pub mod reward;
pub mod sig;
pub mod status;
mod storage;
pub mod unpaired;

pub use bound::Bound;
pub use dual::Dual;
pub use error::Error;
pub use op::{Op, Spec};
pub use real::Real;
pub use storage::Storage;
