#include "server/versions/as_configured.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "status/nearest_name.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

// What the messages begin with, and those of no other check of a version. (A
// payload would be a part of every text that the status becomes.)
constexpr std::string_view kPrefix = "defaults.";

// Looks retrievers up in one version.
class Retrievers {
 public:
  explicit Retrievers(const v1::Manifest& manifest)
      : version_(manifest.version()) {
    for (const v1::RetrieverSpec& spec : manifest.retrievers()) {
      names_.push_back(spec.name());
    }
  }

  absl::Status Expect(std::string_view path, std::string_view name) const {
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(fmt::format(
        "{}: version {} has no retriever \"{}\", only {}{}", path, version_,
        name, fmt::join(names_, ", "), DidYouMean(name, names_)));
  }

  template <typename Weights>
  absl::Status ExpectWeighted(std::string_view path,
                              const Weights& weights) const {
    for (const auto& [name, weight] : weights) {
      if (weight <= 0) continue;
      RETURN_IF_ERROR(Expect(fmt::format("{}[\"{}\"]", path, name), name));
    }
    return absl::OkStatus();
  }

  template <typename Quotas>
  absl::Status ExpectQuotas(std::string_view path, const Quotas& quotas) const {
    for (int i = 0; i < quotas.size(); ++i) {
      RETURN_IF_ERROR(Expect(fmt::format("{}[{}].retriever", path, i),
                             quotas[i].retriever()));
    }
    return absl::OkStatus();
  }

 private:
  uint64_t version_;
  std::vector<std::string> names_;
};

}  // namespace

absl::Status CheckAsConfigured(const v1::Defaults& defaults,
                               const v1::Manifest& manifest) {
  const Retrievers retrievers(manifest);
  RETURN_IF_ERROR(
      retrievers.ExpectQuotas("defaults.quotas", defaults.quotas()));
  RETURN_IF_ERROR(retrievers.ExpectWeighted("defaults.fusion.weights",
                                            defaults.fusion().weights()));
  const v1::FusionModel& model = defaults.fusion_model();
  RETURN_IF_ERROR(
      retrievers.ExpectQuotas("defaults.fusion_model.quotas", model.quotas()));
  for (int i = 0; i < model.segments_size(); ++i) {
    RETURN_IF_ERROR(retrievers.ExpectWeighted(
        fmt::format("defaults.fusion_model.segments[{}].weights", i),
        model.segments(i).weights()));
  }
  return absl::OkStatus();
}

bool IsNotAsConfigured(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) &&
         MessageOf(status).starts_with(kPrefix);
}

}  // namespace tributary
