"""What a team would use instead, trained and judged on the same split."""

import time

import implicit
import numpy as np
import scipy.sparse as sparse
from implicit.nearest_neighbours import (BM25Recommender, CosineRecommender,
                                         TFIDFRecommender)

PREFIXES = (20, 50, 100, 200, 500)
# The inverse of EASE takes the cube of the number of items.
MAX_EASE_ITEMS = 20_000
USERS_PER_BLOCK = 256


def read_pairs(path):
  """The positive (user, item) pairs of a RecBole .inter file."""
  with open(path, encoding="utf-8") as lines:
    names = [name.split(":")[0] for name in next(lines).rstrip("\n").split("\t")]
    user, item = names.index("user_id"), names.index("item_id")
    value = names.index("rating") if "rating" in names else None
    rows = (line.rstrip("\n").split("\t") for line in lines)
    return [(row[user], row[item]) for row in rows
            if value is None or float(row[value]) > 0]


class Split:
  """Train and test as matrices of zeros and ones, users by items."""

  def __init__(self, train_path, test_path):
    train, test = read_pairs(train_path), read_pairs(test_path)
    users = {u: i for i, u in enumerate(sorted({u for u, _ in train + test}))}
    items = {t: i for i, t in enumerate(sorted({t for _, t in train + test}))}

    def matrix(pairs):
      rows = [users[u] for u, _ in pairs]
      columns = [items[t] for _, t in pairs]
      ones = np.ones(len(pairs), np.float32)
      result = sparse.csr_matrix((ones, (rows, columns)),
                                 shape=(len(users), len(items)))
      result.data[:] = 1  # what came twice was added up
      return result

    self.train = matrix(train)
    test = matrix(test)
    self.test = (test - test.multiply(self.train)).tocsr()
    self.test.eliminate_zeros()
    self.test_users = np.flatnonzero(np.diff(self.test.indptr))


def recall(split, score):
  """Mean recall over test users at PREFIXES. score(users) -> [users, items]."""
  sums = np.zeros(len(PREFIXES))
  for begin in range(0, len(split.test_users), USERS_PER_BLOCK):
    users = split.test_users[begin:begin + USERS_PER_BLOCK]
    scores = np.array(score(users), np.float32)
    train = split.train[users]
    scores[np.repeat(np.arange(len(users)), np.diff(train.indptr)),
           train.indices] = -np.inf
    depth = min(max(PREFIXES), scores.shape[1])
    best = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
    order = np.argsort(-np.take_along_axis(scores, best, 1), 1, kind="stable")
    best = np.take_along_axis(best, order, 1)
    for row, user in zip(best, users):
      wanted = split.test[user].indices
      hits = np.cumsum(np.isin(row, wanted))
      sums += [hits[min(k, depth) - 1] / len(wanted) for k in PREFIXES]
  return dict(zip(PREFIXES, sums / len(split.test_users)))


def popularity(split):
  counts = np.asarray(split.train.sum(0)).ravel()
  return lambda users: np.tile(counts, (len(users), 1))


def factors(split, threads, alpha, regularization):
  model = implicit.als.AlternatingLeastSquares(
      factors=64, alpha=alpha, regularization=regularization, iterations=15,
      random_state=1, num_threads=threads)
  model.fit(split.train, show_progress=False)
  return lambda users: model.user_factors[users] @ model.item_factors.T


def neighbours(split, threads, recommender, size):
  model = recommender(K=size, num_threads=threads)
  model.fit(split.train, show_progress=False)
  return lambda users: (split.train[users] @ model.similarity).toarray()


def ease(split, penalty):
  """Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (2019)."""
  gramian = (split.train.T @ split.train).toarray().astype(np.float64)
  gramian[np.diag_indices_from(gramian)] += penalty
  inverse = np.linalg.inv(gramian)
  weights = inverse / -np.diag(inverse)
  np.fill_diagonal(weights, 0)
  return lambda users: split.train[users] @ weights.astype(np.float32)


def run_all(split, threads, report):
  """Calls report(name, seconds to train, recall) for every peer."""
  models = [("popularity", lambda: popularity(split))]
  for alpha, penalty in ((1, .01), (5, .01), (10, 1.), (20, 5.)):
    models.append((f"implicit ALS alpha={alpha} reg={penalty}",
                   lambda a=alpha, p=penalty: factors(split, threads, a, p)))
  for recommender, size in ((CosineRecommender, 200), (TFIDFRecommender, 200),
                            (BM25Recommender, 100)):
    models.append((f"implicit {recommender.__name__} K={size}",
                   lambda r=recommender, s=size: neighbours(split, threads, r,
                                                            s)))
  if split.train.shape[1] <= MAX_EASE_ITEMS:
    for penalty in (300, 1000):
      models.append((f"EASE lambda={penalty}",
                     lambda p=penalty: ease(split, p)))
  for name, train in models:
    start = time.perf_counter()
    score = train()
    report(name, time.perf_counter() - start, recall(split, score))


def als_iteration_ms(split, threads, iterations=10):
  """The median time of an iteration of implicit's ALS."""
  took = []
  model = implicit.als.AlternatingLeastSquares(
      factors=64, iterations=iterations, random_state=1, num_threads=threads)
  model.fit(split.train, show_progress=False,
            callback=lambda _, seconds, loss: took.append(1e3 * seconds))
  return float(np.median(took))
