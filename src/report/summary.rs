//! The report in Markdown: the answer, its numbers and what to be careful about, for a pull request or a log.

use std::collections::HashMap;
use std::fmt::Write;

use super::contrasts::{self, ContrastRow};
use super::interest::by_interest;
use super::scores::Scores;
use super::study::{RunState, Study};
use super::verdict::verdict;
use super::{answer, cost, format, guardrails, tables, test_part};
use crate::tables::rows::EffectRow;

/// Variants in the table of labels: more would not fit a page.
const VARIANTS_MAX: usize = 8;

/// The study's answer as Markdown. Names are escaped: none becomes markup, a link or a table's edge.
pub fn summary_md(study: &Study) -> String {
    let scores = Scores::of(study);
    let mut text = format!("# {}\n\n{}\n\n", escaped(&study.question), meta(study));
    let to_come = study.runs.iter().filter(|run| matches!(run.state, RunState::ToCome)).count();
    if to_come > 0 {
        let _ = writeln!(
            text,
            "**The study is under way: {to_come} of {} still to come.** Every verdict may still change.\n",
            format::counted(study.runs.len(), "run")
        );
    }
    let answer = answer::answer(study);
    if let Some(nothing) = &answer.nothing {
        let _ = writeln!(text, "{nothing}\n");
    } else {
        let _ = writeln!(text, "{}\n", escaped(&answer.headline));
    }
    for sentence in &answer.verdicts {
        let against =
            sentence.baseline.as_ref().map(|b| format!(" (against {})", escaped(b))).unwrap_or_default();
        let _ = writeln!(
            text,
            "- {} **{}**{against}: {}, {}",
            sentence.verdict.symbol,
            escaped(&sentence.variant),
            sentence.verdict.word,
            escaped(&sentence.numbers),
        );
    }
    for unmeasured in &answer.unmeasured {
        let _ = writeln!(
            text,
            "- ✕ **{}**: not compared, {}",
            escaped(&unmeasured.variant),
            escaped(&unmeasured.reason)
        );
    }
    text.push_str("\n## Be careful\n\n");
    let findings = guardrails::findings(study, &scores);
    if findings.is_empty() {
        text.push_str("No run failed or is missing, and none is degenerate.\n");
    }
    for finding in &findings {
        let mut names: Vec<String> = finding.names.iter().map(|n| escaped(n)).collect();
        if finding.more > 0 {
            names.push(format!("and {} more", finding.more));
        }
        let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        let _ = writeln!(text, "- **{}**: {}{names}", finding.kind, escaped(&finding.text));
    }
    effects_table(study, &mut text);
    contrast_tables(study, &mut text);
    scores_table(study, &scores, &mut text);
    labels_table(study, &scores, &mut text);
    cost(study, &mut text);
    reproduce(study, &mut text);
    text
}

fn meta(study: &Study) -> String {
    format!("Study `{}`, written {}.", study.name.replace('`', "'"), escaped(&study.generated_at))
}

fn effects_table(study: &Study, text: &mut String) {
    let rows = answer::rows(study, &study.headline);
    if rows.is_empty() {
        return;
    }
    let _ = write!(
        text,
        "\n## Effects on {}\n\n{}\n\n| variant | baseline | change | 95 % interval | p (Holm) | seeds | verdict |\n|---|---|---|---|---|---|---|\n",
        escaped(&study.headline.name),
        escaped(&study.effects_method),
    );
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            escaped(&row.variant),
            escaped(&row.baseline),
            row.delta,
            row.interval.replace('[', "\\[").replace(']', "\\]"),
            row.p_adjusted.replace('<', "\\<"),
            row.n_seeds,
            row.verdict.word,
        );
    }
}

fn contrast_tables(study: &Study, text: &mut String) {
    for section in contrasts::sections(study) {
        let _ = write!(
            text,
            "\n## {}\n\n{}\n\n| {} | {} | not told apart from | change | 95 % interval | p (Holm) | seeds | verdict |\n|---|---|---|---|---|---|---|---|\n",
            section.title,
            escaped(section.note),
            section.of,
            section.against,
        );
        for ContrastRow { row, aliases } in section.rows {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                escaped(&row.variant),
                escaped(&row.baseline),
                escaped(&aliases.join(", ")),
                row.delta,
                row.interval.replace('[', "\\[").replace(']', "\\]"),
                row.p_adjusted.replace('<', "\\<"),
                row.n_seeds,
                row.verdict.word,
            );
        }
    }
}

