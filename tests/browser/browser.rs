//! A headless chromium with one page, and what a reader can do in it. Every wait is for a condition and ends.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::webdriver::Session;

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(15);
/// A usual screen of a desktop.
const DESKTOP: (u32, u32) = (1280, 900);

/// The keys that tests press.
pub mod keys {
    pub const TAB: &str = "\u{e004}";
    pub const ENTER: &str = "\u{e007}";
    pub const ESCAPE: &str = "\u{e00c}";
}

/// A browser of its own; closed when dropped.
pub struct Browser(Session);

impl Browser {
    /// With an empty page; `None`, and a line that says so, where there is no browser or none that is driven.
    pub fn new() -> Option<Self> {
        for program in ["chromium", "chromedriver"] {
            let mut asked = Command::new(program);
            let found = asked.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if !found.is_ok_and(|status| status.success()) {
                println!(
                    "skipped: `{program}` is not there: `apt-get install chromium chromium-driver` brings it"
                );
                return None;
            }
        }
        let browser = Browser(Session::start());
        browser.resize(DESKTOP.0, DESKTOP.1);
        Some(browser)
    }

    /// With this page, once its scripts have run.
    pub fn at(page: &Path) -> Option<Self> {
        let browser = Browser::new()?;
        browser.open(page);
        Some(browser)
    }

    /// Opens a page from disk.
    pub fn open(&self, page: &Path) {
        self.goto(&format!("file://{}", page.display()));
        self.until("the page is loaded", "return document.readyState === 'complete'");
    }

    /// Goes to an address.
    pub fn goto(&self, address: &str) {
        self.0.post("url", json!({"url": address}));
    }

    /// What a script returns; `arguments` are its arguments.
    #[track_caller]
    pub fn js(&self, script: &str, arguments: impl Into<Vec<Value>>) -> Value {
        self.0.post("execute/sync", json!({"script": script, "args": arguments.into()}))
    }

    /// What a script hands to its last argument.
    #[track_caller]
    pub fn js_later(&self, script: &str, arguments: impl Into<Vec<Value>>) -> Value {
        self.0.post("execute/async", json!({"script": script, "args": arguments.into()}))
    }

    /// Waits until a script returns something that is neither null, false nor empty text, and gives that.
    #[track_caller]
    pub fn until(&self, what: &str, script: &str) -> Value {
        let started = Instant::now();
        loop {
            let value = self.js(script, []);
            if !matches!(&value, Value::Null | Value::Bool(false)) && value != "" {
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
            std::thread::sleep(PAUSE);
        }
    }

    /// A command of the browser's developer tools.
    pub fn tools(&self, command: &str, parameters: Value) -> Value {
        self.0.post("goog/cdp/execute", json!({"cmd": command, "params": parameters}))
    }

    /// Gives the page this much room, in CSS pixels.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tools("Emulation.setDeviceMetricsOverride", size);
    }

    /// What the reader's system asks for: `light` or `dark`.
    pub fn prefer(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.tools("Emulation.setEmulatedMedia", features);
    }

    /// Clicks, as a pointer does, on the first element of a selector, once it lies still: what comes near the screen is drawn, and moves
    /// what is below.
    pub fn click(&self, selector: &str) {
        let settle = "const [selector, done] = arguments;
            const e = document.querySelector(selector);
            if (e === null) { done(false); return; }
            let [last, still] = ['', 0];
            const look = () => {
              const box = e.getBoundingClientRect();
              const place = `${box.x} ${box.y}`;
              still = place === last ? still + 1 : 0;
              last = place;
              if (still > 5) { done(true); return; }
              if (still === 0) e.scrollIntoView({block: 'center', inline: 'center'});
              requestAnimationFrame(look);
            };
            look()";
        assert_eq!(self.js_later(settle, [selector.into()]), true, "{selector}");
        let element = self.0.post("element", json!({"using": "css selector", "value": selector}));
        let id = element.as_object().and_then(|of| of.values().next()).and_then(Value::as_str).unwrap();
        self.0.post(&format!("element/{id}/click"), json!({}));
    }

