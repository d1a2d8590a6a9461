// The input is a file of an item set without its last line, the hash of all
// before it.
#include <span>
#include <string>

#include "index/bundle/sha256.h"
#include "server/versions/item_set_file.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tributary::Require;
  std::string text(tributary::AsText(data, size));
  Require(!tributary::ParseItemSet(text + "x").ok());
  text += "sha256 " +
          tributary::Sha256Hex(std::as_bytes(std::span(data, size))) + "\n";
  auto set = tributary::ParseItemSet(text);
  if (!set.ok()) return 0;
  Require(tributary::ItemSetText(*set) == text);
  // Nothing is left to finish.
  const uint64_t items = set->keys.size();
  set->keys.Finish();
  Require(set->keys.size() == items && tributary::ItemSetText(*set) == text);
  return 0;
}
