"""Data on which a plain concatenation of two sources is at chance, and why.

Usage: concatenation.py DIR     (docs/recall.md says what for)

3000 items and 1000 users with a hidden truth of 16 dimensions. Writes
  DIR/data       interactions.csv and items.csv, whose columns tell of the truth
  DIR/test.inter each user's held-out items
  DIR/vectors    two spaces with the faults of the notebook: the item vectors of
                 both are sound, but in `behavior` the users' are as initialised
                 (training never reached the users that are evaluated), and in
                 `content` users and items went through unrelated projections
"""

import pathlib
import sys

import numpy as np

ITEMS, USERS, TRUTH, PER_USER, HELD_OUT = 3000, 1000, 16, 40, 10
DIM = 32


def main():
  out = pathlib.Path(sys.argv[1])
  for name in ("data", "vectors"):
    (out / name).mkdir(parents=True, exist_ok=True)
  random = np.random.default_rng(1)
  items = random.standard_normal((ITEMS, TRUTH))
  users = random.standard_normal((USERS, TRUTH))
  noise = random.gumbel(size=(USERS, ITEMS))
  # What has the largest of noisy logits is a draw from their softmax.
  drawn = np.argsort(-(users @ items.T + noise), axis=1)[:, :PER_USER]
  for row in drawn:
    random.shuffle(row)
  train, test = drawn[:, HELD_OUT:], drawn[:, :HELD_OUT]

  with open(out / "data" / "interactions.csv", "w", encoding="utf-8") as file:
    file.write("user,item\n")
    for user, row in enumerate(train):
      file.writelines(f"{user},{item}\n" for item in row)
  with open(out / "data" / "items.csv", "w", encoding="utf-8") as file:
    file.write("item," + ",".join(f"x{i}" for i in range(TRUTH)) + "\n")
    seen = items + 0.5 * random.standard_normal(items.shape)
    file.writelines(f"{item}," + ",".join(f"{x:.4f}" for x in row) + "\n"
                    for item, row in enumerate(seen))
  with open(out / "test.inter", "w", encoding="utf-8") as file:
    file.write("user_id:token\titem_id:token\n")
    for user, row in enumerate(test):
      file.writelines(f"{user}\t{item}\n" for item in row)

  counts = np.zeros((USERS, ITEMS))
  np.put_along_axis(counts, train, 1, axis=1)
  squares, user_axes = np.linalg.eigh(counts @ counts.T)
  trained = counts.T @ user_axes[:, -DIM:] / squares[-DIM:] ** .25
  profiles = counts @ seen / PER_USER

  def save(name, values):
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    values = values / np.maximum(lengths, 1e-9)
    np.save(out / "vectors" / f"{name}.npy",
            np.ascontiguousarray(values, np.float32))

  save("behavior.items", trained)
  save("behavior.users", random.standard_normal((USERS, DIM)))
  save("content.items", seen @ random.standard_normal((TRUTH, DIM)))
  save("content.users", profiles @ random.standard_normal((TRUTH, DIM)))


if __name__ == "__main__":
  main()
