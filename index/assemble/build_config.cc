#include "index/assemble/build_config.h"

#include <algorithm>
#include <string_view>
#include <thread>

#include "fmt/format.h"
#include "index/bundle/bundle.h"
#include "index/train/check_range.h"
#include "index/train/towers/towers_config.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxThreads = 1024;
constexpr uint32_t kMaxIterations = 1000;
constexpr uint32_t kMaxHistoryItems = 100'000;
constexpr const char* kNeighborTables[] = {"item_item", "ease", "covisit"};
constexpr const char* kIndexKinds[] = {"auto", "flat", "scan", "ivf", "faiss"};
constexpr const char* kWeightings[] = {"auto", "cosine", "tfidf", "bm25"};

void SetDefaults(v1::BuildConfig* config) {
// Sets fields that are not set.
#define DEFAULT_TO(message, field, value) \
  if (!(message)->has_##field()) (message)->set_##field(value)
  DEFAULT_TO(config, seed, 1);
  DEFAULT_TO(config, max_malformed_lines, 100);
  DEFAULT_TO(config, threads,
             std::max(1U, std::thread::hardware_concurrency()));
  DEFAULT_TO(config, validation_share, 0.1);
  v1::Behavior* const behavior = config->mutable_behavior();
  DEFAULT_TO(behavior, model, "history");
  DEFAULT_TO(behavior->mutable_history(), dim, 128);
  DEFAULT_TO(behavior->mutable_history(), max_items, 1000);
  DEFAULT_TO(behavior->mutable_history(), learning_rate, 0.007);
  DEFAULT_TO(behavior->mutable_history(), decay_spread, 2);
  v1::Als* const als = config->mutable_als();
  DEFAULT_TO(als, dim, 64);
  DEFAULT_TO(als, iterations, 15);
  v1::Content* const content = config->mutable_content();
  DEFAULT_TO(content, dim, 128);
  DEFAULT_TO(content, weigh_by_value, false);
  v1::Popularity* const popularity = config->mutable_popularity();
  DEFAULT_TO(popularity, half_life_days, 0);
  DEFAULT_TO(popularity, min_segment_interactions, 1000);
  DEFAULT_TO(popularity, min_category_interactions, 100);
  v1::Neighbors* const neighbors = config->mutable_neighbors();
  if (neighbors->tables().empty()) {
    for (const char* table : kNeighborTables) neighbors->add_tables(table);
  }
  DEFAULT_TO(neighbors, width, 200);
  DEFAULT_TO(neighbors, weighting, "auto");
  DEFAULT_TO(neighbors, ridge, 0);
  v1::Covisit* const covisit = config->mutable_covisit();
  DEFAULT_TO(covisit, window_items, 100);
  DEFAULT_TO(covisit, window_days, 30);
  v1::IndexChoice* const index = config->mutable_index();
  DEFAULT_TO(index, kind, "auto");
  DEFAULT_TO(index, factory, "");
  DEFAULT_TO(index, target_recall, 0.99);
  DEFAULT_TO(index, target_n, 500);
  DEFAULT_TO(index, lists, 0);
  v1::Feedback* const feedback = config->mutable_feedback();
  DEFAULT_TO(feedback, positive, "");
  DEFAULT_TO(feedback, negative, "");
  DEFAULT_TO(feedback, value_weight, "none");
  DEFAULT_TO(feedback, half_life_days, 0);
  DEFAULT_TO(feedback, max_per_user_item_day, 1);
  DEFAULT_TO(feedback, max_repeats, 1);
#undef DEFAULT_TO
}

absl::Status CheckBehavior(const v1::Behavior& behavior) {
  if (behavior.model() != "history" && behavior.model() != "towers") {
    return absl::InvalidArgumentError(
        fmt::format("behavior.model: \"{}\", expected history or towers",
                    behavior.model()));
  }
  const v1::HistoryTower& history = behavior.history();
  RETURN_IF_ERROR(
      CheckRange("behavior.history.dim", history.dim(), 2U, kMaxDim));
  RETURN_IF_ERROR(CheckRange("behavior.history.max_items", history.max_items(),
                             1U, kMaxHistoryItems));
  // Fields that are not set are chosen.
  if (history.has_epochs()) {
    RETURN_IF_ERROR(CheckRange("behavior.history.epochs", history.epochs(), 1U,
                               kMaxIterations));
  }
  RETURN_IF_ERROR(
      CheckRange("behavior.history.dropout", history.dropout(), 0.0, 0.99));
  RETURN_IF_ERROR(CheckRange("behavior.history.weight_decay",
                             history.weight_decay(), 0.0, 100.0));
  RETURN_IF_ERROR(
      CheckRange("behavior.history.decay", history.decay(), 0.0, 4.0));
  RETURN_IF_ERROR(CheckRange("behavior.history.decay_spread",
                             history.decay_spread(), 1.0, 4.0));
  RETURN_IF_ERROR(
      CheckRange("behavior.history.cut_share", history.cut_share(), 0.0, 1.0));
  return CheckRange("behavior.history.learning_rate", history.learning_rate(),
                    1e-6, 10.0);
}

absl::Status CheckTraining(const v1::BuildConfig& config) {
  RETURN_IF_ERROR(CheckBehavior(config.behavior()));
  const v1::Als& als = config.als();
  RETURN_IF_ERROR(CheckRange("als.dim", als.dim(), 1U, kMaxDim));
  RETURN_IF_ERROR(
      CheckRange("als.iterations", als.iterations(), 1U, kMaxIterations));
  if (als.has_alpha()) {
    RETURN_IF_ERROR(CheckRange("als.alpha", als.alpha(), 1e-6, 1e6));
  }
  if (als.has_regularization()) {
    RETURN_IF_ERROR(
        CheckRange("als.regularization", als.regularization(), 1e-9, 1e6));
  }
  RETURN_IF_ERROR(
      CheckRange("content.dim", config.content().dim(), 1U, kMaxDim));
  for (const auto& [column, weight] : config.content().column_weights()) {
    RETURN_IF_ERROR(
        CheckRange(fmt::format("content.column_weights[\"{}\"]", column),
                   weight, 0.0, 1e6));
  }
  return absl::OkStatus();
}

absl::Status CheckNeighbors(const v1::BuildConfig& config) {
  const v1::Neighbors& neighbors = config.neighbors();
  for (const std::string& table : neighbors.tables()) {
    const bool alone = table == "none" && neighbors.tables_size() == 1;
    if (alone || std::ranges::count(kNeighborTables, table) > 0) continue;
    return absl::InvalidArgumentError(
        fmt::format("neighbors.tables: \"{}\", expected {}, or none alone",
                    table, fmt::join(kNeighborTables, ", ")));
  }
  if (std::ranges::count(kWeightings, neighbors.weighting()) == 0) {
    return absl::InvalidArgumentError(
        fmt::format("neighbors.weighting: \"{}\", expected {}",
                    neighbors.weighting(), fmt::join(kWeightings, ", ")));
  }
  RETURN_IF_ERROR(
      CheckRange("neighbors.width", neighbors.width(), 1U, 10'000U));
  RETURN_IF_ERROR(CheckRange("neighbors.ridge", neighbors.ridge(), 0.0, 1e9));
  RETURN_IF_ERROR(CheckRange("covisit.window_items",
                             config.covisit().window_items(), 1U, 1000U));
  return CheckRange("covisit.window_days", config.covisit().window_days(), 0.0,
                    1e6);
}

// Fields that are not set are not checked: a space's are as in `index`.
absl::Status CheckIndex(const std::string& field,
                        const v1::IndexChoice& index) {
  if (index.has_kind() && std::ranges::count(kIndexKinds, index.kind()) == 0) {
    return absl::InvalidArgumentError(
        fmt::format("{}.kind: \"{}\", expected {}", field, index.kind(),
                    fmt::join(kIndexKinds, ", ")));
  }
  if (index.has_target_recall()) {
    RETURN_IF_ERROR(
        CheckRange(field + ".target_recall", index.target_recall(), 0.0, 1.0));
  }
  if (index.has_target_n()) {
    RETURN_IF_ERROR(
        CheckRange(field + ".target_n", index.target_n(), 1U, 100'000U));
  }
  if (index.has_lists()) {
    RETURN_IF_ERROR(
        CheckRange(field + ".lists", index.lists(), 0U, 1'000'000U));
  }
  for (const auto& [space, own] : index.by_space()) {
    RETURN_IF_ERROR(
        CheckIndex(fmt::format("{}.by_space[\"{}\"]", field, space), own));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::BuildConfig> CompleteBuildConfig(v1::BuildConfig config) {
  SetDefaults(&config);
  RETURN_IF_ERROR(CompleteTowers(config.mutable_behavior()->mutable_towers()));
  RETURN_IF_ERROR(CheckRange("threads", config.threads(), 1U, kMaxThreads));
  RETURN_IF_ERROR(
      CheckRange("validation_share", config.validation_share(), 0.0, 0.5));
  RETURN_IF_ERROR(CheckRange("popularity.half_life_days",
                             config.popularity().half_life_days(), 0.0, 1e6));
  RETURN_IF_ERROR(CheckTraining(config));
  RETURN_IF_ERROR(CheckNeighbors(config));
  RETURN_IF_ERROR(CheckIndex("index", config.index()));
  return config;
}

}  // namespace tributary
