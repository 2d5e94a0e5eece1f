//! What a run over the mutants says: tables, findings, and the cases that are the only ones to notice.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::generic::Generic;
use super::{BY_HAND, Mutant, is_judged, list};

/// How many mutants fared how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Changed texts.
    pub made: usize,
    /// Those that the compiler refuses.
    pub refused: usize,
    /// Those that are noticed.
    pub killed: usize,
    /// Those that are not and are listed with a reason.
    pub equivalent: usize,
    /// The rest.
    pub survived: usize,
}

impl Tally {
    fn cells(self) -> String {
        let Self { made, refused, killed, equivalent, survived } = self;
        format!("{made} | {refused} | {killed} | {equivalent} | {survived}")
    }

    fn add(&mut self, other: Self) {
        self.made += other.made;
        self.refused += other.refused;
        self.killed += other.killed;
        self.equivalent += other.equivalent;
        self.survived += other.survived;
    }
}

/// The result of a run.
pub struct Record<'m> {
    tallies: BTreeMap<(String, &'static str), Tally>,
    judged: BTreeMap<&'m str, (&'m Mutant, &'m [String])>,
}

impl<'m> Record<'m> {
    /// From what the rules made, the mutants that were judged, who noticed each, and the list of equivalent ones.
    pub fn new(
        made: &[Generic],
        mutants: &'m [Mutant],
        killers: &'m [Vec<String>],
        listed: &BTreeMap<String, &'static str>,
    ) -> Self {
        let mut tallies = tallies(made);
        let mut judged = BTreeMap::new();
        for (mutant, killers) in mutants.iter().zip(killers) {
            let tally = tallies.entry((mutant.kernel.clone(), mutant.rule)).or_default();
            tally.made += usize::from(mutant.rule == BY_HAND);
            match (killers.is_empty(), listed.contains_key(&mutant.name)) {
                (false, _) => tally.killed += 1,
                (true, true) => tally.equivalent += 1,
                (true, false) => tally.survived += 1,
            }
            judged.insert(mutant.name.as_str(), (mutant, killers.as_slice()));
        }
        Self { tallies, judged }
    }

    /// Every kernel and rule.
    pub fn table(&self) -> String {
        let mut text =
            format!("{:<32} {:<22} made | refused | killed | equivalent | survived\n", "kernel", "rule");
        for ((kernel, rule), tally) in &self.tallies {
            let _ = writeln!(text, "{kernel:<32} {rule:<22} {}", tally.cells());
        }
        let mut all = Tally::default();
        self.tallies.values().for_each(|tally| all.add(*tally));
        let _ = write!(text, "{:<55} {}", "all", all.cells());
        text
    }

    /// What is wrong: mutants that nobody notices, and entries of the list that say what is not so.
    pub fn findings(&self, listed: &BTreeMap<String, &'static str>, whole: bool) -> Vec<String> {
        let mut found = Vec::new();
        for (name, (_, killers)) in &self.judged {
            match (killers.first(), listed.contains_key(*name)) {
                (None, false) => found.push(format!("nobody notices\n{name}")),
                (Some(killer), true) => {
                    found.push(format!("listed as equivalent, and noticed by {killer}\n{name}"));
                }
                _ => {}
            }
        }
        let of_judged = |name: &&String| name.split_once("] ").is_some_and(|(_, place)| is_judged(place));
        let known = listed.keys().filter(of_judged);
        let gone = known.filter(|name| whole && !self.judged.contains_key(name.as_str()));
        found.extend(gone.map(|name| format!("listed as equivalent, and no longer made\n{name}")));
        found
    }

