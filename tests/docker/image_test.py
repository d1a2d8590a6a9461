"""The image: what is in it, and that it serves as containers are run by those
who trust nothing: another user, no capabilities, a root that cannot be written.

    image_test.py PROGRAMS      the directory of the programs of this build

Needs root, podman and runc: apt-get install podman runc conmon
"""
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
USER = 10001
IMAGE = "localhost/tributary-test:1"
MOST_BYTES = 120e6
PATIENCE_S = 60
# Open files and threads of a container.
MOST = 4096
SKIPPED = 77

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


def podman(*arguments, check=True):
    return run("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs",
               *arguments, check=check)


def wait_until(done, what):
    end = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come")
        time.sleep(0.05)


def build_image(out, *flags):
    """Without the cache, so that equal digests say something."""
    return run(ROOT / "docker/build_image.sh", programs, env={
        **os.environ, "IMAGE": IMAGE, "OUT": str(out), "TOOL": "podman",
        "FLAGS": " ".join(("--no-cache", *flags))})


def inspect_image():
    return json.loads(podman("image", "inspect", IMAGE).stdout)[0]


# What nobody needs is not given.
def confined(network="none"):
    flags = ["--network", network, "--read-only", "--read-only-tmpfs=false",
             "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
             "--user", USER, "--memory", "256m"]
    # podman's own are higher than a user without all rights may set.
    for name, number in (("nofile", resource.RLIMIT_NOFILE),
                         ("nproc", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(number)[1]
        limit = MOST if hard == resource.RLIM_INFINITY else min(MOST, hard)
        flags += ["--ulimit", f"{name}={limit}:{limit}"]
    return flags


class Container:
    def __init__(self, *arguments, network="none"):
        self.id = podman("run", "--detach", *confined(network),
                         *arguments).stdout.strip().splitlines()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        podman("rm", "--force", "--volumes", self.id)

    def log(self):
        return podman("logs", self.id, check=False).stdout

    def wait_for(self, text):
        wait_until(lambda: text in self.log() or not self.running(), text)
        if text not in self.log():
            raise AssertionError(f"it ended without {text}:\n{self.log()}")

    def state(self):
        return json.loads(podman("inspect", self.id).stdout)[0]["State"]

    def running(self):
        return self.state()["Running"]

    def exit_status(self):
        wait_until(lambda: not self.running(), "the end of a container")
        return self.state()["ExitCode"]

    def exec(self, *arguments):
        return podman("exec", self.id, *arguments, check=False)

    def healthy(self):
        """By the HEALTHCHECK of the image."""
        return podman("healthcheck", "run", self.id, check=False)


def make_directory(name, owner=USER):
    directory = scratch / name
    directory.mkdir()
    os.chown(directory, owner, owner)
    return directory


class Data:
    """Two versions of a small bundle, and a store."""

    def __init__(self):
        self.store = make_directory("store", os.getuid())
        data = make_directory("data")
        lines = ["user,item,timestamp"]
        for user in range(60):
            for i in range(20):
                item = (user % 5 + 5 * (i * (user + 3) % 60)) % 400
                lines.append(f"u{user},i{item},{1700000000 + user * 1000 + i}")
        (data / "interactions.csv").write_text("\n".join(lines) + "\n")
        self.built = scratch / "built"
        for version in (1, 2):
            run(programs / "tributary", "build", "--data", f"csv:{data}",
                "--out", self.built, "--version", version, "--als.dim", 8,
                "--behavior.history.dim", 8, "--behavior.history.epochs", 2)

    def publish(self, version):
        run(programs / "tributary", "publish", self.built / str(version),
            self.store)


class ImageContents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mount = pathlib.Path(podman("image", "mount", IMAGE).stdout.strip())

    @classmethod
    def tearDownClass(cls):
        podman("image", "unmount", IMAGE)

    def files(self):
        return [path for path in self.mount.rglob("*")
                if path.is_file() and not path.is_symlink()]

    def test_it_is_small(self):
        size = inspect_image()["Size"]
        print(f"counted: the image has {size / 1e6:.1f} MB")
        self.assertLessEqual(size, MOST_BYTES)

    def test_it_has_three_programs_and_no_shell(self):
        programs_of_it = {
            str(path.relative_to(self.mount)) for path in self.files()
            if path.stat().st_mode & 0o111}
        self.assertEqual(programs_of_it, {
            "usr/bin/tributary", "usr/bin/tributary-loader",
            "usr/bin/tributary-server", "usr/lib64/ld-linux-x86-64.so.2"})

    def test_programs_have_no_symbols_but_say_where_they_are(self):
        for name in ("tributary", "tributary-loader", "tributary-server"):
            sections = run("readelf", "--wide", "--sections",
                           self.mount / "usr/bin" / name).stdout
            self.assertNotIn(".debug_info", sections)
            self.assertIn(".gnu_debuglink", sections)
            symbols = scratch / "image/debug" / f"{name}.debug"
            self.assertIn(".debug_info", run(
                "readelf", "--wide", "--sections", symbols).stdout)

    def test_nobody_but_root_may_change_it(self):
        for path in (self.mount, *self.mount.rglob("*")):
            about = path.lstat()
            name = path.relative_to(self.mount)
            owner = USER if str(name) == "bundles" else 0
            self.assertEqual((about.st_uid, about.st_gid), (owner, owner), name)
            self.assertFalse(about.st_mode & (stat.S_ISUID | stat.S_ISGID),
                             name)
            if not path.is_symlink():
                self.assertFalse(about.st_mode & stat.S_IWOTH, name)

    def test_the_sbom_has_every_library_and_program(self):
        sbom_file = self.mount / "usr/share/doc/tributary/sbom.spdx.json"
        sbom = json.loads(sbom_file.read_text("utf-8"))
        self.assertEqual(sbom["spdxVersion"], "SPDX-2.3")
        self.assertEqual(sbom_file.read_bytes(),
                         (scratch / "image/sbom.spdx.json").read_bytes())
        listed = {file["fileName"].removeprefix("./"):
                  file["checksums"][1]["checksumValue"]
                  for file in sbom["files"]}
        found = {}
        for path in self.files():
            content = path.read_bytes()
            if content.startswith(b"\x7fELF"):
                found[str(path.relative_to(self.mount))] = hashlib.sha256(
                    content).hexdigest()
        self.assertEqual(found, listed)
        ids = [thing["SPDXID"]
               for thing in sbom["packages"] + sbom["files"]]
        self.assertEqual(len(ids), len(set(ids)))
        names = {package["name"] for package in sbom["packages"]}
        self.assertGreaterEqual(names,
                                {"tributary", "libc6", "libgrpc29", "uplot"})
        for package in sbom["packages"]:
            doc = self.mount / "usr/share/doc" / package["name"] / "copyright"
            self.assertTrue(doc.is_file(), doc)
            if package["name"] not in ("tributary", "uplot"):
                shown = run("dpkg-query", "--show", "--showformat",
                            "${Version}\n", package["name"]).stdout
                self.assertIn(package["versionInfo"], shown.splitlines())

    def test_it_trusts_the_authorities_that_debian_trusts(self):
        bundle = self.mount / "etc/ssl/certs/ca-certificates.crt"
        certificates = bundle.read_text("ascii").count("BEGIN CERTIFICATE")
        self.assertEqual(certificates, len(list(pathlib.Path(
            "/usr/share/ca-certificates/mozilla").glob("*.crt"))))

    def test_labels_and_settings(self):
        image = inspect_image()
        config = image["Config"]
        self.assertEqual(config["User"], f"{USER}:{USER}")
        self.assertEqual(set(config["Volumes"]), {"/bundles"})
        version = re.search(r"project\(tributary VERSION ([0-9.]+)",
                            (ROOT / "CMakeLists.txt").read_text())[1]
        labels = config["Labels"]
        self.assertEqual(labels["org.opencontainers.image.version"], version)
        self.assertEqual(labels["org.opencontainers.image.licenses"],
                         "Apache-2.0")
        self.assertIn("org.opencontainers.image.source", labels)
        revision = run("git", "-C", ROOT, "describe", "--always", "--dirty",
                       "--abbrev=12", check=False)
        if revision.returncode == 0:
            self.assertEqual(labels["org.opencontainers.image.revision"],
                             revision.stdout.strip())
        self.assertEqual(image["Healthcheck"]["Test"][:3],
                         ["CMD", "/usr/bin/tributary", "health"])

    def test_equal_programs_give_equal_digests(self):
        before = inspect_image()
        build_image(scratch / "again")
        after = inspect_image()
        self.assertEqual(before["RootFS"]["Layers"], after["RootFS"]["Layers"])
        self.assertEqual(before["Created"], after["Created"])
        self.assertEqual(before["Config"], after["Config"])


class Containers(unittest.TestCase):
    def test_publish_serve_retrieve_swap_stop(self):
        data = Data()
        bundles = make_directory("bundles")
        volume = ("--volume", f"{bundles}:/bundles")
        with Container(*volume, IMAGE) as server:
            server.wait_for("event=listening")
            sick = server.healthy()
            self.assertEqual(sick.returncode, 1, sick.stdout)
            self.assertEqual(server.exec("tributary", "health").returncode, 1)
            self.assertIn("not serving",
                          server.exec("tributary", "health").stdout)
            with Container(*volume, "--volume", f"{data.store}:/store:ro",
                           IMAGE, "tributary-loader", "--store", "/store",
                           "--bundles", "/bundles", "--control",
                           "unix:/bundles/control.sock",
                           "--poll-interval-ms", "50") as loader:
                for version in (1, 2):
                    data.publish(version)
                    loader.wait_for(f"event=activated version={version}")
                    found = server.exec("tributary", "retrieve", "u1", "-k", 3)
                    self.assertEqual(found.returncode, 0, found.stdout)
                    self.assertIn(f"bundle version {version}", found.stdout)
                well = server.healthy()
                self.assertEqual(well.returncode, 0, well.stdout)
                shown = server.exec("tributary", "control", "status")
                self.assertEqual(shown.returncode, 0, shown.stdout)
                for container in (loader, server):
                    self.assertNothingWritten(container)
                self.stop(loader)
            self.stop(server)
        owners = {path.lstat().st_uid for path in bundles.rglob("*")}
        self.assertEqual(owners, {USER})

    def assertNothingWritten(self, container):
        # podman itself mounts these, and what they are mounted on.
        own = {"/dev", "/proc", "/sys", "/run", "/run/.containerenv",
               "/run/secrets", "/etc", "/etc/hosts", "/etc/hostname",
               "/etc/resolv.conf", "/etc/passwd", "/etc/group", "/etc/mtab",
               "/store", "/bundles", "/tmp", "/var", "/var/tmp"}
        changed = {line.split(" ", 1)[1] for line in
                   podman("diff", container.id).stdout.splitlines() if line}
        self.assertLessEqual(changed, own)

    def stop(self, container):
        begin = time.monotonic()
        podman("kill", "--signal", "TERM", container.id)
        self.assertEqual(container.exit_status(), 0, container.log())
        self.assertIn("event=stopped", container.log())
        self.assertLess(time.monotonic() - begin, 15)

    def test_a_new_volume_belongs_to_the_user(self):
        with Container("--volume", "tributary-test-new:/bundles",
                       IMAGE) as server:
            server.wait_for("event=listening")

    def test_a_directory_of_another_user_is_refused_by_name(self):
        bundles = make_directory("foreign", owner=0)
        volume = ("--volume", f"{bundles}:/bundles")
        store = make_directory("foreign-store", owner=0)
        loader = ("--volume", f"{store}:/store:ro", IMAGE, "tributary-loader",
                  "--store", "/store", "--bundles", "/bundles")
        for arguments in ((IMAGE,), loader):
            with Container(*volume, *arguments) as container:
                self.assertEqual(container.exit_status(), 1)
                self.assertIn(f"user {USER}", container.log())
                self.assertIn("/bundles", container.log())

    def test_commands_take_no_more_processors_than_they_may_use(self):
        with Container("--cpus", "1", IMAGE, "tributary", "eval",
                       "--help") as shown:
            self.assertEqual(shown.exit_status(), 0)
            self.assertRegex(shown.log(), r"--threads \S+ in \[1 - 1024\]=1\s")

    def test_a_second_signal_ends_a_server_that_drains(self):
        with Container(IMAGE, "tributary-server", "--bundles", "/bundles",
                       "--control", "unix:/bundles/control.sock",
                       "--execution.drain_delay_ms", "60000") as server:
            server.wait_for("event=listening")
            podman("kill", "--signal", "TERM", server.id)
            server.wait_for("event=stopping")
            podman("kill", "--signal", "TERM", server.id)
            self.assertEqual(server.exit_status(), 143, server.log())

    def test_the_first_process_ends_by_a_signal(self):
        # Linux does not end the first process of a container by a signal that
        # it does not handle.
        out = make_directory("interrupted")
        with Container("--volume", f"{out}:/bundles", IMAGE, "tributary",
                       "build", "--data", "synthetic", "--out", "/bundles",
                       "--als.iterations", "1000") as build:
            wait_until(lambda: list(out.glob(".*")) or not build.running(),
                       "the build")
            self.assertTrue(build.running(), build.log())
            podman("kill", "--signal", "INT", build.id)
            self.assertEqual(build.exit_status(), 130, build.log())
        self.assertEqual([path.name for path in out.iterdir()], [])


def missing():
    """Why the test cannot run here."""
    if os.geteuid() != 0:
        return "this test needs root"
    tools = [name for name in ("podman", "runc", "conmon")
             if not shutil.which(name)]
    if tools:
        return f"missing: {' '.join(tools)}; apt-get install podman runc conmon"
    probe = subprocess.run(["podman", "info"], capture_output=True, text=True,
                           check=False)
    return f"podman info: {probe.stderr}" if probe.returncode else ""


def main():
    global programs, scratch
    programs = pathlib.Path(sys.argv.pop(1)).resolve()
    why = missing()
    if why:
        print(f"Skipped: {why}")
        sys.exit(SKIPPED)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="tributary-image-"))
    scratch.chmod(0o755)
    # Images and containers of this test are in a storage of its own.
    storage = scratch / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "overlay"\n'
                       f'graphroot = "{scratch}/graph"\n'
                       f'runroot = "{scratch}/run"\n')
    os.environ["CONTAINERS_STORAGE_CONF"] = str(storage)
    try:
        build_image(scratch / "image")
        unittest.main()
    finally:
        for command in (("rm", "--all", "--force"), ("volume", "prune", "-f"),
                        ("rmi", "--all", "--force")):
            podman(*command, check=False)
        run("umount", "--lazy", scratch / "graph/overlay", check=False)
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
