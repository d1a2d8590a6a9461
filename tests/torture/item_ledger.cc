#include "tests/torture/item_ledger.h"

#include <algorithm>

#include "fmt/format.h"

namespace tributary {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

void ItemLedger::WillChange(size_t item) {
  const MutexLock lock(&mutex_);
  items_[item].known = false;
}

void ItemLedger::Acknowledged(size_t item, bool down) {
  const MutexLock lock(&mutex_);
  items_[item] = {
      .known = true, .down = down, .acknowledged = steady_clock::now()};
}

std::optional<bool> ItemLedger::IsDown(size_t item) const {
  const MutexLock lock(&mutex_);
  if (!items_[item].known) return std::nullopt;
  return items_[item].down;
}

void ItemLedger::OutageBegins() {
  const MutexLock lock(&mutex_);
  outages_.emplace_back(steady_clock::now(), Time::max());
}

void ItemLedger::OutageEnds() {
  const MutexLock lock(&mutex_);
  outages_.back().second = steady_clock::now();
}

ItemLedger::Time ItemLedger::VisibleBy(Time acknowledged) const {
  Time visible = acknowledged + delay_;
  for (const auto& [begin, end] : outages_) {
    if (begin >= visible || end <= acknowledged) continue;
    if (end == Time::max()) return end;
    visible = std::max(visible, end + delay_);
  }
  return visible;
}

std::string ItemLedger::Judge(Time sent, const std::vector<bool>& has,
                              bool whole) {
  std::string wrong;
  const MutexLock lock(&mutex_);
  for (size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    if (!item.known || (!item.down && !whole)) continue;
    const bool is_wrong = has[i] == item.down;
    const auto after = duration_cast<milliseconds>(sent - item.acknowledged);
    const Time visible = VisibleBy(item.acknowledged);
    if (is_wrong && item.down && visible == item.acknowledged + delay_) {
      slowest_ = std::max(slowest_, after);
    }
    if (visible > sent) continue;
    ++(item.down ? judged_down_ : judged_up_);
    if (is_wrong) {
      wrong += fmt::format(
          "item {} is {} an answer to a request {} ms after it "
          "was {}\n",
          i, item.down ? "in" : "not in", after.count(),
          item.down ? "taken down" : "restored");
    }
  }
  return wrong;
}

uint64_t ItemLedger::judged_down() const {
  const MutexLock lock(&mutex_);
  return judged_down_;
}

uint64_t ItemLedger::judged_up() const {
  const MutexLock lock(&mutex_);
  return judged_up_;
}

milliseconds ItemLedger::slowest() const {
  const MutexLock lock(&mutex_);
  return slowest_;
}

}  // namespace tributary
