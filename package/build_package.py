#!/usr/bin/env python3
"""Makes the Debian package from the three programs, built on this machine.

  build_package.py PROGRAMS OUT

PROGRAMS is the directory of tributary, tributary-server and tributary-loader.
OUT gets tributary_VERSION_ARCHITECTURE.deb and tributary-dbgsym_....deb, the
debug symbols, where gdb finds them; older packages there are removed.
Equal programs of one commit give equal packages. The environment may set
VERSION; the default is the project's, with "~git" and the commit while that is
no release. It needs dpkg-dev and binutils.
"""
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAMS = ("tributary", "tributary-loader", "tributary-server")
HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent
SUMMARIES = {
    "tributary": "builds, judges and publishes bundles, and calls servers",
    "tributary-loader": "brings published versions to a server",
    "tributary-server": "answers requests for candidates",
}


def fail(message):
    sys.exit(f"build_package.py: {message}")


def run(*arguments, **options):
    done = subprocess.run(list(map(str, arguments)), text=True, check=False,
                          capture_output=True, **options)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, arguments))}: {done.stderr or done.stdout}")
    return done.stdout


def git(*arguments):
    done = subprocess.run(["git", "-C", str(REPOSITORY), *arguments], text=True,
                          capture_output=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def version():
    if os.environ.get("VERSION"):
        return os.environ["VERSION"]
    project = re.search(r"^project\(tributary VERSION ([0-9.]+)",
                        (REPOSITORY / "CMakeLists.txt").read_text("utf-8"),
                        re.M)[1]
    if not git("rev-parse", "HEAD"):
        return project
    if git("tag", "--points-at", "HEAD", f"v{project}"):
        return project
    # "~" sorts before the release.
    day = git("log", "-1", "--format=%cd", "--date=format:%Y%m%d")
    return f"{project}~git{day}.{git('rev-parse', '--short=10', 'HEAD')}"


def epoch():
    return int(os.environ.get("SOURCE_DATE_EPOCH") or
               git("log", "-1", "--format=%ct") or 0)


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def install(source, target, mode=0o644):
    write(target, source.read_text(encoding="utf-8"), mode)


def write_compressed(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    path.chmod(0o644)


def copy_program(source, root, symbols):
    """The program without its symbols, which go where gdb looks for them."""
    if not source.is_file():
        fail(f"{source}: no such program; make build builds it")
    target = root / "usr/bin" / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    notes = run("readelf", "--notes", source)
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes)
    if not build_id:
        fail(f"{source}: it has no build id, by which gdb finds its symbols")
    debug = (symbols / "usr/lib/debug/.build-id" / build_id[1][:2] /
             f"{build_id[1][2:]}.debug")
    debug.parent.mkdir(parents=True, exist_ok=True)
    run("objcopy", "--only-keep-debug", source, debug)
    debug.chmod(0o644)
    run("strip", "--strip-all", "--remove-section=.comment",
        "--remove-section=.note", "-o", target, source)
    target.chmod(0o755)


def roff(text):
    """Text as it is, for a manual page."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def manual(program):
    """A manual page of what the program says of itself."""
    name = program.name
    helps = [run(program, "--help")]
    if name == "tributary":
        for command in re.findall(r"^  ([a-z-]+) ", helps[0].split(
                "Subcommands:")[1], re.M):
            if command != "help":
                helps.append(run(program, command, "--help"))
    day = time.strftime("%Y-%m-%d", time.gmtime(epoch()))
    page = [f'.TH {name.upper()} 1 "{day}" "tributary" "User Commands"',
            ".SH NAME", f"{roff(name)} \\- {SUMMARIES[name]}", ".SH SYNOPSIS",
            f".B {roff(name)}", "[\\fIOPTION\\fR]...", ".SH DESCRIPTION"]
    for text in helps:
        page += [".PP", ".nf", roff(text.strip()), ".fi"]
    if name != "tributary":
        short = name.removeprefix("tributary-")
        page += [".SH FILES", f".I /etc/tributary/{short}.yaml"]
    return "\n".join(page) + "\n"


def dependencies(programs):
    with tempfile.TemporaryDirectory() as folder:
        write(pathlib.Path(folder) / "debian/control",
              "Source: tributary\n\nPackage: tributary\nArchitecture: any\n")
        shown = run("dpkg-shlibdeps", "-O", *programs, cwd=folder)
    return re.search(r"shlibs:Depends=(.*)", shown)[1]


def copyright_text():
    return ("Format: https://www.debian.org/doc/packaging-manuals/"
            "copyright-format/1.0/\nUpstream-Name: tributary\n\n"
            "Files: *\nCopyright: 2026 the authors of Tributary\n"
            "License: Apache-2.0\n"
            " On Debian systems, the Apache License 2.0 is in\n"
            " /usr/share/common-licenses/Apache-2.0.\n\n"
            "Files: usr/bin/tributary-server\n"
            "Copyright: 2026 the authors of Tributary\n"
            "           2022 Leon Sorokin (uPlot, which is compiled in)\n"
            "License: Apache-2.0 and Expat\n"
            + "".join(f" {line}".rstrip() + "\n" if line else " .\n"
                      for line in uplot_licence().splitlines()))


def uplot_licence():
    return (REPOSITORY / "server/console/uplot/LICENSE").read_text("utf-8")


def changelog_text():
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(epoch()))
    return (f"tributary ({version()}) bookworm; urgency=medium\n\n"
            "  * See /usr/share/doc/tributary/CHANGELOG.md.gz.\n\n"
            " -- Tributary maintainers <maintainers@tributary.invalid>  "
            f"{date}\n")


def fill(root, symbols, built):
    """Lays out the files of both packages."""
    for name in PROGRAMS:
        copy_program(built / name, root, symbols)
    for name in PROGRAMS:
        write_compressed(root / f"usr/share/man/man1/{name}.1.gz",
                         manual(root / "usr/bin" / name))
    for name in ("server", "loader"):
        install(REPOSITORY / f"config/{name}.yaml",
                root / f"etc/tributary/{name}.yaml")
        install(HERE / f"tributary-{name}.service",
                root / f"lib/systemd/system/tributary-{name}.service")
    install(HERE / "loader.env", root / "etc/tributary/loader.env", 0o640)
    install(HERE / "tributary.sysusers",
            root / "usr/lib/sysusers.d/tributary.conf")
    for shell, path in (
            ("bash", "bash-completion/completions/tributary"),
            ("fish", "fish/vendor_completions.d/tributary.fish")):
        write(root / "usr/share" / path,
              run(root / "usr/bin/tributary", "completion", shell))
    doc = root / "usr/share/doc/tributary"
    write(doc / "copyright", copyright_text())
    write_compressed(doc / "changelog.gz", changelog_text())
    write_compressed(doc / "CHANGELOG.md.gz",
                     (REPOSITORY / "CHANGELOG.md").read_text("utf-8"))
    for page in sorted((REPOSITORY / "docs").glob("*.md")):
        install(page, doc / "docs" / page.name)
    install(REPOSITORY / "config/build.yaml", doc / "examples/build.yaml")
    install(REPOSITORY / "config/service_config.json",
            doc / "examples/service_config.json")
    other = symbols / "usr/share/doc/tributary-dbgsym"
    write(other / "copyright", copyright_text())
    write_compressed(other / "changelog.gz", changelog_text())


def installed_kib(root):
    return sum(-(-path.lstat().st_size // 1024) for path in root.rglob("*"))


def write_control(root, symbols, architecture):
    control = (HERE / "control.in").read_text("utf-8")
    values = {"VERSION": version(), "ARCHITECTURE": architecture,
              "SIZE": str(installed_kib(root)),
              "DEPENDS": dependencies([root / "usr/bin" / name
                                       for name in PROGRAMS])}
    for name, value in values.items():
        control = control.replace(f"@{name}@", value)
    write(root / "DEBIAN/control", control)
    write(root / "DEBIAN/conffiles", "".join(
        f"/{path.relative_to(root)}\n"
        for path in sorted((root / "etc").rglob("*")) if path.is_file()))
    for name in ("postinst", "prerm", "postrm"):
        install(HERE / name, root / "DEBIAN" / name, 0o755)
    write(symbols / "DEBIAN/control",
          f"Package: tributary-dbgsym\nVersion: {version()}\n"
          f"Architecture: {architecture}\n"
          f"Maintainer: Tributary maintainers "
          f"<maintainers@tributary.invalid>\n"
          f"Installed-Size: {installed_kib(symbols)}\n"
          f"Depends: tributary (= {version()})\n"
          f"Section: debug\nPriority: optional\n"
          f"Description: debug symbols for tributary\n"
          f" gdb finds them by the programs' build ids.\n")


def set_modes(root):
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            os.utime(os.path.join(folder, name), (epoch(), epoch()))
        os.chmod(folder, 0o755)
        os.utime(folder, (epoch(), epoch()))


def main():
    if len(sys.argv) != 3:
        fail("usage: build_package.py PROGRAMS OUT")
    if not shutil.which("dpkg-shlibdeps"):
        fail("there is no dpkg-shlibdeps: apt-get install dpkg-dev")
    built, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    architecture = run("dpkg", "--print-architecture").strip()
    for old in out.glob(f"tributary*_{architecture}.deb"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "tributary"
        symbols = pathlib.Path(folder) / "tributary-dbgsym"
        fill(root, symbols, built.resolve())
        write_control(root, symbols, architecture)
        for tree in (root, symbols):
            set_modes(tree)
            deb = out / f"{tree.name}_{version()}_{architecture}.deb"
            run("dpkg-deb", "--root-owner-group", "--build", "-Zxz", "-z1",
                tree, deb,
                env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch())})
            print(f"{deb}: {deb.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
