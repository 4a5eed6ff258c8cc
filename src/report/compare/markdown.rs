//! The comparison in Markdown.

use std::fmt::Write;

use super::view::{EffectCell, view};
use super::{Comparison, Member};
use crate::report::format;
use crate::report::summary::escaped;

/// What may not be compared, effects side by side, and scores of what is tested alike. Names are escaped.
pub fn markdown(comparison: &Comparison) -> String {
    let Some(view) = view(comparison) else { return String::new() };
    let mut text = format!("# {}\n\nWritten {}.\n", escaped(&view.title), escaped(view.generated_at));
    text.push_str("\n| study | question | runs done | tested on | decides by |\n|---|---|---|---|---|\n");
    for study in &view.studies {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            escaped(study.name),
            escaped(study.question),
            study.runs,
            study.test,
            escaped(study.headline)
        );
    }
    text.push_str("\n## What may not be compared\n\n");
    if view.findings.is_empty() {
        text.push_str(
            "Nothing: labels, test images, baseline and metric are the same, and all runs are done.\n",
        );
    }
    for finding in &view.findings {
        let _ = writeln!(text, "- **{}**: {}", finding.kind, escaped(&finding.text));
    }
    let _ = write!(
        text,
        "\n## Effects on {}\n\nEach against the baseline of its own study, with 95 % intervals.\n\n",
        escaped(&view.metric.name)
    );
    head(&mut text, "variant", comparison.studies.iter());
    for row in &view.effects {
        let cells: Vec<String> = row.cells.iter().map(|cell| told(cell.as_ref())).collect();
        let _ = writeln!(text, "| {} | {} |", escaped(row.variant), cells.join(" | "));
    }
    for group in &view.scores {
        let _ = write!(text, "\n## Scores on test part {}\n\n", group.letter);
        let of = comparison.studies.iter().filter(|study| group.studies.contains(&study.name.as_str()));
        head(&mut text, "variant", of);
        for (name, _, cells) in &group.rows {
            let cells: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
            let _ = writeln!(text, "| {} | {} |", escaped(name), cells.join(" | "));
        }
    }
    if !view.settings.is_empty() {
        text.push_str("\n## Settings that differ\n\n");
        head(&mut text, "key", comparison.studies.iter());
        for row in &view.settings {
            let values: Vec<String> = row.values.iter().map(|value| escaped(value)).collect();
            let _ = writeln!(text, "| {} | {} |", escaped(row.key), values.join(" | "));
        }
    }
    text
}

fn head<'a>(text: &mut String, of: &str, studies: impl Iterator<Item = &'a Member>) {
    let names: Vec<String> = studies.map(|study| escaped(&study.name)).collect();
    let _ = writeln!(text, "| {of} | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
}

fn told(cell: Option<&EffectCell>) -> String {
    cell.map_or_else(
        || format::NONE.to_owned(),
        |cell| {
            format!(
                "{} {} {} {}",
                cell.delta,
                escaped(&cell.interval),
                cell.verdict.symbol,
                cell.verdict.word
            )
        },
    )
}
