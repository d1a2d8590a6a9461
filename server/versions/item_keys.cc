#include "server/versions/item_keys.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <utility>

#include "index/bundle/row.h"

namespace tributary {

void ItemKeys::Add(std::string_view key) {
  if (uint64_t id = 0; ParseDecimalKey(key, &id)) {
    ids_.push_back(id);
    return;
  }
  texts_.append(key);
  ends_.push_back(texts_.size());
}

void ItemKeys::Finish() {
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  ids_.shrink_to_fit();
  std::vector<size_t> order(ends_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [this](size_t a, size_t b) { return Text(a) < Text(b); });
  order.erase(
      std::unique(order.begin(), order.end(),
                  [this](size_t a, size_t b) { return Text(a) == Text(b); }),
      order.end());
  std::vector<uint64_t> ends;
  ends.reserve(order.size());
  std::string texts;
  for (const size_t i : order) {
    texts.append(Text(i));
    ends.push_back(texts.size());
  }
  texts.shrink_to_fit();
  ends_ = std::move(ends);
  texts_ = std::move(texts);
}

bool ItemKeys::Has(std::string_view key) const {
  if (uint64_t id = 0; ParseDecimalKey(key, &id)) {
    return std::ranges::binary_search(ids_, id);
  }
  size_t begin = 0;
  size_t end = ends_.size();
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    if (Text(middle) < key) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin < ends_.size() && Text(begin) == key;
}

uint64_t ItemKeys::AddRows(const KeyTable& items, RowSet* rows) const {
  uint64_t found = 0;
  const auto add = [&](Row row) {
    if (row == kNoRow) return;
    rows->Add(row);
    ++found;
  };
  for (const uint64_t id : ids_) add(items.Find(id));
  for (size_t i = 0; i < ends_.size(); ++i) add(items.Find(Text(i)));
  return found;
}

bool ItemKeys::Assign(std::vector<uint64_t> ids, std::vector<uint64_t> ends,
                      std::string texts) {
  ids_ = std::move(ids);
  ends_ = std::move(ends);
  texts_ = std::move(texts);
  if (std::adjacent_find(ids_.begin(), ids_.end(),
                         std::greater_equal<uint64_t>()) != ids_.end()) {
    return false;
  }
  if (!std::is_sorted(ends_.begin(), ends_.end()) ||
      (ends_.empty() ? 0 : ends_.back()) != texts_.size()) {
    return false;
  }
  for (size_t i = 0; i < ends_.size(); ++i) {
    if (i > 0 && Text(i - 1) >= Text(i)) return false;
    if (uint64_t id = 0; ParseDecimalKey(Text(i), &id)) return false;
  }
  return true;
}

std::string_view ItemKeys::Text(size_t i) const {
  const uint64_t begin = i == 0 ? 0 : ends_[i - 1];
  return std::string_view(texts_).substr(begin, ends_[i] - begin);
}

}  // namespace tributary
