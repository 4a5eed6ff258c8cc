//! All that a pointer reaches, keys reach: the skip link, sections, heads of tables, lists, regions that scroll, tabs.

use serde_json::{Value, json};

use super::browser::{Browser, keys};
use super::studies::studies;

#[test]
fn the_first_tab_offers_the_answer() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.whole.page()) else { return };
    browser.press(keys::TAB);
    let skip =
        "const e = document.activeElement; return e.matches('.skip') && e.getBoundingClientRect().top >= 0";
    assert_eq!(browser.js(skip, []), true, "the first stop is the skip link, and it is seen");
    browser.press(keys::ENTER);
    let at = browser.until("the answer is reached", "return location.hash");
    assert_eq!(at, "#answer");
}

#[test]
fn tab_reaches_every_control_and_every_region_that_scrolls() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.whole.page()) else { return };
    browser.see_all();
    // Of tabs and radio buttons, one is a stop, and arrows go on from there.
    let wanted = "window.wanted = new Set([...document.querySelectorAll('a[href], button, select, input, summary, [tabindex]')]
          .filter((e) => e.checkVisibility() && !e.disabled && e.tabIndex >= 0));
        document.addEventListener('focusin', (event) => {
          window.wanted.delete(event.target);
          const outline = getComputedStyle(event.target);
          if (outline.outlineStyle === 'none' && !event.target.matches('.skip')) (window.unmarked ??= []).push(event.target.outerHTML.slice(0, 160));
        });
        return window.wanted.size";
    let n = browser.js(wanted, []).as_u64().unwrap();
    assert!(n > 60, "{n} stops");
    for _ in 0..=n / 40 {
        browser.press(&keys::TAB.repeat(44));
    }
    let left = browser.js("return [...window.wanted].map((e) => e.outerHTML.slice(0, 160))", []);
    assert_eq!(left, json!([]), "stops that Tab does not reach");
    let unmarked = browser.js("return window.unmarked ?? []", []);
    assert_eq!(unmarked, json!([]), "stops that do not show where the focus is");
}

#[test]
fn tabs_open_their_panels_by_pointer_and_by_arrows() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.whole.page()) else { return };
    browser.see_all();
    let lists = browser.js("return document.querySelectorAll('[role=tablist]').length", []).as_u64().unwrap();
    let state = "const list = document.querySelectorAll('[role=tablist]')[arguments[0]];
        return [...list.querySelectorAll('[role=tab]')].map((tab) => {
          const panel = document.getElementById(tab.getAttribute('aria-controls'));
          return {on: tab.getAttribute('aria-selected') === 'true', stop: tab.tabIndex >= 0, seen: panel.checkVisibility(),
            named: panel.getAttribute('role') === 'tabpanel' && panel.getAttribute('aria-labelledby') === tab.id};
        })";
    let one_is_open = |tabs: &Value, open: usize| {
        tabs.as_array().unwrap().iter().enumerate().all(|(at, tab)| {
            let is = at == open;
            tab["on"] == is && tab["seen"] == is && tab["stop"] == is && tab["named"] == true
        })
    };
    for list in 0..lists {
        let tabs = browser.js(state, [list.into()]);
        let n = tabs.as_array().unwrap().len();
        assert!(n >= 2 && one_is_open(&tabs, 0), "{tabs}");
        for at in (0..n).rev() {
            browser.js(
                "const tab = document.querySelectorAll('[role=tablist]')[arguments[0]].querySelectorAll('[role=tab]')[arguments[1]];
                 tab.scrollIntoView({block: 'center'}); tab.click()",
                [list.into(), at.into()],
            );
            let tabs = browser.js(state, [list.into()]);
            assert!(one_is_open(&tabs, at), "{at}: {tabs}");
            browser.see_all();
        }
        browser.js(
            "document.querySelectorAll('[role=tablist]')[arguments[0]].querySelector('[role=tab]').focus()",
            [list.into()],
        );
        browser.press("\u{e014}");
        let tabs = browser.js(state, [list.into()]);
        assert!(one_is_open(&tabs, 1), "an arrow goes to the next: {tabs}");
    }
}
