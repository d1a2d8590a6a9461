#include "index/assemble/build_config.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "index/bundle/bundle.h"
#include "index/bundle/product.h"
#include "index/data/value_condition.h"
#include "index/train/check_range.h"
#include "index/train/towers/towers_config.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxThreads = 1024;
constexpr uint32_t kMaxIterations = 1000;
constexpr uint32_t kMaxHistoryItems = 100'000;
constexpr size_t kMaxSeparatorBytes = 8;
constexpr const char* kEncodings[] = {"auto", "utf-8", "utf-16",
                                      "windows-1252"};
constexpr const char* kKeyKinds[] = {"auto", "number", "text"};
constexpr const char* kMetrics[] = {"inner_product", "cosine"};
constexpr const char* kNeighborTables[] = {"item_item", "ease", "covisit"};
constexpr const char* kIndexKinds[] = {"auto", "flat", "scan", "ivf", "faiss"};
constexpr const char* kValueWeights[] = {"linear", "log", "none"};
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
  v1::Input* const input = config->mutable_input();
  DEFAULT_TO(input, encoding, "auto");
  DEFAULT_TO(input, separator, "auto");
  DEFAULT_TO(input, time_format, "auto");
  DEFAULT_TO(input, trim_keys, false);
  DEFAULT_TO(input, user_keys, "auto");
  DEFAULT_TO(input, item_keys, "auto");
  DEFAULT_TO(input, strict, false);
  DEFAULT_TO(input, max_malformed_share, 0.5);
  DEFAULT_TO(input, vectors, "");
  DEFAULT_TO(input, metric, "inner_product");
  v1::Feedback* const feedback = config->mutable_feedback();
  DEFAULT_TO(feedback, positive, "");
  DEFAULT_TO(feedback, negative, "");
  DEFAULT_TO(feedback, value_weight, "none");
  DEFAULT_TO(feedback, half_life_days, 0);
  DEFAULT_TO(feedback, max_per_user_item_day, 1);
  DEFAULT_TO(feedback, max_per_user_day, 0);
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

absl::Status CheckFeedback(const v1::Feedback& feedback) {
  for (const auto& [field, condition] :
       {std::pair("feedback.positive", feedback.positive()),
        std::pair("feedback.negative", feedback.negative())}) {
    if (condition.empty()) continue;
    RETURN_IF_ERROR(ParseValueCondition(field, condition).status());
  }
  for (const auto& [type, weight] : feedback.type_weights()) {
    RETURN_IF_ERROR(CheckRange(
        fmt::format("feedback.type_weights[\"{}\"]", type), weight, -1e6, 1e6));
  }
  if (std::ranges::count(kValueWeights, feedback.value_weight()) == 0) {
    return absl::InvalidArgumentError(
        fmt::format("feedback.value_weight: \"{}\", expected {}",
                    feedback.value_weight(), fmt::join(kValueWeights, ", ")));
  }
  RETURN_IF_ERROR(CheckRange("feedback.half_life_days",
                             feedback.half_life_days(), 0.0, 1e6));
  return CheckRange("feedback.max_repeats", feedback.max_repeats(), 0.0, 1e6);
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

absl::Status CheckOneOf(std::string_view field, const std::string& value,
                        std::span<const char* const> expected) {
  if (std::ranges::count(expected, value) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{}: \"{}\", expected {}", field, value, fmt::join(expected, ", ")));
}

// Checks what does not depend on the data; the readers check the rest.
absl::Status CheckInput(const v1::Input& input) {
  RETURN_IF_ERROR(CheckOneOf("input.encoding", input.encoding(), kEncodings));
  RETURN_IF_ERROR(CheckOneOf("input.user_keys", input.user_keys(), kKeyKinds));
  RETURN_IF_ERROR(CheckOneOf("input.item_keys", input.item_keys(), kKeyKinds));
  RETURN_IF_ERROR(CheckOneOf("input.metric", input.metric(), kMetrics));
  if (input.separator().empty() ||
      input.separator().size() > kMaxSeparatorBytes) {
    return absl::InvalidArgumentError(
        fmt::format("input.separator: \"{}\", expected auto, tab, or 1 to {} "
                    "characters",
                    input.separator(), kMaxSeparatorBytes));
  }
  return CheckRange("input.max_malformed_share", input.max_malformed_share(),
                    0.0, 1.0);
}

}  // namespace

absl::StatusOr<v1::BuildConfig> CompleteBuildConfig(v1::BuildConfig config) {
  if (!config.has_product()) config.set_product("");
  RETURN_IF_ERROR(CheckProductName(config.product()));
  SetDefaults(&config);
  RETURN_IF_ERROR(CompleteTowers(config.mutable_behavior()->mutable_towers()));
  RETURN_IF_ERROR(CheckRange("threads", config.threads(), 1U, kMaxThreads));
  RETURN_IF_ERROR(
      CheckRange("validation_share", config.validation_share(), 0.0, 0.5));
  RETURN_IF_ERROR(CheckRange("popularity.half_life_days",
                             config.popularity().half_life_days(), 0.0, 1e6));
  RETURN_IF_ERROR(CheckInput(config.input()));
  RETURN_IF_ERROR(CheckTraining(config));
  RETURN_IF_ERROR(CheckNeighbors(config));
  RETURN_IF_ERROR(CheckIndex("index", config.index()));
  RETURN_IF_ERROR(CheckFeedback(config.feedback()));
  return config;
}

}  // namespace tributary
