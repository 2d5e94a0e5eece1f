//! The CPU reference of bellwether.
//!
//! Each operator is one row function, written from its paper in plain order over any
//! [`Real`](bellwether_core::Real): over f64 it is the reference, over [`Dual`](bellwether_core::Dual) its gradient,
//! over [`Bound`](bellwether_core::Bound) the tolerance of every implementation, over f32 a CPU backend. Drivers over
//! slices, one per signature, do everything else: shapes, labels, masks, errors. They write nothing when they return
//! an error (a whole [`step`] may leave the work of the stages that succeeded, but no gradient), allocate nothing, and
//! never panic.
//!
//! ```
//! use bellwether_core::pair::presets::DPO;
//! use bellwether_core::sig::{Reduction, pair_rows::{D_CHOSEN, LOSS}};
//! use bellwether_cpu_ref::pair_rows::{PairInputs, pair_rows};
//!
//! let (chosen, rejected, reference) = ([-12.0, -30.5], [-14.0, -28.0], [-13.0, -29.0]);
//! let inputs = PairInputs::new(&chosen, &rejected, &reference, &reference);
//! let mut result = [0.0_f64; 8 * 2];
//! pair_rows(&DPO, &inputs, Reduction::Mean { over: 2 }, &mut result)?;
//! assert!((result[2 * LOSS] - 0.598_138_869).abs() < 1e-8); // β(Δ) = 0.2: −log σ(0.2)
//! assert!(result[2 * D_CHOSEN] < 0.0); // raising the chosen log-probability lowers the loss
//! # Ok::<(), bellwether_core::Error>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "rayon")]
extern crate alloc;

mod element;
pub mod fused_linear;
pub mod fused_pairs;
pub mod list;
pub mod list_rows;
pub mod logit_pairs;
pub mod logprob;
pub mod pair;
pub mod pair_rows;
mod policy;
pub mod policy_masks;
pub mod policy_rows;
pub mod rankings;
mod returns;
pub mod reverse_scan;
mod reward;
mod rows;
pub mod segment_stats;
pub mod step;
pub mod token_map;
pub mod token_rows;
pub mod token_states;
pub mod top_rows;
pub mod unpaired;

pub use element::Element;
