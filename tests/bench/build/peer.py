"""Trains one of implicit's models on generated data, and judges it.

Usage: peer.py als|tfidf INTERACTIONS.csv TEST.inter THREADS

Prints JSON: how long the training took, and its recall.
"""

import json
import os
import sys
import time

# implicit runs its own threads, and asks that BLAS have one. Before NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import implicit  # pylint: disable=wrong-import-position
import numpy as np  # pylint: disable=wrong-import-position
import scipy.sparse as sparse  # pylint: disable=wrong-import-position

from generate import FIRST_KEY  # pylint: disable=wrong-import-position

PREFIXES = (20, 100, 500)
MAX_JUDGED_USERS = 5_000
USERS_PER_BLOCK = 256


def read_columns(path, separator):
  """Users and items, as numbers from 0."""
  rows = np.loadtxt(path, np.int64, delimiter=separator, skiprows=1,
                    usecols=(0, 1))
  return rows[:, 0] - FIRST_KEY["user"], rows[:, 1] - FIRST_KEY["item"]


def read_split(data, test):
  users, items = read_columns(data, ",")
  test_users, test_items = read_columns(test, "\t")
  shape = (users.max() + 1, items.max() + 1)

  def matrix(rows, columns):
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)),
                             shape=shape)

  held_out = matrix(test_users, test_items)
  train = matrix(users, items)
  train = (train - train.multiply(held_out)).tocsr()
  train.eliminate_zeros()
  return train, held_out


def recall(train, test, score):
  users = np.flatnonzero(np.diff(test.indptr))
  if len(users) > MAX_JUDGED_USERS:
    users = users[np.arange(MAX_JUDGED_USERS) * len(users) // MAX_JUDGED_USERS]
  sums = np.zeros(len(PREFIXES))
  for begin in range(0, len(users), USERS_PER_BLOCK):
    block = users[begin:begin + USERS_PER_BLOCK]
    scores = np.array(score(block), np.float32)
    seen = train[block]
    scores[np.repeat(np.arange(len(block)), np.diff(seen.indptr)),
           seen.indices] = -np.inf
    best = np.argsort(-scores, 1, kind="stable")[:, :max(PREFIXES)]
    for row, user in zip(best, block):
      wanted = test[user].indices
      hits = np.cumsum(np.isin(row, wanted))
      sums += [hits[k - 1] / len(wanted) for k in PREFIXES]
  return dict(zip(PREFIXES, sums / len(users)))


def main():
  model, data, test, threads = sys.argv[1:]
  train, held_out = read_split(data, test)
  start = time.perf_counter()
  if model == "als":
    als = implicit.als.AlternatingLeastSquares(
        factors=64, alpha=5, regularization=0.01, iterations=15,
        random_state=1, num_threads=int(threads))
    als.fit(train, show_progress=False)
    score = lambda users: als.user_factors[users] @ als.item_factors.T
  else:
    tfidf = implicit.nearest_neighbours.TFIDFRecommender(
        K=200, num_threads=int(threads))
    tfidf.fit(train, show_progress=False)
    score = lambda users: (train[users] @ tfidf.similarity).toarray()
  seconds = time.perf_counter() - start
  print(json.dumps({"seconds": seconds,
                    "recall": recall(train, held_out, score)}))


if __name__ == "__main__":
  main()
