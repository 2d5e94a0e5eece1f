//! `bellwether devices`.

use std::process::ExitCode;

use bellwether_gpu::Context;
use serde_json::json;

use super::{Common, say};

pub(super) fn run(common: &Common) -> ExitCode {
    let found = Context::list_blocking();
    if common.json {
        let devices = found.iter().enumerate().map(|(i, d)| {
            json!({"index": i, "name": d.name, "backend": format!("{:?}", d.backend), "type": format!("{:?}", d.device_type), "driver": d.driver, "driver_info": d.driver_info})
        });
        say(json!({"devices": devices.collect::<Vec<_>>()}));
    } else if found.is_empty() {
        say("no GPU device found; `cargo xtask test` installs Mesa's software driver where it can");
    } else {
        for (i, d) in found.iter().enumerate() {
            say(format!(
                "{i}  {}  {:?}  {:?}  {} {}",
                d.name, d.backend, d.device_type, d.driver, d.driver_info
            ));
        }
    }
    ExitCode::SUCCESS
}
