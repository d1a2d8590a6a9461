#include "index/bundle/fusion_model.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/bundle/magnitude.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr double kLeastWeight = 1e-3;

template <typename... Args>
absl::Status WrongModel(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(
      fmt::format(format, std::forward<Args>(args)...));
}

absl::Status CheckSegment(const v1::FusionSegment& segment, int i) {
  if (!std::isfinite(segment.intercept())) {
    return WrongModel("segments[{}].intercept: {}, expected a finite number", i,
                      segment.intercept());
  }
  for (const auto& [name, weight] : segment.weights()) {
    if (weight >= 0 && weight <= kMaxMagnitude) continue;
    return WrongModel("segments[{}].weights[{}]: {}, expected 0 to {:g}", i,
                      Quoted(name), weight, kMaxMagnitude);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckQuotaShares(const QuotaShares& shares) {
  double sum = 0;
  std::set<std::string_view> names;
  for (int i = 0; i < shares.size(); ++i) {
    const v1::QuotaShare& quota = shares[i];
    if (quota.retriever().empty()) {
      return WrongModel("[{}].retriever: expected a retriever's name", i);
    }
    if (!names.insert(quota.retriever()).second) {
      return WrongModel("[{}].retriever: \"{}\" occurs twice", i,
                        quota.retriever());
    }
    // Written so that NaN fails.
    if (!(quota.share() >= 0 && quota.share() <= 1)) {
      return WrongModel("[{}].share: {} is not within 0 to 1", i,
                        quota.share());
    }
    sum += quota.share();
  }
  if (sum <= 1 + 1e-9) return absl::OkStatus();
  return WrongModel(": the sum of the shares, {}, is above 1", sum);
}

absl::Status CheckFusionModel(const v1::FusionModel& model) {
  for (int i = 0; i < model.segments_size(); ++i) {
    const v1::FusionSegment& segment = model.segments(i);
    const bool last = i + 1 == model.segments_size();
    if (segment.has_max_history() == last) {
      return WrongModel("segments[{}]: {}", i,
                        last
                            ? "the last segment takes all other users and must "
                              "have no max_history"
                            : "only the last segment may have no max_history");
    }
    if (i > 0 && !last &&
        segment.max_history() <= model.segments(i - 1).max_history()) {
      return WrongModel(
          "segments[{}]: max_history must be above that of the segment "
          "before it",
          i);
    }
    RETURN_IF_ERROR(CheckSegment(segment, i));
  }
  if (model.segments().empty() && !model.quotas().empty()) {
    return WrongModel("segments: missing");
  }
  absl::Status quotas = CheckQuotaShares(model.quotas());
  if (quotas.ok()) return quotas;
  return WrongModel("quotas{}", std::string(quotas.message()));
}

const v1::FusionSegment& FindFusionSegment(const v1::FusionModel& model,
                                           size_t history) {
  int i = 0;
  while (model.segments(i).has_max_history() &&
         model.segments(i).max_history() < history) {
    ++i;
  }
  return model.segments(i);
}

double FusionWeight(const v1::FusionSegment& segment,
                    const std::string& retriever) {
  const auto weight = segment.weights().find(retriever);
  return weight == segment.weights().end()
             ? kLeastWeight
             : std::max(weight->second, kLeastWeight);
}

}  // namespace tributary
