#!/usr/bin/env python3
"""Assembles the root of the image from the three programs, built on Debian.

  assemble_root.py PROGRAMS OUT

PROGRAMS is the directory of tributary, tributary-server and tributary-loader.
The script writes

  OUT/root            the image's files: the programs without debug symbols,
                      their shared libraries, certificates, licences, a user
  OUT/bundles         the empty directory of the volume
  OUT/debug           NAME.debug, the symbols of each program, for gdb
  OUT/sbom.spdx.json  what is in the image, as SPDX 2.3; also in the image

Equal programs on a machine with equal packages give equal files. It reads
TRIBUTARY_VERSION, TRIBUTARY_REVISION and SOURCE_DATE_EPOCH of the environment
for the SBOM. It needs binutils and the Debian package ca-certificates.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

PROGRAMS = ("tributary", "tributary-loader", "tributary-server")
# The same number as in the Dockerfile.
USER = 10001
# Packages of which the image has files that are no libraries.
OTHER_PACKAGES = ("base-files", "ca-certificates")
# Without it, glibc asks DNS before it looks into /etc/hosts.
NSSWITCH = "hosts: files dns\n"
REPOSITORY = pathlib.Path(__file__).resolve().parents[1]


def fail(message):
    sys.exit(f"assemble_root.py: {message}")


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}, check=False)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, arguments))}: {done.stderr or done.stdout}")
    return done.stdout


def copy_program(source, root, debug):
    """Copies a program without its symbols, which go to a file of their own."""
    if not source.is_file():
        fail(f"{source}: no such program; make build builds it")
    symbols = debug / f"{source.name}.debug"
    target = root / "usr/bin" / source.name
    run("objcopy", "--only-keep-debug", source, symbols)
    run("strip", "--strip-all", "-o", target, source)
    run("objcopy", f"--add-gnu-debuglink={symbols}", target)
    target.chmod(0o755)


def libraries(programs):
    """The shared libraries: the name that the linker asks for, and the file."""
    found = {}
    for program in programs:
        for line in run("ldd", program).splitlines():
            if "not found" in line:
                fail(f"{program}: {line.strip()}; install its package")
            match = re.match(r"\s*(?:\S+ => )?(/\S+) \(0x", line)
            if match:
                path = pathlib.Path(match[1])
                found[path.name] = path.resolve()
    return dict(sorted(found.items()))


def packages_of(paths):
    """The name of the Debian package that has each of the files."""
    # Which of the two spellings dpkg knows depends on the package's age.
    spellings = {str(path): {str(path), str(path).removeprefix("/usr")}
                 for path in paths}
    done = subprocess.run(
        ["dpkg-query", "--search", *sorted(set().union(*spellings.values()))],
        text=True, capture_output=True, check=False)
    owners = {}
    for line in done.stdout.splitlines():
        names, _, path = line.partition(": ")
        owners[path] = names.split(",")[0].split(":")[0]
    found = {}
    for path, known in spellings.items():
        names = [owners[spelling] for spelling in known if spelling in owners]
        if not names:
            fail(f"{path}: no Debian package has this library, so that the "
                 f"image would lack its licence; link against Debian's")
        found[path] = names[0]
    return found


def about_package(name):
    fields = ("Package", "Version", "Architecture", "source:Package",
              "source:Version", "Maintainer", "Homepage")
    shown = run("dpkg-query", "--show", "--showformat",
                "\t".join(f"${{{field}}}" for field in fields) + "\n", name)
    return dict(zip(fields, shown.splitlines()[0].split("\t")))


def copy_libraries(wanted, root):
    """Copies the libraries to where the linker looks without a cache."""
    triplet = run("gcc", "-print-multiarch").strip() if shutil.which(
        "gcc") else run("dpkg-architecture", "-qDEB_HOST_MULTIARCH").strip()
    copied = {}
    for name, path in wanted.items():
        if name.startswith("ld-linux"):
            target = root / "usr/lib64" / name
        else:
            target = root / "usr/lib" / triplet / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        # The loader is a program, too.
        target.chmod(0o755 if name.startswith("ld-linux") else 0o644)
        copied[target] = path
    for name in ("lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    return copied


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)


def copy_certificates(root):
    """The certificates of the Debian package, none that a machine has added."""
    files = sorted(pathlib.Path("/usr/share/ca-certificates/mozilla").glob(
        "*.crt"))
    if not files:
        fail("there are no certificates: install ca-certificates")
    write(root / "etc/ssl/certs/ca-certificates.crt",
          "".join(file.read_text(encoding="ascii") for file in files))


def copy_licences(packages, root):
    doc = root / "usr/share/doc"
    for name in packages:
        copyright_file = pathlib.Path("/usr/share/doc") / name / "copyright"
        if not copyright_file.is_file():
            fail(f"{copyright_file}: missing, and the image must have it")
        write(doc / name / "copyright",
              copyright_file.read_text(encoding="utf-8", errors="replace"))
    write(doc / "tributary/copyright",
          (REPOSITORY / "LICENSE").read_text(encoding="utf-8"))
    write(doc / "uplot/copyright",
          (REPOSITORY / "server/console/uplot/LICENSE").read_text("utf-8"))
    for licence in sorted(pathlib.Path("/usr/share/common-licenses").iterdir()):
        target = root / "usr/share/common-licenses" / licence.name
        if licence.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(os.readlink(licence))
        else:
            write(target, licence.read_text(encoding="utf-8",
                                            errors="replace"))


def spdx_id(kind, name):
    name = name.replace("+", "plus").removeprefix("./")
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def checksums(path):
    content = path.read_bytes()
    return [{"algorithm": "SHA1",
             "checksumValue": hashlib.sha1(content).hexdigest()},
            {"algorithm": "SHA256",
             "checksumValue": hashlib.sha256(content).hexdigest()}]


def os_release():
    pairs = re.findall(r'^(\w+)="?([^"\n]*)"?$',
                       pathlib.Path("/etc/os-release").read_text("utf-8"), re.M)
    return dict(pairs)


def own_package(version, revision):
    return {
        "SPDXID": "SPDXRef-Package-tributary",
        "name": "tributary",
        "versionInfo": f"{version}+{revision}" if revision else version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "APPLICATION",
    }


def uplot_package():
    """The library for charts, which is compiled into tributary-server."""
    source = (REPOSITORY / "server/console/uplot/uPlot.iife.min.js"
              ).read_text("utf-8")
    about = re.match(r"/\*! (\S+) \(v([0-9.]+)\) \*/", source)
    if about is None:
        fail("server/console/uplot/uPlot.iife.min.js: its first line does not "
             "say its version")
    address, version = about.groups()
    return {
        "SPDXID": spdx_id("Package", "uplot"),
        "name": "uplot",
        "versionInfo": version,
        "supplier": "Person: Leon Sorokin",
        "homepage": address,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "MIT",
        "licenseDeclared": "MIT",
        "copyrightText": "Copyright (c) 2022 Leon Sorokin",
        "primaryPackagePurpose": "LIBRARY",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"pkg:npm/uplot@{version}",
        }],
    }


def debian_package(about):
    release = os_release()
    name, version = about["Package"], about["Version"]
    quoted = version.replace("+", "%2B").replace(":", "%3A").replace("~", "%7E")
    package = {
        "SPDXID": spdx_id("Package", name),
        "name": name,
        "versionInfo": version,
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "licenseComments": f"The image has /usr/share/doc/{name}/copyright.",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "LIBRARY",
        "sourceInfo": f"built from: {about['source:Package']} "
                      f"{about['source:Version']}",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator":
                f"pkg:deb/debian/{name.replace('+', '%2B')}@{quoted}"
                f"?arch={about['Architecture']}"
                f"&distro={release.get('ID', 'debian')}-"
                f"{release.get('VERSION_ID', '12')}",
        }],
    }
    if about["Homepage"]:
        package["homepage"] = about["Homepage"]
    return package


def add_verification_code(package, files, relations):
    """What SPDX asks for of a package whose files are listed."""
    contained = {relation["relatedSpdxElement"] for relation in relations
                 if relation["relationshipType"] == "CONTAINS"
                 and relation["spdxElementId"] == package["SPDXID"]}
    sums = sorted(file["checksums"][0]["checksumValue"] for file in files
                  if file["SPDXID"] in contained)
    package["packageVerificationCode"] = {
        "packageVerificationCodeValue":
            hashlib.sha1("".join(sums).encode()).hexdigest()}
    package["licenseInfoFromFiles"] = ["NOASSERTION"]


def make_sbom(root, programs, owners):
    """The document. `owners`: the Debian package of each copied library."""
    version = os.environ.get("TRIBUTARY_VERSION", "0")
    revision = os.environ.get("TRIBUTARY_REVISION", "")
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    names = sorted({*owners.values(), *OTHER_PACKAGES})
    packages = [own_package(version, revision)]
    packages += [debian_package(about_package(name)) for name in names]
    packages.append(uplot_package())
    by_id = {package["SPDXID"]: package for package in packages}
    files, relations = [], []

    def relate(one, kind, other):
        relations.append({"spdxElementId": one, "relationshipType": kind,
                          "relatedSpdxElement": other})

    def add_file(path, package):
        name = f"./{path.relative_to(root)}"
        files.append({"SPDXID": spdx_id("File", name), "fileName": name,
                      "checksums": checksums(path), "fileTypes": ["BINARY"],
                      "licenseConcluded": "NOASSERTION",
                      "copyrightText": "NOASSERTION"})
        relate(package, "CONTAINS", spdx_id("File", name))
        by_id[package]["filesAnalyzed"] = True

    relate("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Package-tributary")
    for program in programs:
        add_file(program, "SPDXRef-Package-tributary")
    for path, name in owners.items():
        add_file(path, spdx_id("Package", name))
    for name in sorted(set(owners.values())):
        relate("SPDXRef-Package-tributary", "DYNAMIC_LINK",
               spdx_id("Package", name))
    for name in OTHER_PACKAGES:
        relate("SPDXRef-Package-tributary", "DEPENDS_ON",
               spdx_id("Package", name))
    relate("SPDXRef-Package-tributary", "STATIC_LINK",
           spdx_id("Package", "uplot"))
    for package in packages:
        if package["filesAnalyzed"]:
            add_verification_code(package, files, relations)
    content = hashlib.sha256(
        json.dumps([packages, files], sort_keys=True).encode()).hexdigest()
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"tributary-{version}",
        "documentNamespace":
            f"https://spdx.org/spdxdocs/tributary-{version}-{content}",
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)),
            "creators": ["Tool: tributary-assemble_root"],
        },
        "packages": packages,
        "files": files,
        "relationships": relations,
    }


def set_times(root):
    """Not every builder sets the times of what it copies."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            os.utime(os.path.join(folder, name), (epoch, epoch),
                     follow_symlinks=False)
        os.chmod(folder, 0o755)
        os.utime(folder, (epoch, epoch))


