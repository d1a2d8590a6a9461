"""`tributary demo`: a first run with nothing but this package.

It invents a small bookshop, builds a bundle of it, serves the bundle, and asks
for candidates. `shop` gives the same data to examples and tests.
"""

from __future__ import annotations

import argparse
import datetime
import pathlib
import random
import shutil
import tempfile
from typing import Any, Sequence

from tributary import building, serving, tables

GENRES = ("crime", "fantasy", "history", "poetry", "science", "travel")
_ADJECTIVES = ("quiet", "last", "hidden", "silver", "distant", "burning",
               "forgotten", "first", "hollow", "northern", "patient", "broken")
_NOUNS = {
    "crime": ("witness", "alibi", "harbour", "inspector", "verdict"),
    "fantasy": ("dragon", "tower", "sorceress", "gate", "crown"),
    "history": ("empire", "siege", "archive", "revolution", "queen"),
    "poetry": ("season", "mirror", "river", "silence", "garden"),
    "science": ("orbit", "molecule", "theorem", "ocean", "signal"),
    "travel": ("island", "caravan", "pass", "railway", "coast"),
}
# What trains in seconds on so few readers.
QUICK: dict[str, Any] = {
    "als": {"dim": 16},
    "content": {"dim": 32},
    "behavior": {"history": {"dim": 16, "epochs": 10, "dropout": 0.5,
                             "weight_decay": 0.01, "decay": 0.5,
                             "cut_share": 0.5, "dropped_targets": True}}}


def shop(readers: int = 300, seed: int = 7
         ) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Returns the interactions and the items of an invented bookshop, as columns
    by name: user, item and time; item, title, genre, price and in_stock. Each
    reader likes two genres. Equal arguments give equal data."""
    draw = random.Random(seed)
    items: dict[str, list[Any]] = {
        "item": [], "title": [], "genre": [], "price": [], "in_stock": []}
    by_genre: dict[str, list[str]] = {genre: [] for genre in GENRES}
    for adjective in _ADJECTIVES:
        for genre in GENRES:
            for noun in _NOUNS[genre]:
                key = f"b{len(items['item']) + 1}"
                by_genre[genre].append(key)
                items["item"].append(key)
                items["title"].append(f"The {adjective} {noun}")
                items["genre"].append(genre)
                items["price"].append(round(draw.uniform(4, 30), 2))
                items["in_stock"].append(draw.random() < 0.9)
    rank = {key: draw.random() for key in items["item"]}
    for books in by_genre.values():
        books.sort(key=rank.__getitem__)
    interactions: dict[str, list[Any]] = {"user": [], "item": [], "time": []}
    start = datetime.datetime(2026, 9, 1, tzinfo=datetime.timezone.utc)
    for reader in range(1, readers + 1):
        liked = draw.sample(GENRES, 2)
        moment = start + datetime.timedelta(days=draw.uniform(0, 30))
        read: set[str] = set()
        for _ in range(draw.randint(8, 24)):
            genre = draw.choice(liked) if draw.random() < 0.9 else (
                draw.choice(GENRES))
            # The first books of a genre are read most.
            books = by_genre[genre]
            book = books[int(len(books) * draw.random()**2)]
            if book in read:
                continue
            read.add(book)
            moment += datetime.timedelta(days=draw.expovariate(1 / 2))
            interactions["user"].append(f"reader-{reader}")
            interactions["item"].append(book)
            interactions["time"].append(moment.replace(microsecond=0))
    return interactions, items


def write_shop(folder: pathlib.Path) -> None:
    """Writes the shop's tables to a directory, as CSV."""
    interactions, items = shop()
    interactions = {**interactions, "time": [
        f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in interactions["time"]]}
    for name, table in (("interactions", interactions), ("items", items)):
        tables.write_rows(folder / f"{name}.csv", table, zip(*table.values()))


def main(arguments: Sequence[str]) -> None:
    """Runs the demo."""
    parser = argparse.ArgumentParser(
        prog="tributary demo",
        description="Builds a bundle of an invented bookshop, serves it, and "
        "asks for candidates.")
    parser.add_argument("--out", type=pathlib.Path, help="keep the data and the "
                        "bundle in this directory, which must not exist")
    parser.add_argument("--data", help="build from these data instead, as "
                        "`tributary build --data` has it, such as movielens:DIR")
    parser.add_argument("--user", help="whose candidates to show")
    options = parser.parse_args(arguments)
    folder = options.out or pathlib.Path(tempfile.mkdtemp(prefix="tributary-"))
    try:
        if options.out:
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                parser.error(f"--out: {folder} exists")
        _run(folder, options.data, options.user)
        if options.out:
            print(f"\nServe it again: tributary-server --bundles {folder}/bundles")
    finally:
        if not options.out:
            shutil.rmtree(folder)


def _run(folder: pathlib.Path, data: str | None, user: str | None) -> None:
    settings: dict[str, Any] = {}
    if data is None:
        print("1. An invented bookshop: 360 books, 300 readers who like two "
              "genres each")
        (folder / "data").mkdir()
        write_shop(folder / "data")
        data, user, settings = f"csv:{folder / 'data'}", user or "reader-1", QUICK
    else:
        print(f"1. The data {data}")
    print("\n2. A bundle of it, a fifth of the interactions held out")
    bundle = building.build(data=data, out=folder / "bundles", holdout=0.2,
                            progress=print, **settings)
    print(bundle.summary())
    print("\n3. A server, and candidates")
    with serving.serve(bundle) as client:
        if user is None:
            user = next(iter(bundle.keys("users")), None)
        reply = client.retrieve(user, k=10, full=True)
        titles = bundle.titles(reply.items)
        print("an anonymous user:" if user is None else f"{user}:")
        for number, row in enumerate(reply, 1):
            sources = " ".join(proposal.source for proposal in row.proposals)
            print(f"  {number:2}  {titles.get(row.item, row.item)!s:32.32} "
                  f"{row.score:8.4f}  {sources}")
    print("\n4. How good the lists are, by what was held out")
    measured = building.evaluate(bundle, k=(10, 50))
    for source, by_k in sorted(measured["recall"].items(),
                               key=lambda entry: -entry[1]["50"]):
        print(f"  {source:12} recall {by_k['10']:.4f} @10, {by_k['50']:.4f} @50")
