//! Every text in every dialect through Tint, the browsers' compiler: it refuses barriers that naga lets through.

use std::process::Command;

use bellwether_shaders::SOURCES;

#[test]
fn tint_accepts_every_text_in_every_dialect() {
    if Command::new("tint").arg("--help").output().is_err() {
        assert!(
            std::env::var_os("BW_REQUIRE_TINT").is_none(),
            "BW_REQUIRE_TINT is set and no tint is on PATH"
        );
        eprintln!("skipped: no tint on PATH");
        return;
    }
    let folder = std::env::temp_dir().join(format!("bellwether-tint-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let (read, read_write, uniform) = ("var<storage, read>", "var<storage, read_write>", "var<uniform>");
    for source in SOURCES {
        for inputs in [read, read_write] {
            for args in [uniform, read, read_write] {
                let file = folder.join("kernel.wgsl");
                // Storage changes arithmetic, not access: one per access is enough, and each is met.
                let code = if inputs == read { 1 } else { 2 };
                let stored = format!("const STORAGE = {}u;", if args == uniform { 0 } else { code });
                let text = source.text.replace("const STORAGE = 0u;", &stored);
                let text = text.replace(read, inputs).replace(uniform, args);
                std::fs::write(&file, text).expect("a temporary file");
                let run =
                    Command::new("tint").args(["--format", "wgsl"]).arg(&file).output().expect("tint runs");
                let label = format!("{} {}, {inputs}, {args}", source.op, source.kernel);
                assert!(run.status.success(), "{label}:\n{}", String::from_utf8_lossy(&run.stderr));
            }
        }
    }
    std::fs::remove_dir_all(&folder).expect("the temporary folder goes");
}
