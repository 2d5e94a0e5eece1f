//! Returns and advantages: affine scans from the end of a sequence ([`reverse_scan`](crate::sig::reverse_scan)).
//!
//! Names are rlax's. Step `t` was taken in the state of value `v_tm1`, gave reward `r_t` and led to the state of value
//! `v_t`; `discount_t` is `γ`, and 0 where that state ended the episode. `v_tm1` and `v_t` are mostly views of one array
//! `values` of `T + 1` numbers, `v_t` one step further on; the gradient of `values` is then the sum of both, one step
//! apart. Values `[B, T]` without a last one do as well, with a discount of 0 at each row's end: `v_t` of the last step
//! may then be any number. What a paper calls `γ` or `λ` is an array here (a view of one number, where it is constant).

pub mod discounted;
pub mod gae;
pub mod lambda;

pub use discounted::Discounted;
pub use gae::Gae;
pub use lambda::Lambda;
