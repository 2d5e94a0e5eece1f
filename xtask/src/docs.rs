//! `cargo xtask docs`: docs/ops.md and docs/papers.md from the registry, docs/numerics.md from the table of functions.

mod numerics;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use bellwether_core::op::{Paper, Spec};
use bellwether_core::pair::presets;
use bellwether_core::policy::presets as policies;
use bellwether_core::registry::SPECS;

use crate::shell::{Result, root};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail where a page does not say what the registry says.
    #[arg(long)]
    check: bool,
}

const NOTE: &str = "<!-- Written by `cargo xtask docs` from core/src/registry.rs. Do not edit. -->";

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.check {
        check()?;
        return Ok(ExitCode::SUCCESS);
    }
    for (path, text) in pages() {
        let file = root().join(path);
        std::fs::write(&file, text).map_err(|why| format!("{path} cannot be written: {why}"))?;
        println!("{path}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the pages stand as they would be written.
pub(crate) fn check() -> Result {
    for (path, want) in pages() {
        let have = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        if let Some(difference) = difference(&have, &want) {
            return Err(format!("{path}, {difference}\nRun `cargo xtask docs` and commit {path}."));
        }
        println!("{path} is up to date");
    }
    Ok(())
}

/// The first line that differs. A checkout with CRLF is no difference.
fn difference(have: &str, want: &str) -> Option<String> {
    let (mut have, mut want) = (have.lines(), want.lines());
    for number in 1.. {
        match (have.next(), want.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                let show = |line: Option<&str>| line.unwrap_or("(end of file)").to_owned();
                return Some(format!("line {number}:\n  is     {}\n  should {}", show(old), show(new)));
            }
        }
    }
    None
}

fn pages() -> [(&'static str, String); 3] {
    [("docs/ops.md", ops()), ("docs/papers.md", papers()), ("docs/numerics.md", numerics::page())]
}

/// Text for a cell of a table: a bar would end it.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn address(id: &str) -> String {
    match id.strip_prefix("arXiv:") {
        Some(number) => format!("[{id}](https://arxiv.org/abs/{number})"),
        None => format!("[{}]({id})", id.trim_start_matches("https://")),
    }
}

fn cite(paper: &Paper) -> String {
    format!("{}, {}, {}", cell(paper.authors), address(paper.id), cell(paper.place))
}

fn params(spec: &Spec) -> String {
    let one = |p: &bellwether_core::op::Param| {
        format!("`{}`: {}; {}; default {}", p.name, cell(p.doc), cell(p.range), p.default)
    };
    if spec.params.is_empty() {
        "none".into()
    } else {
        spec.params.iter().map(one).collect::<Vec<_>>().join("<br>")
    }
}

fn ops() -> String {
    let mut page = format!(
        "{NOTE}\n\n# Operators\n\n\
         {} operators. The slug is the operator's path in every crate and its name in files, errors and commands; \
         `bellwether ops SLUG` prints one page. Logarithms are natural. \
         By paper: [papers.md](papers.md).\n\n\
         | slug | title | formula | signature | parameters | papers |\n|---|---|---|---|---|---|\n",
        SPECS.len()
    );
    for spec in SPECS {
        let papers: Vec<_> = spec.papers.iter().map(cite).collect();
        let (title, formula, signature) = (cell(spec.title), cell(spec.formula), spec.signature.name());
        let _ = writeln!(
            page,
            "| `{}` | {title} | `{formula}` | {signature} | {} | {} |",
            spec.slug,
            params(spec),
            papers.join("<br>")
        );
    }
    let _ = write!(
        page,
        "\n## Presets\n\n\
         {} named methods. Each is a composition {{score map}} × {{length rule}} × {{reference}} × {{margin}} × {{labels}} × {{link}} + {{likelihood}} with its \
         paper's defaults, a constant of `bellwether_core::pair::presets`.\n\n\
         | slug | operator | composition | paper |\n|---|---|---|---|\n",
        presets::ALL.len()
    );
    for preset in presets::ALL {
        let (composition, paper) = (cell(preset.composition), cite(&preset.paper));
        let _ = writeln!(page, "| `{}` | `{}` | `{composition}` | {paper} |", preset.slug, preset.link);
    }
    let _ = write!(
        page,
        "\n## Presets of policy gradients\n\n\
         {} named methods. Each is a composition {{level of the ratio}} × {{surrogate}} × {{aggregation}} + {{divergence}} with \
         its paper's defaults, a constant of `bellwether_core::policy::presets`.\n\n\
         | slug | operator | composition | paper |\n|---|---|---|---|\n",
        policies::ALL.len()
    );
    for preset in policies::ALL {
        let (composition, paper) = (cell(preset.composition), cite(&preset.paper));
        let _ = writeln!(page, "| `{}` | `{}` | `{composition}` | {paper} |", preset.slug, preset.surrogate);
    }
    page
}

fn papers() -> String {
    /// The slugs of operators and of presets that a paper stands behind, each with its place.
    type Uses = [Vec<String>; 2];
    let mut sources: BTreeMap<(&str, &str), Uses> = BTreeMap::new();
    let of_ops = SPECS.iter().flat_map(|spec| spec.papers.iter().map(|paper| (0, spec.slug, paper)));
    let of_presets = presets::ALL.iter().map(|preset| (1, preset.slug, &preset.paper));
    let of_policies = policies::ALL.iter().map(|preset| (1, preset.slug, &preset.paper));
    for (kind, slug, paper) in of_ops.chain(of_presets).chain(of_policies) {
        let uses = sources.entry((paper.authors, paper.id)).or_default();
        uses[kind].push(format!("`{slug}` ({})", cell(paper.place)));
    }
    let mut page =
        format!("{NOTE}\n\n# Papers\n\n| paper | source | operators | presets |\n|---|---|---|---|\n");
    for ((authors, id), mut uses) in sources {
        uses.iter_mut().for_each(|slugs| slugs.sort());
        let [ops, presets] = uses.map(|slugs| slugs.join("<br>"));
        let _ = writeln!(page, "| {} | {} | {ops} | {presets} |", cell(authors), address(id));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(difference("a\r\nb\r\n", "a\nb\n"), None);
        let said = difference("a\nb\n", "a\nc\n").unwrap();
        assert!(said.starts_with("line 2:") && said.contains('b') && said.contains('c'), "{said}");
        assert!(difference("a\n", "a\nb\n").unwrap().contains("(end of file)"));
    }

    #[test]
    fn every_row_has_all_its_cells() {
        for (path, page) in pages() {
            let mut columns = 0;
            for line in page.lines() {
                let bars = line.replace("\\|", "").matches('|').count();
                if bars == 0 || columns == 0 {
                    columns = bars;
                }
                assert_eq!(bars, columns, "{path}: {line}");
            }
        }
        let page = ops();
        assert!(SPECS.iter().all(|spec| page.contains(&format!("| `{}` |", spec.slug))));
    }

    #[test]
    fn a_paper_is_spelled_one_way() {
        let mut authors = BTreeMap::new();
        let all =
            SPECS.iter().flat_map(|spec| spec.papers).chain(presets::ALL.iter().map(|preset| &preset.paper));
        let all = all.chain(policies::ALL.iter().map(|preset| &preset.paper));
        for paper in all {
            assert_eq!(*authors.entry(paper.id).or_insert(paper.authors), paper.authors, "{}", paper.id);
        }
    }
}
