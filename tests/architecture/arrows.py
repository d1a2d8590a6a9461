"""Reads the arrows between folders: those that ARCHITECTURE.md declares, those
that the sources include, and those that the CMake targets link.

The table of ARCHITECTURE.md is the only declaration. A row's folder may include
its own headers and those of the folders in the column "may include", and is
among the few that may include the outside headers in the column "alone with".
"""

import collections
import pathlib
import re

STUBS = "proto (stubs)"
# Folders whose code is in no row: they may include everything.
UNRULED = ("tests", "examples")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
GENERATED = re.compile(
    r"(tributary/v1|google/rpc|grpc/health/v1|opentelemetry/proto(?:/\w+)+)/\w+(\.grpc)?\.pb\.h")
# Headers of libraries that few folders may see, by the name that the table has.
OUTSIDE = {
    "gRPC": "grpcpp/",
    "GnuTLS": "gnutls/",
    "FAISS": "faiss/",
    "libcurl": "curl/",
    "Eigen": "Eigen/",
    "Highway": "hwy/",
    "LibTorch": "torch/",
    "yaml-cpp": "yaml-cpp/",
    "libmicrohttpd": "microhttpd.h",
    "prometheus-cpp": "prometheus/",
    "CLI11": "CLI/",
    "OpenSSL": "openssl/",
    "utf8proc": "utf8proc.h",
    "zlib": "zlib.h",
    "zstd": "zstd.h",
    "librdkafka": "librdkafka/",
    "hiredis": "hiredis/",
}

Row = collections.namedtuple("Row", "may_include alone_with")


def declared(architecture_md):
    """{folder: Row} of the table between the two comments "arrows"."""
    text = architecture_md.read_text()
    table = re.search(r"<!-- arrows: begin -->(.*)<!-- arrows: end -->", text, re.DOTALL)
    if not table:
        raise ValueError(f"{architecture_md}: no table between <!-- arrows: begin --> and end")
    rows = {}
    for line in table.group(1).strip().splitlines()[2:]:
        folder, _, may_include, alone_with = [cell.strip() for cell in line.strip("|").split("|")]
        rows[folder.strip("`").rstrip("/")] = Row(_names(may_include), _names(alone_with))
    return rows


def _names(cell):
    return {name.strip().strip("`").rstrip("/") for name in cell.split(",") if name.strip()}


def sources(root):
    """{folder: [path]} of C++ files that rows are about."""
    found = collections.defaultdict(list)
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        top = relative.parts[0]
        if path.suffix in (".cc", ".h") and top not in UNRULED and top != "build" \
                and not top.startswith(".") and len(relative.parts) > 1:
            found[str(relative.parent)].append(path)
    return found


def included(root, path):
    """The folders and the outside libraries that a file includes."""
    folders, outside = set(), set()
    own = str(path.relative_to(root).parent)
    for name in INCLUDE.findall(path.read_text()):
        generated = GENERATED.fullmatch(name)
        if generated:
            folders.add(STUBS if generated.group(2) else "proto")
        elif (root / name).is_file():
            folders.add(str(pathlib.PurePath(name).parent))
        else:
            outside |= {lib for lib, prefix in OUTSIDE.items() if name.startswith(prefix)}
    return folders - {own}, outside


def include_faults(root, rows):
    """What is included against the table, and what the table has for nothing."""
    faults = []
    used = collections.defaultdict(set)
    for folder, paths in sources(root).items():
        if folder not in rows:
            faults.append(f"{folder}/ has no row in the table of ARCHITECTURE.md")
            continue
        row = rows[folder]
        for path in paths:
            folders, outside = included(root, path)
            used[folder] |= folders | outside
            for wrong in sorted(folders - row.may_include):
                allowed = ", ".join(sorted(row.may_include)) or "nothing"
                faults.append(f"{path.relative_to(root)}: {folder} includes {wrong}, "
                              f"and {folder} may use {allowed}")
            for wrong in sorted(outside - row.alone_with):
                may = sorted(f for f, other in rows.items() if wrong in other.alone_with)
                faults.append(f"{path.relative_to(root)}: {folder} includes {wrong}, "
                              f"which is for {', '.join(may) or 'no folder'}")
    for folder, row in rows.items():
        if folder == "proto" or folder == STUBS:
            continue
        for name in sorted((row.may_include | row.alone_with) - used[folder]):
            faults.append(f"ARCHITECTURE.md: {folder} may use {name}, but does not")
    return faults


def circles(rows):
    """Each folder that reaches itself by arrows of the table."""
    reached = {folder: set(row.may_include) for folder, row in rows.items()}
    for _ in rows:
        for folder in reached:
            for other in list(reached[folder]):
                reached[folder] |= reached.get(other, set())
    return sorted(f"{folder} reaches itself" for folder in reached if folder in reached[folder])


def target_of(folder):
    if folder == STUBS:
        return "tributary_grpc"
    return "tributary_" + pathlib.PurePath(folder).name


def link_faults(root, rows):
    """Libraries whose DEPS are not the folders that their sources include."""
    faults = []
    targets = {target_of(folder): folder for folder in rows}
    for folder, paths in sources(root).items():
        cmake = root / folder / "CMakeLists.txt"
        library = cmake.is_file() and re.search(
            r"tributary_library\((\w+)(?:\s+SOURCES\s+([^)]*?))?(?:\s+DEPS\s+([^)]*))?\)",
            cmake.read_text())
        if not library:
            faults.append(f"{folder}/CMakeLists.txt: no tributary_library(...)")
            continue
        name, listed, deps = (library.group(1), (library.group(2) or "").split(),
                              library.group(3) or "")
        if name != target_of(folder):
            faults.append(f"{folder}: its target is {name}, expected {target_of(folder)}")
        linked = {targets[d] for d in deps.split() if d in targets}
        wanted = set()
        for path in paths:
            if path.suffix == ".h" or path.name in listed:
                wanted |= included(root, path)[0]
        for extra in sorted(linked - wanted):
            faults.append(f"{folder}: {name} links {target_of(extra)}, but includes nothing of {extra}")
        for missing in sorted(wanted - linked):
            faults.append(f"{folder}: {name} includes {missing}, but does not link {target_of(missing)}")
    return faults
