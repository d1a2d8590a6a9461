"""Holds a tenth of the items out of a split, as if they came later.

Usage: new_items.py SPLIT OUT     (docs/recall.md says what for)

SPLIT is what `tributary split` wrote. Writes
  OUT/train           the split's training data without the new items
  OUT/new.item        the new items, for `tributary extend`
  OUT/test-new.inter  every interaction with them, of training and test
  OUT/test-old.inter  the test's interactions with the others
"""

import pathlib
import sys
import zlib

TAKE_ONE_IN = 10


def is_new(key):
  return zlib.crc32(key.encode()) % TAKE_ONE_IN == 0


def cut(source, new_file, old_file, mode="w"):
  """Sends each line of a RecBole file to one of two."""
  with open(source, encoding="utf-8") as lines, \
       open(new_file, mode, encoding="utf-8") as new, \
       open(old_file, "w", encoding="utf-8") as old:
    header = next(lines)
    names = [name.split(":")[0] for name in header.rstrip("\n").split("\t")]
    key = names.index("item_id")
    old.write(header)
    if mode == "w":
      new.write(header)
    for line in lines:
      fields = line.rstrip("\n").split("\t")
      (new if is_new(fields[key]) else old).write(line)


def main():
  split, out = map(pathlib.Path, sys.argv[1:])
  train = out / "train"
  train.mkdir(parents=True, exist_ok=True)
  if (split / "train.user").exists():
    (train / "train.user").write_bytes((split / "train.user").read_bytes())
  cut(split / "train.item", out / "new.item", train / "train.item")
  cut(split / "train.inter", out / "test-new.inter", train / "train.inter")
  cut(split / "test" / "test.inter", out / "test-new.inter",
      out / "test-old.inter", mode="a")


if __name__ == "__main__":
  main()
