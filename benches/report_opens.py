"""Opens a report in Debian's chromium: how long until it can be read, and how long choices take.

    cargo bench --bench report large.html
    pip install playwright==1.65.2
    python benches/report_opens.py large.html [ROUNDS]
"""

import pathlib
import statistics
import sys

from playwright.sync_api import sync_playwright

page_file = pathlib.Path(sys.argv[1]).resolve()
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5

DRAWN = "() => document.querySelector('[data-chart=forest] svg') !== null"
# From an action to the next frame that is painted.
TIMED = """async (act) => {
  const from = performance.now();
  (new Function(act))();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - from;
}"""
ACTIONS = {
    "sort the effects": "document.querySelector('table.of-variants thead button').click()",
    "choose a measure of the heat map": "const s = document.getElementById('heat-measure'); s.value = s.value === 'mean' ? 'delta' : 'mean'; s.dispatchEvent(new Event('change'))",
    "choose a label": "const s = document.getElementById('pick-label'); s.value = s.value === '3' ? '' : '3'; s.dispatchEvent(new Event('change'))",
    "open a tab": "document.getElementById('tab-numbers-tab').click()",
}

with sync_playwright() as play:
    browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.as_uri())
        ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        page.wait_for_function(DRAWN)
        page.evaluate("document.querySelector('[data-chart=forest]').scrollIntoView()")
        drawn = page.evaluate("performance.now()")
        times.setdefault("can be read", []).append(ready)
        times.setdefault("effects are drawn", []).append(drawn)
        page.evaluate("document.getElementById('labels').scrollIntoView()")
        page.wait_for_selector("#heat table")
        page.click("#tab-numbers-tab")
        page.wait_for_selector("#label-table table")
        for name, act in ACTIONS.items():
            times.setdefault(name, []).append(page.evaluate(TIMED, act))
        page.close()
    browser.close()
for name, of in times.items():
    print(f"{name:34} {statistics.median(of):7.0f} ms (largest {max(of):.0f})")
