#include <cmath>
#include <span>
#include <string>
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

absl::Status CheckGoldenQuery(const UserTower& tower,
                              const v1::GoldenQuery& golden) {
  const std::vector<Row> history(golden.history().begin(),
                                 golden.history().end());
  std::vector<float> vectors;
  if (!tower.Encode(kNoRow, history, &vectors)) {
    return absl::DataLossError(
        "the tower knows no item of the query's history");
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
      "the tower's vector of the query's history is {} away from the golden "
      "vector, which has length {}",
      std::sqrt(distance), std::sqrt(length)));
}

absl::Status CheckTower(const Bundle& bundle, const EmbeddingSpace& space) {
  ASSIGN_OR_RETURN(const auto tower, UserTower::Open(bundle, space));
  RETURN_IF_ERROR(tower->CheckTables());
  for (int i = 0; i < bundle.manifest().golden_queries_size(); ++i) {
    const v1::GoldenQuery& golden = bundle.manifest().golden_queries(i);
    if (golden.space() != space.spec->name() || golden.history().empty()) {
      continue;
    }
    const absl::Status status = CheckGoldenQuery(*tower, golden);
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
