//! Looks at the machine: files and environment variables only, no Vulkan call.

use std::env;
use std::path::{Path, PathBuf};

use crate::driver::{Facts, MANAGERS, Manager};
use crate::shell::{command, output};

/// The loader that every Vulkan program on Linux opens.
const LOADER: &str = "libvulkan.so.1";

/// The facts of this machine.
pub(crate) fn facts() -> Facts {
    if cfg!(any(windows, target_vendor = "apple")) {
        return Facts { built_in: true, ..Facts::default() };
    }
    let libraries = Libraries::installed();
    let (manifests, confined) = manifests();
    let manager = MANAGERS.iter().find(|manager| on_path(manager.program));
    Facts {
        built_in: false,
        loader: libraries.have(LOADER),
        drivers: manifests.iter().filter_map(|path| usable(path, &libraries)).collect(),
        render_node: !entries(Path::new("/dev/dri"), |name| name.starts_with("renderD")).is_empty()
            || Path::new("/dev/dxg").exists(),
        nvidia_node: Path::new("/dev/nvidia0").exists(),
        confined,
        manager,
        may_install: manager.is_some() && (is_root() || sudo_without_password()),
    }
}

/// A program of this manager, through sudo where that is needed.
pub(crate) fn as_root(manager: &Manager, args: &[&str]) -> std::process::Command {
    let all = [&[manager.program], args].concat();
    let mut command = if is_root() {
        command(all[0], all[1..].iter().copied())
    } else {
        command("sudo", ["-n"].into_iter().chain(all))
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    output(command("id", ["-u"])).is_ok_and(|id| id.trim() == "0")
}

fn sudo_without_password() -> bool {
    on_path("sudo") && output(command("sudo", ["-n", "true"])).is_ok()
}

/// Whether a program is installed.
pub(crate) fn on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// Files of a folder by name, sorted; empty where there is no folder.
fn entries(dir: &Path, want: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let listed = dir.read_dir().into_iter().flatten().flatten();
    let mut found: Vec<_> = listed
        .filter(|entry| entry.file_name().to_str().is_some_and(&want))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The driver manifests that the loader reads, and whether the environment names them.
fn manifests() -> (Vec<PathBuf>, bool) {
    let named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]
        .into_iter()
        .find_map(|name| env::var_os(name).filter(|value| !value.is_empty()));
    let confined = named.is_some();
    let places: Vec<PathBuf> = match &named {
        Some(list) => env::split_paths(list).collect(),
        None => search_path().into_iter().map(|dir| dir.join("vulkan/icd.d")).collect(),
    };
    let files = places.into_iter().flat_map(|place| {
        if place.is_dir() { entries(&place, |name| name.ends_with(".json")) } else { vec![place] }
    });
    (files.filter(|file| file.is_file()).collect(), confined)
}

/// Where the loader looks for `vulkan/icd.d`.
fn search_path() -> Vec<PathBuf> {
    let list = |name: &str, default: &str| {
        let value = env::var_os(name).filter(|value| !value.is_empty()).unwrap_or_else(|| default.into());
        env::split_paths(&value).collect::<Vec<_>>()
    };
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let mut dirs = list("XDG_CONFIG_DIRS", "/etc/xdg");
    dirs.extend(["/etc", "/usr/local/etc", "/run/opengl-driver/share"].map(PathBuf::from));
    dirs.push(home.join(".local/share"));
    dirs.extend(list("XDG_DATA_DIRS", "/usr/local/share:/usr/share"));
    dirs
}

/// The manifest's file name, where the library that it names is installed: containers for computing often have the
/// one without the other.
fn usable(manifest: &Path, libraries: &Libraries) -> Option<String> {
    let text = std::fs::read_to_string(manifest).ok()?;
    let page: serde_json::Value = serde_json::from_str(&text).ok()?;
    let library = page.get("ICD")?.get("library_path")?.as_str()?;
    let found = if library.contains('/') {
        manifest.parent()?.join(library).exists()
    } else {
        libraries.have(library)
    };
    found.then(|| manifest.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// The shared libraries of the system.
struct Libraries {
    /// What `ldconfig -p` prints; empty on systems without such a list.
    cache: String,
    /// Folders searched beside it.
    dirs: Vec<PathBuf>,
}

impl Libraries {
    fn installed() -> Self {
        let cache = ["ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"]
            .into_iter()
            .find_map(|program| output(command(program, ["-p"])).ok());
        let mut dirs: Vec<PathBuf> = env::var_os("LD_LIBRARY_PATH")
            .iter()
            .flat_map(|path| env::split_paths(path).collect::<Vec<_>>())
            .collect();
        dirs.extend(
            ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/run/opengl-driver/lib"]
                .map(PathBuf::from),
        );
        dirs.push(format!("/usr/lib/{}-linux-gnu", env::consts::ARCH).into());
        Self { cache: cache.unwrap_or_default(), dirs }
    }

    fn have(&self, name: &str) -> bool {
        let listed = self.cache.lines().any(|line| line.split_whitespace().next() == Some(name));
        listed || self.dirs.iter().any(|dir| dir.join(name).exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_counts_only_with_its_library() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join("x_icd.json");
        let libraries = Libraries {
            cache: "2 libs found\n\tlibvulkan_x.so (libc6,x86-64) => /lib/libvulkan_x.so\n".into(),
            dirs: vec![dir.path().into()],
        };
        let names = |library: &str| {
            let text = format!(r#"{{"ICD": {{"api_version": "1.3", "library_path": "{library}"}}}}"#);
            std::fs::write(&manifest, text).unwrap();
            usable(&manifest, &libraries).is_some()
        };
        assert!(names("libvulkan_x.so"), "in the cache");
        assert!(!names("libvulkan_x"), "a part of a name");
        assert!(!names("libother.so.0") && !names("./libother.so.0"));
        std::fs::write(dir.path().join("libother.so.0"), "").unwrap();
        assert!(names("libother.so.0"), "in a folder");
        assert!(names("./libother.so.0"), "relative to the manifest");
        std::fs::write(&manifest, "not a manifest").unwrap();
        assert_eq!(usable(&manifest, &libraries), None);
    }
}
