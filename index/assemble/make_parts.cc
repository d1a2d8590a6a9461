#include <algorithm>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "fmt/format.h"
#include "index/assemble/bundle_parts.h"
#include "index/train/als/als_trainer.h"
#include "index/train/content/content_trainer.h"
#include "index/train/half_precision.h"
#include "index/train/history/history_tower_trainer.h"
#include "index/train/towers/towers_trainer.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

TrainedVectors AllRows(const std::vector<float>& values, uint32_t dim) {
  TrainedVectors vectors{std::vector<Row>(values.size() / dim), values};
  std::iota(vectors.rows.begin(), vectors.rows.end(), 0);
  return vectors;
}

// Users without a vector of their own are encoded as the mean of their items.
TrainedSpace TakeGiven(const GivenSpace& given) {
  return {.name = given.name,
          .dim = given.dim,
          .metric = v1::INNER_PRODUCT,
          .history_encoder =
              given.users.empty() ? v1::MEAN : v1::HISTORY_ENCODER_UNSPECIFIED,
          .items = AllRows(given.items, given.dim),
          .users = AllRows(given.users, given.dim)};
}

absl::Status CheckColumns(const DataSet& data, const v1::Content& settings) {
  for (const auto& [name, weight] : settings.column_weights()) {
    const auto found =
        std::find_if(data.item_features.begin(), data.item_features.end(),
                     [&, &wanted = name](const auto& column) {
                       return column.name == wanted;
                     });
    if (found == data.item_features.end()) {
      return absl::InvalidArgumentError(fmt::format(
          "content.column_weights[\"{}\"]: items have no such column", name));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TrainedSpace>> TrainSpaces(
    const DataSet& data, const v1::BuildConfig& config,
    const Progress& progress) {
  RETURN_IF_ERROR(CheckColumns(data, config.content()));
  std::vector<TrainedSpace> spaces;
  const auto train = [&](const Trainer& trainer) -> absl::Status {
    absl::StatusOr<TrainedSpace> space = trainer.Train(data);
    if (absl::IsFailedPrecondition(space.status())) return absl::OkStatus();
    RETURN_IF_ERROR(space.status());
    spaces.push_back(*std::move(space));
    spaces.back().half_items = RoundToHalf(&spaces.back().items.values);
    return absl::OkStatus();
  };
  const bool with_towers = config.behavior().model() == "towers";
  if (!with_towers) {
    RETURN_IF_ERROR(
        train(HistoryTowerTrainer(config.behavior().history(), config.seed(),
                                  config.threads(), progress)));
  }
  RETURN_IF_ERROR(train(
      AlsTrainer(config.als(), config.seed(), config.threads(), progress)));
  RETURN_IF_ERROR(train(ContentTrainer(config.content(), config.seed(),
                                       config.threads(), progress)));
  if (with_towers) {
    // Content vectors are an input of the towers.
    const auto content =
        std::find_if(spaces.begin(), spaces.end(),
                     [](const auto& space) { return space.name == "content"; });
    RETURN_IF_ERROR(train(TowersTrainer(
        config, content == spaces.end() ? nullptr : &*content, progress)));
  }
  return spaces;
}

// A table that has no pair of items is not kept.
std::vector<NeighborLists> MakeNeighbors(const DataSet& data,
                                         const v1::BuildConfig& config,
                                         const Choices& choices,
                                         const Progress& progress) {
  std::vector<NeighborLists> tables;
  if (choices.neighbors.empty()) return tables;
  const NeighborInput input(data, config);
  for (const NeighborMethod& method : choices.neighbors) {
    progress("neighbors", static_cast<double>(tables.size()) /
                              static_cast<double>(choices.neighbors.size()));
    NeighborLists lists = MakeNeighborLists(input, method);
    const bool empty =
        std::ranges::all_of(lists.rows, [](Row row) { return row == kNoRow; });
    if (!empty) tables.push_back(std::move(lists));
  }
  progress("neighbors", 1);
  return tables;
}

}  // namespace

SeenLists ListSeen(const DataSet& data) {
  SeenLists seen;
  seen.offsets.reserve(data.users.size() + 1);
  seen.offsets.push_back(0);
  const std::vector<Interaction>& all = data.interactions;
  size_t begin = 0;
  std::unordered_set<Row> had;
  for (Row user = 0; user < data.users.size(); ++user) {
    size_t end = begin;
    while (end < all.size() && all[end].user == user) ++end;
    // From the newest back, so that an item that occurs twice keeps its last
    // position.
    const size_t first = seen.rows.size();
    had.clear();
    for (size_t i = end; i > begin; --i) {
      if (had.insert(all[i - 1].item).second) {
        seen.rows.push_back(all[i - 1].item);
      }
    }
    std::reverse(seen.rows.begin() + static_cast<int64_t>(first),
                 seen.rows.end());
    seen.offsets.push_back(seen.rows.size());
    begin = end;
  }
  return seen;
}

absl::StatusOr<BundleParts> MakeParts(const DataSet& data,
                                      const v1::BuildConfig& config,
                                      const Choices& choices,
                                      const Progress& progress) {
  BundleParts parts;
  for (const GivenSpace& given : data.spaces) {
    if (!given.items.empty()) parts.spaces.push_back(TakeGiven(given));
  }
  if (data.spaces.empty()) {
    ASSIGN_OR_RETURN(parts.spaces, TrainSpaces(data, config, progress));
  }
  ASSIGN_OR_RETURN(parts.popularity,
                   CountPopularity(data, config.popularity()));
  if (parts.spaces.empty() && parts.popularity.lists.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("nothing to retrieve by: {} items without interactions of "
                    "a value above 0, and without features that tell them "
                    "apart",
                    data.items.size()));
  }
  if (!data.interactions.empty()) parts.seen = ListSeen(data);
  parts.neighbors = MakeNeighbors(data, config, choices, progress);
  return parts;
}

}  // namespace tributary
