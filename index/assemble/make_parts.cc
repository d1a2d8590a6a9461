#include <algorithm>
#include <numeric>
#include <string>
#include <unordered_set>
#include <utility>

#include "fmt/format.h"
#include "index/assemble/bundle_parts.h"
#include "index/assemble/check_lengths.h"
#include "index/train/als/als_trainer.h"
#include "index/train/content/content_trainer.h"
#include "index/train/half_precision.h"
#include "index/train/history/history_tower_trainer.h"
#include "index/train/towers/towers_trainer.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Users without a vector of their own are encoded as the mean of their items.
TrainedSpace TakeGiven(const GivenSpace& given) {
  return {.name = given.name,
          .dim = given.dim,
          .metric = given.metric,
          .history_encoder = given.users.rows.empty()
                                 ? v1::MEAN
                                 : v1::HISTORY_ENCODER_UNSPECIFIED,
          .items = {given.items.rows, given.items.values},
          .users = {given.users.rows, given.users.values}};
}

// Spaces of one bundle have names of their own, and so have the sources.
absl::Status CheckNames(const std::vector<TrainedSpace>& spaces,
                        const v1::Neighbors& neighbors) {
  std::unordered_set<std::string> taken(neighbors.tables().begin(),
                                        neighbors.tables().end());
  taken.insert("category");
  for (const TrainedSpace& space : spaces) {
    if (taken.insert(space.name).second) continue;
    return absl::InvalidArgumentError(fmt::format(
        "the space {} of the given vectors has the name of a source that the "
        "build makes; rename its files",
        space.name));
  }
  return absl::OkStatus();
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

// Says what the data lack.
absl::Status NothingToRetrieveBy(const DataSet& data) {
  const std::string interactions =
      data.interactions.empty()
          ? "the data have no interaction"
          : fmt::format("none of the {} interactions has a value above 0",
                        data.interactions.size());
  const std::string features =
      data.item_features.empty()
          ? "items have no features"
          : fmt::format(
                "the features of the {} items ({} columns) do not "
                "tell them apart",
                data.items.size(), data.item_features.size());
  return absl::FailedPreconditionError(fmt::format(
      "nothing to retrieve by: {}, and {}", interactions, features));
}

}  // namespace

SeenLists ListSeen(const DataSet& data) {
  SeenLists seen;
  seen.offsets.reserve(data.users.size() + 1);
  seen.offsets.push_back(0);
  const std::vector<Interaction>& all = data.interactions;
  size_t begin = 0;
  std::unordered_set<Row> had;
  bool all_wanted = true;
  for (Row user = 0; user < data.users.size(); ++user) {
    size_t end = begin;
    while (end < all.size() && all[end].user == user) ++end;
    // From the newest back, so that an item that occurs twice keeps its last
    // position; first the items that the user wanted, then the others.
    const size_t first = seen.rows.size();
    had.clear();
    const auto add = [&](bool wanted) {
      for (size_t i = end; i > begin; --i) {
        if (wanted && all[i - 1].weight <= 0) continue;
        if (had.insert(all[i - 1].item).second) {
          seen.rows.push_back(all[i - 1].item);
        }
      }
    };
    add(true);
    const size_t wanted = seen.rows.size() - first;
    add(false);
    std::reverse(seen.rows.begin() + static_cast<int64_t>(first),
                 seen.rows.end());
    seen.wanted.push_back(seen.rows.size() - wanted);
    all_wanted = all_wanted && seen.wanted.back() == first;
    seen.offsets.push_back(seen.rows.size());
    begin = end;
  }
  if (all_wanted) seen.wanted.clear();
  return seen;
}

absl::StatusOr<BundleParts> MakeParts(const DataSet& data,
                                      const v1::BuildConfig& config,
                                      const Choices& choices,
                                      const Progress& progress) {
  BundleParts parts;
  for (const GivenSpace& given : data.spaces) {
    RETURN_IF_ERROR(CheckLengths(data, given));
    if (!given.items.rows.empty()) parts.spaces.push_back(TakeGiven(given));
  }
  if (data.trains) {
    ASSIGN_OR_RETURN(std::vector<TrainedSpace> trained,
                     TrainSpaces(data, config, progress));
    for (TrainedSpace& space : trained) {
      parts.spaces.push_back(std::move(space));
    }
    RETURN_IF_ERROR(CheckNames(parts.spaces, config.neighbors()));
  }
  ASSIGN_OR_RETURN(parts.popularity,
                   CountPopularity(data, config.popularity()));
  if (parts.spaces.empty() && parts.popularity.lists.empty()) {
    return NothingToRetrieveBy(data);
  }
  if (!data.interactions.empty()) parts.seen = ListSeen(data);
  parts.neighbors = MakeNeighbors(data, config, choices, progress);
  return parts;
}

}  // namespace tributary
