"""Bundles: made of tables and of vectors, looked at, and judged."""

from __future__ import annotations

import array
import contextlib
import json
import os
import pathlib
import sys
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from tributary import extras, programs, tables
from tributary.errors import ProgramError, TableError
from tributary.programs import Progress, print_progress
from tributary.vectors import Vectors, write_vectors

if TYPE_CHECKING:
    import pandas as pd

    from tributary.request import Key
    from tributary.tables import Table
    from tributary.towers import Tower


@dataclass(frozen=True)
class Bundle:
    """A version of everything that a server answers from, in a directory."""

    #: The directory, whose name is the version.
    path: pathlib.Path
    #: What `build` understood of the data, line by line; empty for a bundle
    #: that was opened.
    understood: Sequence[str] = field(default=(), repr=False)
    #: What looked wrong about the data.
    warnings: Sequence[str] = field(default=(), repr=False)
    #: The file of interactions that were held out, if any were.
    held_out: pathlib.Path | None = field(default=None, repr=False)

    @staticmethod
    def open(path: str | os.PathLike[str]) -> Bundle:
        """Returns the bundle in a directory.

        Raises:
          FileNotFoundError: there is no manifest.json.
        """
        folder = pathlib.Path(path).absolute()
        if not (folder / "manifest.json").is_file():
            raise FileNotFoundError(
                f"{folder} is no bundle: it has no manifest.json")
        return Bundle(folder)

    @property
    def version(self) -> int:
        """The version's number."""
        return int(self.path.name)

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest (docs/bundle_format.md), read anew."""
        loaded: dict[str, Any] = json.loads(
            (self.path / "manifest.json").read_text("utf-8"))
        return loaded

    @property
    def items(self) -> int:
        """How many items there are."""
        return int(self.manifest["items"]["count"])

    @property
    def users(self) -> int:
        """How many users there are."""
        return int(self.manifest.get("users", {}).get("count", 0))

    @property
    def sources(self) -> list[str]:
        """The names of the sources of candidates."""
        return [spec["name"] for spec in self.manifest["retrievers"]]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(int(file["sizeBytes"]) for file in self.manifest["files"])

    @property
    def recall(self) -> dict[str, dict[int, float]]:
        """The recall that the build measured, by source ("fused" is the list of
        all) and list length; empty if it measured none."""
        recall: dict[str, dict[int, float]] = {}
        for point in self.manifest.get("measuredRecall", {}).get("points", []):
            recall.setdefault(point["source"], {})[int(point["k"])] = float(
                point.get("recall", 0))
        return recall

    def keys(self, name: str = "items") -> list[Any]:
        """Returns the keys of all items, or of all "users", in the order of
        their rows: ascending."""
        if name not in self.manifest:
            return []
        if self.manifest[name]["kind"] == "UINT64":
            return list(_array(self.path / f"{name}.keys.npy", "Q"))
        text = (self.path / f"{name}.keys.utf8").read_bytes()
        ends = _array(self.path / f"{name}.keys.offsets.npy", "Q")
        return [text[begin:end].decode() for begin, end in zip(ends, ends[1:])]

    def titles(self, items: Sequence[Any] | None = None) -> dict[Any, str]:
        """Returns the titles of items, of all by default, by key. It is empty
        where the bundle has no attribute `title`; items without one are left
        out."""
        stem = self.path / "attribute.title"
        if not stem.with_name("attribute.title.keys.utf8").exists():
            return {}
        text = stem.with_name("attribute.title.keys.utf8").read_bytes()
        ends = _array(stem.with_name("attribute.title.keys.offsets.npy"), "Q")
        codes = _array(stem.with_name("attribute.title.codes.npy"), "B")
        keys = self.keys()
        wanted = None if items is None else set(items)
        titles: dict[Any, str] = {}
        for row, key in enumerate(keys):
            if wanted is not None and key not in wanted:
                continue
            code = 0
            # The most significant bytes of all codes come first.
            for plane in range(len(codes) // len(keys)):
                code = code << 8 | codes[plane * len(keys) + row]
            if code < len(ends) - 1:
                titles[key] = text[ends[code]:ends[code + 1]].decode()
        return titles

    def inspect(self) -> str:
        """Returns what `tributary inspect` prints."""
        return programs.run(["tributary", "inspect", str(self.path)])

    def verify(self) -> None:
        """Reads every byte, and tries the searches.

        Raises:
          ProgramError: something is wrong; the message names file and field.
        """
        programs.run(["tributary", "verify", str(self.path)])

    def summary(self) -> str:
        """Returns a few lines about the bundle."""
        lines = [f"version {self.version}: {self.items} items, {self.users} "
                 f"users, {self.size / 1e6:.1f} MB in {self.path}",
                 f"sources: {', '.join(self.sources)}"]
        fused = self.recall.get("fused")
        if fused:
            lines.append("recall of the fused list: " + ", ".join(
                f"{recall:.4f} @{k}" for k, recall in sorted(fused.items())))
        return "\n".join(lines)


def build(interactions: Table | None = None, *, items: Table | None = None,
          users: Table | None = None, out: str | os.PathLike[str],
          data: str | None = None, vectors: Vectors | None = None,
          columns: Mapping[str, str] | None = None, version: int | None = None,
          like: Bundle | str | os.PathLike[str] | None = None,
          holdout: float = 0.0, holdout_by: str | None = None,
          strict: bool = False, progress: Progress | None = print_progress,
          **settings: Any) -> Bundle:
    """Builds a bundle: trains models, makes indexes, and writes OUT/<version>.

    Args:
      interactions: a row for each thing that a user did with an item. Columns
        are found by their names; `tributary.tables` lists the kinds of tables.
      items: a row for each item, with any columns.
      users: a row for each user, with any columns.
      out: the directory of versions; it is made if it is missing.
      data: instead of tables, what `tributary build --data` takes, such as
        "movielens:DIR".
      vectors: embeddings to add as further spaces.
      columns: the column of each role, such as {"user": "kunde", "time": "ts"}.
      version: the number of the bundle. Default: one above the highest.
      like: an earlier bundle, whose choices are taken over.
      holdout: the share of interactions to hold out for `evaluate`;
        `Bundle.held_out` is their file.
      holdout_by: which ones: user_time, time, last or hash.
      strict: whether warnings about the data are errors.
      progress: is called with each line of progress; None: nothing is.
      **settings: any of the configuration reference, as mappings, such as
        seed=7, als={"dim": 32} or feedback={"positive": "value >= 4"}.

    Raises:
      TableError: a table cannot be written.
      ProgramError: the build failed; the message is the program's.
      MissingExtra: a table needs a package that is not installed.
    """
    folder = pathlib.Path(out).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with _data(interactions, items, users, data, vectors, columns,
               settings) as (arguments, work):
        if version is not None:
            arguments += ["--version", str(version)]
        if like is not None:
            arguments += ["--like", str(_path(like))]
        held_out = None
        if holdout:
            held_out = work / "held_out.inter"
            arguments += ["--holdout", str(holdout), "--test-out", str(held_out)]
        if holdout_by is not None:
            arguments += ["--holdout-by", holdout_by]
        if strict:
            arguments.append("--strict")
        report = json.loads(programs.run(
            ["tributary", "build", *arguments, "--out", str(folder), "--json"],
            progress))
        path = pathlib.Path(report["bundle"]).absolute()
        kept = None
        if held_out is not None:
            kept = folder / f"held_out-{path.name}.inter"
            kept.write_bytes(held_out.read_bytes())
    return Bundle(path, report["understood"], report["warnings"], kept)


def understand(interactions: Table | None = None, *,
               items: Table | None = None, users: Table | None = None,
               data: str | None = None, vectors: Vectors | None = None,
               columns: Mapping[str, str] | None = None,
               **settings: Any) -> tuple[list[str], list[str]]:
    """Returns what `build` would understand of the data, line by line, and its
    warnings. It builds nothing; the arguments are those of `build`."""
    with _data(interactions, items, users, data, vectors, columns,
               settings) as (arguments, _):
        report = json.loads(programs.run(
            ["tributary", "build", *arguments, "--dry-run", "--json"]))
    return report["understood"], report["warnings"]


def write_bundle(out: str | os.PathLike[str], *, items: Sequence[Key],
                 vectors: Mapping[str, Any], users: Sequence[Key] | None = None,
                 user_vectors: Mapping[str, Any] | None = None,
                 popularity: Mapping[Key, float] | Table | None = None,
                 attributes: Table | None = None,
                 interactions: Table | None = None,
                 metric: str = "inner_product",
                 towers: Mapping[str, Tower] | None = None,
                 version: int | None = None,
                 progress: Progress | None = print_progress,
                 **settings: Any) -> Bundle:
    """Writes a bundle of vectors that you trained elsewhere.

    Args:
      out: the directory of versions.
      items: the items' keys.
      vectors: for each space, by name, the items' vectors: an array or a
        tensor of the shape [items, dim].
      users: the users' keys, if there are any.
      user_vectors: for each space the users' vectors, [users, dim].
      popularity: scores by item, or a table with the columns item and score.
      attributes: a table with the items' keys, and a column for each attribute
        that filters may ask for.
      interactions: what users have had, for histories and exclusion.
      metric: "inner_product" or "cosine".
      towers: for each space, the network that makes a query of a history;
        `tributary.towers` makes them of PyTorch's modules and of ONNX.
      version, progress, **settings: as for `build`.

    Raises:
      ValueError: the shapes do not fit together; the message names the array.
      UnsupportedModule: a tower does not make what its module makes.
      ProgramError: the build failed; the message is the program's.
    """
    made = Vectors(items, vectors, users, user_vectors, popularity, attributes,
                   interactions)
    stated = {"metric": metric, **settings.pop("input", {})}
    options: dict[str, Any] = {
        "data": None, "vectors": made, "progress": progress, **settings,
        "input": stated}
    if not towers:
        return build(out=out, version=version, **options)
    from tributary.towers import add_towers
    with tempfile.TemporaryDirectory(prefix="tributary-") as work:
        plain = build(out=work, **options)
        return add_towers(plain, towers, items=items, users=users, out=out,
                          version=version)


def evaluate(bundle: Bundle | str | os.PathLike[str],
             held_out: Table | None = None, *,
             k: Sequence[int] = (20, 50, 100, 200, 500),
             against: Bundle | str | os.PathLike[str] | None = None,
             where: str = "", users: int = 0, allow_seen: bool = False,
             columns: Mapping[str, str] | None = None,
             html: str | os.PathLike[str] | None = None,
             progress: Progress | None = None) -> Evaluation:
    """Measures recall and other metrics on interactions that a bundle has not
    seen, for every source and for the fused list.

    Args:
      bundle: the bundle.
      held_out: a table of interactions, or a RecBole file (*.inter). Default:
        `bundle.held_out`.
      k: the lengths of lists to measure.
      against: another bundle to compare with.
      where: measures lists of items that pass this filter.
      users: how many users to sample; 0: all.
      allow_seen: leaves out what was in training, instead of failing.
      columns: the columns of the table's user and item, by role. Default: the
        columns of these names.
      html: a file for a report with plots.
      progress: is called with each line of progress.

    Raises:
      ValueError: there is nothing to measure on.
      TableError: the table has no such columns.
      ProgramError: the program's own message.
    """
    with tempfile.TemporaryDirectory(prefix="tributary-") as folder:
        work = pathlib.Path(folder)
        if held_out is None:
            held_out = getattr(bundle, "held_out", None)
            if held_out is None:
                raise ValueError("held_out: none, and the bundle was built "
                                 "without holdout")
        if isinstance(held_out, (str, os.PathLike)) and os.fspath(
                held_out).endswith(".inter"):
            test = pathlib.Path(held_out)
        else:
            test = work / "test.inter"
            _write_inter(held_out, test, columns or {})
        figures = work / "figures.json"
        arguments = ["tributary", "eval", "--bundle", str(_path(bundle)),
                     "--test", str(test), "-k", ",".join(map(str, k)),
                     "--json", str(figures)]
        if against is not None:
            arguments += ["--against", str(_path(against))]
        if where:
            arguments += ["--where", where]
        if users:
            arguments += ["--users", str(users)]
        if allow_seen:
            arguments.append("--allow-seen")
        if html is not None:
            arguments += ["--html", os.fspath(html)]
        text = programs.run(arguments, progress)
        return Evaluation(json.loads(figures.read_text("utf-8")), text)


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` measured."""

    #: The figures as `tributary eval --json` writes them.
    figures: dict[str, Any] = field(repr=False)
    #: The tables that `tributary eval` prints.
    text: str = field(repr=False)

    def __getitem__(self, metric: str) -> Any:
        """Returns a part of the figures, such as "recall"."""
        return self.figures[metric]

    def recall(self, k: int, source: str = "fused") -> float:
        """Returns the recall of a source at one list length."""
        return float(self.figures["recall"][source][str(k)])

    def __repr__(self) -> str:
        fused = self.figures["recall"]["fused"]
        return "<Evaluation: recall " + ", ".join(
            f"{fused[k]:.4f} @{k}" for k in sorted(fused, key=int)) + ">"

    def to_pandas(self, metric: str = "recall") -> pd.DataFrame:
        """Returns a metric (recall, hit, ndcg, mrr, map): a row for each
        source, the fused list first, and a column for each list length."""
        pandas = extras.load("pandas", "pandas", "Evaluation.to_pandas")
        frame = pandas.DataFrame(self.figures[metric]).T
        frame.columns = [int(k) for k in frame.columns]
        frame = frame[sorted(frame.columns)]
        order = sorted(frame.index, key=lambda name: (
            name != "fused", -frame.loc[name].iloc[-1], name))
        return frame.loc[order]  # type: ignore[no-any-return]


