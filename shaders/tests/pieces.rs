//! The pieces of `wgsl/lib` that no kernel uses yet: that an operator which lists them gets a valid module.

use std::process::Command;

use naga::valid::{Capabilities, ValidationFlags, Validator};

/// A piece by name, as the registry's lists name it.
macro_rules! pieces {
    ($($name:ident)*) => { concat!($("\n", include_str!(concat!("../wgsl/lib/", stringify!($name), ".wgsl"))),*) };
}

/// A kernel that calls these pieces.
fn kernel(pieces: &str, call: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read_write> result: array<u32>;
        @compute @workgroup_size(64)
        fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
            let s = BwStream(vec2<u32>(7u, 0u), id.y);
            result[id.x] = {call};
        }}
        {pieces}"
    )
}

/// The modules: philox.wgsl alone, and with everything that noise.wgsl needs and sigmoid.wgsl besides.
fn modules() -> [String; 3] {
    let all = pieces!(bits exp log sigmoid philox noise);
    [
        kernel(pieces!(philox), "bw_permute(s, 100u, id.x) ^ bitcast<u32>(bw_uniform(id.z))"),
        kernel(all, "bitcast<u32>(bw_sigmoid(bw_gumbel(bw_words(s, id.xy, 0u).x)))"),
        kernel(all, "bitcast<u32>(bw_normal(bw_below(id.xy, 5u)))"),
    ]
}

#[test]
fn random_pieces_are_valid_with_the_others() {
    for text in modules() {
        let module =
            naga::front::wgsl::parse_str(&text).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&text)));
        Validator::new(ValidationFlags::all(), Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|e| panic!("{}", e.emit_to_string(&text)));
    }
}

/// Own functions only, and nothing beyond WebGPU's base: what the kernels' texts are held to.
#[test]
fn random_pieces_call_no_transcendental_built_in() {
    for text in [pieces!(philox), pieces!(noise)] {
        let code: String = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
        for call in ["exp(", "log(", "log2(", "exp2(", "pow(", "sqrt(", "sin(", "cos(", "fma("] {
            let calls = code
                .match_indices(call)
                .filter(|&(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            assert_eq!(calls.count(), 0, "built-in {call}");
        }
    }
}

#[test]
fn tint_accepts_the_random_pieces() {
    if Command::new("tint").arg("--help").output().is_err() {
        assert!(
            std::env::var_os("BW_REQUIRE_TINT").is_none(),
            "BW_REQUIRE_TINT is set and no tint is on PATH"
        );
        eprintln!("skipped: no tint on PATH");
        return;
    }
    let folder = std::env::temp_dir().join(format!("bellwether-pieces-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    for text in modules() {
        let file = folder.join("kernel.wgsl");
        std::fs::write(&file, text).expect("a temporary file");
        let run = Command::new("tint").args(["--format", "wgsl"]).arg(&file).output().expect("tint runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
    std::fs::remove_dir_all(&folder).expect("the temporary folder goes");
}
