//! `bellwether ops`.

use std::process::ExitCode;

use bellwether_core::Spec;
use bellwether_core::pair::presets::{self, Preset};
use bellwether_core::policy::presets as policies;
use bellwether_core::registry::SPECS;
use serde_json::{Value, json};

use super::{Common, fail, say};

pub(super) fn run(common: &Common, name: Option<&str>) -> ExitCode {
    match name {
        None => list(common),
        Some(name) => {
            let policy = policies::ALL.iter().find(|p| p.slug == name);
            match (SPECS.iter().find(|s| s.slug == name), presets::ALL.iter().find(|p| p.slug == name)) {
                (Some(spec), _) => page(common, spec),
                (None, Some(preset)) => named(common, preset),
                (None, None) => match policy {
                    Some(preset) => named_policy(common, preset),
                    None => {
                        return fail(common, format!("unknown op `{name}`; `bellwether ops` lists them"));
                    }
                },
            }
        }
    }
    ExitCode::SUCCESS
}

fn list(common: &Common) {
    if common.json {
        let presets: Vec<Value> =
            presets::ALL.iter().map(preset_json).chain(policies::ALL.iter().map(policy_json)).collect();
        say(json!({"ops": SPECS.iter().map(spec_json).collect::<Vec<_>>(), "presets": presets}));
        return;
    }
    say("operators");
    for spec in SPECS {
        say(format!("  {:<24}{:<14}{}", spec.slug, spec.signature.name(), spec.title));
    }
    say("\nnamed methods");
    for (slug, composition) in compositions() {
        say(format!("  {slug:<24}{composition}"));
    }
}

fn page(common: &Common, spec: &Spec) {
    if common.json {
        say(spec_json(spec));
        return;
    }
    say(format!("{}: {}\n\n  {}\n", spec.slug, spec.title, spec.formula));
    say(format!("signature   {}", spec.signature.name()));
    for p in spec.params {
        say(format!("parameter   {}: {}; {}; default {}", p.name, p.doc, p.range, p.default));
    }
    for p in spec.papers {
        say(format!("paper       {}, {}, {}", p.authors, p.id, p.place));
    }
    for preset in presets::ALL.iter().filter(|p| p.link == spec.slug) {
        say(format!("named       {} = {}", preset.slug, preset.composition));
    }
    for preset in policies::ALL.iter().filter(|p| p.surrogate == spec.slug) {
        say(format!("named       {} = {}", preset.slug, preset.composition));
    }
}

fn named(common: &Common, preset: &Preset) {
    if common.json {
        say(preset_json(preset));
        return;
    }
    let paper = preset.paper;
    say(format!("{} = {}", preset.slug, preset.composition));
    say(format!("paper       {}, {}, {}\n", paper.authors, paper.id, paper.place));
    SPECS.iter().filter(|s| s.slug == preset.link).for_each(|spec| page(common, spec));
}

fn named_policy(common: &Common, preset: &policies::Preset) {
    if common.json {
        say(policy_json(preset));
        return;
    }
    let paper = preset.paper;
    say(format!("{} = {}", preset.slug, preset.composition));
    say(format!("paper       {}, {}, {}\n", paper.authors, paper.id, paper.place));
    SPECS.iter().filter(|s| s.slug == preset.surrogate).for_each(|spec| page(common, spec));
}

/// Every named method and what it is made of.
fn compositions() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pairs = presets::ALL.iter().map(|preset| (preset.slug, preset.composition));
    pairs.chain(policies::ALL.iter().map(|preset| (preset.slug, preset.composition)))
}

fn policy_json(preset: &policies::Preset) -> Value {
    let policies::Preset { slug, surrogate, composition, paper, .. } = *preset;
    json!({"slug": slug, "surrogate": surrogate, "composition": composition, "paper": paper.id})
}

fn spec_json(spec: &Spec) -> Value {
    let papers = spec.papers.iter().map(|p| json!({"authors": p.authors, "id": p.id, "place": p.place}));
    let params = spec.params.iter();
    let params =
        params.map(|p| json!({"name": p.name, "doc": p.doc, "range": p.range, "default": p.default}));
    json!({
        "slug": spec.slug,
        "title": spec.title,
        "signature": spec.signature.name(),
        "formula": spec.formula,
        "params": params.collect::<Vec<_>>(),
        "papers": papers.collect::<Vec<_>>(),
    })
}

fn preset_json(preset: &Preset) -> Value {
    json!({"slug": preset.slug, "link": preset.link, "composition": preset.composition, "paper": preset.paper.id})
}
