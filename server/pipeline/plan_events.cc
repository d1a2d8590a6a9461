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

}  // namespace

void PlanEvents(const Bundle& bundle, const v1::RetrieveRequest& request,
                Plan* plan) {
  plan->met = nullptr;
  plan->live_history.clear();
  if (plan->overlay == nullptr || plan->overlay->events == nullptr) return;
  plan->met = FindMet(*plan->overlay->events, request, plan->query.user);
  if (plan->met == nullptr || plan->met->wanted().empty()) return;
  JoinHistories(bundle.Wanted(plan->query.user), plan->met->wanted(),
                std::numeric_limits<uint32_t>::max(), &plan->live_history);
}

}  // namespace tributary