    /// Brings the first element of a selector into sight, and moves the pointer over its middle.
    pub fn point_at(&self, selector: &str) {
        // Scrolling is over two frames later: a tooltip would go with its event.
        let middle = "const [selector, done] = arguments;
            const e = document.querySelector(selector);
            if (e === null) { done(null); return; }
            e.scrollIntoView({block: 'center', inline: 'center'});
            requestAnimationFrame(() => requestAnimationFrame(() => {
              const box = e.getBoundingClientRect();
              done([box.x + box.width / 2, box.y + box.height / 2].map(Math.round));
            }))";
        let place = self.js_later(middle, [selector.into()]);
        let [x, y] = [0, 1].map(|i| place[i].as_i64().unwrap_or_else(|| panic!("{selector}: {place}")));
        let to = |x: i64, y: i64| json!({"type": "pointerMove", "duration": 0, "origin": "viewport", "x": x, "y": y});
        // From beside it, so that the pointer moves wherever it was.
        let moves = json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [to(x + 1, y + 1), to(x, y)]});
        self.0.post("actions", json!({"actions": [moves]}));
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub fn press(&self, keys: &str) {
        let stroke =
            |key: char| ["keyDown", "keyUp"].map(|act| json!({"type": act, "value": key.to_string()}));
        let strokes: Vec<Value> = keys.chars().flat_map(stroke).collect();
        self.0.post("actions", json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]}));
    }

    /// Goes through the page, its tabs too, until all that is drawn or built once it comes near the screen is there.
    pub fn see_all(&self) {
        let n_tabs = "return Math.max(1, ...[...document.querySelectorAll('[role=tablist]')].map((list) => list.children.length))";
        for at in (0..self.js(n_tabs, []).as_u64().unwrap()).rev() {
            self.js(
                "for (const list of document.querySelectorAll('[role=tablist]')) list.children[Math.min(arguments[0], list.children.length - 1)].click()",
                [at.into()],
            );
            self.until(
                "every chart is drawn",
                "const has_room = (e) => e.clientWidth > 0;
                 const is_empty = (e) => e.childElementCount === 0 && !e.hidden;
                 const next = [...document.querySelectorAll('.chart, .js')].find((e) => has_room(e) && is_empty(e));
                 if (next) { next.scrollIntoView(); return false; }
                 scrollTo(0, 0);
                 return true",
            );
        }
    }

    /// Shows what is folded away or behind a tab, as print does.
    pub fn unfold(&self) {
        self.js(
            "for (const d of document.querySelectorAll('details')) d.open = true;
             for (const panel of document.querySelectorAll('[role=tabpanel]')) panel.hidden = false",
            [],
        );
    }

    /// Chooses the option of this text in a list.
    pub fn choose(&self, selector: &str, option: &str) {
        let chosen = self.js(
            "const select = document.querySelector(arguments[0]);
             const option = [...select.options].find((o) => o.text === arguments[1]);
             if (!option) return false;
             select.value = option.value;
             select.dispatchEvent(new Event('change', {bubbles: true}));
             return true",
            [selector.into(), option.into()],
        );
        assert_eq!(chosen, true, "`{option}` is no option of {selector}");
    }

    /// What the console has said since it was last asked, faults and warnings.
    pub fn console(&self) -> Vec<String> {
        self.log("browser")
    }

    /// The addresses that were asked for since they were last asked about; not those that hold their data themselves.
    pub fn requests(&self) -> Vec<String> {
        let events = self.log("performance").into_iter().map(|text| serde_json::from_str(&text).unwrap());
        let asked = events.filter_map(|event: Value| {
            let message = &event["message"];
            let is_request = message["method"] == "Network.requestWillBeSent";
            is_request.then(|| message["params"]["request"]["url"].as_str().unwrap().to_owned())
        });
        asked.filter(|address| !address.starts_with("data:")).collect()
    }

    fn log(&self, kind: &str) -> Vec<String> {
        let entries = self.0.post("se/log", json!({"type": kind}));
        let messages =
            entries.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().to_owned());
        messages.collect()
    }
}