fn scores_table(study: &Study, scores: &Scores, text: &mut String) {
    let metrics = super::scores::metrics(study);
    let names: Vec<String> = metrics.iter().map(|m| escaped(&m.name)).collect();
    let _ = write!(
        text,
        "\n## Scores on the test part\n\n{}Mean ± standard deviation over seeds; shares times 100.\n\n| variant | runs | {} |\n|---|---|{}\n",
        test_part::at_best_of(study).map(|text| format!("{}.\n\n", escaped(&text))).unwrap_or_default(),
        names.join(" | "),
        "---|".repeat(metrics.len()),
    );
    for row in tables::score_rows(study, scores) {
        let cells: Vec<&str> = row.scores.iter().map(|c| c.text.as_str()).collect();
        let part = row.test_part.map(|number| format!(" (test part {number})")).unwrap_or_default();
        let _ = writeln!(text, "| {}{part} | {} | {} |", escaped(&row.name), row.runs, cells.join(" | "));
    }
}

/// What the first variants by interest do to each label.
fn labels_table(study: &Study, scores: &Scores, text: &mut String) {
    let metric = &study.label_metric;
    let is_baseline = |v: usize| study.variants[v].arm == study.baseline;
    let (baselines, others): (Vec<usize>, Vec<usize>) =
        by_interest(study).into_iter().partition(|&v| is_baseline(v));
    let (Some(&baseline), shown) = (baselines.first(), &others[..others.len().min(VARIANTS_MAX)]) else {
        return;
    };
    let effects: HashMap<(&str, Option<&str>), &EffectRow> = study
        .effects
        .iter()
        .filter(|effect| effect.row.metric == metric.metric)
        .map(|effect| ((effect.row.variant.as_str(), effect.row.label.as_deref()), &effect.row))
        .collect();
    if shown.is_empty() || effects.is_empty() {
        return;
    }
    // With several baselines none of them is what all changes are against.
    let with_own = baselines.len() == 1;
    let names: Vec<String> = shown.iter().map(|&v| escaped(&study.variants[v].name)).collect();
    let more = match others.len() - shown.len() {
        0 => String::new(),
        more => format!(" {} more are in the table `effects`.", format::counted(more, "variant")),
    };
    let _ = write!(
        text,
        "\n## Change in {} of each label\n\nOne 95 % interval in twenty leaves out zero by chance alone: ▲ and ▼ mark the verdicts “helps” and \
         “hurts”.{more}\n\n| label | {}{} |\n|---|{}\n",
        escaped(&metric.name),
        if with_own { format!("{} | ", escaped(&study.variants[baseline].name)) } else { String::new() },
        names.join(" | "),
        "---|".repeat(shown.len() + usize::from(with_own)),
    );
    for (l, label) in study.labels.iter().enumerate() {
        let cell = |&v: &usize| {
            let row = effects.get(&(study.variants[v].name.as_str(), Some(label.as_str())));
            row.map_or_else(
                || format::NONE.to_owned(),
                |row| {
                    let mark = match verdict(&row.verdict) {
                        shown if ["helps", "hurts"].contains(&shown.class) => format!(" {}", shown.symbol),
                        _ => String::new(),
                    };
                    format!("{}{mark}", format::delta(metric.unit, row.delta))
                },
            )
        };
        let cells: Vec<String> = shown.iter().map(cell).collect();
        let own = &scores.label[baseline][l];
        let own = match with_own {
            true => format!("{} | ", format::spread(metric.unit, own.mean(), own.sd())),
            false => String::new(),
        };
        let _ = writeln!(text, "| {} | {own}{} |", escaped(label), cells.join(" | "));
    }
}

fn cost(study: &Study, text: &mut String) {
    let notes = cost::notes(study);
    if !notes.is_empty() {
        let _ = writeln!(text, "\n## Cost\n\n{}.", notes.join(". "));
    }
}

fn reproduce(study: &Study, text: &mut String) {
    let what = "With the study's resolved spec, as the page shows it, and the places of the dataset and of given weights:";
    let _ = write!(text, "\n## Reproduce\n\n{what}\n\n");
    for line in study.provenance.command.lines() {
        let _ = writeln!(text, "    {line}");
    }
}

/// `text` in one line of Markdown, every character that could be markup escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}
