//! A page opens from disk, asks for nothing, draws its charts, fits the screen, and prints whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::browser::Browser;
use super::studies::studies;

/// Charts that have room on the page, as their kind, the number of their marks, and whether they say that there is nothing to draw.
const CHARTS: &str = "return [...document.querySelectorAll('.chart')].filter((e) => e.clientWidth > 0).map((e) => ({
    kind: e.dataset.chart,
    marks: e.querySelectorAll('svg g.role-mark > *').length,
    nothing: e.querySelector(':scope > p') !== null,
    broken: [...e.querySelectorAll('[d], [transform]')].some((m) => /NaN|undefined/.test(m.outerHTML.slice(0, 4000))),
}))";

#[test]
fn pages_load_from_disk_without_a_fault_or_a_request() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::new() else { return };
    browser.requests();
    for (name, study) in studies.all().into_iter().chain([("compared", &studies.compared)]) {
        browser.open(&study.page());
        browser.see_all();
        assert_eq!(browser.console(), Vec::<String>::new(), "{name}: the console is quiet");
        let asked = browser.requests();
        assert_eq!(asked, [format!("file://{}", study.page().display())], "{name}: only the page itself");
    }
    // What the test rests on: a fault and a request would have been seen.
    browser.js("console.error('a fault'); new Image().src = 'file:///nothing.png'", []);
    browser.until("the fault is logged", "return true");
    let said = browser.console().join("\n");
    assert!(said.contains("a fault") && said.contains("Content Security Policy"), "{said}");
}

#[test]
fn every_chart_is_drawn() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::new() else { return };
    for (name, study) in studies.all() {
        browser.open(&study.page());
        browser.see_all();
        browser.unfold();
        let charts = browser.js(CHARTS, []);
        let charts = charts.as_array().unwrap();
        assert!(charts.len() >= 10, "{name}: {charts:?}");
        for chart in charts {
            let is_drawn = chart["marks"].as_u64().unwrap() > 0 || chart["nothing"] == true;
            assert!(is_drawn && chart["broken"] == false, "{name}: {chart}");
        }
        let drawn = charts.iter().filter(|chart| chart["nothing"] == false).count();
        assert!(drawn >= 9, "{name}: {charts:?}");
    }
}

#[test]
fn pages_fit_phones_and_desktops() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::new() else { return };
    let too_wide = "const room = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= room) return null;
        const wide = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > room + 1 && !e.closest('.scroll, pre, .skip'));
        return {scrolls: document.documentElement.scrollWidth, room, wide: wide.slice(0, 6).map((e) => e.outerHTML.slice(0, 160))}";
    for (name, study) in studies.all().into_iter().chain([("compared", &studies.compared)]) {
        browser.open(&study.page());
        browser.see_all();
        browser.unfold();
        for width in [360, 414, 768, 1024, 1280] {
            browser.resize(width, 900);
            browser.until(
                "charts have the new width",
                "return [...document.querySelectorAll('.chart svg')].every((svg) => svg.getBoundingClientRect().width <= svg.closest('.chart').clientWidth + 1)",
            );
            assert_eq!(browser.js(too_wide, []), Value::Null, "{name} at {width} pixels");
        }
    }
}

#[test]
fn a_page_prints_whole_although_nobody_scrolled() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.whole.page()) else { return };
    let printed = browser.tools("Page.printToPDF", json!({"printBackground": true}));
    let pdf = STANDARD.decode(printed["data"].as_str().unwrap()).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    let text = String::from_utf8_lossy(&pdf);
    let pages = text.matches("/Type /Page\n").count();
    assert!(pages >= 4, "{pages} pages");
    let missing = browser.js(
        "return [...document.querySelectorAll('.chart')].filter((e) => e.childElementCount === 0).map((e) => e.dataset.chart)",
        [],
    );
    assert_eq!(missing, json!([]), "charts that were not drawn for the printer");
    for part in ["#heat table", "#label-table table", "#curves .chart svg"] {
        let found = browser.js("return document.querySelector(arguments[0]) !== null", [part.into()]);
        assert_eq!(found, true, "{part}");
    }
}
