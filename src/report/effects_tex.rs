//! The effects on the headline metric as a table for LaTeX.
//!
//! Whole by itself: `\input{effects.tex}` in a document that loads `booktabs`. Numbers are those of the page.

use std::fmt::Write;

use super::answer::{self, Row};
use super::figures::rows;
use super::format;
use super::study::{Study, Unit};

/// The table; a comment where there is nothing to compare.
pub fn effects_tex(study: &Study) -> String {
    let mut text = format!(
        "% Effects on {} of the study {}, written by Ablatrix {}.\n% Needs \\usepackage{{booktabs}}. Names in other scripts than Latin need \
         XeLaTeX or LuaLaTeX and a font that has them.\n",
        comment(&study.headline.name),
        comment(&study.name),
        comment(&study.generated_at),
    );
    if let Some(nothing) = answer::answer(study).nothing {
        let _ = writeln!(text, "% {}", comment(&nothing));
        return text;
    }
    let all = answer::rows(study, &study.headline);
    let several = all.iter().any(|row| row.baseline != all[0].baseline);
    let (kept, left_out) = rows::ends(all.len());
    let (baselines, head) = if several { ("l", "Baseline & ") } else { ("", "") };
    let _ = write!(
        text,
        "\\begin{{table}}\n  \\centering\n  \\caption{{{}}}\n  \\label{{tab:{}-effects}}\n  \\begin{{tabular}}{{l{baselines}rcrrl}}\n    \
         \\toprule\n    Variant & {head}Change & 95\\,\\% interval & $p$ & Seeds & Verdict \\\\\n    \\midrule\n",
        caption(study, &all[0].baseline, several),
        key(&study.name),
    );
    for (place, &at) in kept.iter().enumerate() {
        if left_out > 0 && place == kept.len() / 2 {
            let said = rows::left_out(left_out, "variant");
            let columns = if several { 7 } else { 6 };
            let _ = writeln!(text, "    \\multicolumn{{{columns}}}{{c}}{{{said} here}} \\\\");
        }
        write_row(&mut text, &all[at], several);
    }
    let _ = write!(
        text,
        "    \\bottomrule\n  \\end{{tabular}}\n\n  \\smallskip\n  \\begin{{minipage}}{{\\linewidth}}\\footnotesize\n    {}\n  \
         \\end{{minipage}}\n\\end{{table}}\n",
        notes(study)
    );
    text
}

fn write_row(text: &mut String, row: &Row, with_baseline: bool) {
    let baseline = if with_baseline { format!("{} & ", escaped(&row.baseline)) } else { String::new() };
    let _ = writeln!(
        text,
        "    {} & {baseline}{} & {} & {} & {} & {} \\\\",
        escaped(&row.variant),
        number(&row.delta),
        number(&row.interval),
        number(&row.p_adjusted),
        row.n_seeds,
        row.verdict.word,
    );
}

/// `Change in mAP (average precision, mean over labels) against none, in points.`
fn caption(study: &Study, baseline: &str, several: bool) -> String {
    let metric = &study.headline;
    let against =
        if several { "each variant's baseline".to_owned() } else { format!("``{}''", escaped(baseline)) };
    let points = if metric.unit == Unit::Share { ", in points" } else { "" };
    let better = if metric.higher_is_better { "higher" } else { "lower" };
    format!(
        "Change in {} ({}; {better} is better) on the test part against {against}{points}.",
        escaped(&metric.name),
        escaped(&metric.meaning)
    )
}

fn notes(study: &Study) -> String {
    let mut text = escaped(&study.effects_method);
    if study.equivalence > 0.0 {
        let half = format::score(study.headline.unit, study.equivalence);
        let points = if study.headline.unit == Unit::Share { " points" } else { "" };
        let _ = write!(text, " Changes within $\\pm {half}${points} count as no practical effect.");
    }
    if let [part] = study.test_parts.as_slice() {
        let _ = write!(text, " Test part: {}.", format::counted(part.images as usize, "image"));
    }
    let unmeasured = answer::answer(study).unmeasured.len();
    if unmeasured > 0 {
        let _ = write!(text, " {} could not be compared.", format::counted(unmeasured, "variant"));
    }
    text
}

/// A number, an interval or a probability as mathematics; words as they are.
fn number(text: &str) -> String {
    if text.bytes().any(|b| b.is_ascii_digit()) {
        format!("${}$", text.replace('−', "-").replace(", ", ",\\,"))
    } else if text == format::NONE {
        "--".to_owned()
    } else {
        text.to_owned()
    }
}

/// What a label may consist of.
fn key(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(kept).collect()
}

/// `text` in one line of a comment.
fn comment(text: &str) -> String {
    text.chars().map(|c| if is_break(c) { ' ' } else { c }).collect()
}

