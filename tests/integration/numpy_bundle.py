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

attributes = []


def bits(has_value):
    """64 items in a word, the first item in its lowest bit."""
    padded = np.zeros((n_items + 63) // 64 * 64, bool)
    padded[:n_items] = has_value
    return np.packbits(padded, bitorder="little").view("<u8")


def save_attribute(name, kind, dictionary, codes):
    """One value an item: codes[i] is that of item i, or len(dictionary)."""
    stem = f"{bundle}/attribute.{name}"
    if kind == "CATEGORY":
        keys = [value.encode() for value in dictionary]
        pathlib.Path(f"{stem}.keys.utf8").write_bytes(b"".join(keys))
        ends = np.cumsum([0] + [len(key) for key in keys])
        np.save(f"{stem}.keys.offsets.npy", ends.astype("<u8"))
    elif kind != "BOOLEAN":
        dtype = "<f8" if kind == "NUMBER" else "<i8"
        np.save(f"{stem}.values.npy", np.asarray(dictionary, dtype))
    width = max(1, (len(dictionary).bit_length() + 7) // 8)
    planes = [codes >> 8 * byte & 0xFF for byte in reversed(range(width))]
    np.save(f"{stem}.codes.npy", np.array(planes, "u1"))
    present = int(np.count_nonzero(codes < len(dictionary)))
    frequent = []
    if kind in ("BOOLEAN", "CATEGORY"):
        frequent = [code for code in range(len(dictionary))
                    if 32 * np.count_nonzero(codes == code) >= n_items]
    if frequent:
        np.save(f"{stem}.frequent.npy", np.array(frequent, "<u4"))
        np.save(f"{stem}.bitmaps.npy",
                np.array([bits(codes == code) for code in frequent]))
    attributes.append({"name": name, "type": kind, "values": len(dictionary),
                       "present": present, "uses": present,
                       "frequent": len(frequent)})


def save_tags(name, dictionary, has):
    """Any number of values an item: has[code, i] says if item i has it."""
    stem = f"{bundle}/attribute.{name}"
    keys = [value.encode() for value in dictionary]
    pathlib.Path(f"{stem}.keys.utf8").write_bytes(b"".join(keys))
    ends = np.cumsum([0] + [len(key) for key in keys])
    np.save(f"{stem}.keys.offsets.npy", ends.astype("<u8"))
    np.save(f"{stem}.items.npy", np.nonzero(has)[1].astype("<u4"))
    ends = np.cumsum([0] + [int(row.sum()) for row in has])
    np.save(f"{stem}.items.offsets.npy", ends.astype("<u8"))
    frequent = [code for code in range(len(dictionary))
                if 32 * has[code].sum() >= n_items]
    if frequent:
        np.save(f"{stem}.frequent.npy", np.array(frequent, "<u4"))
        np.save(f"{stem}.bitmaps.npy",
                np.array([bits(has[code]) for code in frequent]))
    attributes.append({"name": name, "type": "TAGS", "values": len(dictionary),
                       "present": int(has.any(axis=0).sum()),
                       "uses": int(has.sum()), "frequent": len(frequent)})


# What filters can ask for. A tenth of the items has no brand.
brands = sorted(f"brand-{i}" for i in range(300))
brand = random.integers(len(brands), size=n_items)
brand = np.where(random.random(n_items) < 0.3, 0, brand)
brand[random.random(n_items) < 0.1] = len(brands)
save_attribute("brand", "CATEGORY", brands, brand)
save_attribute("in_stock", "BOOLEAN", [False, True],
               random.integers(2, size=n_items))
prices, price = np.unique(random.integers(1, 90000, n_items) / 100,
                          return_inverse=True)
save_attribute("price", "NUMBER", prices, price)
times, since = np.unique(random.integers(1.6e12, 1.7e12, n_items),
                         return_inverse=True)
save_attribute("since", "TIME", times, since)
tagged = random.random((4, n_items)) < np.array([[0.5], [0.1], [0.04], [0.01]])
save_tags("tags", ["eu", "new", "sale", "toys"], tagged)

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
    "attributes": attributes,
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
