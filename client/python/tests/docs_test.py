"""Every snippet of the pages on Python runs.

The blocks ```python of a page run in order, in one namespace, in a directory of
their own. A block after <!-- not run: why --> is left out, and one after
<!-- needs: package --> runs where the package is.
"""
from __future__ import annotations

import importlib.util
import pathlib
import re

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
PAGES = [REPOSITORY / "client" / "python" / "README.md",
         *sorted((REPOSITORY / "docs" / "python").glob("*.md"))]
BLOCK = re.compile(
    r"(?:<!-- (not run|needs): ([^>]*?) -->\n)?```python\n(.*?)^```$", re.S | re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_snippets_run(page: pathlib.Path, tmp_path: pathlib.Path,
                      monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(text)
    assert len(blocks) == text.count("```python"), "a block is not closed"
    assert blocks
    namespace: dict[str, object] = {"__name__": "snippet"}
    for mark, what, code in blocks:
        if mark == "not run":
            continue
        if mark == "needs" and importlib.util.find_spec(what) is None:
            pytest.skip(f"the page's other blocks need {what}")
        # The line numbers of the page, in tracebacks.
        begin = text[:text.index(code)].count("\n")
        exec(compile("\n" * begin + code, str(page), "exec"), namespace)  # noqa: S102