def _array(path: pathlib.Path, code: str) -> array.array[int]:
    """Reads the values of a .npy file, without NumPy."""
    data = path.read_bytes()
    # The magic and the version are 8 bytes, and the header's length follows.
    wide = data[6] > 1
    begin = (12 if wide else 10) + int.from_bytes(
        data[8:12 if wide else 10], "little")
    values = array.array(code)
    values.frombytes(data[begin:])
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _path(bundle: Bundle | str | os.PathLike[str]) -> pathlib.Path:
    return bundle.path if isinstance(bundle, Bundle) else pathlib.Path(bundle)


def _write_inter(table: Table, path: pathlib.Path,
                 columns: Mapping[str, str]) -> None:
    arrow = extras.load("pyarrow", "arrow", "a table (held_out)")
    from pyarrow import csv as arrow_csv
    with tempfile.TemporaryDirectory(prefix="tributary-") as work:
        # By the same conversion as that of the bundle's own tables.
        plain = pathlib.Path(work) / "held_out.csv"
        tables.write_csv(table, plain, "held_out")
        options = arrow_csv.ConvertOptions(
            column_types={columns.get(role, role): arrow.string()
                          for role in ("user", "item")})
        read = arrow_csv.read_csv(next(iter(pathlib.Path(work).iterdir())),
                                  convert_options=options)
    chosen = []
    for role in ("user", "item"):
        name = columns.get(role, role)
        if name not in read.column_names:
            raise TableError(
                f"held_out: no column {name!r} among "
                f"{', '.join(read.column_names)}: say columns={{{role!r}: ...}}")
        chosen.append(read.column(name).to_pylist())
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("user_id:token\titem_id:token\n")
        for user, item in zip(*chosen):
            if any(mark in str(key) for key in (user, item) for mark in "\t\r\n"):
                raise TableError(
                    f"held_out: the key {user!r} or {item!r} has a tab or a line "
                    "break, which a RecBole file cannot hold")
            file.write(f"{user}\t{item}\n")


