#include "server/explain/nearest_keys.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <tuple>

#include "absl/strings/ascii.h"
#include "status/nearest_name.h"

namespace tributary {
namespace {

// Distances take time in proportion to both lengths; longer keys are not
// compared.
constexpr size_t kMaxComparedBytes = 256;
// How many of the keys on either side of where the key would be are looked at.
constexpr uint64_t kNeighbourhood = 64;
// So many bytes of a key are edited.
constexpr size_t kEditedBytes = 64;
constexpr std::string_view kCharacters =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:/ ";

// How many edits may separate two keys of which the longer has so many bytes.
size_t MostEdits(size_t bytes) { return std::max<size_t>(1, bytes / 3); }

class Nearest {
 public:
  Nearest(const KeyTable& table, std::string_view key)
      : table_(table), key_(key) {}

  void Consider(Row row) {
    if (row == kNoRow || !considered_.insert(row).second) return;
    const std::string text = table_.text(row);
    const size_t longer = std::max(text.size(), key_.size());
    const size_t least = longer - std::min(text.size(), key_.size());
    if (text.size() > kMaxComparedBytes || least > Worst(longer)) return;
    const size_t distance = EditDistance(key_, text);
    if (distance > Worst(longer)) return;
    found_.insert({distance, row, text});
    if (found_.size() > kMaxNearestKeys) found_.erase(std::prev(found_.end()));
  }

  std::vector<std::string> Keys() const {
    std::vector<std::string> keys;
    for (const auto& [distance, row, text] : found_) keys.push_back(text);
    return keys;
  }

 private:
  size_t Worst(size_t longer) const {
    const size_t most = MostEdits(longer);
    return found_.size() < kMaxNearestKeys
               ? most
               : std::min(most, std::get<0>(*found_.rbegin()));
  }

  const KeyTable& table_;
  const std::string_view key_;
  std::set<Row> considered_;
  std::set<std::tuple<size_t, Row, std::string>> found_;
};

// The first row whose key is not less than `key`. REQUIRES: string keys.
uint64_t FirstNotLess(const KeyTable& table, std::string_view key) {
  uint64_t begin = 0;
  uint64_t end = table.size();
  while (begin < end) {
    const uint64_t middle = begin + (end - begin) / 2;
    if (table.string(static_cast<Row>(middle)) < key) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

void ConsiderNeighbourhood(const KeyTable& table, std::string_view key,
                           Nearest* nearest) {
  const uint64_t at = FirstNotLess(table, key);
  const uint64_t end = std::min(table.size(), at + kNeighbourhood);
  for (uint64_t row = at - std::min(at, kNeighbourhood); row < end; ++row) {
    nearest->Consider(static_cast<Row>(row));
  }
}

// Considers what one edit makes of the key.
void ConsiderEdits(const KeyTable& table, const std::string& key,
                   std::string_view characters, Nearest* nearest) {
  const auto consider = [&](const std::string& text) {
    nearest->Consider(table.Find(std::string_view(text)));
  };
  const size_t edited = std::min(key.size(), kEditedBytes);
  for (size_t i = 0; i <= edited; ++i) {
    for (const char c : characters) {
      consider(key.substr(0, i) + c + key.substr(i));
      if (i < edited) consider(key.substr(0, i) + c + key.substr(i + 1));
    }
    if (i == edited) break;
    consider(key.substr(0, i) + key.substr(i + 1));
    if (i + 1 < key.size()) {
      std::string swapped = key;
      std::swap(swapped[i], swapped[i + 1]);
      consider(swapped);
    }
  }
}

}  // namespace

std::vector<std::string> NearestKeys(const KeyTable& table,
                                     std::string_view key) {
  if (key.size() > kMaxComparedBytes) return {};
  Nearest nearest(table, key);
  if (table.size() <= kScannedKeys) {
    for (uint64_t row = 0; row < table.size(); ++row) {
      nearest.Consider(static_cast<Row>(row));
    }
    return nearest.Keys();
  }
  const std::string text(key);
  if (table.kind() == v1::UINT64) {
    ConsiderEdits(table, text, kCharacters.substr(0, 10), &nearest);
    return nearest.Keys();
  }
  for (const std::string& other :
       {text, absl::AsciiStrToLower(text), absl::AsciiStrToUpper(text),
        std::string(absl::StripAsciiWhitespace(text))}) {
    nearest.Consider(table.Find(std::string_view(other)));
  }
  ConsiderEdits(table, text, kCharacters, &nearest);
  ConsiderNeighbourhood(table, text, &nearest);
  return nearest.Keys();
}

}  // namespace tributary
