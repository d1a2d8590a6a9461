"""Writes a bundle with NumPy and the standard library alone.

Usage: numpy_bundle.py ROOT VERSION. This is the whole of what a pipeline that
does not use our code has to do.
"""
import hashlib
import json
import pathlib
import sys

import numpy as np

root, version = pathlib.Path(sys.argv[1]), int(sys.argv[2])
bundle = root / str(version)
bundle.mkdir(parents=True)

n_items, n_users, dim = 1000, 50, 16
random = np.random.default_rng(7)
item_ids = np.sort(random.choice(10**12, n_items, replace=False))
user_keys = sorted(f"user-é{i}".encode() for i in range(n_users))

np.save(bundle / "items.keys.npy", item_ids.astype("<u8"))
(bundle / "users.keys.utf8").write_bytes(b"".join(user_keys))
offsets = np.cumsum([0] + [len(key) for key in user_keys])
np.save(bundle / "users.keys.offsets.npy", offsets.astype("<u8"))

items = random.standard_normal((n_items, dim))
users = random.standard_normal((n_users, dim))
np.save(bundle / "taste.items.npy", items.astype("<f2"))
np.save(bundle / "taste.users.npy", users.astype("<f4"))

# Each item's 20 nearest, itself aside.
likeness = items @ items.T
np.fill_diagonal(likeness, -np.inf)
neighbors = np.argsort(-likeness)[:, :20]
np.save(bundle / "neighbors.like.rows.npy", neighbors.astype("<u4"))
likeness = np.take_along_axis(likeness, neighbors, axis=1)
np.save(bundle / "neighbors.like.scores.npy", likeness.astype("<f2"))

popularity = np.argsort(-random.random(n_items))
np.save(bundle / "popularity.all.npy", popularity.astype("<u4"))
scores = np.arange(n_items, 0, -1)
np.save(bundle / "popularity.all.scores.npy", scores.astype("<f4"))

manifest = {
    "format": 1,
    "version": version,
    "items": {"kind": "UINT64", "count": n_items},
    "users": {"kind": "UTF8", "count": n_users},
    "spaces": [{
        "name": "taste",
        "dim": dim,
        "metric": "INNER_PRODUCT",
        "fingerprint": "numpy-1",
        "itemVectors": n_items,
        "userVectors": n_users,
        "index": {"kind": "flat"},
    }],
    "neighbors": [{"name": "like", "width": 20}],
    "popularity": [{"name": "all", "count": n_items}],
    "retrievers": [
        {"name": "taste", "kind": "vector", "space": "taste"},
        {"name": "like", "kind": "neighbors", "table": "like",
         "maxHistory": 100},
        {"name": "popularity", "kind": "popularity", "lists": ["all"]},
    ],
    "files": [{
        "name": path.name,
        "sizeBytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    } for path in sorted(bundle.iterdir())],
}
(bundle / "manifest.json").write_text(json.dumps(manifest, indent=1))

# What the server should answer for one user, for the test to compare.
user = user_keys.index("user-é7".encode())
exact = items.astype("<f2").astype("f4") @ users[user].astype("f4")
print(" ".join(str(item_ids[i]) for i in np.argsort(-exact)[:10]))
