//! Judges every mutant, of the hand list and of the rules, and writes docs/mutants.md: `cargo xtask mutants`.

use std::process::ExitCode;

use bellwether_check::mutants::record::Record;
use bellwether_check::mutants::{Mutant, campaign, equivalent, generic, list};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

#[derive(Parser)]
#[command(
    name = "mutants",
    about = "Breaks the kernels in every way that the rules know, and says who notices"
)]
struct Args {
    /// Only kernels whose name holds this: `pair/nca`, `backward`, `lib`.
    #[arg(long)]
    kernel: Option<String>,
    /// Only mutants of this rule.
    #[arg(long)]
    rule: Option<String>,
    /// Write the page here; only a run over everything may.
    #[arg(long, conflicts_with_all = ["kernel", "rule"])]
    page: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    run(&Args::parse()).unwrap_or_else(|why| {
        eprintln!("{why}");
        ExitCode::FAILURE
    })
}

fn run(args: &Args) -> Result<ExitCode, String> {
    let wanted = |kernel: &str, rule: &str| {
        args.kernel.as_ref().is_none_or(|k| kernel.contains(k))
            && args.rule.as_ref().is_none_or(|r| rule == r)
    };
    let made = generic::all();
    let made: Vec<_> = made.into_iter().filter(|m| wanted(&m.item.place.0, m.name.rule)).collect();
    let by_hand = list::all().into_iter().map(Mutant::from).filter(|m| wanted(&m.kernel, m.rule));
    let mutants: Vec<_> = by_hand.chain(made.iter().filter_map(Mutant::generic)).collect();
    if mutants.is_empty() {
        return Err("no mutant is of this rule and in this kernel".into());
    }
    let bar = ProgressBar::new(mutants.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left") {
        bar.set_style(style);
    }
    let listed = equivalent::all();
    let killers = campaign::run(&mutants, 2, |mutant, killers| {
        bar.inc(1);
        if killers.is_empty() && !listed.contains_key(&mutant.name) {
            bar.suspend(|| println!("SURVIVES {}\n", mutant.name));
        }
    });
    let killers = killers.map_err(|error| format!("mutants need a device: {error}"))?;
    bar.finish_and_clear();
    let record = Record::new(&made, &mutants, &killers, &listed);
    println!("{}", record.table());
    let whole = args.kernel.is_none() && args.rule.is_none();
    let findings = record.findings(&listed, whole);
    if findings.is_empty() {
        if let Some(path) = &args.page {
            std::fs::write(path, record.page()).map_err(|why| format!("{}: {why}", path.display()))?;
            println!("{}", path.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}\n{} findings", findings.join("\n\n"), findings.len());
    Ok(ExitCode::FAILURE)
}
