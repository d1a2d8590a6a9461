#include "server/pipeline/plan_events.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>

#include "server/retrieval/user_history.h"

namespace tributary {
namespace {

const MetItems* FindMet(const BundleEvents& events,
                        const v1::RetrieveRequest& request, Row user) {
  if (!request.has_user_id()) return events.Find(user, request.user_key());
  // Events name users by text.
  std::array<char, 20> text;
  const auto end =
      std::to_chars(text.begin(), text.end(), request.user_id()).ptr;
  return events.Find(user, std::string_view(text.begin(), end));
}

// Items of the bundle that stand in for the added ones that the user wanted
// become the newest of the history.
void AddStandInsOfMet(const Bundle& bundle, const AddedItems& added,
                      Plan* plan) {
  for (const LackingItem& item : plan->met->lacking()) {
    if (!item.wanted) continue;
    const Row row = added.Find(item.key);
    const Row stand_in = row == kNoRow ? kNoRow : added.StandIn(row);
    if (stand_in == kNoRow) continue;
    std::vector<Row>& history = plan->live_history;
    if (history.empty()) {
      const std::span<const Row> stored = bundle.Wanted(plan->query.user);
      history.assign(stored.begin(), stored.end());
    }
    std::erase(history, stand_in);
    history.push_back(stand_in);
  }
}

}  // namespace

void PlanEvents(const Bundle& bundle, const v1::RetrieveRequest& request,
                Plan* plan) {
  plan->met = nullptr;
  plan->live_history.clear();
  if (plan->overlay == nullptr || plan->overlay->events == nullptr) return;
  plan->met = FindMet(*plan->overlay->events, request, plan->query.user);
  if (plan->met == nullptr) return;
  if (!plan->met->wanted().empty()) {
    JoinHistories(bundle.Wanted(plan->query.user), plan->met->wanted(),
                  std::numeric_limits<uint32_t>::max(), &plan->live_history);
  }
  if (plan->added() != nullptr) {
    AddStandInsOfMet(bundle, *plan->added(), plan);
  }
}

void AppendMetAdded(const AddedItems& added, const MetItems& met,
                    std::vector<Row>* rows) {
  for (const LackingItem& item : met.lacking()) {
    const Row row = added.Find(item.key);
    if (row != kNoRow) rows->push_back(row);
  }
}

}  // namespace tributary
