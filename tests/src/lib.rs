//! Bellwether's conformance kit: holds kernels, ours and others', to a verified reference.
//!
//! A [`problem::Problem`] is one operator on one set of inputs. It runs on the reference (which gives values *and*
//! derived bounds), on the CPU in f32, and on a GPU in four [`rig::Rig`]s: two dialects in two modes. [`judge`] holds
//! one to another, [`functions`] the elementary functions beneath to the truth. Problems come from [`generate`]
//! (adversarial cases) or from [`mod@file`]s (golden cases of peers, dumps of training steps), through [`peers`].
#![deny(unsafe_code)]
#![allow(clippy::cast_possible_truncation, reason = "test data is converted between widths on purpose")]

pub mod check;
pub mod file;
pub mod functions;
pub mod fuzz;
pub mod generate;
pub mod judge;
pub mod links;
pub mod lists;
pub mod maps;
pub mod mutants;
pub mod peers;
pub mod policies;
pub mod problem;
pub mod properties;
pub mod report;
pub mod rig;
pub mod scans;
pub mod storage;
pub mod tensor;
