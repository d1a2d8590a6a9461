#!/usr/bin/env python3
"""Writes own_data.ipynb from the cells below, which a review can read.

  make_notebook.py [--check]     with --check: exits with 1 if the file differs
"""
import json
import pathlib
import sys

CELLS = [
    ("markdown", """# Candidates for your own data

This notebook builds a bundle of your data, judges it, plots the figures, serves
it, and looks at some lists. Without a setting it invents a bookshop. With
`MOVIELENS=DIR` in the environment, or a path below, it takes a data set of
GroupLens, unpacked."""),
    ("code", """import os
import tempfile

import matplotlib.pyplot as plt
import pandas as pd

import tributary
import tributary.demo

movielens = os.environ.get("MOVIELENS", "")   # or a path
out = tempfile.mkdtemp(prefix="bundles-")"""),
    ("markdown", """## What is understood

Columns are found by their names. Warnings say what looks wrong."""),
    ("code", """if movielens:
    data = {"data": f"movielens:{movielens}"}
    settings = {}
else:
    interactions, items = map(pd.DataFrame, tributary.demo.shop())
    display(interactions.head(3), items.head(3))
    data = {"interactions": interactions, "items": items}
    settings = tributary.demo.QUICK
lines, warnings = tributary.understand(**data)
print("\\n".join(lines + [f"warning: {warning}" for warning in warnings]))"""),
    ("markdown", """## Build, with a fifth held out

The build chooses its settings by recall, unless they are given. On MovieLens
100k that takes minutes."""),
    ("code", """bundle = tributary.build(**data, out=out, holdout=0.2, **settings)
print(bundle.summary())"""),
    ("markdown", "## Judge it"),
    ("code", """measured = tributary.evaluate(bundle, k=[10, 20, 50, 100])
recall = measured.to_pandas("recall")
recall.round(4)"""),
    ("code", """figure, axes = plt.subplots(figsize=(7, 4))
for source, row in recall.iterrows():
    fused = source == "fused"
    axes.plot(row.index, row, label=source, linewidth=3 if fused else 1,
              color="black" if fused else None)
axes.set(xlabel="length of the list", ylabel="recall", ylim=(0, None),
         title="What share of the held-out interactions is in the list")
axes.legend(ncols=2, fontsize="small")
plt.show()"""),
    ("markdown", """## Serve it

The server ends with the block. `client.http` is its address for a browser:
`/console` shows lists, and why."""),
    ("code", """titles = bundle.titles()
user = bundle.keys("users")[0]
with tributary.serve(bundle) as client:
    reply = client.retrieve(user, k=10, full=True)
    table = reply.to_pandas()
    table.insert(1, "title", table["item"].map(titles))
    display(table[["title", "score", "sources"]])

    liked = reply.items[0]
    similar = client.retrieve(k=5, like=[liked])
    print("more like", titles.get(liked, liked), ":",
          [titles.get(item, item) for item in similar.items])
    print(client.explain(user, items=[similar.items[0]], k=10)[0])"""),
    ("markdown", """## How the lists spread over the catalogue"""),
    ("code", """users = bundle.keys("users")[:500]
with tributary.serve(bundle) as client:
    counts = pd.Series([
        item for entry in client.stream(tributary.Request(u, k=20) for u in users)
        for item in entry.unwrap().items]).value_counts()
figure, axes = plt.subplots(figsize=(7, 3))
axes.plot(range(1, len(counts) + 1), counts)
axes.set(xlabel="item, most proposed first", ylabel="lists", yscale="log",
         title=f"{len(counts)} of {bundle.items} items are in a list")
plt.show()"""),
]


def notebook() -> str:
    cells = []
    for number, (kind, source) in enumerate(CELLS):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {},
                "source": source.splitlines(keepends=True)}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)
    return json.dumps({
        "cells": cells, "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"kernelspec": {"display_name": "Python 3", "name": "python3",
                                    "language": "python"},
                     "language_info": {"name": "python"}}}, indent=1) + "\n"


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("own_data.ipynb")
    if sys.argv[1:] == ["--check"]:
        sys.exit(path.read_text("utf-8") != notebook())
    path.write_text(notebook(), "utf-8")