def main():
    if len(sys.argv) != 3:
        fail("usage: assemble_root.py PROGRAMS OUT")
    built, out = map(pathlib.Path, sys.argv[1:])
    root, debug, bundles = out / "root", out / "debug", out / "bundles"
    for folder in (root, debug, bundles):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    (root / "usr/bin").mkdir(parents=True)
    for name in PROGRAMS:
        copy_program(built / name, root, debug)
    programs = [root / "usr/bin" / name for name in PROGRAMS]
    copied = copy_libraries(libraries(programs), root)
    packages = packages_of(copied.values())
    owners = {path: packages[str(source)] for path, source in copied.items()}
    copy_certificates(root)
    copy_licences(sorted({*owners.values(), *OTHER_PACKAGES}), root)
    write(root / "etc/passwd",
          f"tributary:x:{USER}:{USER}:Tributary:/nonexistent:/nonexistent\n")
    write(root / "etc/group", f"tributary:x:{USER}:\n")
    write(root / "etc/nsswitch.conf", NSSWITCH)
    sbom = json.dumps(make_sbom(root, programs, owners), indent=1) + "\n"
    write(out / "sbom.spdx.json", sbom)
    write(root / "usr/share/doc/tributary/sbom.spdx.json", sbom)
    set_times(root)
    bundles.chmod(0o755)
    set_times(bundles)
    size = sum(path.lstat().st_size for path in root.rglob("*"))
    print(f"{root}: {len(copied)} libraries of "
          f"{len(set(owners.values()))} Debian packages, "
          f"{size / 1e6:.1f} MB in all")


if __name__ == "__main__":
    main()