@contextlib.contextmanager
def _data(interactions: Table | None, items: Table | None, users: Table | None,
          data: str | None, vectors: Vectors | None,
          columns: Mapping[str, str] | None, settings: dict[str, Any]
          ) -> Iterator[tuple[list[str], pathlib.Path]]:
    """Writes the data to a directory, and yields the arguments that name it."""
    with tempfile.TemporaryDirectory(prefix="tributary-") as folder:
        work = pathlib.Path(folder)
        arguments: list[str] = []
        given = {"interactions": interactions, "items": items, "users": users}
        written = {name: table for name, table in given.items()
                   if table is not None}
        if data is not None and written:
            raise ValueError(f"data: {data!r} beside {next(iter(written))}: give "
                             "tables or data")
        if written and interactions is None:
            raise ValueError("interactions: none, and a build learns from them")
        settings = _deep_copy(settings)
        if written:
            target = work / "tables"
            target.mkdir()
            for name, table in written.items():
                tables.write_csv(table, target / f"{name}.csv", name)
            data = f"csv:{target}"
            if columns:
                arguments += ["--columns", ",".join(
                    f"{role}={name}" for role, name in columns.items())]
            _state_key_kinds(written, data, arguments, settings)
        elif columns:
            arguments += ["--columns", ",".join(
                f"{role}={name}" for role, name in columns.items())]
        if vectors is not None:
            target = work / "vectors"
            target.mkdir()
            write_vectors(vectors, target, settings)
            if data is None:
                data = f"vectors:{target}"
            else:
                arguments += ["--vectors", str(target)]
        if data is None:
            raise ValueError("interactions: none; give tables, data or vectors")
        if settings:
            # YAML has all of JSON.
            config = work / "build.yaml"
            config.write_text(json.dumps(settings), "utf-8")
            arguments += ["--config", str(config)]
        yield ["--data", data, *arguments], work


