"""Tables of every kind, written as the CSV that the program reads.

A table is a DataFrame of pandas, a DataFrame or LazyFrame of polars, a Table,
RecordBatchReader or Dataset of Arrow, a relation of DuckDB, a query of DuckDB
(text that begins with SELECT, FROM or WITH), the path of a Parquet or CSV file,
a pattern of such paths, a directory of Parquet files, or a mapping from a
column's name to its values. Everything goes through Arrow, batch by batch.
"""

from __future__ import annotations

import glob
import json
import os
import pathlib
import re
import shutil
from typing import Any, Iterable, Iterator, Mapping

from tributary import extras
from tributary.errors import TableError

#: Any of the kinds of tables that the module describes.
Table = Any

_QUERY = re.compile(r"^\s*(select|from|with)\b", re.I)
# The largest number up to which float64 has every integer.
_EXACT = 2.0**53


def write_csv(table: Table, path: pathlib.Path, name: str) -> None:
    """Writes a table to a CSV file, as RFC 4180 has it.

    Times become ISO 8601 in UTC, lists become JSON, which the program reads as
    tags, categories become their values, and missing values become empty
    fields. Floating-point columns of pandas that are all whole are written as
    integers, because pandas makes floats of integers where some are missing.

    Args:
      table: the table.
      path: the file to write.
      name: what errors call the table.

    Raises:
      TableError: the table is of no known kind, or a column cannot be written.
    """
    if isinstance(table, (str, os.PathLike)):
        copied = _csv_files(os.fspath(table))
        if copied:
            _join_csv(copied, path, name)
            return
    arrow = extras.load("pyarrow", "arrow", f"a table ({name})")
    csv = extras.load("pyarrow.csv", "arrow", f"a table ({name})")
    schema, batches = _batches(table, name)
    if not schema.names:
        raise TableError(f"{name}: the table has no columns")
    whole: dict[str, bool] = {}
    if _is_pandas(table):
        kept = list(batches)
        for column, field in enumerate(schema):
            if arrow.types.is_floating(field.type):
                whole[field.name] = all(
                    _is_whole(batch.column(column)) for batch in kept)
        batches = iter(kept)
    converted = arrow.schema([
        (field.name, _written_type(field.type, whole.get(field.name, False)))
        for field in schema])
    with csv.CSVWriter(str(path), converted) as writer:
        for batch in batches:
            writer.write_batch(arrow.record_batch(
                [_written(column, field.name, name, converted.field(i).type)
                 for i, (column, field) in enumerate(zip(batch.columns, schema))],
                schema=converted))


def text_columns(table: Table, name: str) -> dict[str, str]:
    """Returns whether each column holds "text", "number" (integers) or "other",
    by its name; {} for CSV files, whose columns have no types.

    It reads the types of the columns, and no rows.
    """
    if isinstance(table, (str, os.PathLike)) and _csv_files(os.fspath(table)):
        return {}
    arrow = extras.load("pyarrow", "arrow", f"a table ({name})")
    types = arrow.types
    kinds = {}
    for field in _schema(table, name):
        kind = field.type
        if types.is_dictionary(kind):
            kind = kind.value_type
        if types.is_string(kind) or types.is_large_string(kind) or (
                hasattr(types, "is_string_view") and types.is_string_view(kind)):
            kinds[field.name] = "text"
        else:
            kinds[field.name] = "number" if types.is_integer(kind) else "other"
    return kinds


def _module(table: Any) -> str:
    return type(table).__module__.split(".")[0]


def _schema(table: Table, name: str) -> Any:
    if isinstance(table, str) and _QUERY.match(table) and (
            not os.path.exists(table)):
        duckdb = extras.load("duckdb", "duckdb", f"a query ({name})")
        table = duckdb.sql(table)
    if _is_pandas(table):
        return _pandas_table(table.head(1000), name).schema
    if _module(table) in ("duckdb", "_duckdb"):
        return table.limit(0).arrow().schema
    return _batches(table, name)[0]


def _is_pandas(table: Any) -> bool:
    return _module(table) == "pandas" and hasattr(table, "columns")


def _pandas_table(table: Any, name: str) -> Any:
    arrow = extras.load("pyarrow", "arrow", f"a table ({name})")
    columns = {}
    for column in table.columns:
        values = table[column]
        try:
            columns[str(column)] = arrow.array(values, from_pandas=True)
        except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
            raise TableError(
                f"{name}: the column {column!r} has values of several kinds "
                f"({error}): convert it, for example by "
                f"table[{column!r}].astype(str)") from error
    return arrow.table(columns)


def _batches(table: Table, name: str) -> tuple[Any, Iterator[Any]]:
    """Returns the schema, and the record batches."""
    arrow = extras.load("pyarrow", "arrow", f"a table ({name})")
    if isinstance(table, str) and _QUERY.match(table) and (
            not os.path.exists(table)):
        duckdb = extras.load("duckdb", "duckdb", f"a query ({name})")
        try:
            table = duckdb.sql(table)
        except duckdb.Error as error:
            raise TableError(f"{name}: {error}") from error
    if isinstance(table, (str, os.PathLike)):
        table = _parquet(os.fspath(table), name)
    if _is_pandas(table):
        table = _pandas_table(table, name)
    elif _module(table) == "polars":
        if hasattr(table, "collect"):
            table = table.collect()
        table = table.to_arrow()
    elif _module(table) in ("duckdb", "_duckdb"):
        table = (table.to_arrow_reader() if hasattr(table, "to_arrow_reader")
                 else table.fetch_record_batch())
    elif isinstance(table, Mapping):
        table = arrow.table({str(key): arrow.array(_listed(values))
                             for key, values in table.items()})
    if isinstance(table, arrow.Table):
        return table.schema, iter(table.to_batches())
    if isinstance(table, arrow.RecordBatchReader):
        return table.schema, iter(table)
    if hasattr(table, "to_batches") and hasattr(table, "schema"):
        return table.schema, iter(table.to_batches())
    raise TableError(
        f"{name}: {type(table).__name__} is no table: give a DataFrame of pandas "
        "or polars, a table of Arrow, a relation or a query of DuckDB, the path "
        "of Parquet or CSV files, or a mapping from names to values")


