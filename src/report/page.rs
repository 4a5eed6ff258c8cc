//! Fills the template, closes the page with its Content-Security-Policy.
//!
//! Three walls stand between a name in the study and a script in the reader's browser: the template
//! escapes everything, data travels as JSON without a `<`, and the policy lets only the scripts and the
//! style run whose SHA-256 it lists; there is no `unsafe-inline` and no `unsafe-eval` (Vega's expressions
//! are interpreted).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::charts;
use super::scores::Scores;
use super::study::{RunState, Study};
use super::view::view;

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");
/// Charts and their language, and what every page does; in the order in which they run.
const COMMON: [&str; 9] = [
    include_str!("vendor/vega.min.js"),
    include_str!("vendor/vega-lite.min.js"),
    include_str!("vendor/vega-interpreter.js"),
    include_str!("page/theme.js"),
    include_str!("page/tables.js"),
    include_str!("page/filter.js"),
    include_str!("page/long.js"),
    // Before the charts: for print, panels open first, and what has no room is not drawn.
    include_str!("page/tabs.js"),
    include_str!("page/charts.js"),
];
/// What a report does beside that.
const OF_REPORT: [&str; 7] = [
    include_str!("page/choice.js"),
    include_str!("page/design.js"),
    include_str!("page/data.js"),
    include_str!("page/labels.js"),
    include_str!("page/answers.js"),
    include_str!("page/curves.js"),
    include_str!("page/runs.js"),
];
/// The parts of a report's template.
const PARTS: [(&str, &str); 6] = [
    ("data.html", include_str!("page/data.html")),
    ("attention.html", include_str!("page/attention.html")),
    ("augmented.html", include_str!("page/augmented.html")),
    ("contrasts.html", include_str!("page/contrasts.html")),
    ("cost.html", include_str!("page/cost.html")),
    ("mistakes.html", include_str!("page/mistakes.html")),
];

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A list per label has another length than the labels.
    #[error("`{list}` has `{found}` values, expected `{expected}`, one for each label")]
    Length {
        /// Which list.
        list: String,
        /// Its length.
        found: usize,
        /// The number of labels.
        expected: usize,
    },
    /// A run names a variant that the study does not list.
    #[error("run `{run}` is of variant `{variant}`, which is not among the study's variants")]
    UnknownVariant {
        /// The run.
        run: String,
        /// What it names.
        variant: String,
    },
    /// The template could not be filled.
    #[error("cannot fill the report's template")]
    Template(#[from] minijinja::Error),
    /// The charts' numbers could not be written as JSON.
    #[error("cannot write the charts' data")]
    Data(#[from] serde_json::Error),
}

/// What fills a template.
#[derive(Serialize)]
struct Context<'a, V> {
    policy: String,
    style: Value,
    scripts: Vec<Value>,
    data: Value,
    view: &'a V,
}

/// Makes the page of `study`: one HTML document that needs nothing beside it.
///
/// # Errors
/// Where `study` contradicts itself (a list per label of another length, a run of no variant).
pub fn page(study: &Study) -> Result<String, ReportError> {
    check(study)?;
    let scores = Scores::of(study);
    let payload = charts::payload(study, &scores);
    let view = view(study, &scores, &payload);
    let scripts = COMMON.into_iter().chain(OF_REPORT).collect();
    Shell { scripts, parts: &PARTS }.fill(TEMPLATE, &view, &payload)
}

/// What is the same on all pages: style, scripts, policy.
pub struct Shell {
    scripts: Vec<&'static str>,
    /// Templates that others include.
    parts: &'static [(&'static str, &'static str)],
}

impl Shell {
    /// For a page with tables and a forest plot.
    pub fn plain() -> Self {
        Shell { scripts: COMMON.to_vec(), parts: &[] }
    }

    /// One HTML document: `template` filled with `view`, and `payload` for its scripts.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn fill<V: Serialize, P: Serialize>(
        &self,
        template: &'static str,
        view: &V,
        payload: &P,
    ) -> Result<String, ReportError> {
        let context = Context {
            policy: self.policy(),
            style: Value::from_safe_string(STYLE.into()),
            scripts: self.scripts.iter().map(|&script| Value::from_safe_string(script.into())).collect(),
            data: Value::from_safe_string(json_for_html(payload)?),
            view,
        };
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        for (name, part) in self.parts {
            environment.add_template(name, part)?;
        }
        environment.add_template("page.html", template)?;
        Ok(environment.get_template("page.html")?.render(Serde(&context))?)
    }

    /// The Content-Security-Policy: nothing is fetched, and only what is listed runs.
    fn policy(&self) -> String {
        let scripts: Vec<String> = self.scripts.iter().map(|text| source_hash(text)).collect();
        format!(
            "default-src 'none'; img-src data:; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            source_hash(STYLE),
            scripts.join(" "),
        )
    }
}

fn check(study: &Study) -> Result<(), ReportError> {
    let expected = study.labels.len();
    let mut lists = vec![("data.before", &study.data.before), ("data.after", &study.data.after)];
    lists.extend(study.data.parts.iter().map(|p| (p.part.as_str(), &p.counts)));
    check_together(study)?;
    for (list, counts) in lists {
        let found = counts.positives.len();
        if found != expected {
            return Err(ReportError::Length { list: list.into(), found, expected });
        }
    }
    let names: std::collections::HashSet<&str> = study.variants.iter().map(|v| v.name.as_str()).collect();
    for run in &study.runs {
        if !names.contains(run.variant.as_str()) {
            return Err(ReportError::UnknownVariant { run: run.name.clone(), variant: run.variant.clone() });
        }
        if let RunState::Done(result) = &run.state
            && !result.thresholds.is_empty()
            && result.thresholds.len() != expected
        {
            let list = format!("thresholds of {}", run.name);
            return Err(ReportError::Length { list, found: result.thresholds.len(), expected });
        }
    }
    Ok(())
}

/// The square table of pairs is empty or has a row and a column for each label.
fn check_together(study: &Study) -> Result<(), ReportError> {
    let (expected, matrix) = (study.labels.len(), &study.data.together.matrix);
    let lengths = std::iter::once(matrix.len()).chain(matrix.iter().map(Vec::len));
    match lengths.into_iter().find(|&found| found != expected) {
        Some(found) if !matrix.is_empty() => {
            Err(ReportError::Length { list: "data.together.matrix".into(), found, expected })
        }
        _ => Ok(()),
    }
}

/// `'sha256-…'` of an inline script or style, as a policy lists it.
fn source_hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// JSON that cannot end the `<script>` element that it stands in.
fn json_for_html<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(value)?;
    Ok(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}
