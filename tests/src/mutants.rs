//! Deliberately broken kernels: the suite must catch every one.
//!
//! Some are written by hand ([`list`]); the others [`generic`] rules make of every function and constant of the
//! kernels. A [`Bench`] says which cases notice a mutant, and [`record`] what that says about the cases.

pub mod bench;
pub mod campaign;
pub mod equivalent;
pub mod generic;
pub mod items;
pub mod journal;
pub mod list;
pub mod record;
mod rules;
pub mod sweeps;
mod tokens;

pub use bench::{Bench, Prepared};
pub use list::{Listed, all};

use crate::rig::Edit;
use items::Item;

/// A broken kernel that can be judged.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Its name, of one line or of three.
    pub name: String,
    /// The rule that made it.
    pub rule: &'static str,
    /// Operator and kernel, or `lib`.
    pub kernel: String,
    /// The operators whose cases must notice.
    pub judges: Vec<&'static str>,
    /// The function or constant that is broken, for the sweeps over the library.
    pub item: Option<Item>,
    /// How it is broken.
    pub edit: Edit,
}

/// Kernels all of whose mutants are noticed or listed, by what their names begin with: those of docs/mutants.md.
const JUDGED: [&str; 1] = ["pair/"];

/// Whether all mutants of a kernel are noticed or listed.
pub fn is_judged(kernel: &str) -> bool {
    JUDGED.iter().any(|judged| kernel.starts_with(judged))
}

/// The rule of the mutants that no rule made.
pub const BY_HAND: &str = "by hand";

impl From<Listed> for Mutant {
    fn from(listed: Listed) -> Self {
        Self {
            name: format!("{}: {}", listed.op, listed.name),
            rule: BY_HAND,
            kernel: format!("{} {}", listed.op, listed.edit.kernel.unwrap_or_default()),
            judges: vec![listed.op],
            item: None,
            edit: listed.edit,
        }
    }
}

impl Mutant {
    /// A rule's mutant; none if the compiler refuses it.
    pub fn generic(made: &generic::Generic) -> Option<Self> {
        Some(Self {
            name: made.name.to_string(),
            rule: made.name.rule,
            kernel: made.item.place.0.clone(),
            judges: made.item.judges(),
            item: Some(made.item.clone()),
            edit: made.edit?,
        })
    }
}
