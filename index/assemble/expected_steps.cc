#include "index/assemble/expected_steps.h"

#include <string>

#include "fmt/format.h"
#include "index/assemble/build_config.h"

namespace tributary {
namespace {

// Seconds of the steps of a build of 200 000 interactions.
constexpr double kChooseBehaviorS = 60;
constexpr double kChooseAlsS = 4;
constexpr double kChooseNeighborsS = 10;
constexpr double kBehaviorS = 10;
constexpr double kAlsS = 0.5;
constexpr double kContentS = 1;
constexpr double kNeighborsS = 5;
constexpr double kIndexS = 2;
constexpr double kListsS = 2;
constexpr double kFusionS = 12;
constexpr double kVerifyS = 1;

// The steps of MakeParts and WriteParts.
void AddPartSteps(const DataSet& data, const v1::BuildConfig& config,
                  const std::string& prefix, std::vector<ExpectedStep>* steps) {
  const auto add = [&](const char* name, double weight) {
    steps->push_back({prefix + name, weight});
  };
  if (data.trains) {
    const bool history = config.behavior().model() == "history";
    if (history) add("behavior", kBehaviorS);
    add("als", kAlsS);
    if (!data.item_features.empty()) add("content", kContentS);
    if (!history) add("behavior", kBehaviorS);
    add("neighbors", kNeighborsS);
  }
  add("index", kIndexS);
  add("verify", kVerifyS);
}

}  // namespace

std::vector<ExpectedStep> ExpectedBuildSteps(const DataSet& data,
                                             const BuildRequest& request) {
  const auto config = CompleteBuildConfig(request.config);
  // The build says what is wrong with it.
  if (!config.ok()) return {};
  std::vector<ExpectedStep> steps;
  const bool is_first = data.trains && !request.like.has_value();
  if (is_first && config->behavior().model() == "history") {
    steps.push_back({"choose behavior", kChooseBehaviorS});
  }
  if (is_first) {
    steps.push_back({"choose als", kChooseAlsS});
    steps.push_back({"choose neighbors", kChooseNeighborsS});
  }
  const bool judges = data.trains && request.judge &&
                      config->validation_share() > 0 &&
                      (is_first || request.config.validation_share() > 0);
  if (judges) {
    AddPartSteps(data, *config, "validation: ", &steps);
    steps.push_back({"validation: lists", kListsS});
    steps.push_back({"validation: fusion", kFusionS});
  }
  AddPartSteps(data, *config, "", &steps);
  return steps;
}

}  // namespace tributary
