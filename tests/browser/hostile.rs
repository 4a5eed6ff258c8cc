//! Names that would be markup, quotes or controls are text on the page, wherever they stand.

use serde_json::{Value, json};

use super::browser::Browser;
use super::studies::{MARKUP, hostile_labels, studies};

#[test]
fn hostile_labels_show_as_text_everywhere() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.hostile.page()) else { return };
    browser.see_all();
    let names = |selector: &str| -> Vec<String> {
        let found = browser.js(
            "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)",
            [selector.into()],
        );
        found.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    for place in [
        "#heat thead th bdi",
        "#label-table tbody th bdi",
        "#data table.sortable tbody th bdi",
        "#data .heat.square thead th bdi",
        "#data .samples figcaption bdi",
    ] {
        let shown = names(place);
        for label in hostile_labels() {
            assert!(shown.contains(&label), "{place}: `{label}` is not among {shown:?}");
        }
    }
    browser.choose("#pick-label", MARKUP);
    assert!(names("#label-table tbody th bdi").iter().all(|label| label == MARKUP));
    let chart = names("[data-chart=balance] svg text");
    assert!(
        chart.iter().any(|text| MARKUP.starts_with(text.trim_end_matches('…')) && text.len() > 5),
        "{chart:?}"
    );

    let column = names("#heat thead th bdi").iter().position(|name| name == MARKUP).unwrap() + 2;
    browser.point_at(&format!("#heat tbody tr:not(.total) td:nth-child({column})"));
    let tip = browser.until(
        "a tooltip",
        "const tip = document.getElementById('tip'); return tip.hidden ? '' : tip.textContent",
    );
    assert!(tip.as_str().unwrap().contains(MARKUP), "{tip}");

    assert_eq!(names("h1"), ["<b id=bold>Which?</b> \"&amp;\""]);
    let taken = "return {ran: window.taken ?? null, images: document.querySelectorAll('img[src=x], #bold').length,
        scripts: document.querySelectorAll('script').length, events: document.querySelectorAll('[onerror], [onclick], [onload]').length}";
    let taken = browser.js(taken, []);
    assert_eq!(taken["ran"], Value::Null);
    assert_eq!((&taken["images"], &taken["events"]), (&json!(0), &json!(0)));
    browser.open(&studies.whole.page());
    let scripts = browser.js("return document.querySelectorAll('script').length", []);
    assert_eq!(taken["scripts"], scripts, "no script but the page's own");
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// A mark that turns the direction of writing ends with the name that holds it.
#[test]
fn right_to_left_marks_turn_nothing_but_their_name() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.hostile.page()) else { return };
    browser.see_all();
    let loose = browser.js(
        "const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
         const loose = [];
         while (walker.nextNode()) {
           const text = walker.currentNode;
           const inside = text.parentElement.closest('bdi, script, style, option, svg, pre');
           if (/[\\u202a-\\u202e\\u2066-\\u2069]/.test(text.data) && !inside) loose.push(text.parentElement.outerHTML.slice(0, 200));
         }
         return loose",
        [],
    );
    assert_eq!(loose, json!([]), "marks outside of an isolated name");
}
