"""Tables of every kind become the CSV that the program reads."""
from __future__ import annotations

import csv
import datetime
import pathlib
from typing import Any

import pytest

import tributary
from tributary import tables

pa = pytest.importorskip("pyarrow")
UTC = datetime.timezone.utc
COLUMNS = {
    "user": ["ann", 'b"o,b', "c\nd"],
    "item": [1, 2, 2**63 - 1],
    "time": [datetime.datetime(2026, 11, 1, 10, 0, 0, 500000, UTC),
             datetime.datetime(2026, 11, 2, tzinfo=datetime.timezone(
                 datetime.timedelta(hours=2))), None],
    "tags": [["a", 'b"'], [], None],
    "score": [1.5, None, 3.0],
    "flag": [True, None, False],
    "grade": [1.0, None, 3.0],
}
EXPECTED = [
    ["ann", "1", "2026-11-01T10:00:00.500000Z", '["a", "b\\""]', "1.5", "true",
     "1"],
    ['b"o,b', "2", "2026-11-01T22:00:00.000000Z", "[]", "", "", ""],
    ["c\nd", str(2**63 - 1), "", "", "3", "false", "3"],
]


def read(path: pathlib.Path) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(COLUMNS)
    return rows[1:]


def check(table: Any, path: pathlib.Path) -> None:
    tables.write_csv(table, path, "interactions")
    rows = read(path)
    for row, expected in zip(rows, EXPECTED):
        # Fractions of seconds have as many digits as the unit has.
        row[2] = row[2].replace(".500000000Z", ".500000Z").replace(
            ".000000000Z", ".000000Z")
        assert row == expected
    assert len(rows) == 3


def arrow_table() -> Any:
    return pa.table(COLUMNS)


def test_a_mapping(tmp_path: pathlib.Path) -> None:
    check(COLUMNS, tmp_path / "a.csv")


def test_arrow(tmp_path: pathlib.Path) -> None:
    table = arrow_table()
    check(table, tmp_path / "a.csv")
    check(table.to_reader(), tmp_path / "b.csv")
    encoded = table.set_column(0, "user", table["user"].dictionary_encode())
    check(encoded, tmp_path / "c.csv")
    check(pa.concat_tables([table.slice(0, 1), table.slice(1)]),
          tmp_path / "d.csv")


def test_pandas(tmp_path: pathlib.Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({**COLUMNS, "time": pandas.to_datetime(
        pandas.Series(COLUMNS["time"]), utc=True)})
    # Where integers are missing, pandas makes floats.
    assert frame["grade"].dtype == "float64"
    check(frame, tmp_path / "a.csv")
    frame["user"] = frame["user"].astype("category")
    check(frame, tmp_path / "b.csv")
    mixed = pandas.DataFrame({"user": ["a", 1, {}]})
    with pytest.raises(tributary.TableError, match="the column 'user' has values "
                       "of several kinds"):
        tables.write_csv(mixed, tmp_path / "c.csv", "interactions")


def test_polars(tmp_path: pathlib.Path) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.from_arrow(arrow_table())
    check(frame, tmp_path / "a.csv")
    check(frame.lazy(), tmp_path / "b.csv")


def test_parquet(tmp_path: pathlib.Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow_table()
    folder = tmp_path / "lake"
    folder.mkdir()
    parquet.write_table(table.slice(0, 2), folder / "part-1.parquet")
    parquet.write_table(table.slice(2), folder / "part-2.parquet")
    check(str(folder / "*.parquet"), tmp_path / "a.csv")
    check(folder, tmp_path / "b.csv")
    with pytest.raises(tributary.TableError, match="no file .*part-9"):
        tables.write_csv(str(folder / "part-9*.parquet"), tmp_path / "c.csv",
                         "items")
    (tmp_path / "text.dat").write_text("hello")
    with pytest.raises(tributary.TableError, match="is not Parquet"):
        tables.write_csv(tmp_path / "text.dat", tmp_path / "d.csv", "items")


def test_duckdb(tmp_path: pathlib.Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow_table(), tmp_path / "events.parquet")
    query = f"select * from '{tmp_path}/events.parquet'"
    check(duckdb.sql(query), tmp_path / "a.csv")
    check(query, tmp_path / "b.csv")
    assert tables.text_columns(query, "interactions")["user"] == "text"
    assert tables.text_columns(duckdb.sql(query), "x")["item"] == "number"
    with pytest.raises(tributary.TableError, match="nowhere"):
        tables.write_csv("select * from nowhere", tmp_path / "c.csv", "items")


def test_csv_files_are_taken_as_they_are(tmp_path: pathlib.Path) -> None:
    for part in (1, 2):
        (tmp_path / f"e{part}.csv").write_text(f"user,item\na,{part}\n")
    out = tmp_path / "out"
    out.mkdir()
    tables.write_csv(str(tmp_path / "e*.csv"), out / "interactions.csv", "x")
    assert sorted(path.name for path in out.iterdir()) == [
        "interactions-0.csv", "interactions-1.csv"]
    understood, _ = tributary.understand(str(tmp_path / "e*.csv"))
    assert any("1 users (keys are text), 2 items (keys are numbers)" in line
               or "2 items" in line for line in understood), understood


def test_what_is_no_table(tmp_path: pathlib.Path) -> None:
    with pytest.raises(tributary.TableError, match="items: int is no table"):
        tables.write_csv(3, tmp_path / "a.csv", "items")
    with pytest.raises(tributary.TableError, match="no columns"):
        tables.write_csv({}, tmp_path / "a.csv", "items")
    with pytest.raises(tributary.TableError, match="the column 'a', of type|"
                       "the column 'a' is of type struct"):
        tables.write_csv(pa.table({"a": [{"b": 1}]}), tmp_path / "a.csv", "items")
