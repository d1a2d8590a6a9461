#include "server/versions/bundle_events.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"

namespace tributary {
namespace {

size_t HashOf(Row user) { return absl::Hash<Row>()(user); }
size_t HashOf(std::string_view key) {
  return absl::Hash<absl::string_view>()(
      absl::string_view(key.data(), key.size()));
}

}  // namespace

MetItems::MetItems(const std::vector<LiveEvent>& events, const Bundle& bundle,
                   std::span<const Row> seen) {
  const uint64_t through = bundle.manifest().changes_through();
  for (const bool wanted : {true, false}) {
    for (const LiveEvent& event : events) {
      if (event.wanted != wanted || event.change <= through) continue;
      const Row row = bundle.items().Find(event.item);
      if (row == kNoRow) {
        lacking_.push_back({event.item, event.change, wanted});
        continue;
      }
      rows_.push_back(row);
      changes_.push_back(event.change);
    }
    if (wanted) wanted_ = rows_.size();
  }
  std::ranges::sort(lacking_, {}, &LackingItem::change);
  beyond_stored_ = rows_.size();
  if (rows_.empty() || seen.empty()) return;
  std::vector<Row> sorted = rows_;
  std::sort(sorted.begin(), sorted.end());
  for (const Row row : seen) {
    if (std::binary_search(sorted.begin(), sorted.end(), row)) {
      --beyond_stored_;
    }
  }
}

uint64_t MetItems::ChangeOf(Row item) const {
  const auto found = std::ranges::find(rows_, item);
  return found == rows_.end()
             ? 0
             : changes_[static_cast<size_t>(found - rows_.begin())];
}

// Replaces entries of parts, each of which is copied at the first of its
// entries.
template <typename Key>
class BundleEvents::Writer {
 public:
  explicit Writer(Parts<Key>* parts) : parts_(*parts) {}

  // Null `items`: there is no such entry any more. Returns by how many entries
  // there are more.
  int Put(const Key& key, std::shared_ptr<const MetItems> items) {
    const size_t at = HashOf(key) % kParts;
    if (items == nullptr &&
        (parts_[at] == nullptr || !parts_[at]->contains(key))) {
      return 0;
    }
    if (copies_[at] == nullptr) {
      auto copy = parts_[at] == nullptr
                      ? std::make_shared<Part<Key>>()
                      : std::make_shared<Part<Key>>(*parts_[at]);
      copies_[at] = copy.get();
      parts_[at] = std::move(copy);
    }
    if (items == nullptr) {
      copies_[at]->erase(key);
      return -1;
    }
    return copies_[at]->insert_or_assign(key, std::move(items)).second ? 1 : 0;
  }

 private:
  Parts<Key>& parts_;
  std::array<Part<Key>*, kParts> copies_{};
};

std::shared_ptr<const BundleEvents> BundleEvents::Update(
    const BundleEvents* before, const Bundle& bundle, const UserEvents& events,
    std::span<const std::string> users) {
  auto after = before == nullptr ? std::make_shared<BundleEvents>()
                                 : std::make_shared<BundleEvents>(*before);
  Writer<Row> known(&after->known_);
  Writer<std::string> unknown(&after->unknown_);
  for (const std::string& user : users) {
    const Row row = bundle.users().Find(user);
    std::shared_ptr<const MetItems> items;
    if (const std::vector<LiveEvent>* const met = events.Find(user)) {
      items = std::make_shared<const MetItems>(*met, bundle, bundle.Seen(row));
      if (items->seen().empty() && items->lacking().empty()) items = nullptr;
    }
    after->users_ +=
        static_cast<size_t>(row == kNoRow ? unknown.Put(user, std::move(items))
                                          : known.Put(row, std::move(items)));
  }
  if (after->users_ == 0) return nullptr;
  return after;
}

const MetItems* BundleEvents::Find(Row user, std::string_view key) const {
  if (user != kNoRow) {
    const auto& part = known_[HashOf(user) % kParts];
    if (part == nullptr) return nullptr;
    const auto found = part->find(user);
    return found == part->end() ? nullptr : found->second.get();
  }
  if (key.empty()) return nullptr;
  const auto& part = unknown_[HashOf(key) % kParts];
  if (part == nullptr) return nullptr;
  const auto found = part->find(absl::string_view(key.data(), key.size()));
  return found == part->end() ? nullptr : found->second.get();
}

}  // namespace tributary
