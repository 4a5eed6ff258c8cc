//! axe-core finds no serious or critical fault, in light and in dark.

use serde_json::{Value, json};

use super::browser::Browser;
use super::studies::{Studies, Written, studies};

const AXE: &str = include_str!("vendor/axe.min.js");
/// The faults that bar readers, each with where it stands.
const RUN: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, {resultTypes: ['violations']}).then((found) => done({
      rules: found.passes.length,
      faults: found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => ({
        rule: v.id, help: v.help, count: v.nodes.length,
        at: v.nodes.slice(0, 4).map((n) => `${n.target.join(' ')}: ${n.html.slice(0, 200)} ${n.failureSummary?.slice(0, 240)}`),
      })),
    }), (error) => done({rules: 0, faults: [String(error)]}))";

fn check(page: impl Fn(&Studies) -> &Written, scheme: &str) {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::new() else { return };
    browser.prefer(scheme);
    browser.open(&page(studies).page());
    browser.see_all();
    browser.unfold();
    browser.js(AXE, []);
    let found = browser.js_later(RUN, []);
    assert_eq!(found["faults"], json!([]), "{}", serde_json::to_string_pretty(&found).unwrap());
    assert!(found["rules"].as_u64().unwrap() > 20, "{found}");
}

#[test]
fn a_whole_study_in_light() {
    check(|studies| &studies.whole, "light");
}

#[test]
fn a_whole_study_in_dark() {
    check(|studies| &studies.whole, "dark");
}

#[test]
fn hostile_names_in_dark() {
    check(|studies| &studies.hostile, "dark");
}

#[test]
fn failed_runs_in_light() {
    check(|studies| &studies.failed, "light");
}

#[test]
fn studies_side_by_side_in_dark() {
    check(|studies| &studies.compared, "dark");
}

#[test]
fn the_checker_finds_a_fault_that_is_there() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.missing.page()) else { return };
    browser.js("document.querySelector('#theme').textContent = ''; document.querySelector('main').append(new Image())", []);
    browser.js(AXE, []);
    let found = browser.js_later(RUN, []);
    let rules: Vec<&Value> = found["faults"].as_array().unwrap().iter().map(|fault| &fault["rule"]).collect();
    assert!(rules.contains(&&json!("button-name")) && rules.contains(&&json!("image-alt")), "{found}");
}
