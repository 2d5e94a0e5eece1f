//! The two stacks that wgpu runs on itself: another driver, and the validation layer over the machine's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::fetch::{chromium, folder};
use super::outcome::{Missing, Outcome, judge_messages};
use super::{tests, verify};
use crate::driver::{Decision, decide};
use crate::probe;
use crate::shell::{Result, run as call, typed};

/// A second Vulkan driver under the whole suite.
pub(crate) fn swiftshader() -> Outcome {
    let manifest = match driver() {
        Ok(manifest) => manifest,
        Err(missing) => return Outcome::Skipped(missing),
    };
    let run = || {
        let mut suite = verify();
        // By name: another device is then an error, not a stand-in.
        suite.args(["--device", "SwiftShader"]);
        call(on(suite, &manifest))?;
        call(on(tests(), &manifest))
    };
    match run() {
        Ok(()) => Outcome::Agreed("every case of verify and the tests of the device".into()),
        Err(why) => Outcome::Failed(why),
    }
}

/// SwiftShader's manifest, where the library and the loader exist.
pub(crate) fn driver() -> std::result::Result<PathBuf, Missing> {
    let facts = probe::facts();
    if !facts.loader {
        let todo =
            facts.manager.map_or("install libvulkan.so.1".into(), |m| format!("as root, `{}`", m.line()));
        return Err(Missing { why: "the Vulkan loader is not installed".into(), todo });
    }
    let library = chromium("libvk_swiftshader.so")?;
    let page =
        json!({"file_format_version": "1.0.0", "ICD": {"library_path": library, "api_version": "1.1.0"}});
    write("swiftshader_icd.json", &page.to_string()).map_err(unwritable)
}

/// A command that sees this driver and no other.
pub(crate) fn on(mut command: Command, manifest: &Path) -> Command {
    // The second name is that of older loaders.
    command.env("VK_DRIVER_FILES", manifest).env("VK_ICD_FILENAMES", manifest);
    quiet(&mut command);
    command
}

/// Else libwayland, which Mesa's device layer opens, prints an error per device.
fn quiet(command: &mut Command) {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
}

/// The machine's driver, with every call checked.
pub(crate) fn validation() -> Outcome {
    match decide(&probe::facts(), true) {
        Decision::Ready(which) => println!("Vulkan device: {which}"),
        Decision::Without(todo) => {
            return Outcome::Skipped(Missing { why: "no Vulkan device".into(), todo });
        }
        Decision::Install(manager) => {
            let todo = format!("as root, `{}`", manager.line());
            return Outcome::Skipped(Missing { why: "no Vulkan device".into(), todo });
        }
    }
    if cfg!(any(windows, target_vendor = "apple")) {
        let why = "wgpu does not use Vulkan here first".into();
        return Outcome::Skipped(Missing { why, todo: "run it on Linux".into() });
    }
    match layer() {
        Ok(settings) => watched(&settings).unwrap_or_else(Outcome::Failed),
        Err(missing) => Outcome::Skipped(missing),
    }
}

/// The layer's settings; its manifest lies beside them.
fn layer() -> std::result::Result<PathBuf, Missing> {
    let library = chromium("libVkLayer_khronos_validation.so")?;
    let layer: Value = json!({
        "name": LAYER, "type": "GLOBAL", "library_path": library, "api_version": "1.3.239",
        "implementation_version": "1", "description": "Khronos validation layer",
    });
    let page = json!({"file_format_version": "1.2.0", "layer": layer});
    write("layer/VkLayer_khronos_validation.json", &page.to_string()).map_err(unwritable)?;
    write("layer/vk_layer_settings.txt", SETTINGS).map_err(unwritable)
}

const LAYER: &str = "VK_LAYER_KHRONOS_validation";

/// Information too: it is how one knows that the layer was there. A file would be begun anew by every instance.
const SETTINGS: &str = "\
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.report_flags = error,info
khronos_validation.log_filename = stdout
khronos_validation.validate_sync = true
";

/// Runs the suite and the tests under the layer; what they print goes to a file, and the layer's messages are judged.
fn watched(settings: &Path) -> Result<Outcome> {
    let mut said = String::new();
    for (mut command, file) in [(verify(), "verify.txt"), (tests(), "tests.txt")] {
        let path = folder().join(file);
        command.env("VK_INSTANCE_LAYERS", LAYER).env("VK_LAYER_SETTINGS_PATH", settings);
        command.env("VK_LAYER_PATH", settings.parent().unwrap_or(settings));
        quiet(&mut command);
        println!("$ {} > {}", typed(&command), path.display());
        let output = std::fs::File::create(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let status = command.stdout(output).status();
        let text = std::fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let text = String::from_utf8_lossy(&text);
        if !status.is_ok_and(|status| status.success()) {
            return Err(format!("`{}` failed, see {}", typed(&command), path.display()));
        }
        if let failed @ Outcome::Failed(_) = judge_messages(&text) {
            println!("see {}", path.display());
            return Ok(failed);
        }
        said.push_str(&text);
    }
    Ok(judge_messages(&said))
}

/// A file below the folder of everything fetched.
fn write(name: &str, text: &str) -> Result<PathBuf> {
    let path = folder().join(name);
    let parent = path.parent().unwrap_or(&path);
    std::fs::create_dir_all(parent)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(path)
}

fn unwritable(why: String) -> Missing {
    Missing { why, todo: "make the folder writable".into() }
}
