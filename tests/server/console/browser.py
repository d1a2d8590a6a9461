"""A real Chromium without a window, driven by its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/
"""
import asyncio
import base64
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

try:
    import websockets
except ImportError:
    websockets = None

# How long anything may take before a test fails.
PATIENCE_S = 30

KEYS = {"Tab": 9, "Enter": 13, " ": 32}


def missing():
    """What is not installed, or None."""
    if shutil.which("chromium") is None:
        return "chromium"
    return "python3-websockets" if websockets is None else None


class Browser:
    """The program. Its profile is a directory that goes with it."""

    def __init__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="console-browser-")
        self._process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--disable-background-networking",
             "--disable-component-update", "--no-first-run", "--mute-audio",
             "--remote-debugging-port=0",
             f"--user-data-dir={self._profile.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port_file = pathlib.Path(self._profile.name) / "DevToolsActivePort"
        end = time.monotonic() + PATIENCE_S
        while True:
            lines = port_file.read_text().split() if port_file.exists() else []
            if len(lines) >= 2:
                break
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError("Chromium did not start")
            time.sleep(0.05)
        self._address = f"http://127.0.0.1:{lines[0]}"

    def open(self, url="about:blank"):
        request = urllib.request.Request(
            f"{self._address}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
            target = json.load(reply)
        page = Page(target["webSocketDebuggerUrl"])
        if url != "about:blank":
            page.open(url)
        return page

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # A process of Chromium's may still be writing.
        shutil.rmtree(self._profile.name, ignore_errors=True)


class Page:
    """A tab. It notes every request, and everything that the console says."""

    def __init__(self, address):
        self._loop = asyncio.new_event_loop()
        self._ids = 0
        self.requests = []
        self.complaints = []
        self._socket = self._run(self._connect(address))
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _run(self, awaitable):
        async def timed():
            return await asyncio.wait_for(awaitable, PATIENCE_S)
        return self._loop.run_until_complete(timed())

    @staticmethod
    async def _connect(address):
        return await websockets.connect(address, max_size=None,
                                        ping_interval=None)

    async def _exchange(self, number, method, params):
        await self._socket.send(json.dumps(
            {"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(await self._socket.recv())
            if message.get("id") == number:
                return message
            self._note(message.get("method"), message.get("params", {}))

    def _note(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded":
            entry = params["entry"]
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}")

    def call(self, method, **params):
        self._ids += 1
        reply = self._run(self._exchange(self._ids, method, params))
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]

    def open(self, url):
        """Loads a page from nothing, even if only its fragment differs."""
        self.call("Page.navigate", url="about:blank")
        self.wait("location.href === 'about:blank'")
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && "
                  "location.href !== 'about:blank'")

    def evaluate(self, expression):
        reply = self.call("Runtime.evaluate", expression=expression,
                          returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in reply:
            raise RuntimeError(f"{expression}: {reply['exceptionDetails']}")
        return reply["result"].get("value")

    def wait(self, condition):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                if self.evaluate(f"Boolean({condition})"):
                    return
            except RuntimeError as problem:
                # The page may be on its way to another one.
                if time.monotonic() > end:
                    raise AssertionError(condition) from problem
            if time.monotonic() > end:
                raise AssertionError(
                    f"did not come true: {condition}\n"
                    f"{self.evaluate('document.body.innerText')}\n"
                    f"{self.complaints}")
            time.sleep(0.02)

    def press(self, key, shift=False):
        event = {"key": key, "code": "Space" if key == " " else key,
                 "windowsVirtualKeyCode": KEYS[key],
                 "modifiers": 8 if shift else 0}
        text = {"Enter": "\r", " ": " "}.get(key)
        down = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent",
                  type="keyDown" if text else "rawKeyDown", **down, **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=width < 600)

    def dark(self, dark):
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])

    def screenshot(self, path):
        picture = self.call("Page.captureScreenshot",
                            captureBeyondViewport=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(picture["data"]))

    def close(self):
        self._run(self._socket.close())
        self._loop.close()