def _listed(values: Any) -> Any:
    return values if hasattr(values, "dtype") else list(values)


def _parquet(path: str, name: str) -> Any:
    dataset = extras.load("pyarrow.dataset", "arrow", f"Parquet ({name})")
    arrow = extras.load("pyarrow", "arrow", f"Parquet ({name})")
    files = sorted(glob.glob(path)) if glob.has_magic(path) else [path]
    if not files or not all(map(os.path.exists, files)):
        raise TableError(f"{name}: no file {path}")
    try:
        if len(files) == 1:
            return dataset.dataset(files[0], format="parquet")
        return dataset.dataset(files, format="parquet")
    except (arrow.ArrowInvalid, OSError) as error:
        raise TableError(f"{name}: {path} is not Parquet, nor a .csv file "
                         f"({error})") from error


def _csv_files(path: str) -> list[str]:
    if not re.search(r"\.(csv|tsv)(\.gz|\.zst)?$", path):
        return []
    return sorted(glob.glob(path)) if glob.has_magic(path) else [path]


def _join_csv(files: list[str], path: pathlib.Path, name: str) -> None:
    """Copies files as they are, under names that the program reads as one."""
    for i, file in enumerate(files):
        if not os.path.exists(file):
            raise TableError(f"{name}: no file {file}")
        ending = "".join(re.findall(r"\.(?:csv|tsv|gz|zst)", file)[-2:]
                         if file.endswith((".gz", ".zst"))
                         else [pathlib.Path(file).suffix])
        target = path.with_name(
            path.stem + (f"-{i}" if len(files) > 1 else "") + ending)
        try:
            os.symlink(os.path.abspath(file), target)
        except OSError:
            shutil.copyfile(file, target)


def _is_whole(column: Any) -> bool:
    compute = extras.load("pyarrow.compute", "arrow", "a table")
    arrow = extras.load("pyarrow", "arrow", "a table")
    values = column.cast(arrow.float64())
    missing = compute.is_null(values, nan_is_null=True)
    fits = compute.and_(compute.equal(compute.floor(values), values),
                        compute.less_equal(compute.abs(values), _EXACT))
    return bool(compute.all(compute.or_kleene(fits, missing)).as_py() is not False)


def _written_type(kind: Any, whole: bool) -> Any:
    arrow = extras.load("pyarrow", "arrow", "a table")
    if arrow.types.is_integer(kind) or arrow.types.is_boolean(kind):
        return kind
    if arrow.types.is_floating(kind):
        return arrow.int64() if whole else arrow.float64()
    return arrow.string()


def _written(column: Any, column_name: str, name: str, kind: Any) -> Any:
    """Converts a column to the type that is written."""
    arrow = extras.load("pyarrow", "arrow", "a table")
    compute = extras.load("pyarrow.compute", "arrow", "a table")
    types = arrow.types
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    own = column.type
    try:
        if types.is_floating(own):
            values = column.cast(arrow.float64())
            # Infinity stays, so that the program names it.
            missing = compute.is_nan(values)
            values = compute.if_else(compute.fill_null(missing, True), None, values)
            return values.cast(kind)
        if types.is_timestamp(own):
            # Values are UTC where there is a zone, and taken for it elsewhere.
            utc = arrow.timestamp(own.unit)
            naive = column.cast(arrow.timestamp(own.unit, "UTC")).cast(utc) if (
                own.tz) else column
            text = compute.strftime(naive, format="%Y-%m-%dT%H:%M:%S")
            return compute.binary_join_element_wise(text, "Z", "")
        if types.is_date(own):
            return column.cast(arrow.date32()).cast(arrow.string())
        if _is_list(own):
            return arrow.array([None if value is None else json.dumps(
                [str(part) for part in value if part is not None],
                ensure_ascii=False) for value in column.to_pylist()],
                arrow.string())
        if types.is_struct(own) or types.is_map(own):
            raise TableError(
                f"{name}: the column {column_name!r} is of type {own}: take the "
                "parts that you need as columns of their own, or leave it out")
        return column.cast(kind)
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError) as error:
        raise TableError(f"{name}: the column {column_name!r}, of type {own}, "
                         f"cannot be written: {error}") from error


def _is_list(kind: Any) -> bool:
    types = extras.load("pyarrow", "arrow", "a table").types
    return bool(types.is_list(kind) or types.is_large_list(kind)
                or types.is_fixed_size_list(kind))


def write_rows(path: pathlib.Path, columns: Iterable[str],
               rows: Iterable[Iterable[Any]]) -> None:
    """Writes rows to a CSV file, without Arrow."""
    import csv
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
