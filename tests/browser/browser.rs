//! A headless chromium with one page, and what a reader can do in it. Every wait is for a condition and ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use thirtyfour::{ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel};
use tokio::runtime::{Builder, Runtime};

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
pub struct Browser {
    runtime: Runtime,
    driver: Option<WebDriver>,
    service: Child,
}

impl Browser {
    /// With an empty page; `None`, and a line that says so, where there is no browser or none that is driven.
    pub fn new() -> Option<Self> {
        for program in ["chromium", "chromedriver"] {
            let found =
                Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if !found.is_ok_and(|status| status.success()) {
                println!(
                    "skipped: `{program}` is not there: `apt-get install chromium chromium-driver` brings it"
                );
                return None;
            }
        }
        // The client is built for TLS, although it speaks to this machine alone.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (service, port) = serve();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut browser = Browser { runtime, driver: None, service };
        let address = format!("http://127.0.0.1:{port}");
        let driver = browser.runtime.block_on(async { WebDriver::new(&address, capabilities()).await });
        browser.driver = Some(driver.unwrap());
        browser.runtime.block_on(browser.driver().set_script_timeout(4 * PATIENCE)).unwrap();
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
        self.runtime.block_on(self.driver().goto(address)).unwrap();
    }

    /// What a script returns; `arguments` are its arguments.
    pub fn js(&self, script: &str, arguments: impl Into<Vec<Value>>) -> Value {
        let returned = self.runtime.block_on(self.driver().execute(script, arguments.into()));
        returned.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// What a script hands to its last argument.
    pub fn js_later(&self, script: &str, arguments: impl Into<Vec<Value>>) -> Value {
        let returned = self.runtime.block_on(self.driver().execute_async(script, arguments.into()));
        returned.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
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
        self.runtime.block_on(self.driver().cdp().send_raw(command, parameters)).unwrap()
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

    /// Clicks, as a pointer does, on the first element of a selector.
    pub fn click(&self, selector: &str) {
        let click = async {
            let element = self.driver().find(By::Css(selector)).await?;
            element.scroll_into_view().await?;
            element.click().await
        };
        self.runtime.block_on(click).unwrap_or_else(|error| panic!("{selector}: {error}"));
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
        // From elsewhere, so that the pointer moves wherever it was.
        let chain = self
            .driver()
            .action_chain_with_delay(Some(Duration::ZERO), Some(Duration::ZERO))
            .move_to(x + 1, y + 1)
            .move_to(x, y);
        self.runtime.block_on(chain.perform()).unwrap();
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub fn press(&self, keys: &str) {
        let chain =
            self.driver().action_chain_with_delay(Some(Duration::ZERO), Some(Duration::ZERO)).send_keys(keys);
        self.runtime.block_on(chain.perform()).unwrap();
    }

    /// Scrolls along the page until all that is drawn or built once it comes near the screen is there.
    pub fn see_all(&self) {
        self.until(
            "every chart is drawn",
            "const is_open = (e) => e.clientWidth > 0;
             const is_empty = (e) => e.childElementCount === 0;
             const next = [...document.querySelectorAll('.chart, .js')].find((e) => is_open(e) && is_empty(e));
             if (next) { next.scrollIntoView(); return false; }
             scrollTo(0, 0);
             return true",
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
        let entries = self.runtime.block_on(self.driver().get_log(kind)).unwrap();
        entries.into_iter().map(|entry| entry.message).collect()
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            // One that does not answer is killed with its driver.
            let _ = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, driver.quit()).await });
        }
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

/// Starts a driver at a port that is free, and gives the port.
fn serve() -> (Child, u16) {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut service = command.spawn().unwrap();
    let mut said = BufReader::new(service.stdout.take().unwrap());
    let mut line = String::new();
    while said.read_line(&mut line).unwrap() > 0 {
        if let Some((_, port)) = line.trim_end().trim_end_matches('.').rsplit_once("successfully on port ")
            && let Ok(port) = port.parse()
        {
            // Left open: a driver whose output nobody takes would end.
            std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
            return (service, port);
        }
        line.clear();
    }
    let _ = service.kill();
    panic!("chromedriver ended before it told its port");
}

fn capabilities() -> thirtyfour::ChromeCapabilities {
    let mut wanted = DesiredCapabilities::chrome();
    for argument in [
        "--headless=new",
        // A container's root may not have one; the pages are our own.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-extensions",
        "--force-color-profile=srgb",
        "--lang=en",
        "--no-first-run",
    ] {
        wanted.add_arg(argument).unwrap();
    }
    for log in ["browser", "performance"] {
        wanted.set_logging_prefs(log.to_owned(), LoggingPrefsLogLevel::All).unwrap();
    }
    wanted
}
