"""The real programs and a real Prometheus as child processes, on free ports."""

import json
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
USERS = [f"u{number}" for number in range(60)]
# Trials, staging and live recall have the lowest priority: where every core is
# busy with something else, they take long.
TIMEOUT_S = 240


def wait_for(what, done):
    """Returns the first true value of done(); in the end, says what is missing."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        value = done()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {TIMEOUT_S} s")


def write_data(folder, items=400):
    """Users like items whose number has the same remainder by 5."""
    folder.mkdir()
    with open(folder / "interactions.csv", "w") as file:
        file.write("user,item,timestamp\n")
        for user, key in enumerate(USERS):
            for i in range(20):
                item = (user % 5 + 5 * (i * (user + 3) % 60)) % items
                file.write(f"{key},i{item},{1700000000 + user * 1000 + i}\n")
    with open(folder / "items.csv", "w") as file:
        file.write("item,title,genres\n")
        for item in range(items):
            file.write(f"i{item},thing of kind {item % 5},kind{item % 5}|all\n")


class Program:
    """A child process with its output in a file; killed at the end."""

    def __init__(self, log, arguments):
        self.log = log
        with open(log, "w") as out:
            self.process = subprocess.Popen([str(a) for a in arguments], stdout=out,
                                            stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL)

    def find(self, pattern):
        """The group of a pattern, once the output has it."""
        def look():
            found = re.search(pattern, self.log.read_text())
            if not found and self.process.poll() is not None:
                raise AssertionError(f"ended: {self.log.read_text()}")
            return found
        return wait_for(f"{pattern!r} in {self.log.name}", look).group(1)

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Server(Program):
    def __init__(self, folder, binaries, *flags):
        self.bundles = folder
        folder.mkdir()
        super().__init__(folder.with_suffix(".server.log"), [
            binaries / "tributary-server", "--bundles", folder, "--listen", "127.0.0.1:0",
            "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", *flags])
        self.grpc = self.find(r"event=listening grpc=(\S+)")
        self.http = self.find(r"event=listening .*http=(\S+)")
        self.admin = self.find(r"event=listening .*admin=(\S+)")
        self.control = f"unix:{folder}/control.sock"

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.admin}/metrics") as reply:
            return reply.read().decode()

    def active(self):
        return int(re.search(r"^tributary_active_version (\d+)", self.metrics(),
                             re.MULTILINE).group(1))


class Prometheus(Program):
    """targets: {track: [address]}; without rules unless `rules` says so."""

    def __init__(self, folder, targets, rules=(), interval="200ms"):
        folder.mkdir()
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval,
                       "evaluation_interval": interval},
            "rule_files": [str(rule) for rule in rules],
            "scrape_configs": [{"job_name": "tributary", "static_configs": [
                {"targets": addresses, "labels": {"track": track}}
                for track, addresses in targets.items()]}]}
        # JSON is YAML.
        (folder / "prometheus.yml").write_text(json.dumps(config))
        super().__init__(folder.with_suffix(".log"), [
            "prometheus", f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0"])
        address = self.find('"Listening on" address=([0-9.:]+)')
        self.url = f"http://{address}"

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}") as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def query(self, expression):
        return self.get("query", query=expression)["result"]


class SmallDeployment:
    """A store, built versions, servers, loaders and Prometheus, in one folder."""

    def __init__(self, binaries):
        self.binaries = pathlib.Path(binaries).resolve()
        self.temporary = tempfile.TemporaryDirectory(prefix="tributary-deploy-")
        self.folder = pathlib.Path(self.temporary.name)
        self.built = self.folder / "built"
        self.programs = []

    def close(self):
        for program in self.programs:
            if program.process.poll() is None:
                program.process.kill()
            program.process.wait()
        self.temporary.cleanup()

    def run(self, *arguments, check=True):
        done = subprocess.run([str(self.binaries / "tributary"), *map(str, arguments)],
                              capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def build(self, version, *flags, items=400):
        data = self.folder / f"data-{version}"
        write_data(data, items)
        self.run("build", "--data", f"csv:{data}", "--out", self.built, "--version", version,
                 "--als.dim", 8, "--behavior.history.dim", 8, "--behavior.history.epochs", 5,
                 "--content.dim", 16, "--threads", 1, *flags)
        return self.built / str(version)

    def start(self, kind, name, *arguments, **options):
        program = kind(self.folder / name, *arguments, **options)
        self.programs.append(program)
        return program

    def server(self, name, *flags):
        return self.start(Server, name, self.binaries, *flags)

    def loader(self, server, store, *flags):
        return self.start(Program, f"{server.bundles.name}.loader.log", [
            self.binaries / "tributary-loader", "--store", store, "--bundles", server.bundles,
            "--control", server.control, "--poll-interval-ms", 50, *flags])

    def users_file(self):
        path = self.folder / "users.txt"
        path.write_text("\n".join(USERS) + "\n")
        return path
