use bellwether_core::{Real, logprob::Denoising};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for Denoising {
    fn map<T: Real>(&self, [predicted, ..]: Few<T>, [noise, ..]: Few<T>) -> Few<T> {
        planes([-(predicted - noise).square()])
    }
}
