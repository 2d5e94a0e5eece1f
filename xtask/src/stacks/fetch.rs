//! What the stacks are made of: found on the machine, or fetched into `target/stacks`.

use std::path::{Path, PathBuf};

use super::outcome::Missing;
use crate::probe::on_path;
use crate::shell::{Result, command, root, run as call};

/// Where Chromium and Chrome put their libraries.
const INSTALLED: [&str; 4] =
    ["/usr/lib/chromium", "/usr/lib64/chromium-browser", "/opt/google/chrome", "/opt/google/chrome/lib"];

/// Debian's package with SwiftShader and the validation layer.
const PACKAGE: &str = "chromium-common";

/// The npm package of Dawn for Node, in the version that this was written with.
const DAWN: &str = "webgpu@0.6.2";

/// The folder of everything fetched.
pub(crate) fn folder() -> PathBuf {
    root().join("target/stacks")
}

/// A library that comes with Chromium.
pub(crate) fn chromium(library: &str) -> std::result::Result<PathBuf, Missing> {
    let unpacked = folder().join("chromium");
    let inside = unpacked.join("usr/lib/chromium");
    let places: Vec<PathBuf> = INSTALLED.iter().map(PathBuf::from).chain([inside]).collect();
    let found = || places.iter().map(|place| place.join(library)).find(|path| path.is_file());
    if let Some(path) = found() {
        println!("{library}: {}", path.display());
        return Ok(path);
    }
    let fetched = unpack(&unpacked);
    found().ok_or_else(|| Missing {
        why: format!(
            "{library} is not here{}",
            fetched.err().map(|why| format!(" ({why})")).unwrap_or_default()
        ),
        todo: format!(
            "as root, `apt-get update`, and again; elsewhere install Chromium or Chrome ({})",
            INSTALLED.join(", ")
        ),
    })
}

/// Downloads Debian's package and unpacks it.
fn unpack(to: &Path) -> Result {
    for program in ["apt-get", "dpkg-deb"] {
        if !on_path(program) {
            return Err(format!("{program} is not here either"));
        }
    }
    empty(to)?;
    let mut download = command("apt-get", ["download", PACKAGE]);
    download.current_dir(to);
    call(download)?;
    let listed = to.read_dir().map_err(|why| why.to_string())?;
    let mut files = listed.flatten().map(|entry| entry.path());
    let file = files.find(|path| path.extension().is_some_and(|end| end == "deb"));
    let file = file.ok_or_else(|| format!("`apt-get download {PACKAGE}` left no file"))?;
    let mut unpack = command("dpkg-deb", ["-x"]);
    unpack.arg(&file).arg(to);
    call(unpack)?;
    std::fs::remove_file(&file).map_err(|why| why.to_string())
}

/// Dawn for Node: its folder.
pub(crate) fn dawn() -> std::result::Result<PathBuf, Missing> {
    for program in ["node", "npm"] {
        if !on_path(program) {
            let todo = "install Node.js 20 or later with npm (Debian: `apt-get install nodejs npm`)".into();
            return Err(Missing { why: format!("{program} is not installed"), todo });
        }
    }
    let prefix = folder().join("dawn");
    let package = prefix.join("node_modules/webgpu");
    if package.join("index.js").is_file() {
        println!("Dawn: {}", package.display());
        return Ok(package);
    }
    let fetched = empty(&prefix).and_then(|()| {
        // The package's scripts build it from source; what it ships is built already.
        let mut install =
            command("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]);
        install.arg(&prefix).arg(DAWN);
        call(install)
    });
    match fetched {
        Ok(()) => Ok(package),
        Err(why) => Err(Missing { why, todo: "make npm reach its registry, and again".into() }),
    }
}

/// A new folder; half of an earlier attempt is removed.
fn empty(folder: &Path) -> Result {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))
}
