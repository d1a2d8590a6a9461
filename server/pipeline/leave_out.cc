#include "server/pipeline/leave_out.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace tributary {
namespace {

// Reading a list costs about as much as the rest of a request.
constexpr uint32_t kNearlyFreeUs = 50;

struct CostlySource {
  size_t source = 0;
  double cost_us = 0;
  double adds = 0;
};

double AddedBy(const v1::FusionModel& model, const std::string& retriever,
               uint32_t target) {
  // Between targets, which are at least 0, and contributions, which are below
  // 1, nothing is compared: a model has all of them or none.
  if (model.contributions().empty()) return target;
  uint32_t longest = 0;
  double adds = 0;
  for (const v1::Contribution& one : model.contributions()) {
    if (one.retriever() != retriever || one.k() < longest) continue;
    longest = one.k();
    adds = one.recall();
  }
  return adds;
}

}  // namespace

void LeaveOut(const v1::FusionModel& model, const ServingBundle& bundle,
              Plan* plan) {
  std::array<CostlySource, kMaxSources> costly;
  size_t count = 0;
  double left_us = 0;
  for (size_t i = 0; i < plan->sources.size(); ++i) {
    const PlannedSource& source = plan->sources[i];
    const NamedRetriever& named =
        bundle.retrievers()[static_cast<size_t>(source.retriever)];
    const uint32_t cost_us = named.retriever->expected_us(source.asked);
    if (cost_us <= kNearlyFreeUs) continue;
    costly[count++] = {i, static_cast<double>(cost_us),
                       AddedBy(model, named.spec->name(), source.target)};
    left_us += cost_us;
  }
  const bool all_are_costly = count == plan->sources.size();
  const bool fewer = plan->level == v1::FEWER_SOURCES;
  // Those that are left out first come first.
  std::sort(costly.begin(), costly.begin() + count,
            [fewer](const CostlySource& a, const CostlySource& b) {
              return fewer ? a.adds < b.adds : a.cost_us > b.cost_us;
            });
  const double target_us = fewer ? left_us / 2 : 0;
  const size_t keep = fewer || all_are_costly ? 1 : 0;
  for (size_t i = 0; i + keep < count && left_us > target_us; ++i) {
    plan->sources[costly[i].source].left_out = true;
    left_us -= costly[i].cost_us;
  }
}

}  // namespace tributary