    /// The page docs/mutants.md, with the rows of the kernels that are not judged.
    pub fn page(&self, unjudged: &[String]) -> String {
        let mut page = format!("{HEAD}\n## By rule\n\n| rule {COLUMNS}\n");
        rows(&mut page, self.tallies.iter().map(|((_, rule), tally)| ((*rule).to_owned(), *tally)));
        let _ = write!(
            page,
            "\n## By kernel\n\nA function stands with the first kernel that holds it.\n\n| kernel {COLUMNS}\n"
        );
        rows(&mut page, self.tallies.iter().map(|((kernel, _), tally)| (kernel.clone(), *tally)));
        let mut only = BTreeMap::<&str, BTreeMap<&str, usize>>::new();
        for (mutant, killers) in self.judged.values() {
            if let [one] = killers {
                *only.entry(one).or_default().entry(mutant.rule).or_default() += 1;
            }
        }
        let _ = write!(
            page,
            "\n## The only ones to notice\n\n{ONLY}\n\n| case | mutants | of rules |\n|---|---|---|\n"
        );
        for (case, rules) in only {
            let of: Vec<_> = rules.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
            let _ = writeln!(page, "| {case} | {} | {} |", rules.values().sum::<usize>(), of.join(", "));
        }
        if !unjudged.is_empty() {
            let _ = writeln!(page, "\n{UNJUDGED}\n\n{}", unjudged.join("\n"));
        }
        page
    }
}

/// What the rules make of each kernel, before anything is judged.
pub fn tallies(made: &[Generic]) -> BTreeMap<(String, &'static str), Tally> {
    let mut tallies = BTreeMap::<_, Tally>::new();
    for generic in made {
        let tally = tallies.entry((generic.item.place.0.clone(), generic.name.rule)).or_default();
        tally.made += 1;
        tally.refused += usize::from(generic.edit.is_none());
    }
    tallies
}

/// Every kernel, and the beginning of its row on the page: what the rules make and the compiler refuses, known without
/// a device.
pub fn rows_before_judging(made: &[Generic]) -> Vec<(String, String)> {
    let by_hand = list::all().into_iter().map(|listed| {
        let Mutant { kernel, .. } = Mutant::from(listed);
        (kernel, Tally { made: 1, ..Tally::default() })
    });
    let rules = tallies(made).into_iter().map(|((kernel, _), tally)| (kernel, tally));
    let row = |(kernel, Tally { made, refused, .. }): (String, Tally)| {
        let row = format!("| {kernel} | {made} | {refused} |");
        (kernel, row)
    };
    let mut sums = sums(rules.chain(by_hand));
    sums.pop();
    sums.into_iter().map(row).collect()
}

/// The tallies of one name together, and all of them under `all`, which stands last.
fn sums(tallies: impl Iterator<Item = (String, Tally)>) -> Vec<(String, Tally)> {
    let (mut sums, mut all) = (BTreeMap::<String, Tally>::new(), Tally::default());
    for (name, tally) in tallies {
        sums.entry(name).or_default().add(tally);
        all.add(tally);
    }
    sums.into_iter().chain([("all".to_owned(), all)]).collect()
}

fn rows(page: &mut String, all: impl Iterator<Item = (String, Tally)>) {
    for (name, tally) in sums(all) {
        let _ = writeln!(page, "| {name} | {} |", tally.cells());
    }
}

const COLUMNS: &str =
    "| made | refused by the compiler | noticed | equivalent | survived |\n|---|---|---|---|---|---|";
const HEAD: &str = "<!-- Written by `cargo xtask mutants`. Do not edit. -->

# Mutants

Kernels broken on purpose, one place at a time, and whether the suite notices. Some mistakes are written down by hand
(`tests/data/mutants.txt`); the others come from rules (`tests/src/mutants/rules.rs`), applied wherever they fit in
every function and constant of `shaders/wgsl`, each once. A mutant is noticed by a case of the suite, by a sweep over a
function of the library, or by a metamorphic property. Those that nothing can notice are listed with their reasons in
`tests/data/equivalent.txt`.
";
const UNJUDGED: &str = "## Not judged yet

What the rules make of the other kernels; nobody has looked at all of these. Kernels that are judged stand in
`tests/src/mutants.rs`.

| kernel | made | refused by the compiler |
|---|---|---|";
const ONLY: &str = "Cases that are the only ones of their operator to notice some mutants, in the exclusive dialect: these may not go.";