/// Whether some engine begins a new line here, or has no place for it.
fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// `text` with nothing that LaTeX would do more with than set it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_break(c) => out.push(' '),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out.push_str("\\textbackslash{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            // After the end of a row `[` and `*` would be arguments; two dashes, quotes or backticks would be another sign.
            '[' | ']' | '*' | '-' | '\'' | '`' | '"' => {
                out.push('{');
                out.push(c);
                out.push('}');
            }
            '−' => out.push_str("$-$"),
            '×' => out.push_str("$\\times$"),
            '±' => out.push_str("$\\pm$"),
            '·' => out.push_str("$\\cdot$"),
            '≤' => out.push_str("$\\le$"),
            '≥' => out.push_str("$\\ge$"),
            '→' => out.push_str("$\\to$"),
            '…' => out.push_str("\\dots{}"),
            '–' => out.push_str("--"),
            '“' => out.push_str("``"),
            '”' => out.push_str("''"),
            '\u{a0}' => out.push('~'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SMALL, Size, study};
    use super::*;

    #[test]
    fn the_table_of_a_study() {
        let mut study = study(SMALL);
        study.effects.retain(|effect| ["flip", "noise"].contains(&effect.row.variant.as_str()));
        for effect in &mut study.effects {
            (effect.row.delta, effect.row.low, effect.row.high) = match effect.row.variant.as_str() {
                "flip" => (0.0213, 0.0079, 0.0331),
                _ => (-0.019, f64::NAN, f64::NAN),
            };
            (effect.row.p_adjusted, effect.row.n_seeds) = (0.0004, 5);
            effect.row.verdict =
                if effect.row.variant == "flip" { "helps" } else { "not enough evidence" }.into();
        }
        study.effects_method = "Paired by seed; 95 % interval.".into();
        let expected = r"% Effects on mAP of the study taco-augmentation, written by Ablatrix 2026-11-24 10:15 UTC.
% Needs \usepackage{booktabs}. Names in other scripts than Latin need XeLaTeX or LuaLaTeX and a font that has them.
\begin{table}
  \centering
  \caption{Change in mAP (average precision, mean over labels; higher is better) on the test part against ``none'', in points.}
  \label{tab:taco-augmentation-effects}
  \begin{tabular}{lrcrrl}
    \toprule
    Variant & Change & 95\,\% interval & $p$ & Seeds & Verdict \\
    \midrule
    flip & $+2.1$ & $[+0.8,\,+3.3]$ & $< 0.001$ & 5 & helps \\
    noise & $-1.9$ & no interval & $< 0.001$ & 5 & not enough evidence \\
    \bottomrule
  \end{tabular}

  \smallskip
  \begin{minipage}{\linewidth}\footnotesize
    Paired by seed; 95 \% interval. Changes within $\pm 0.5$ points count as no practical effect. Test part: 225 images. 3 variants could not be compared.
  \end{minipage}
\end{table}
";
        assert_eq!(effects_tex(&study), expected);
    }

    #[test]
    fn names_are_set_and_never_run() {
        let mut study = study(SMALL);
        study.name = "a}\n\\input{/etc/passwd}%\u{2028}x".into();
        study.effects[0].row.variant = "[2em] \\input{x} & 50% $x_1^2$ #~ --- `a' \n\\end{tabular}".into();
        let text = effects_tex(&study);
        assert!(
            text.contains(
                "    {[}2em{]} \\textbackslash{}input\\{x\\} \\& 50\\% \\$x\\_1\\textasciicircum{}2\\$ \\#\\textasciitilde{} \
                 {-}{-}{-} {`}a{'}  \\textbackslash{}end\\{tabular\\} & $"
            ),
            "{text}"
        );
        assert!(text.contains("\\label{tab:a---input--etc-passwd---x-effects}"), "{text}");
        // The name of the study stands in a comment, and ends no line of it.
        assert!(text.lines().next().unwrap().contains("input{/etc/passwd}% x, written"), "{text}");
        assert!(text.lines().skip(1).all(|line| !line.contains("passwd}")), "{text}");
    }

    #[test]
    fn a_large_study_fits_on_a_page_and_an_empty_one_is_a_comment() {
        let large = effects_tex(&study(Size { variants: 90, seeds: 2, labels: 3, epochs: 1 }));
        assert!(large.contains("\\multicolumn{6}{c}{49 variants are left out here} \\\\\n"), "{large}");
        assert_eq!(large.matches(" \\\\\n").count(), 42);
        let mut empty = study(SMALL);
        empty.effects.clear();
        assert!(effects_tex(&empty).lines().all(|line| line.starts_with('%')));
    }
}
