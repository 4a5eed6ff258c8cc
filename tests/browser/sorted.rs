//! Tables are sorted by their heads and cut by their filters.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::browser::{Browser, keys};
use super::studies::studies;

/// Presses each head of a table twice, and gives for each press the head, its kind, `aria-sort`, and the cells of the column: those that
/// are sorted, as text and as the value that stands for it, and those that stay at the top.
const PRESS_ALL: &str = "const table = document.querySelectorAll('table.sortable')[arguments[0]];
    const found = [];
    table.querySelectorAll('thead th').forEach((head, column) => {
      if (!head.dataset.sort) return;
      for (let press = 0; press < 2; press += 1) {
        head.querySelector('button').click();
        const rows = [...table.tBodies[0].rows];
        const cell = (row) => [row.cells[column].textContent.trim(), row.cells[column].dataset.v ?? null];
        found.push({
          head: head.textContent.trim(), kind: head.dataset.sort, order: head.getAttribute('aria-sort'),
          others: [...table.querySelectorAll('thead th[aria-sort]')].filter((h) => h !== head && h.getAttribute('aria-sort') !== 'none').length,
          cells: rows.filter((row) => !row.classList.contains('total')).map(cell),
          fixed: rows.findIndex((row) => !row.classList.contains('total')),
          totals: rows.filter((row) => row.classList.contains('total')).length,
          rows: rows.map((row) => row.textContent).sort(),
        });
      }
    });
    return {caption: table.caption?.textContent ?? '', found}";

/// The number that a cell begins with, as a reader sees it: with a true minus, commas between thousands, behind `×` or `<`.
fn number(cell: &Value) -> Option<f64> {
    let given = cell[1].as_str().or(cell[0].as_str())?;
    let text = given.replace('−', "-").replace(',', "");
    let text = text.trim_start_matches(['×', '<', ' ', '+']);
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | 'e')).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[test]
fn every_column_sorts_both_ways() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::new() else { return };
    let mut negative = 0;
    for study in [&studies.whole, &studies.failed] {
        browser.open(&study.page());
        browser.see_all();
        let n_tables =
            browser.js("return document.querySelectorAll('table.sortable').length", []).as_u64().unwrap();
        assert!(n_tables >= 7, "{n_tables}");
        let mut kinds = [0, 0];
        for at in 0..n_tables {
            let table = browser.js(PRESS_ALL, [at.into()]);
            let caption = table["caption"].as_str().unwrap();
            let presses = table["found"].as_array().unwrap();
            assert!(!presses.is_empty(), "{caption}");
            for pair in presses.chunks(2) {
                let head = format!("{caption}: {}", pair[0]["head"]);
                let is_number = pair[0]["kind"] == "num";
                kinds[usize::from(is_number)] += 1;
                let first = if is_number { ["descending", "ascending"] } else { ["ascending", "descending"] };
                assert_eq!([&pair[0]["order"], &pair[1]["order"]], first, "{head}");
                assert_eq!(pair[0]["rows"], pair[1]["rows"], "{head}: no row comes or goes");
                for press in pair {
                    assert_eq!(press["others"], 0, "{head}: one order at a time");
                    let cells = press["cells"].as_array().unwrap();
                    assert!(
                        cells.is_empty() || press["fixed"] == press["totals"],
                        "{head}: totals stay at the top"
                    );
                    if is_number {
                        let values: Vec<Option<f64>> = cells.iter().map(number).collect();
                        negative += values.iter().flatten().filter(|value| **value < 0.0).count();
                        assert!(in_order(&values, press["order"] == "descending"), "{head}: {cells:?}");
                    }
                }
                if !is_number {
                    let [there, back] = [&pair[0], &pair[1]].map(texts);
                    assert!(there.iter().eq(back.iter().rev()), "{head}: {there:?} {back:?}");
                }
            }
        }
        assert!(kinds[0] >= 10 && kinds[1] >= 20, "columns of text and of numbers: {kinds:?}");
    }
    assert!(negative > 0, "no number with a minus was sorted");
}

/// The texts of a column that are sorted; what has none stays last whichever way round.
fn texts(press: &Value) -> Vec<String> {
    let cells = press["cells"].as_array().unwrap().iter().map(|cell| cell[0].as_str().unwrap());
    let (last, sorted): (Vec<_>, Vec<_>) =
        cells.enumerate().partition(|(_, text)| matches!(*text, "baseline" | "–"));
    assert!(last.iter().all(|(at, _)| *at >= sorted.len()), "{press}");
    sorted.into_iter().map(|(_, text)| text.to_owned()).collect()
}

/// Whether values are in order, those that are not there last whichever way round.
fn in_order(values: &[Option<f64>], descending: bool) -> bool {
    values.windows(2).all(|pair| match (pair[0], pair[1]) {
        (None, Some(_)) => false,
        (_, None) => true,
        (Some(a), Some(b)) => a.total_cmp(&b) != if descending { Ordering::Less } else { Ordering::Greater },
    })
}

#[test]
fn a_head_is_pressed_by_pointer_and_by_key() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.whole.page()) else { return };
    let order = "return document.querySelector('#runs th[aria-sort]').getAttribute('aria-sort')";
    browser.click("#runs th[aria-sort] button");
    assert_eq!(browser.js(order, []), "ascending");
    browser.js("document.querySelector('#runs th[aria-sort] button').focus()", []);
    browser.press(keys::ENTER);
    assert_eq!(browser.js(order, []), "descending");
}

#[test]
fn labels_are_filtered_and_the_heat_map_shows_what_is_chosen() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.whole.page()) else { return };
    browser.see_all();
    let rows = "return [...document.querySelectorAll('#label-table tbody tr')].map((tr) => [...tr.cells].map((td) => td.textContent.trim()))";
    let all = browser.js(rows, []);
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 3 * 4, "three labels in four variants");
    let kept =
        |column: usize, text: &str| all.iter().filter(|row| row[column] == text).cloned().collect::<Vec<_>>();
    browser.choose("#pick-label", "metal");
    assert_eq!(browser.js(rows, []), json!(kept(0, "metal")));
    browser.choose("#pick-variant", "flip");
    let one = browser.js(rows, []);
    assert_eq!(one.as_array().unwrap().len(), 1);
    assert_eq!((&one[0][0], &one[0][1]), (&json!("metal"), &json!("flip")));
    let said = browser.js("return document.querySelector('#label-table [aria-live]').textContent", []);
    assert_eq!(said, "1 of 1 rows");
    browser.choose("#pick-label", "All labels");
    browser.choose("#pick-variant", "All variants");
    browser.choose("#pick-verdict", "not enough evidence");
    let unsure = browser.js(rows, []);
    let expected = all.iter().filter(|row| row[8].as_str().unwrap().contains("not enough evidence")).count();
    assert_eq!(unsure.as_array().unwrap().len(), expected);

    let caption = "return document.querySelector('#heat caption').textContent";
    for (option, begin) in [
        ("Threshold, mean over seeds (0 to 1; chosen on the validation part)", "Threshold"),
        ("Change in AP (points)", "Change in AP"),
    ] {
        browser.choose("#heat-measure", option);
        let found = browser.js(caption, []);
        assert!(found.as_str().unwrap().starts_with(begin), "{found}");
    }
}
