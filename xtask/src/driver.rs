//! Whether this machine has a Vulkan device, and what to do where it has none. Decides only; [`crate::probe`] looks.

/// What is known of the machine. Vulkan itself is not called: a wrong guess costs a clear message, a link to it a build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The platform brings its own graphics interface (Metal, Direct3D 12).
    pub(crate) built_in: bool,
    /// `libvulkan.so.1` is installed; without it no driver is ever found.
    pub(crate) loader: bool,
    /// Installed drivers: names of their manifests.
    pub(crate) drivers: Vec<String>,
    /// A render node of the kernel's graphics drivers.
    pub(crate) render_node: bool,
    /// NVIDIA's device node.
    pub(crate) nvidia_node: bool,
    /// `VK_DRIVER_FILES` (or `VK_ICD_FILENAMES`) confines the loader to the drivers it names.
    pub(crate) confined: bool,
    /// The system's package manager.
    pub(crate) manager: Option<&'static Manager>,
    /// Packages can be installed without a question: root, or sudo without a password.
    pub(crate) may_install: bool,
}

/// A package manager and how it installs Mesa's software driver and the loader.
#[derive(Debug, PartialEq)]
pub(crate) struct Manager {
    /// The program.
    pub(crate) program: &'static str,
    /// Its arguments to read the package lists; empty where installing does so.
    pub(crate) refresh: &'static [&'static str],
    /// Its arguments before the packages.
    pub(crate) install: &'static [&'static str],
    /// The packages.
    pub(crate) packages: &'static [&'static str],
}

/// The package managers known, in the order tried.
pub(crate) const MANAGERS: &[Manager] = &[
    Manager {
        program: "apt-get",
        refresh: &["update"],
        install: &["install", "-y", "--no-install-recommends"],
        packages: &["mesa-vulkan-drivers", "libvulkan1"],
    },
    Manager {
        program: "dnf",
        refresh: &[],
        install: &["install", "-y"],
        packages: &["mesa-vulkan-drivers", "vulkan-loader"],
    },
    Manager {
        program: "pacman",
        refresh: &[],
        install: &["-Sy", "--noconfirm", "--needed"],
        packages: &["vulkan-swrast", "vulkan-icd-loader"],
    },
    Manager {
        program: "zypper",
        refresh: &[],
        install: &["--non-interactive", "install"],
        packages: &["libvulkan_lvp", "libvulkan1"],
    },
    Manager {
        program: "apk",
        refresh: &[],
        install: &["add", "--no-cache"],
        packages: &["mesa-vulkan-swrast", "vulkan-loader"],
    },
];

impl Manager {
    /// The installation as one would type it.
    pub(crate) fn line(&self) -> String {
        format!("{} {} {}", self.program, self.install.join(" "), self.packages.join(" "))
    }
}

/// What to do before the tests.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    /// A device exists (which): GPU tests must run.
    Ready(String),
    /// None exists, and this manager can install one.
    Install(&'static Manager),
    /// None exists and none can be installed: what a person can do.
    Without(String),
}

/// The first driver whose hardware, if it needs any, is here.
fn device(facts: &Facts) -> Option<String> {
    let software = |name: &str| ["lvp", "swiftshader", "swrast"].iter().any(|part| name.contains(part));
    let present = |name: &str| {
        if name.contains("nvidia") { facts.nvidia_node } else { facts.render_node }
    };
    let hardware = facts.drivers.iter().find(|name| !software(name) && present(name));
    if let Some(name) = hardware {
        return Some(format!("{name} with a device node"));
    }
    facts.drivers.iter().find(|name| software(name)).map(|name| format!("{name}, in software"))
}

/// What these facts ask for; `no_install` forbids changing the machine.
pub(crate) fn decide(facts: &Facts, no_install: bool) -> Decision {
    if facts.built_in {
        return Decision::Ready("the platform's own".into());
    }
    if let (true, Some(which)) = (facts.loader, device(facts)) {
        return Decision::Ready(which);
    }
    if facts.confined {
        return Decision::Without(
            "VK_DRIVER_FILES or VK_ICD_FILENAMES names no driver that works here; unset it".into(),
        );
    }
    match facts.manager {
        Some(manager) if facts.may_install && !no_install => Decision::Install(manager),
        Some(manager) => Decision::Without(format!("as root, run `{}`", manager.line())),
        None => {
            Decision::Without("install Mesa's Vulkan driver (lavapipe) and the loader libvulkan.so.1".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare() -> Facts {
        Facts { manager: Some(&MANAGERS[0]), may_install: true, ..Facts::default() }
    }

    fn with(drivers: &[&str]) -> Facts {
        Facts { loader: true, drivers: drivers.iter().map(|&name| name.into()).collect(), ..bare() }
    }

    fn ready(facts: &Facts) -> bool {
        matches!(decide(facts, false), Decision::Ready(_))
    }

    #[test]
    fn a_driver_counts_only_with_its_loader_and_its_hardware() {
        assert!(ready(&with(&["lvp_icd.json"])), "software needs no hardware");
        assert!(!ready(&Facts { loader: false, ..with(&["lvp_icd.json"]) }), "no loader");
        assert!(!ready(&with(&["intel_icd.json"])), "no render node");
        assert!(ready(&Facts { render_node: true, ..with(&["intel_icd.json"]) }));
        assert!(!ready(&Facts { render_node: true, ..with(&["nvidia_icd.json"]) }), "another's node");
        assert!(ready(&Facts { nvidia_node: true, ..with(&["nvidia_icd.json"]) }));
        assert!(!ready(&Facts { nvidia_node: true, render_node: true, ..with(&[]) }), "nodes, no driver");
        assert!(ready(&Facts { built_in: true, ..Facts::default() }));
    }

    #[test]
    fn hardware_is_named_before_software() {
        let facts = Facts { nvidia_node: true, ..with(&["lvp_icd.json", "nvidia_icd.json"]) };
        assert_eq!(decide(&facts, false), Decision::Ready("nvidia_icd.json with a device node".into()));
    }

    #[test]
    fn a_bare_machine_gets_the_software_driver() {
        assert_eq!(decide(&bare(), false), Decision::Install(&MANAGERS[0]));
        assert_eq!(
            MANAGERS[0].line(),
            "apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1"
        );
    }

    #[test]
    fn what_cannot_be_installed_is_named() {
        for facts in [bare(), Facts { may_install: false, ..bare() }] {
            let Decision::Without(todo) = decide(&facts, true) else {
                panic!("installs in spite of --no-install")
            };
            assert!(todo.contains("apt-get install") && todo.contains("libvulkan1"), "{todo}");
        }
        let refused = Facts { may_install: false, ..bare() };
        assert!(matches!(decide(&refused, false), Decision::Without(_)), "installs without the right to");
        let unknown = Facts { manager: None, ..bare() };
        assert!(matches!(decide(&unknown, false), Decision::Without(todo) if todo.contains("lavapipe")));
        let confined = Facts { confined: true, ..with(&[]) };
        assert!(
            matches!(decide(&confined, false), Decision::Without(todo) if todo.contains("VK_DRIVER_FILES"))
        );
    }
}
