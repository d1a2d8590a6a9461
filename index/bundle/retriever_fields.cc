#include "index/bundle/retriever_fields.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fmt/core.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxHistory = 1000;
constexpr double kMaxDecay = 10;

// The field's value is "", or a list is empty.
absl::Status Missing(std::string_view field, const v1::RetrieverSpec& spec) {
  return absl::InvalidArgumentError(
      fmt::format("{}: missing, but kind \"{}\" needs it", field, spec.kind()));
}

absl::Status CheckNoSettings(const v1::RetrieverSpec& spec) {
  if (spec.settings().empty()) return absl::OkStatus();
  // The first one by name, so that the error is the same every time.
  const auto first = std::min_element(
      spec.settings().begin(), spec.settings().end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  return absl::InvalidArgumentError(
      fmt::format("settings[{}]: kind \"{}\" has no settings",
                  Quoted(first->first), spec.kind()));
}

}  // namespace

absl::Status CheckHistoryFields(const v1::RetrieverSpec& spec) {
  if (spec.max_history() < 1 || spec.max_history() > kMaxHistory) {
    return absl::InvalidArgumentError(fmt::format(
        "maxHistory: {}, expected 1 to {}", spec.max_history(), kMaxHistory));
  }
  // Written so that NaN is out of range.
  if (spec.decay() >= 0 && spec.decay() <= kMaxDecay) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("decay: {}, expected 0 to {}", spec.decay(), kMaxDecay));
}

absl::Status CheckBuiltInKind(const v1::RetrieverSpec& spec,
                              const v1::Manifest& manifest) {
  if (spec.kind() == "vector") {
    if (spec.space().empty()) return Missing("space", spec);
  } else if (spec.kind() == "popularity") {
    if (spec.lists().empty()) return Missing("lists", spec);
  } else if (spec.kind() == "neighbors") {
    if (spec.table().empty()) return Missing("table", spec);
    RETURN_IF_ERROR(CheckHistoryFields(spec));
  } else if (spec.kind() == "category_popularity") {
    const auto& lists = manifest.popularity();
    if (std::none_of(lists.begin(), lists.end(),
                     [](const auto& list) { return list.category() > 0; })) {
      return absl::InvalidArgumentError(
          "kind: category_popularity, but no list of popularity has a "
          "category");
    }
    RETURN_IF_ERROR(CheckHistoryFields(spec));
  } else {
    return absl::OkStatus();
  }
  return CheckNoSettings(spec);
}

}  // namespace tributary
