"""Vectors to search: unit vectors from 200 Gaussians of rank 32, plus noise.

As a program: mixture.py DIR writes a million items with vectors in two spaces,
attributes, 2 000 users and 20 000 popular items, for `tributary build --data
vectors:DIR`.
"""
import pathlib
import sys

import numpy as np


def mixture(n, dim, queries, seed=7):
    rng = np.random.default_rng(seed)
    rank, centres = 32, 200
    basis = rng.standard_normal((rank, dim), dtype=np.float32)
    means = rng.standard_normal((centres, rank), dtype=np.float32)

    def draw(count):
        z = means[rng.integers(0, centres, count)]
        z = z + 0.9 * rng.standard_normal((count, rank), dtype=np.float32)
        x = z @ basis + 0.3 * rng.standard_normal((count, dim), dtype=np.float32)
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    return draw(n), draw(queries)


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    n = 1_000_000
    for seed, space in enumerate(("behavior", "content")):
        items, users = mixture(n, 64, 2000, seed)
        np.save(directory / f"{space}.items.npy", items)
        np.save(directory / f"{space}.users.npy", users)
    rng = np.random.default_rng(3)
    np.save(directory / "attribute.in_stock.npy", rng.random(n) < 0.9)
    # As brands are: some have most of the items.
    brands = np.minimum(rng.zipf(1.3, n), 5000)
    np.save(directory / "attribute.brand.npy",
            np.char.add("brand", brands.astype("U4")))
    np.save(directory / "attribute.price.npy",
            np.round(rng.lognormal(3, 1, n), 2))
    np.save(directory / "attribute.created_at.npy",
            np.datetime64("2026-01-01T00:00:00", "s")
            + rng.integers(0, 300 * 86400, n).astype("m8[s]"))
    with open(directory / "popularity.csv", "w") as file:
        file.write("item_id,score\n")
        for i in range(20_000):
            file.write(f"{i * 7919 % n},{1 / (1 + i):.9f}\n")


if __name__ == "__main__":
    main()
