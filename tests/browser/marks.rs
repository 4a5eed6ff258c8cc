//! What the pointer finds: tooltips over marks of charts and over cells of the heat map.

use super::browser::{Browser, keys};
use super::studies::studies;

/// The text of the tooltip, once it is seen.
const TIP: &str = "const tip = document.getElementById('tip'); return tip.hidden ? '' : tip.textContent";
const NO_TIP: &str = "return document.getElementById('tip').hidden";

#[test]
fn marks_of_charts_say_what_they_are() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.whole.page()) else { return };
    browser.see_all();
    let charts = [
        ("[data-chart=forest] svg g.mark-symbol.role-mark path", "variant"),
        ("[data-chart=scores] svg g.mark-symbol.role-mark path", "variant"),
        ("[data-chart=labels_per_image] svg g.mark-rect.role-mark path", "images"),
        ("[data-chart=balance] svg g.mark-symbol.role-mark path", "rows before"),
        ("[data-chart=curve-1] svg g.mark-symbol.role-mark path", "epoch"),
    ];
    for (mark, word) in charts {
        browser.point_at(mark);
        let said = browser.until(&format!("a tooltip over {mark}"), TIP);
        assert!(said.as_str().unwrap().contains(word), "{mark}: {said}");
        browser.press(keys::ESCAPE);
        browser.until("Escape closes the tooltip", NO_TIP);
    }
}

#[test]
fn cells_of_the_heat_map_say_their_numbers() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.whole.page()) else { return };
    browser.see_all();
    browser.point_at("#heat tbody tr:not(.total) td:nth-child(3)");
    let said = browser.until("a tooltip over a cell", TIP);
    let said = said.as_str().unwrap();
    let cell = browser
        .js("return document.querySelector('#heat tbody tr:not(.total) td:nth-child(3)').textContent", []);
    let number = cell.as_str().unwrap().trim_end_matches([' ', '▲', '▼']).to_owned();
    for word in ["variant ", "label metal", "change ", "verdict ", &number] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    // On the screen, wholly.
    let fits = "const box = document.getElementById('tip').getBoundingClientRect();
        return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight";
    assert_eq!(browser.js(fits, []), true);
    browser.point_at("#labels h2");
    browser.until("the tooltip goes with the pointer", NO_TIP);
}
