#include <cmath>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/core.h"
#include "index/tower/item_tower.h"
#include "index/tower/user_tower.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// The relative difference allowed between the vectors of server and trainer,
// which add in different orders.
constexpr double kTolerance = 1e-4;

// The features of a golden query, as requests bring them. Not copyable: they
// view their categories.
class GoldenFeatures {
 public:
  // DATA_LOSS when the query has not as many as the tower.
  absl::Status Read(const v1::Tower& tower, const v1::GoldenQuery& golden) {
    if (golden.features().empty()) return absl::OkStatus();
    if (golden.features_size() != tower.features_size()) {
      return absl::DataLossError(
          fmt::format("{} features, but the user tower has {}",
                      golden.features_size(), tower.features_size()));
    }
    // By name; inputs of one column, of different kinds, share an entry.
    std::map<std::string_view, UserFeature> by_name;
    for (int i = 0; i < golden.features_size(); ++i) {
      const v1::GoldenFeature& value = golden.features(i);
      const std::string& name = tower.features(i).column();
      if (name.empty()) continue;
      UserFeature& feature = by_name[name];
      feature.name = name;
      if (tower.features(i).kind() == v1::FeatureInput::NUMBER) {
        if (value.has_number()) {
          feature.number = static_cast<float>(value.number());
        }
        continue;
      }
      const auto& names = categories_.emplace_back(value.categories().begin(),
                                                   value.categories().end());
      feature.categories = names;
    }
    for (const auto& [name, feature] : by_name) features_.push_back(feature);
    return absl::OkStatus();
  }

  std::span<const UserFeature> features() const { return features_; }

 private:
  std::deque<std::vector<std::string_view>> categories_;
  std::vector<UserFeature> features_;
};

absl::Status CheckGoldenQuery(const UserTower& tower, const v1::Tower& spec,
                              const v1::GoldenQuery& golden) {
  const std::vector<Row> history(golden.history().begin(),
                                 golden.history().end());
  GoldenFeatures given;
  RETURN_IF_ERROR(given.Read(spec, golden));
  std::vector<float> vectors;
  if (!tower.Encode(kNoRow, history, given.features(), &vectors)) {
    return absl::DataLossError(
        "the tower knows no item of the query's history, and none of its "
        "features");
  }
  double distance = 0;
  double length = 0;
  for (int i = 0; i < golden.vector_size(); ++i) {
    const double difference =
        vectors[static_cast<size_t>(i)] - golden.vector(i);
    distance += difference * difference;
    length += static_cast<double>(golden.vector(i)) * golden.vector(i);
  }
  // Written so that NaN fails.
  if (std::sqrt(distance) <= kTolerance * std::sqrt(length)) {
    return absl::OkStatus();
  }
  return absl::DataLossError(fmt::format(
      "the tower's vector of the query's history{} is {} away from the golden "
      "vector, which has length {}",
      golden.features().empty() ? "" : " and features", std::sqrt(distance),
      std::sqrt(length)));
}

absl::Status CheckTower(const Bundle& bundle, const EmbeddingSpace& space) {
  ASSIGN_OR_RETURN(const auto tower, UserTower::Open(bundle, space));
  RETURN_IF_ERROR(tower->CheckTables());
  for (int i = 0; i < bundle.manifest().golden_queries_size(); ++i) {
    const v1::GoldenQuery& golden = bundle.manifest().golden_queries(i);
    if (golden.space() != space.spec->name() ||
        (golden.history().empty() && golden.features().empty())) {
      continue;
    }
    const absl::Status status =
        CheckGoldenQuery(*tower, space.spec->user_tower(), golden);
    if (status.ok()) continue;
    return absl::DataLossError(fmt::format("space {}: golden query {}: {}",
                                           space.spec->name(), i,
                                           std::string(status.message())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckTowers(const Bundle& bundle) {
  for (const EmbeddingSpace& space : bundle.spaces()) {
    if (space.spec->has_item_tower()) {
      RETURN_IF_ERROR(ItemTower::Open(bundle, space).status());
    }
    if (space.spec->history_encoder() != v1::TOWER) continue;
    RETURN_IF_ERROR(CheckTower(bundle, space));
  }
  return absl::OkStatus();
}

}  // namespace tributary
