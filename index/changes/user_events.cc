#include "index/changes/user_events.h"

#include <algorithm>

namespace tributary {

bool UserEvents::Apply(const v1::Change& change) {
  if (!change.has_event()) return false;
  const v1::UserEvent& event = change.event();
  const bool wanted = !event.has_value() || event.value() > 0;
  std::vector<LiveEvent>& events = by_user_[event.user()];
  const auto before =
      std::ranges::find(events, change.item(), &LiveEvent::item);
  if (before != events.end()) {
    if (before->wanted && !wanted) return false;
    events.erase(before);
  }
  if (events.size() == kMaxEvents) events.erase(events.begin());
  events.push_back({change.number(), change.item(), wanted});
  return true;
}

}  // namespace tributary
