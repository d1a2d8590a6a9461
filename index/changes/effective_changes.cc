#include "index/changes/effective_changes.h"

#include <algorithm>
#include <utility>

namespace tributary {

void EffectiveChanges::Replace(uint64_t* last, uint64_t number) {
  kept_.erase(*last);
  *last = number;
}

void EffectiveChanges::AddSet(const v1::Change& change, Item* item) {
  for (const auto& [name, value] : change.set().attributes().fields()) {
    uint64_t& last = item->set_by[{name, value.kind_case()}];
    if (last != 0) {
      const auto before = item->sets.find(last);
      if (--before->second == 0) {
        kept_.erase(last);
        item->sets.erase(before);
      }
    }
    last = change.number();
    ++item->sets[last];
  }
}

void EffectiveChanges::AddUpsert(const v1::Change& change, Item* item) {
  Upsert added{change.number(), {}};
  for (const auto& [name, value] : change.upsert().features().fields()) {
    added.says.insert("c" + name);
  }
  for (const auto& [name, vector] : change.upsert().vectors()) {
    added.says.insert("v" + name);
  }
  if (change.upsert().has_popularity()) added.says.insert("p");
  std::erase_if(item->upserts, [&](const Upsert& earlier) {
    const bool is_said_again =
        std::includes(added.says.begin(), added.says.end(),
                      earlier.says.begin(), earlier.says.end());
    if (is_said_again) kept_.erase(earlier.number);
    return is_said_again;
  });
  item->upserts.push_back(std::move(added));
}

void EffectiveChanges::Add(const v1::Change& change, std::string_view bytes,
                           bool verdict_ok) {
  kept_.emplace_hint(kept_.end(), change.number(), bytes);
  if (!verdict_ok) return;
  if (change.has_event()) {
    events_.insert(events_.end(), change.number());
    return;
  }
  Item& item = items_[change.item()];
  switch (change.what_case()) {
    case v1::Change::kRemove:
    case v1::Change::kRestore:
      return Replace(&item.down, change.number());
    case v1::Change::kExpire:
      return Replace(&item.expire, change.number());
    case v1::Change::kSet:
      return AddSet(change, &item);
    case v1::Change::kUpsert:
      return AddUpsert(change, &item);
    case v1::Change::kEvent:
    case v1::Change::WHAT_NOT_SET:
      return;
  }
}

void EffectiveChanges::ForgetEvents(uint64_t through) {
  const auto end = events_.upper_bound(through);
  for (auto event = events_.begin(); event != end; ++event) {
    kept_.erase(*event);
  }
  events_.erase(events_.begin(), end);
}

}  // namespace tributary
