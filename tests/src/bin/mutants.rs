//! Judges every mutant, of the hand list and of the rules, and writes docs/mutants.md: `cargo xtask mutants`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use bellwether_check::mutants::journal::Journal;
use bellwether_check::mutants::record::{self, Record};
use bellwether_check::mutants::{Mutant, campaign, equivalent, generic, is_judged, list};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

#[derive(Parser)]
#[command(
    name = "mutants",
    about = "Breaks the kernels in every way that the rules know, and says who notices"
)]
struct Args {
    /// Only kernels whose name holds this, or one of several: `pair/nca`, `backward`, `lib`.
    #[arg(long)]
    kernel: Vec<String>,
    /// Only mutants of this rule.
    #[arg(long)]
    rule: Option<String>,
    /// Judge those that data/equivalent.txt lists as well.
    #[arg(long)]
    listed: bool,
    /// Write the page here; only a run over all kernels that are judged may.
    #[arg(long, conflicts_with_all = ["kernel", "rule"])]
    page: Option<PathBuf>,
    /// What has been found; what the kernels and cases still are as they were is not judged again.
    #[arg(long, default_value = "target/mutants.jsonl")]
    journal: PathBuf,
}

fn main() -> ExitCode {
    run(&Args::parse()).unwrap_or_else(|why| {
        eprintln!("{why}");
        ExitCode::FAILURE
    })
}

fn run(args: &Args) -> Result<ExitCode, String> {
    let whole = args.kernel.is_empty() && args.rule.is_none();
    let wanted = |kernel: &str, rule: &str| {
        let named = args.kernel.is_empty() || args.kernel.iter().any(|k| kernel.contains(k));
        named && args.rule.as_ref().is_none_or(|r| rule == r) && (!whole || is_judged(kernel))
    };
    let made = generic::all();
    let unjudged = record::rows_before_judging(&made).into_iter().filter(|(kernel, _)| !is_judged(kernel));
    let unjudged: Vec<_> = unjudged.map(|(_, row)| row).collect();
    let made: Vec<_> = made.into_iter().filter(|m| wanted(&m.item.place.0, m.name.rule)).collect();
    let by_hand = list::all().into_iter().map(Mutant::from).filter(|m| wanted(&m.kernel, m.rule));
    let mutants: Vec<_> = by_hand.chain(made.iter().filter_map(Mutant::generic)).collect();
    if mutants.is_empty() {
        return Err("no mutant is of this rule and in this kernel".into());
    }
    let listed = equivalent::all();
    let killers = judge(&mutants, &listed, args)?;
    let record = Record::new(&made, &mutants, &killers, &listed);
    println!("{}", record.table());
    let findings = record.findings(&listed, whole);
    if findings.is_empty() {
        if let Some(path) = &args.page {
            std::fs::write(path, record.page(&unjudged))
                .map_err(|why| format!("{}: {why}", path.display()))?;
            println!("{}", path.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}\n{} findings", findings.join("\n\n"), findings.len());
    Ok(ExitCode::FAILURE)
}

/// Who notices each mutant: from the journal, or found now.
fn judge(
    mutants: &[Mutant],
    listed: &BTreeMap<String, &str>,
    args: &Args,
) -> Result<Vec<Vec<String>>, String> {
    let journal = Journal::open(&args.journal).map_err(|why| format!("{}: {why}", args.journal.display()))?;
    let wanted = |mutant: &&Mutant| args.listed || !listed.contains_key(&mutant.name);
    let open = mutants.iter().filter(wanted).filter(|mutant| journal.find(mutant).is_none());
    let open: Vec<_> = open.cloned().collect();
    eprintln!("{} mutants, {} not judged before", mutants.len(), open.len());
    let bar = ProgressBar::new(open.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left") {
        bar.set_style(style);
    }
    let done = |mutant: &Mutant, killers: &[String]| {
        bar.inc(1);
        if killers.is_empty() && !listed.contains_key(&mutant.name) {
            bar.suspend(|| println!("SURVIVES {}\n", mutant.name));
        }
        if let Err(why) = journal.note(mutant, killers) {
            bar.suspend(|| eprintln!("the journal is not kept: {why}"));
        }
    };
    // Two, because a case that is the only one to notice a mutant stands on the page.
    let found = if open.is_empty() { Ok(vec![]) } else { campaign::run(&open, 2, done) };
    found.map_err(|error| format!("mutants need a device: {error}"))?;
    bar.finish_and_clear();
    Ok(mutants.iter().map(|mutant| journal.find(mutant).unwrap_or_default()).collect())
}
