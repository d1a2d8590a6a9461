"""Checks that README.md shows the code that the examples have.

An excerpt of a source file under examples/ stands between the lines
"// README: begin" and "// README: end". README.md must have a ```cpp block that
equals it. Prints the difference to the block that is nearest, and exits with
status 1, where it has none.

    python3 tests/examples/readme_excerpts.py [REPOSITORY]
"""

import difflib
import pathlib
import re
import sys

BEGIN = "// README: begin\n"
END = "// README: end\n"


def excerpts(root):
    """Yields (name of the file, its excerpt)."""
    for path in sorted((root / "examples").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        for part in path.read_text().split(BEGIN)[1:]:
            text, end, _ = part.partition(END)
            if not end:
                sys.exit(f"{path}: a {BEGIN.strip()!r} without an end")
            yield str(path.relative_to(root)), text


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    readme = (root / "README.md").read_text()
    blocks = re.findall(r"^```cpp\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    checked = 0
    failed = False
    for name, text in excerpts(root):
        checked += 1
        if text in blocks:
            continue
        failed = True
        nearest = max(
            blocks,
            default="",
            key=lambda block: difflib.SequenceMatcher(None, block, text).ratio())
        print(f"README.md has no ```cpp block that equals the excerpt of {name}:")
        sys.stdout.writelines(
            difflib.unified_diff(
                nearest.splitlines(keepends=True),
                text.splitlines(keepends=True), "README.md", name))
    if checked == 0:
        sys.exit("examples/ has no excerpt: nothing was checked")
    sys.exit(1 if failed else 0)


main()
