//! One choice at the top narrows tables and charts to some variants.

use serde_json::json;

use super::browser::Browser;
use super::studies::studies;

/// Of the page: names in the tables of variants that show, rows of the heat map, names beside the marks of the chart of scores.
const SHOWN: &str = "const names = (of) => [...new Set(of)].sort();
    const rows = [...document.querySelectorAll('table.of-variants tbody tr:not(.reference)')].filter((row) => !row.hidden);
    return {
      tables: names(rows.map((row) => row.querySelector('th bdi').textContent)),
      heat: names([...document.querySelectorAll('#heat tbody tr:not(.total) th')].map((th) => th.textContent)),
      chart: names([...document.querySelectorAll('[data-chart=scores] svg text')].map((t) => t.textContent).filter((t) => t.includes('weights='))),
      said: document.querySelector('#filter [aria-live]').textContent,
    }";

/// Sets a control's value as a reader would, and lets the page take it in.
const CHOOSE: &str = "const control = document.querySelector(arguments[0]); control.value = arguments[1];
    control.dispatchEvent(new Event(control.tagName === 'INPUT' ? 'input' : 'change', {bubbles: true}))";

#[test]
fn the_value_of_an_axis_and_a_part_of_a_name_narrow_tables_and_charts() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.failed.page()) else { return };
    browser.see_all();
    let all = browser.js(SHOWN, []);
    let n_all = all["tables"].as_array().unwrap().len();
    assert_eq!(n_all, 6, "three arms with two kinds of weights: {all}");

    browser.js(CHOOSE, ["#filter-axis-0".into(), "0".into()]);
    browser.until(
        "three are left",
        "return document.querySelector('#filter [aria-live]').textContent.startsWith('3 of 6')",
    );
    let narrowed = browser.js(SHOWN, []);
    let kept = narrowed["tables"].as_array().unwrap();
    assert!(kept.iter().all(|name| name.as_str().unwrap().ends_with("weights=none")), "{narrowed}");
    assert_eq!(kept.len(), 3, "{narrowed}");
    assert!(narrowed["heat"].as_array().unwrap().iter().all(|name| kept.contains(name)), "{narrowed}");
    browser.until(
        "the chart follows",
        "return ![...document.querySelectorAll('[data-chart=scores] svg text')].some((t) => t.textContent.includes('empty'))",
    );

    browser.js(CHOOSE, ["#filter-name".into(), "fli".into()]);
    browser.until(
        "one is left",
        "return document.querySelector('#filter [aria-live]').textContent.startsWith('1 of 6')",
    );
    assert_eq!(browser.js(SHOWN, [])["tables"], json!(["flip/weights=none"]));

    browser.js(
        "[...document.querySelectorAll('#filter button')].find((b) => b.textContent === 'Show all').click()",
        [],
    );
    browser.until(
        "all are back",
        "return document.querySelector('#filter [aria-live]').textContent.startsWith('6 of 6')",
    );
    assert_eq!(browser.js(SHOWN, [])["tables"], all["tables"]);
}
