use std::fs;

use super::*;

/// A copy of the files that an addition reads.
fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for path in
        ["core/src/pair.rs", "core/src/registry.rs", "core/src/pair/logistic.rs", "cpu-ref/src/pair.rs"]
    {
        let copy = dir.path().join(path);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(root().join(path), copy).unwrap();
    }
    dir
}

fn planned(name: &str) -> Result<Vec<(String, String)>> {
    let files = plan(tree().path(), name, "a \"quoted\" title")?;
    Ok(files.into_iter().map(|(path, text)| (path.display().to_string().replace('\\', "/"), text)).collect())
}

#[test]
fn every_place_of_an_operator_is_written() {
    let files = planned("mid_point").unwrap();
    let text =
        |path: &str| &files.iter().find(|(other, _)| other == path).unwrap_or_else(|| panic!("{path}")).1;
    let once = |path: &str, line: &str| {
        assert_eq!(text(path).matches(line).count(), 1, "{path} holds `{line}` once");
    };
    once("core/src/pair.rs", "\npub mod mid_point;\n");
    once("core/src/pair.rs", "\npub use mid_point::MidPoint;\n");
    once("cpu-ref/src/pair.rs", "\nmod mid_point;\n");
    once("core/src/registry.rs", "\n            pair::mid_point::MidPoint: PairRows [],\n");
    once(
        "core/src/pair/mid_point.rs",
        "slug: \"pair/mid_point\",\n        title: \"a \\\"quoted\\\" title\",",
    );
    once("cpu-ref/src/pair/mid_point.rs", "impl PairLink for MidPoint {");
    once("shaders/wgsl/pair/mid_point.wgsl", "fn link(params: Params, s: Scores) -> Link {");
    assert_eq!(files.len(), 6);
    assert!(
        files.iter().all(|(path, text)| !text.contains('@') && text.ends_with('\n') && !path.contains('@'))
    );
}

#[test]
fn edits_add_lines_and_change_none() {
    for (path, text) in planned("zebra").unwrap() {
        let Ok(before) = fs::read_to_string(root().join(&path)) else { continue };
        let mut after = text.lines();
        assert!(before.lines().all(|line| after.any(|other| other == line)), "{path} lost a line");
    }
}

#[test]
fn the_placeholders_fail_the_registry_test() {
    let files = planned("mid_point").unwrap();
    let core = &files.iter().find(|(path, _)| path.ends_with("core/src/pair/mid_point.rs")).unwrap().1;
    assert!(core.contains("formula: \"\"") && core.contains("papers: &[]"));
}

#[test]
fn what_exists_or_cannot_be_named_is_refused() {
    for (name, why) in [
        ("logistic", "exists"),
        ("dpo", "it is a preset"),
        ("link", "core/src/pair.rs"),
        ("pair_loss", "core/src/pair.rs"),
        ("Exo", "snake_case"),
        ("match", "Rust"),
        ("demote", "WGSL"),
    ] {
        let said = planned(name).unwrap_err();
        assert!(said.contains(why), "{name}: {said}");
    }
    assert!(plan(tree().path(), "mid_point", " ").is_err(), "an empty title");
}

#[test]
fn lines_go_where_the_formatter_would_put_them() {
    let text = "mod x;\n\nmod b;\nmod d;\n\nfn f() {}\n";
    assert_eq!(insert(text, "mod ", "mod a;").unwrap(), "mod x;\n\nmod a;\nmod b;\nmod d;\n\nfn f() {}\n");
    assert_eq!(insert(text, "mod ", "mod c;").unwrap(), "mod x;\n\nmod b;\nmod c;\nmod d;\n\nfn f() {}\n");
    assert_eq!(insert(text, "mod ", "mod e;").unwrap(), "mod x;\n\nmod b;\nmod d;\nmod e;\n\nfn f() {}\n");
    assert_eq!(insert("fn f() {}\n", "mod ", "mod e;"), None);
}
