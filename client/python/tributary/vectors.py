"""Vectors that were trained elsewhere, written as `vectors:DIR` has them."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from tributary import extras, tables

if TYPE_CHECKING:
    from tributary.request import Key


@dataclass(frozen=True)
class Vectors:
    """Embeddings of items, and perhaps of users."""

    #: The items' keys, all int or all str.
    items: Sequence[Key]
    #: For each space, by name, the items' vectors: [items, dim].
    spaces: Mapping[str, Any]
    #: The users' keys.
    users: Sequence[Key] | None = None
    #: For each space, by name, the users' vectors: [users, dim].
    user_spaces: Mapping[str, Any] | None = None
    #: Scores by item, or a table with the columns item and score.
    popularity: Any = None
    #: A table with the items' keys and a column for each attribute.
    attributes: Any = None
    #: A table of interactions.
    interactions: Any = None


def as_array(values: Any, name: str, rows: int | None = None) -> Any:
    """Returns the values as an array of two dimensions.

    Raises:
      ValueError: they have another shape, or not as many rows as there are
        keys.
    """
    numpy = extras.load("numpy", "numpy", "vectors")
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    array = numpy.asarray(values)
    if array.ndim != 2:
        raise ValueError(f"{name}: the shape {list(array.shape)}, expected two "
                         "dimensions")
    if rows is not None and len(array) != rows:
        raise ValueError(f"{name}: {len(array)} rows, but there are {rows} keys")
    return array


def key_kind(keys: Sequence[Any], name: str) -> str:
    """Returns "number" or "text".

    Raises:
      TypeError: a key is neither int nor str, or there are some of both.
    """
    kinds = {"text" if isinstance(key, str) else
             "number" if hasattr(key, "__index__") and not isinstance(key, bool)
             else type(key).__name__ for key in keys}
    if len(kinds) > 1 or not kinds <= {"text", "number"}:
        raise TypeError(f"{name}: keys of the kinds {', '.join(sorted(kinds))}, "
                        "expected all int or all str")
    return kinds.pop() if kinds else "text"


def as_keys(keys: Any, name: str) -> list[Any]:
    """Returns keys as a list of Python's int or str."""
    del name
    return keys.tolist() if hasattr(keys, "tolist") else list(keys)


def write_vectors(vectors: Vectors, folder: pathlib.Path,
                  settings: dict[str, Any]) -> None:
    """Writes the files, and states the kinds of keys in the settings.

    Raises:
      ValueError: shapes do not fit together.
      TypeError: keys are of no kind that a catalogue has.
    """
    numpy = extras.load("numpy", "numpy", "vectors")
    stated = settings.setdefault("input", {})
    items = as_keys(vectors.items, "items")
    if not vectors.spaces:
        raise ValueError("vectors: empty, expected at least one space")
    _write_keys(items, folder, "items", stated)
    for space, values in vectors.spaces.items():
        numpy.save(folder / f"{space}.items.npy",
                   as_array(values, f"vectors[{space!r}]", len(items)))
    if vectors.user_spaces and vectors.users is None:
        raise ValueError("users: none, but there are vectors of users")
    if vectors.users is not None and vectors.user_spaces:
        users = as_keys(vectors.users, "users")
        _write_keys(users, folder, "users", stated)
        for space, values in vectors.user_spaces.items():
            numpy.save(folder / f"{space}.users.npy",
                       as_array(values, f"user_vectors[{space!r}]", len(users)))
    if isinstance(vectors.popularity, Mapping) and not {
            "item", "score"} <= set(vectors.popularity):
        tables.write_rows(folder / "popularity.csv", ["item", "score"],
                          vectors.popularity.items())
    elif vectors.popularity is not None:
        tables.write_csv(vectors.popularity, folder / "popularity.csv",
                         "popularity")
    for name, table in (("items", vectors.attributes),
                        ("interactions", vectors.interactions)):
        if table is not None:
            tables.write_csv(table, folder / f"{name}.csv",
                             "attributes" if name == "items" else name)


def _write_keys(keys: Sequence[Any], folder: pathlib.Path, name: str,
                stated: dict[str, Any]) -> None:
    numpy = extras.load("numpy", "numpy", "vectors")
    kind = key_kind(keys, name)
    stated.setdefault(f"{name[:-1]}_keys", kind)
    if kind == "number":
        numpy.save(folder / f"{name}.ids.npy", numpy.array(keys, "<u8"))
    elif any("\n" in key or "\r" in key for key in keys):
        numpy.save(folder / f"{name}.ids.npy", numpy.array(keys, "U"))
    else:
        with open(folder / f"{name}.ids.txt", "w", encoding="utf-8",
                  newline="\n") as file:
            file.writelines(f"{key}\n" for key in keys)
