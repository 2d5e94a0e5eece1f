//! How a stack ended, what the last lines say, and what the validation layer's messages mean. Decides only.

use std::process::ExitCode;

/// How a stack ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Every check passed: what was judged.
    Agreed(String),
    /// A check failed, or fell silent.
    Failed(String),
    /// The stack cannot run here: why, and what would change that.
    Skipped(Missing),
}

/// What a stack lacks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Missing {
    /// Why it cannot run.
    pub(crate) why: String,
    /// The command that changes it.
    pub(crate) todo: String,
}

/// One line per stack.
pub(crate) fn summary(outcomes: &[(&str, Outcome)]) -> String {
    let line = |(name, outcome): &(&str, Outcome)| match outcome {
        Outcome::Agreed(what) => format!("{name:<12} agreed   {what}"),
        Outcome::Failed(why) => format!("{name:<12} FAILED   {why}"),
        Outcome::Skipped(it) => format!("{name:<12} SKIPPED  {}; to run it: {}", it.why, it.todo),
    };
    outcomes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Whether any stack failed.
pub(crate) fn exit(outcomes: &[(&str, Outcome)], require: bool) -> ExitCode {
    if succeeds(outcomes, require) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn succeeds(outcomes: &[(&str, Outcome)], require: bool) -> bool {
    outcomes.iter().all(|(_, outcome)| match outcome {
        Outcome::Agreed(_) => true,
        Outcome::Failed(_) => false,
        Outcome::Skipped(_) => !require,
    })
}

/// Errors of the layer that are no fault of a kernel or of this host. The layer's SPIR-V validator stops at the first
/// error of a module, so what stands behind one of these is not seen.
const KNOWN: [(&str, &str); 1] = [(
    "VUID-StandaloneSpirv-None-10684",
    "naga writes layouts on types of workgroup and function memory (gfx-rs/wgpu#7696)",
)];

/// What the layer says once per instance when it is on.
const ALIVE: &str = "[ CURRENT-VALIDATION-ENABLED ]";

/// What the layer's messages in a program's output amount to.
pub(crate) fn judge_messages(output: &str) -> Outcome {
    if !output.contains(ALIVE) {
        return Outcome::Failed("the validation layer said nothing: it was not loaded".into());
    }
    let ids: Vec<&str> = output.lines().filter_map(error_id).collect();
    let is_known = |id: &str| KNOWN.iter().any(|(known, _)| *known == id);
    let mut new: Vec<&str> = ids.iter().copied().filter(|id| !is_known(id)).collect();
    if !new.is_empty() {
        let count = new.len();
        new.sort_unstable();
        new.dedup();
        return Outcome::Failed(format!("{count} errors of the validation layer: {}", new.join(", ")));
    }
    let known = KNOWN.iter().filter_map(|(known, why)| {
        let count = ids.iter().filter(|id| *id == known).count();
        (count > 0).then(|| format!("; {count} times {known} is known: {why}"))
    });
    Outcome::Agreed(format!("no error of the validation layer{}", known.collect::<String>()))
}

/// The name of the error that a line reports.
fn error_id(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("Validation Error: [ ")?;
    Some(rest.split_once(" ]").map_or(rest, |(id, _)| id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(last: Outcome) -> [(&'static str, Outcome); 2] {
        [("swiftshader", Outcome::Agreed("all".into())), ("dawn", last)]
    }

    #[test]
    fn a_skipped_stack_is_named_with_its_remedy_and_fails_only_on_demand() {
        let it = Missing { why: "node is not installed".into(), todo: "apt-get install nodejs".into() };
        let skipped = outcomes(Outcome::Skipped(it));
        let text = summary(&skipped);
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("dawn") && last.contains("SKIPPED"), "{last}");
        assert!(last.contains("node is not installed") && last.contains("apt-get install nodejs"), "{last}");
        assert!(succeeds(&skipped, false) && !succeeds(&skipped, true));
    }

    #[test]
    fn a_failed_stack_fails_the_chore() {
        assert!(!succeeds(&outcomes(Outcome::Failed("2 cases".into())), false));
        assert!(succeeds(&outcomes(Outcome::Agreed("all".into())), true));
    }

    const ON: &str = "Validation Information: [ CURRENT-VALIDATION-ENABLED ] | MessageID = 0xfd7b2292\n";

    #[test]
    fn a_silent_layer_is_no_success() {
        assert!(matches!(judge_messages("AGREES: 3 agree"), Outcome::Failed(_)));
        assert_eq!(judge_messages(ON), Outcome::Agreed("no error of the validation layer".into()));
    }

    #[test]
    fn an_error_is_named_unless_it_is_known() {
        let error = |id: &str| format!("{ON}Validation Error: [ {id} ] | MessageID = 0x1\nwords\n");
        let known = error(KNOWN[0].0);
        assert!(matches!(judge_messages(&known), Outcome::Agreed(what) if what.contains("1 times VUID")));
        let both = format!("{known}{}", error("SYNC-HAZARD-WRITE-AFTER-WRITE"));
        let Outcome::Failed(why) = judge_messages(&both) else { panic!("a hazard passes") };
        assert!(why.contains("1 errors") && why.contains("SYNC-HAZARD-WRITE-AFTER-WRITE"), "{why}");
        assert!(matches!(judge_messages(&error("")), Outcome::Failed(_)), "an error without a name");
    }
}
