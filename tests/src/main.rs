//! The `bellwether` command: judges kernels and files against the verified reference.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    quiet_wayland();
    cli::run()
}

/// Mesa's device layer opens libwayland, which prints an error of its own where `XDG_RUNTIME_DIR` is not set; ours are
/// then hard to find.
#[expect(unsafe_code, reason = "the environment is changed before any thread exists")]
fn quiet_wayland() {
    const NAME: &str = "XDG_RUNTIME_DIR";
    if std::env::var_os(NAME).is_none() {
        // SAFETY: called first in main, so no other thread reads the environment.
        unsafe { std::env::set_var(NAME, std::env::temp_dir()) };
    }
}
