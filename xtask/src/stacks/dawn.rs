//! Dawn and Tint, through the npm package `webgpu`: the same cases, rigs and bounds; only who runs the kernels differs.

use std::path::PathBuf;
use std::process::Command;

use super::outcome::{Missing, Outcome};
use super::vulkan::{driver, on};
use super::{fetch, verify};
use crate::shell::{command, output, root, run as call};

pub(crate) fn dawn() -> Outcome {
    let package = match fetch::dawn() {
        Ok(package) => package,
        Err(missing) => return Outcome::Skipped(missing),
    };
    let driver = driver();
    if let Err(missing) = &driver {
        println!("no SwiftShader ({}): Dawn gets the machine's own driver", missing.why);
    }
    let here = |command: Command| match &driver {
        Ok(manifest) => on(command, manifest),
        Err(_) => command,
    };
    let program = [root().join("xtask/dawn/run.mjs"), package];
    let mut probe = command("node", []);
    probe.args(&program);
    // Its input ends at once: it says its device, and ends.
    let device = match output(here(probe)) {
        Ok(said) => said.trim().to_owned(),
        Err(why) => {
            let todo = "a Vulkan driver that Dawn takes: SwiftShader, or Mesa 25 or later".into();
            return Outcome::Skipped(Missing { why, todo });
        }
    };
    println!("{device}");
    match call(here(suite(&program))) {
        Ok(()) => Outcome::Agreed(format!("every case of verify: {device}")),
        Err(why) => Outcome::Failed(why),
    }
}

/// The suite through that program.
fn suite(program: &[PathBuf]) -> Command {
    let mut suite = verify();
    suite.args(["--", "node"]).args(program);
    suite
}
