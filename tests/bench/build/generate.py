"""Writes interactions with a structure that models can learn, of any size.

Usage: generate.py OUT.csv --interactions N --users N --items N [--seed N]

The file is CSV: user,item,value,time. How active users are and how popular items
are follow power laws. Items belong to clusters; a user has a few favourite
clusters, of which the later ones come later in the user's life, so that recent
items say more than old ones. Some interactions go to an item that follows the
last one's in its cluster, and some to whatever is popular. Rows are ordered by
user and time. Memory is bounded by a chunk of users, not by the file.
"""

import argparse
import pathlib

import numpy as np

CHUNK_INTERACTIONS = 2_000_000
CLUSTERS_PER_USER = 4
ITEMS_PER_CLUSTER = 150
SHARE_POPULAR = 0.15
SHARE_NEXT = 0.2
# How many places after the last item in its cluster the next one is, at most.
NEXT_PLACES = 3
FIRST_TIME = 1_600_000_000
LIFE_SECONDS = 3 * 365 * 86_400
# Keys have the same number of digits and no zeros in front.
FIRST_KEY = {"user": 100_000_000, "item": 100_000_000}


def counts_of_users(rng, interactions, users):
  """How many interactions each user has: a heavy tail, at least 3."""
  share = rng.lognormal(0, 1.2, users)
  counts = np.maximum(3, share * (interactions / share.sum()))
  counts *= interactions / counts.sum()
  return np.maximum(3, np.round(counts)).astype(np.int64)


class Catalogue:
  """Items in clusters; within one, the place of an item is its rank."""

  def __init__(self, rng, items):
    self.n_clusters = max(8, items // ITEMS_PER_CLUSTER)
    sizes = rng.lognormal(0, 0.6, self.n_clusters)
    sizes = np.maximum(8, sizes * items / sizes.sum()).astype(np.int64)
    begins = np.concatenate([[0], np.cumsum(sizes)])
    begins = np.minimum(begins, items - 8)
    self.begin = begins[:-1]
    self.size = np.maximum(8, np.minimum(begins[1:], items) - self.begin)
    # Large clusters are popular ones.
    weight = self.size * rng.lognormal(0, 0.8, self.n_clusters)
    self.cumulative = np.cumsum(weight / weight.sum())
    # Equal keys must not mean equal clusters.
    self.shuffled = rng.permutation(items)
    self.popular = rng.permutation(items)

  def clusters(self, rng, shape):
    return np.searchsorted(self.cumulative, rng.random(shape)).clip(
        max=self.n_clusters - 1)


def zipf(rng, sizes, exponent=0.9):
  """A rank below each size, nearly as 1 / (rank + 1)^exponent."""
  power = 1 - exponent
  top = (sizes + 1.0) ** power - 1
  rank = (rng.random(len(sizes)) * top + 1) ** (1 / power) - 1
  return np.minimum(rank.astype(np.int64), sizes - 1)


def interactions_of(rng, catalogue, first_user, counts):
  """User, item and time of some users' interactions, ordered by user, time."""
  users = np.repeat(np.arange(len(counts)), counts)
  n = len(users)
  begins = np.cumsum(counts) - counts
  place = np.arange(n) - np.repeat(begins, counts)
  age = place / np.repeat(counts, counts)
  favourites = catalogue.clusters(rng, (len(counts), CLUSTERS_PER_USER))
  # Which favourite: the later in life, the later ones, with some noise.
  which = (age * CLUSTERS_PER_USER * 0.75 + rng.exponential(0.8, n)).astype(
      np.int64) % CLUSTERS_PER_USER
  cluster = favourites[users, which]
  rank = zipf(rng, catalogue.size[cluster])
  # Some follow the interaction before, if it is the same user's.
  follows = (rng.random(n) < SHARE_NEXT) & (place > 0)
  at = np.flatnonzero(follows)
  cluster[at] = cluster[at - 1]
  rank[at] = (rank[at - 1] + rng.integers(1, NEXT_PLACES + 1, len(at))
              ) % catalogue.size[cluster[at]]
  items = catalogue.shuffled[
      (catalogue.begin[cluster] + rank) % len(catalogue.shuffled)]
  popular = np.flatnonzero(rng.random(n) < SHARE_POPULAR)
  items[popular] = catalogue.popular[
      zipf(rng, np.full(len(popular), len(catalogue.popular)))]
  start = rng.random(len(counts)) * 0.5
  span = rng.random(len(counts)) * (1 - start)
  time = FIRST_TIME + LIFE_SECONDS * (start[users] + span[users] * age)
  # Nobody has an item twice.
  _, kept = np.unique(users * len(catalogue.shuffled) + items,
                      return_index=True)
  kept.sort()
  return first_user + users[kept], items[kept], time[kept].astype(np.int64)


def write_rows(out, users, items, values, times):
  """Rows of fixed width, so that NumPy can write them."""
  columns = (FIRST_KEY["user"] + users, FIRST_KEY["item"] + items, values,
             times)
  widths = (9, 9, 1, 10)
  rows = np.full((len(users), sum(widths) + len(widths)), ord(","), np.uint8)
  at = 0
  for numbers, width in zip(columns, widths):
    numbers = numbers.astype(np.int64).copy()
    for digit in range(width):
      rows[:, at + width - 1 - digit] = ord("0") + numbers % 10
      numbers //= 10
    at += width + 1
  rows[:, -1] = ord("\n")
  out.write(rows.tobytes())


def generate(path, interactions, users, items, seed=1):
  """Returns how many interactions were written."""
  rng = np.random.default_rng(seed)
  catalogue = Catalogue(rng, items)
  counts = counts_of_users(rng, interactions, users)
  # Some fall out as repetitions.
  counts = np.maximum(3, (counts * 1.16).astype(np.int64))
  written = 0
  with open(path, "wb") as out:
    out.write(b"user,item,value,time\n")
    first = 0
    while first < users:
      ends = np.cumsum(counts[first:first + CHUNK_INTERACTIONS])
      n = max(1, int(np.searchsorted(ends, CHUNK_INTERACTIONS)))
      rows = interactions_of(rng, catalogue, first, counts[first:first + n])
      values = 3 + (rng.random(len(rows[0])) < 0.6) + (
          rng.random(len(rows[0])) < 0.3)
      write_rows(out, rows[0], rows[1], values, rows[2])
      written += len(rows[0])
      first += n
  return written


def main():
  parser = argparse.ArgumentParser(
      description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument("out", type=pathlib.Path)
  parser.add_argument("--interactions", type=int, required=True)
  parser.add_argument("--users", type=int, required=True)
  parser.add_argument("--items", type=int, required=True)
  parser.add_argument("--seed", type=int, default=1)
  args = parser.parse_args()
  written = generate(args.out, args.interactions, args.users, args.items,
                     args.seed)
  print(f"wrote {written} interactions of {args.users} users with "
        f"{args.items} items: {args.out}")


if __name__ == "__main__":
  main()