def _deep_copy(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _deep_copy(value) if isinstance(value, Mapping) else value
            for name, value in settings.items()}


def _state_key_kinds(written: Mapping[str, Table], data: str,
                     arguments: Sequence[str], settings: dict[str, Any]) -> None:
    """Keeps keys that are text as text, though they may look like numbers.

    A CSV file cannot say which they are, and the program tells by the values.
    """
    texts: dict[str, set[str]] = {}
    for name, table in written.items():
        for column, kind in tables.text_columns(table, name).items():
            texts.setdefault(column, set()).add(kind)
    if not any("text" in kinds for kinds in texts.values()):
        return
    stated = settings.setdefault("input", {})
    try:
        report = json.loads(programs.run(
            ["tributary", "build", "--data", data, *arguments, "--dry-run",
             "--json"]))
    except ProgramError:
        # The build itself says what is wrong, by the same message.
        if not stated:
            del settings["input"]
        return
    roles: dict[str, str] = {}
    for line in report["understood"]:
        words = line.split()
        if line.startswith("  ") and len(words) >= 2 and words[1] in (
                "user", "item"):
            roles.setdefault(words[1], words[0])
    for role, column in roles.items():
        if "text" in texts.get(column, ()) and not stated.get(f"{role}_keys"):
            stated[f"{role}_keys"] = "text"
    if not stated:
        del settings["input"]
