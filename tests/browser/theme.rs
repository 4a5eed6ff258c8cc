//! Light and dark: as the system asks, or as the reader chooses, which is kept.

use serde_json::{Value, json};

use super::browser::Browser;
use super::studies::studies;

/// Colours as they are drawn: of the paper, of the text, of a mark of a chart, of a chart's axis.
const COLOURS: &str = "const of = (selector, what) => getComputedStyle(document.querySelector(selector))[what];
    return [of('body', 'backgroundColor'), of('body', 'color'),
      of('[data-chart=scores] svg g.mark-symbol.role-mark path', 'fill'), of('[data-chart=scores] svg g.role-axis-label text', 'fill')]";

/// How light a colour is, 0 to 255.
fn lightness(colour: &Value) -> f64 {
    let text = colour.as_str().unwrap();
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse::<f64>().ok());
    numbers.take(3).sum::<f64>() / 3.0
}

#[test]
fn the_page_is_light_or_dark_as_the_system_asks_or_the_reader_chooses() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::new() else { return };
    browser.prefer("light");
    browser.open(&studies.whole.page());
    browser.see_all();
    let button = "return document.getElementById('theme').textContent";
    let light = browser.js(COLOURS, []);
    assert!(lightness(&light[0]) > 200.0 && lightness(&light[1]) < 80.0, "{light}");
    browser.prefer("dark");
    let dark = browser.js(COLOURS, []);
    assert!(lightness(&dark[0]) < 50.0 && lightness(&dark[1]) > 180.0, "{dark}");
    for part in 0..4 {
        assert_ne!(light[part], dark[part], "charts change without being drawn anew");
    }
    assert_eq!(browser.js(button, []), "Theme: automatic");

    browser.click("#theme");
    assert_eq!(browser.js(button, []), "Theme: light");
    assert_eq!(browser.js(COLOURS, []), light);
    browser.prefer("light");
    browser.click("#theme");
    assert_eq!(browser.js(button, []), "Theme: dark");
    assert_eq!(browser.js(COLOURS, []), dark);

    // The choice is kept over a visit elsewhere.
    browser.goto("about:blank");
    browser.open(&studies.whole.page());
    browser.see_all();
    assert_eq!((browser.js(button, []), browser.js(COLOURS, [])), (json!("Theme: dark"), dark));
    browser.click("#theme");
    assert_eq!((browser.js(button, []), browser.js(COLOURS, [])), (json!("Theme: automatic"), light));
}
