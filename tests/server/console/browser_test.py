#!/usr/bin/env python3
"""The console in a real Chromium, on a real server with real bundles.

  browser_test.py PROGRAMS SCREENSHOTS

Titles, keys and brands are hostile: they must appear as text. Exits with 77,
which ctest takes as skipped, where Chromium is not installed.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import browser

PROGRAMS = pathlib.Path(sys.argv[1])
SCREENSHOTS = pathlib.Path(sys.argv[2])

ITEMS = 120
HOSTILE = [
    "<img src=x onerror=\"window.hit=1\">",
    "</script><script>window.hit=1</script>",
    "\u202eright to left\u202c, \u05e9\u05dc\u05d5\u05dd",
    "'\"`${window.hit=1}\\",
    "long " + "x" * 10_000,
    "javascript:window.hit=1//<svg/onload=window.hit=1>",
]
HOSTILE_KEY = "<b onmouseover=window.hit=1>"

VIEWS = {
    "lookup": "#lookup?user=u1&k=20&size=10",
    "why": "#why?user=u1&k=20&profile=none&item=i110",
    "compare": "#compare?user=u1&k=20&left-from=version:1"
               "&right-from=version:2",
    "sources": "#sources?span=life",
    "bundles": "#bundles",
    "now": "#now",
}
# What there is on a view once it has its answer.
READY = {
    "lookup": "document.querySelectorAll('ol.candidates li').length > 0",
    "why": "document.querySelector("
           "'section:not([hidden]) :is(article, .note)')",
    "compare": "document.getElementById('compared')",
    "sources": "document.querySelector('section:not([hidden]) table')",
    "bundles": "document.querySelector('section:not([hidden]) table')",
    "now": "document.querySelector('section:not([hidden]) canvas')",
}

# The texts of the page whose contrast is less than WCAG's AA asks for.
LOW_CONTRAST = """(() => {
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return {r, g, b, a};
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a), a: 1});
  const light = ({r, g, b}) => [r, g, b].map((c) => {
    const s = c / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    if (!element) return {r: 255, g: 255, b: 255, a: 1};
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own.a === 1 ? own : over(own, ground(element.parentElement));
  };
  const low = [];
  let seen = 0;
  for (const element of document.querySelectorAll('body *')) {
    const has = [...element.childNodes].some((node) =>
      node.nodeType === 3 && node.data.trim() !== '');
    if (!(has || ['INPUT', 'SELECT', 'TEXTAREA'].includes(element.tagName)) ||
        !element.checkVisibility()) continue;
    ++seen;
    const style = getComputedStyle(element);
    const behind = ground(element);
    const [a, b] = [light(over(rgba(style.color), behind)), light(behind)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      low.push(`${element.tagName} ${element.className} ` +
        `${element.textContent.slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
  }
  return {low, seen};
})()"""


def key(item):
    return HOSTILE_KEY if item == 7 else f"i{item}"


def write_data(directory):
    lines = ["user,item,time"]
    for user in range(80):
        for step in range(12):
            # The first items, whose titles are hostile, are everybody's.
            item = step if step < 8 and (user + step) % 3 else (
                user % 5 * 20 + user * 7 * step % 20)
            lines.append(f"u{user},{key(item)},{1_700_000_000 + step * 3600}")
    (directory / "interactions.csv").write_text("\n".join(lines) + "\n")
    rows = ["item,title,brand,price"]
    for item in range(ITEMS):
        title = HOSTILE[item] if item < len(HOSTILE) else f"Item no. {item}"
        quoted = title.replace('"', '""')
        rows.append(f'{key(item)},"{quoted}",brand {item % 4},{item}.5')
    (directory / "items.csv").write_text("\n".join(rows) + "\n")


def run(*arguments):
    done = subprocess.run([str(part) for part in arguments],
                          capture_output=True, text=True, check=False,
                          timeout=240)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Deployment:
    """A server with two versions, a label, profiles, and some calls made."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="console-test-")
        self._log = None
        self._server = None

    def start(self):
        root = pathlib.Path(self._directory.name)
        write_data(root)
        self.built = ""
        for version, extra in (("1", []), ("2", ["--seed", "7"])):
            self.built = run(
                PROGRAMS / "tributary", "build", "--data", f"csv:{root}",
                "--out", root / "bundles", "--version", version, *extra)
        (root / "server.yaml").write_text(
            "profiles:\n"
            "  - {name: cheap, share: 0.2, where: 'price < 60'}\n"
            "live_recall: {sample_share: 1}\n"
            # Other tests may run at the same time.
            "defaults: {deadline_ms: 60000}\n"
            "overload: {max_wait_ms: 60000, adaptive_limit: false, "
            "degrade: [none]}\n")
        self._log = open(root / "log", "w+", encoding="utf-8")
        control = f"unix:{root}/control.sock"
        self._server = subprocess.Popen(
            [PROGRAMS / "tributary-server", "--config", root / "server.yaml",
             "--bundles", root / "bundles", "--listen", "127.0.0.1:0",
             "--http", "127.0.0.1:0", "--admin", "off", "--control", control],
            stdout=self._log, stderr=subprocess.STDOUT)
        self.address = "http://" + self._wait_for(
            r"event=listening.* http=(\S+)")
        for command in (["stage", "1"], ["label", "canary", "1", "--share",
                                         "0.1"]):
            run(PROGRAMS / "tributary", "control", *command, "--control",
                control)
        for user in range(80):
            self.post("/v1/retrieve", {"userKey": f"u{user}", "k": 20})
        self.post("/v1/retrieve", {"k": 1_000_000})
        self.explains = self.post("/v1/explain", {
            "request": {"userKey": "u1"}, "itemKeys": ["i3"]}) != 404

    def _wait_for(self, pattern):
        end = time.monotonic() + 60
        while time.monotonic() < end and self._server.poll() is None:
            self._log.seek(0)
            found = re.search(pattern, self._log.read())
            if found:
                return found[1]
            time.sleep(0.05)
        raise RuntimeError("the server did not start")

    def post(self, path, body):
        request = urllib.request.Request(
            self.address + path, json.dumps(body).encode(),
            {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code

    def close(self):
        if self._server is not None:
            self._server.terminate()
            self._server.wait(60)
            self._log.close()
        self._directory.cleanup()


class ConsoleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deployment = Deployment()
        cls.addClassCleanup(cls.deployment.close)
        cls.deployment.start()
        cls.chromium = browser.Browser()
        cls.addClassCleanup(cls.chromium.close)

    def setUp(self):
        self.page = self.chromium.open()
        self.addCleanup(self.page.close)
        # What a script of a hostile title would set, or write to.
        self.page.call("Page.addScriptToEvaluateOnNewDocument",
                       source="window.hit = 0;")
        self.page.size(1280)

    def tearDown(self):
        # A last answer also brings the events before it.
        self.page.evaluate("0")
        if self.page.evaluate("location.href") != "about:blank":
            self.assertEqual(self.page.evaluate("window.hit"), 0)
        for url in self.page.requests:
            if not url.startswith("about:"):
                self.assertTrue(
                    url.startswith(self.deployment.address + "/"), url)
        # The browser itself says that the answer was 404.
        complaints = [complaint for complaint in self.page.complaints
                      if self.deployment.explains or
                      "/v1/explain" not in complaint]
        self.assertEqual(complaints, [])

    def show(self, view, fragment=None):
        self.page.open(self.deployment.address + "/console" +
                       (fragment or VIEWS[view]))
        self.page.wait(READY[view])

    def text(self, selector="section:not([hidden])"):
        return self.page.evaluate(
            f"document.querySelector({json.dumps(selector)}).innerText")

    def texts(self, selector):
        return self.page.evaluate(
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            ".map((element) => element.textContent)")

    def test_build_says_that_titles_become_an_attribute(self):
        self.assertRegex(self.deployment.built,
                         r"title +category +120 values")

    def test_a_link_shows_candidates_with_titles_sources_and_scores(self):
        self.show("lookup")
        self.assertEqual(
            len(self.texts("ol.candidates li")), 10)
        text = self.text()
        for part in ("version 2", "Sources, in order of priority", "Shortfall",
                     "popularity no. ", "why?"):
            self.assertIn(part, text)
        # Next and next again, until there is no further page.
        first = self.texts("ol.candidates .key")
        self.page.evaluate("document.querySelector('a.next').click()")
        self.page.wait("document.querySelector('ol.candidates .rank')"
                       ".textContent === '11'")
        second = self.texts("ol.candidates .key")
        self.assertFalse(set(first) & set(second))
        self.assertEqual(len(second), 10)
        self.assertEqual(self.texts("a.next"), [])

    def test_hostile_texts_appear_as_text(self):
        # Every item, since nothing is excluded.
        self.show("lookup", "#lookup?k=120&seen=1&where=price+%3C+1000")
        titles = self.texts("ol.candidates .title bdi")
        for hostile in HOSTILE:
            shown = hostile if len(hostile) <= 512 else hostile[:512] + "…"
            self.assertIn(shown, titles)
        self.assertIn(HOSTILE_KEY, self.texts("ol.candidates .key bdi"))
        for element in ("img", "svg", "b", "script"):
            self.assertEqual(self.page.evaluate(
                f"document.body.querySelectorAll('{element}').length"), 0)
        # What the address says is of others, too.
        hostile = urllib.parse.quote(HOSTILE[0])
        for fragment in (f"#lookup?user={hostile}&where={hostile}",
                         f"#why?item={hostile}&profile={hostile}",
                         f"#compare?left-from={hostile}&quotas={hostile}",
                         f"#{hostile}", f"#lookup?more={hostile}"):
            self.page.open(self.deployment.address + "/console" + fragment)
            self.page.wait("document.querySelector('.error, .note') || "
                           "location.hash.startsWith('#%')")
            self.assertEqual(self.page.evaluate(
                "document.body.querySelectorAll('img').length"), 0)
        # The server refused those requests, and the browser says so.
        self.page.complaints = [
            complaint for complaint in self.page.complaints
            if "status of 40" not in complaint]

    def test_the_policy_forbids_to_make_elements_of_text(self):
        self.show("lookup")
        self.assertTrue(self.page.evaluate(
            "(() => { try { document.body.innerHTML = '<p>'; return false; }"
            " catch { return true; } })()"))
        # The browser tells of what was tried.
        self.page.complaints.clear()
        self.page.evaluate(
            "fetch('http://127.0.0.1:1/').then(() => 0, () => 0)")
        self.assertTrue(any("Content Security Policy" in complaint
                            for complaint in self.page.complaints))
        self.page.complaints.clear()
        self.page.requests = [url for url in self.page.requests
                              if not url.startswith("http://127.0.0.1:1/")]

    def test_errors_name_the_field(self):
        self.show("lookup")
        for fragment, message in (
                ("#lookup?k=1000000", "k: "),
                ("#lookup?k=5&quotas=nonsense", "expected source=count"),
                ("#lookup?k=5&quotas=nonsense%3D5", "nonsense"),
                ("#lookup?k=5&more=%5B", "Further fields"),
                ("#lookup?k=5&from=version:99", "99"),
                ("#compare?k=5&where=%28", "where")):
            self.page.open(self.deployment.address + "/console" + fragment)
            self.page.wait("document.querySelector('.error')")
            self.assertIn(message, self.text(".error"))
        self.page.complaints.clear()

    def test_why_not(self):
        self.show("why")
        text = self.text()
        if not self.deployment.explains:
            self.assertIn("This server has no Explain", text)
            return
        self.assertIn("What each source makes of it", text)
        self.show("why", "#why?user=u1&profile=cheap&item=i110")
        self.assertIn("price < 60", self.text("article table"))
        self.show("why", "#why?user=u1&profile=none&item=i3")
        self.assertIn("The user has already had it", self.text())
        # The change that it offers brings the item in.
        self.page.evaluate("document.querySelector('article a.button').click()")
        self.page.wait(READY["lookup"])
        self.assertIn("i3", self.texts("ol.candidates .key bdi"))

    def test_a_lookup_leads_to_why_and_to_compare(self):
        self.show("lookup", "#lookup?user=u1&k=20&where=price+%3C+60")
        href = self.page.evaluate(
            "document.querySelector('.candidates a').getAttribute('href')")
        for part in ("#why?", "user=u1", "where=price", "version%3A2", "item="):
            self.assertIn(part, href)
        self.page.evaluate(
            "[...document.querySelectorAll('a.button')]"
            ".find((link) => link.textContent === 'Compare').click()")
        self.page.wait(READY["compare"])
        self.assertIn("20 items in both", self.text())

    def test_compare_two_versions_and_two_profiles(self):
        self.show("compare")
        text = self.text()
        self.assertRegex(text, r"\d+ items in both")
        self.assertRegex(text, r"overlap [0-9.]+")
        self.assertEqual(len(self.texts(".pair ol")), 2)
        in_both, left, right = (int(number) for number in re.search(
            r"(\d+) items in both\s+(\d+) only left\s+(\d+) only right",
            text).groups())
        self.assertEqual(in_both + left, 20)
        self.assertEqual(in_both + right, 20)
        self.assertEqual(len(self.texts(".pair li.alone")), left + right)
        self.show("compare", "#compare?user=u1&k=20&where=price+%3E+30"
                             "&left-profile=none&right-profile=cheap")
        self.assertIn("profile cheap", self.text())

    def test_sources(self):
        self.show("sources")
        text = self.text()
        for part in ("popularity", "Live recall", "Overlap", "Shortfalls"):
            self.assertIn(part, text)
        self.assertNotIn("NaN", text)
        self.page.evaluate("document.getElementById('span-hour').click()")
        self.page.wait("location.hash === '#sources?span=hour' && "
                       "document.body.innerText.includes('minutes.')")

    def test_bundles(self):
        self.show("bundles")
        text = self.text()
        for part in ("version 2 since", "canary", "10 %", "cheap", "20 %",
                     "No loader has reported", "Item sets", "active"):
            self.assertIn(part, text)

    def test_now(self):
        self.show("now")
        self.page.wait("document.querySelectorAll('canvas').length === 6")
        text = self.text()
        for part in ("Latency in ms", "Live recall", "service level",
                     "all of it", "memory of the server"):
            self.assertIn(part, text)
        answered = self.page.evaluate(
            "[...document.querySelectorAll('.tile')].find((tile) => "
            "tile.textContent.includes('answered since'))"
            ".querySelector('.value').textContent")
        self.assertGreaterEqual(int(answered), 80)
        for label in self.page.evaluate(
                "[...document.querySelectorAll('.chart')]"
                ".map((chart) => chart.getAttribute('aria-label'))"):
            self.assertIn("Last: ", label)

    def test_a_lookup_by_keyboard_alone(self):
        self.page.open(self.deployment.address + "/console")
        self.page.wait("document.querySelector('form select option')")
        self.page.press("Tab")
        self.assertEqual(self.focus(), "skip")
        self.tab_to("document.activeElement.name === 'user'")
        self.assertNotEqual(self.page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle"), "none")
        self.page.type("u3")
        self.page.press("Enter")
        self.page.wait(READY["lookup"])
        self.assertIn("user=u3", self.page.evaluate("location.hash"))
        self.assertEqual(self.focus(), "user")
        self.assertRegex(self.text("#announcement"), r"\d+ candidates")
        # To the reason of a candidate, and there.
        self.tab_to("document.activeElement.textContent === 'why?'")
        self.page.press("Enter")
        self.page.wait("document.activeElement.id === 'main'")
        self.page.wait(READY["why"])
        # Past the navigation.
        self.page.evaluate("document.activeElement.blur()")
        self.page.open(self.deployment.address + "/console")
        self.page.press("Tab")
        self.page.press("Enter")
        self.page.wait("document.activeElement.id === 'main'")
        self.assertEqual(self.page.evaluate("location.hash"), "")

    def focus(self):
        return self.page.evaluate(
            "document.activeElement.id.startsWith('f')"
            " ? document.activeElement.name : document.activeElement.id")

    def tab_to(self, condition):
        for _ in range(60):
            if self.page.evaluate(condition):
                return
            self.page.press("Tab")
        self.fail(f"the tabulator does not lead there: {condition}")

    def test_every_view_is_legible_on_a_phone_and_in_the_dark(self):
        for width in (1280, 360):
            self.page.size(width)
            for view in VIEWS:
                self.show(view)
                self.page.evaluate(
                    "document.querySelectorAll('section:not([hidden]) details')"
                    ".forEach((each) => { each.open = true; })")
                for dark in (False, True):
                    with self.subTest(view=view, dark=dark, width=width):
                        self.page.dark(dark)
                        self.look_at(view, dark, width)

    def look_at(self, view, dark, width):
        self.assertLessEqual(
            self.page.evaluate("document.documentElement.scrollWidth"), width)
        found = self.page.evaluate(LOW_CONTRAST)
        self.assertGreater(found["seen"], 15)
        self.assertEqual(found["low"], [])
        # Every control has a name.
        self.assertEqual(self.page.evaluate(
            "[...document.querySelectorAll('input, select, textarea, button')]"
            ".filter((each) => each.labels && each.labels.length === 0 && "
            "each.textContent === '').map((each) => each.outerHTML)"), [])
        self.page.screenshot(SCREENSHOTS / (
            f"{view}-{'dark' if dark else 'light'}-{width}.png"))


if __name__ == "__main__":
    what = browser.missing()
    if what is not None:
        print(f"Skipped: {what} is not installed; scripts/install_deps.sh test "
              "installs it.")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
