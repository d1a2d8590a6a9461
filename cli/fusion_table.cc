#include "cli/fusion_table.h"

#include <string>

#include "fmt/core.h"

namespace tributary {
namespace {

std::string SegmentName(const v1::FusionSegment& segment) {
  if (!segment.has_max_history()) return segment.name();
  return fmt::format("{} (<={})", segment.name(), segment.max_history());
}

}  // namespace

void PrintFusionModel(const v1::FusionModel& model) {
  fmt::print("\n{:<12} {:>6}", "fusion", "quota");
  for (const auto& segment : model.segments()) {
    fmt::print(" {:>12}", SegmentName(segment));
  }
  fmt::print("   recall lost without it\n");
  for (const v1::QuotaShare& quota : model.quotas()) {
    fmt::print("{:<12} {:>6.3f}", quota.retriever(), quota.share());
    for (const auto& segment : model.segments()) {
      const auto weight = segment.weights().find(quota.retriever());
      fmt::print(" {:>12}", weight == segment.weights().end()
                                ? "-"
                                : fmt::format("{:.3f}", weight->second));
    }
    fmt::print("  ");
    for (const v1::Contribution& lost : model.contributions()) {
      if (lost.retriever() != quota.retriever()) continue;
      fmt::print(" @{} {:+.4f}\u00b1{:.4f}", lost.k(), lost.recall(),
                 1.96 * lost.standard_error());
    }
    fmt::print("\n");
  }
}

}  // namespace tributary
