"""Bundles are built of tables, judged and served."""
from __future__ import annotations

import pathlib

import pytest

import tributary
from conftest import FAST, ITEMS, USERS, interaction_columns, item_columns


def test_a_bundle_says_what_it_is(bundle: tributary.Bundle) -> None:
    assert bundle.path.name == "1" and bundle.version == 1
    assert (bundle.items, bundle.users) == (ITEMS, USERS)
    assert "content" in bundle.sources and bundle.recall["fused"][100] > 0
    assert any("genres" in line and "tags" in line for line in bundle.understood)
    assert any("ISO 8601" in line for line in bundle.understood)
    assert "400 items" in bundle.summary() and bundle.size > 10000
    assert "behavior" in bundle.inspect()
    bundle.verify()
    assert bundle.keys("users")[0] == "u0" and len(bundle.keys()) == ITEMS
    assert bundle.titles(["v7"]) == {"v7": 'The "7th" thing, of kind 2'}
    assert len(bundle.titles()) == ITEMS
    assert tributary.Bundle.open(bundle.path).manifest == bundle.manifest
    with pytest.raises(FileNotFoundError, match="no manifest.json"):
        tributary.Bundle.open(bundle.path.parent)


def test_evaluate(bundle: tributary.Bundle, tmp_path: pathlib.Path) -> None:
    lines: list[str] = []
    measured = tributary.evaluate(bundle, k=(20, 100), progress=lines.append,
                                  html=tmp_path / "report.html")
    assert measured.recall(100) > 0.5 and "recall" in repr(measured)
    assert lines and (tmp_path / "report.html").exists()
    pytest.importorskip("pandas")
    frame = measured.to_pandas("ndcg")
    assert list(frame.columns) == [20, 100] and frame.index[0] == "fused"
    # The same interactions as a table give the same figures.
    assert bundle.held_out is not None
    rows = [line.split("\t") for line in
            bundle.held_out.read_text().splitlines()[1:]]
    table = {"reader": [row[0] for row in rows], "item": [row[1] for row in rows]}
    again = tributary.evaluate(bundle, table, k=(20, 100),
                               columns={"user": "reader"})
    assert again["recall"] == measured["recall"]
    with pytest.raises(tributary.TableError, match="no column 'user' among"):
        tributary.evaluate(bundle, table)
    with pytest.raises(ValueError, match="without holdout"):
        tributary.evaluate(tributary.Bundle.open(bundle.path))
    with pytest.raises(tributary.ProgramError, match="unknown|knows"):
        tributary.evaluate(bundle, {"user": ["zoe"], "item": ["v1"]})


def test_keys_keep_their_kind(tmp_path: pathlib.Path) -> None:
    interactions = interaction_columns()
    numbers = [int(item[1:]) for item in interactions["item"]]
    for kind, expected in ((str, "UTF8"), (int, "UINT64")):
        built = tributary.build(
            {**interactions, "item": [kind(item) for item in numbers]},
            out=tmp_path, progress=None, validation_share=0, **FAST)
        assert built.manifest["items"]["kind"] == expected
        assert built.manifest["users"]["kind"] == "UTF8"
    assert built.version == 2
    # A column under a name of its own.
    understood, warnings = tributary.understand(
        {"kunde": ["a", "b"], "x": ["1", "2"]},
        columns={"user": "kunde", "item": "x"})
    assert not warnings
    assert any("2 items (keys are text)" in line for line in understood), (
        understood)


def test_like(bundle: tributary.Bundle, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("pandas")
    lines: list[str] = []
    again = tributary.build(interaction_columns(), items=item_columns(),
                            out=tmp_path, like=bundle, version=5,
                            progress=lines.append, **FAST)
    assert again.version == 5
    assert any("like version 1" in line for line in lines)
    # All of the data was in training.
    with pytest.raises(tributary.ProgramError, match="has seen this test set"):
        tributary.evaluate(again, bundle.held_out, k=(20,))


def test_errors_are_the_programs_own(tmp_path: pathlib.Path) -> None:
    with pytest.raises(tributary.ProgramError) as caught:
        tributary.build({"a": ["x"], "b": ["y"]}, out=tmp_path, progress=None)
    assert "interactions.csv" in str(caught.value)
    assert caught.value.exit_status != 0 and not list(tmp_path.iterdir())
    with pytest.raises(tributary.ProgramError, match="als.dim"):
        tributary.build(interaction_columns(), out=tmp_path, progress=None,
                        als={"dim": 0})
    with pytest.raises(ValueError, match="a build learns from them"):
        tributary.build(items=item_columns(), out=tmp_path)
    with pytest.raises(ValueError, match="give tables or data"):
        tributary.build(interaction_columns(), data="synthetic", out=tmp_path)
    with pytest.raises(ValueError, match="give tables, data or vectors"):
        tributary.build(out=tmp_path)


def test_an_error_of_progress_ends_the_build(tmp_path: pathlib.Path) -> None:
    def stop(line: str) -> None:
        raise KeyboardInterrupt(line)

    with pytest.raises(KeyboardInterrupt):
        tributary.build(interaction_columns(), out=tmp_path, progress=stop)
    assert not [path for path in tmp_path.iterdir() if path.name.isdecimal()]


def test_programs_are_found(tmp_path: pathlib.Path,
                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIBUTARY_PROGRAMS", str(tmp_path))
    with pytest.raises(tributary.TributaryError, match="has no program"):
        tributary.understand(data="synthetic")
    # A script of the same name on the PATH is not the program.
    monkeypatch.delenv("TRIBUTARY_PROGRAMS")
    script = tmp_path / "tributary"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tributary.programs.__file__", str(tmp_path / "p.py"))
    with pytest.raises(tributary.TributaryError, match="install the wheel"):
        tributary.understand(data="synthetic")


def test_a_server_that_does_not_start_says_why(bundle: tributary.Bundle,
                                               tmp_path: pathlib.Path) -> None:
    with pytest.raises(tributary.ProgramError, match="max_k"):
        with tributary.serve(bundle, limits={"max_k": 0}):
            pass
    before = sorted(path.name for path in bundle.path.parent.iterdir())
    with tributary.serve(bundle.path, limits={"max_k": 7}) as client:
        with pytest.raises(tributary.InvalidRequest, match="limits.max_k is 7"):
            client.retrieve("u1", k=8)
    # The server left nothing beside the bundle.
    assert before == sorted(path.name for path in bundle.path.parent.iterdir())
