//! `bellwether ops`.

use std::process::ExitCode;

use bellwether_core::Spec;
use bellwether_core::pair::presets::{self, Preset};
use bellwether_core::registry::SPECS;
use serde_json::{Value, json};

use super::{Common, fail, say};

pub(super) fn run(common: &Common, name: Option<&str>) -> ExitCode {
    match name {
        None => list(common),
        Some(name) => {
            match (SPECS.iter().find(|s| s.slug == name), presets::ALL.iter().find(|p| p.slug == name)) {
                (Some(spec), _) => page(common, spec),
                (None, Some(preset)) => named(common, preset),
                (None, None) => {
                    return fail(common, format!("unknown op `{name}`; `bellwether ops` lists them"));
                }
            }
        }
    }
    ExitCode::SUCCESS
}

fn list(common: &Common) {
    if common.json {
        let presets: Vec<Value> = presets::ALL.iter().map(preset_json).collect();
        say(json!({"ops": SPECS.iter().map(spec_json).collect::<Vec<_>>(), "presets": presets}));
        return;
    }
    say("operators");
    for spec in SPECS {
        say(format!("  {:<24}{:<14}{}", spec.slug, spec.signature.name(), spec.title));
    }
    say("\nnamed methods");
    for preset in presets::ALL {
        say(format!("  {:<24}{}", preset.slug, preset.composition));
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
