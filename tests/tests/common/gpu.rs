//! The device that tests run on.

use std::rc::Rc;

use bellwether_gpu::Context;

/// The machine's device; `None`, said aloud, where there is none and none is demanded.
pub(crate) fn context() -> Option<Rc<Context>> {
    match Context::blocking() {
        Ok(context) => Some(Rc::new(context)),
        Err(error) if std::env::var("BELLWETHER_REQUIRE_GPU").is_ok_and(|v| v == "1") => {
            panic!("BELLWETHER_REQUIRE_GPU=1, but: {error}")
        }
        Err(error) => {
            println!("SKIPPED, no GPU: {error}");
            None
        }
    }
}
