"""The Debian package: what is in it, that its units are confined, and that the
server starts from it.

    package_test.py PROGRAMS      the directory of the programs of this build

Needs dpkg-dev and systemd; lintian, where it is installed, must find no error.
"""
import gzip
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = 60
SKIPPED = 77
# Of `systemd-analyze security`, times ten.
MOST_EXPOSURE = 20
SERVICES = ("tributary-server.service", "tributary-loader.service")

programs = pathlib.Path()
scratch = pathlib.Path()


def run(*arguments, check=True, **options):
    done = subprocess.run(list(map(str, arguments)), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(
            f"{' '.join(map(str, arguments))}: {done.returncode}\n"
            f"{done.stdout}")
    return done


def build_package(out):
    run(ROOT / "package/build_package.py", programs, out)
    return sorted(out.glob("tributary_*.deb"))[0]


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deb = build_package(scratch / "built")
        cls.symbols = next(cls.deb.parent.glob("tributary-dbgsym_*.deb"))
        cls.root = scratch / "root"
        run("dpkg-deb", "--extract", cls.deb, cls.root)

    def field(self, name):
        return run("dpkg-deb", "--field", self.deb, name).stdout.strip()

    def unit(self, service):
        return self.root / "lib/systemd/system" / service

    def test_files(self):
        listed = {line.split()[-1] for line in
                  run("dpkg-deb", "--contents", self.deb).stdout.splitlines()}
        for name in ("tributary", "tributary-server", "tributary-loader"):
            self.assertIn(f"./usr/bin/{name}", listed)
            self.assertIn(f"./usr/share/man/man1/{name}.1.gz", listed)
        control = scratch / "control"
        run("dpkg-deb", "--control", self.deb, control)
        settings = {"/etc/tributary/server.yaml", "/etc/tributary/loader.yaml",
                    "/etc/tributary/loader.env"}
        self.assertEqual(set((control / "conffiles").read_text().split()),
                         settings)
        for name in settings:
            self.assertIn(f".{name}", listed)

    def test_it_depends_on_what_the_programs_load(self):
        depends = self.field("Depends")
        for library in ("libc6", "libgrpc++1.51", "libprotobuf32", "libcurl4"):
            self.assertRegex(depends, rf"(^|, ){re.escape(library)}\b")
        found = run("apt-get", "install", "--simulate",
                    "--no-install-recommends", self.deb, check=False)
        if "Unable to locate" not in found.stdout:
            self.assertEqual(found.returncode, 0, found.stdout)

    def test_gdb_finds_the_symbols(self):
        listed = run("dpkg-deb", "--contents", self.symbols).stdout
        for name in ("tributary", "tributary-server", "tributary-loader"):
            shown = run("readelf", "--notes", self.root / "usr/bin" / name)
            build_id = re.search("Build ID: ([0-9a-f]+)", shown.stdout)[1]
            self.assertIn(f"/usr/lib/debug/.build-id/{build_id[:2]}/"
                          f"{build_id[2:]}.debug", listed)

    def test_equal_programs_give_equal_packages(self):
        again = build_package(scratch / "again")
        self.assertEqual(again.name, self.deb.name)
        self.assertEqual(again.read_bytes(), self.deb.read_bytes())

    def test_manual_pages_can_be_shown(self):
        if not shutil.which("groff"):
            self.skipTest("there is no groff")
        for name in ("tributary", "tributary-server", "tributary-loader"):
            page = gzip.decompress(
                (self.root / f"usr/share/man/man1/{name}.1.gz").read_bytes())
            shown = subprocess.run(
                ["groff", "-mandoc", "-Tutf8", "-ww", "-rLL=250n"], input=page,
                capture_output=True, check=True)
            self.assertIn("--version", shown.stdout.decode())
            self.assertEqual(shown.stderr, b"")

    def test_lintian_finds_no_error(self):
        if not shutil.which("lintian"):
            self.skipTest("there is no lintian")
        run("lintian", "--fail-on", "error", "--allow-root", self.deb)

    def test_units_are_valid_and_confined(self):
        # Units that ours refer to, and what the unit's program is looked up in.
        shutil.copytree("/lib/systemd/system", self.root / "lib/systemd/system",
                        symlinks=True, dirs_exist_ok=True)
        for service in SERVICES:
            run("systemd-analyze", "verify", "--man=no", f"--root={self.root}",
                "--recursive-errors=no", self.unit(service))
            run("systemd-analyze", "security", "--offline=true",
                f"--root={self.root}", f"--threshold={MOST_EXPOSURE}",
                self.unit(service))

    def test_the_units_stop_the_server_later_than_it_drains(self):
        settings = (self.root / "etc/tributary/server.yaml").read_text()
        drain_ms = sum(int(re.search(rf"^  {name}: (\d+)$", settings, re.M)[1])
                       for name in ("drain_ms", "drain_delay_ms"))
        unit = self.unit(SERVICES[0]).read_text()
        stop_s = int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)[1])
        # What the server allows itself beyond both, and a reserve.
        self.assertGreaterEqual(stop_s * 1000, drain_ms + 3000 + 2000)

    def test_the_server_starts_with_the_settings_of_the_package(self):
        bundles = scratch / "bundles"
        bundles.mkdir()
        log = scratch / "server.log"
        with open(log, "w", encoding="utf-8") as output:
            server = subprocess.Popen(
                [self.root / "usr/bin/tributary-server", "--config",
                 self.root / "etc/tributary/server.yaml",
                 "--bundles", bundles, "--control",
                 f"unix:{bundles}/control.sock"] +
                [word for name in ("listen", "http", "admin")
                 for word in (f"--{name}", "127.0.0.1:0")],
                stdout=output, stderr=subprocess.STDOUT)
            try:
                end = time.monotonic() + PATIENCE_S
                while ("event=listening" not in log.read_text() and
                       server.poll() is None and time.monotonic() < end):
                    time.sleep(0.05)
                address = re.search(r"event=listening grpc=(\S+)",
                                    log.read_text())
                self.assertTrue(address, log.read_text())
                health = run(self.root / "usr/bin/tributary", "health",
                             address[1], check=False)
                self.assertEqual(health.returncode, 1)
                self.assertIn("not serving", health.stdout)
                server.terminate()
                self.assertEqual(server.wait(PATIENCE_S), 0)
            finally:
                server.kill()


def main():
    global programs, scratch
    programs = pathlib.Path(sys.argv.pop(1)).resolve()
    tools = [name for name in ("dpkg-shlibdeps", "objcopy", "systemd-analyze")
             if not shutil.which(name)]
    if tools:
        print(f"Skipped: missing: {' '.join(tools)}; "
              "apt-get install dpkg-dev binutils systemd")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="tributary-package-") as folder:
        scratch = pathlib.Path(folder)
        unittest.main()


if __name__ == "__main__":
    main()
