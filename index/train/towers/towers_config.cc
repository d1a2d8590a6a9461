#include "index/train/towers/towers_config.h"

#include <initializer_list>
#include <string>
#include <string_view>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/bundle/bundle.h"
#include "index/train/check_range.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxInterests = 16;
constexpr uint32_t kMaxEpochs = 10'000;
constexpr uint32_t kMaxBatch = 65'536;
constexpr uint32_t kMaxNegatives = 65'536;
constexpr uint32_t kMaxHistory = 1000;
constexpr uint32_t kMaxHidden = 8192;
constexpr int kMaxLayers = 8;
constexpr uint32_t kItemIdDim = 64;

// Sets a field to its default unless it is set.
#define DEFAULT_TO(message, field, value) \
  if (!(message)->has_##field()) (message)->set_##field(value)

void CompleteSide(uint32_t id_dim, v1::TowerSide* side) {
  DEFAULT_TO(side, id_dim, id_dim);
  DEFAULT_TO(side, other_columns, side->features().empty());
  DEFAULT_TO(side, text, side->other_columns());
  DEFAULT_TO(side, category_dim, 16);
  DEFAULT_TO(side, dropout, 0.1);
  DEFAULT_TO(side, input_dropout, 0.1);
}

void CompleteHistory(v1::TowerHistory* history) {
  DEFAULT_TO(history, encoder, "attention");
  DEFAULT_TO(history, dim, 64);
  DEFAULT_TO(history, max_items, 50);
  DEFAULT_TO(history, blocks, 1);
  DEFAULT_TO(history, heads, 2);
  DEFAULT_TO(history, short_term_items, 0);
}

void CompleteTraining(v1::Towers* towers) {
  DEFAULT_TO(towers, dim, 64);
  DEFAULT_TO(towers, interests, 1);
  DEFAULT_TO(towers, normalize, true);
  DEFAULT_TO(towers, batch_norm, false);
  DEFAULT_TO(towers, temperature, towers->normalize() ? 0.07 : 1);
  DEFAULT_TO(towers, learn_temperature, false);
  DEFAULT_TO(towers, softmax_weight, 1);
  DEFAULT_TO(towers, correct_sampling_bias, true);
  v1::TowerNegatives* const negatives = towers->mutable_negatives();
  DEFAULT_TO(negatives, in_batch, true);
  DEFAULT_TO(negatives, sampled, 256);
  DEFAULT_TO(negatives, popularity_power, 0);
  DEFAULT_TO(negatives, hard, 0);
  DEFAULT_TO(negatives, hard_pool, 100);
  DEFAULT_TO(towers, epochs, 30);
  DEFAULT_TO(towers, batch, 512);
  DEFAULT_TO(towers, learning_rate, 0.001);
  DEFAULT_TO(towers, weight_decay, 0.01);
  DEFAULT_TO(towers, schedule, "cosine");
  DEFAULT_TO(towers, warmup_share, 0.05);
  DEFAULT_TO(towers, patience, 3);
  DEFAULT_TO(towers, validation_share, 0.1);
  DEFAULT_TO(towers, checkpoint_dir, "");
}

#undef DEFAULT_TO

absl::Status CheckChoice(std::string_view field, std::string_view value,
                         std::initializer_list<std::string_view> choices) {
  for (const std::string_view choice : choices) {
    if (value == choice) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("behavior.towers.{}: \"{}\", expected one of {}", field,
                  value, fmt::join(choices, ", ")));
}

template <typename T>
absl::Status Check(std::string_view field, T value, T low, T high) {
  return CheckRange(fmt::format("behavior.towers.{}", field), value, low, high);
}

absl::Status CheckSide(const std::string& name, const v1::TowerSide& side) {
  RETURN_IF_ERROR(Check(name + ".id_dim", side.id_dim(), 0U, kMaxDim));
  RETURN_IF_ERROR(
      Check(name + ".category_dim", side.category_dim(), 1U, kMaxDim));
  RETURN_IF_ERROR(Check(name + ".dropout", side.dropout(), 0.0, 0.95));
  RETURN_IF_ERROR(
      Check(name + ".input_dropout", side.input_dropout(), 0.0, 0.95));
  RETURN_IF_ERROR(
      Check(name + ".hidden: layers", side.hidden_size(), 0, kMaxLayers));
  for (const uint32_t hidden : side.hidden()) {
    RETURN_IF_ERROR(Check(name + ".hidden", hidden, 1U, kMaxHidden));
  }
  for (const v1::TowerFeature& feature : side.features()) {
    const std::string field =
        fmt::format("{}.features: \"{}\"", name, feature.column());
    if (feature.has_dim()) {
      RETURN_IF_ERROR(Check(field + ": dim", feature.dim(), 1U, kMaxDim));
    }
    if (feature.has_transform()) {
      RETURN_IF_ERROR(CheckChoice(field + ": transform", feature.transform(),
                                  {"z_score", "min_max", "log1p"}));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckHistory(const v1::TowerHistory& history) {
  RETURN_IF_ERROR(
      CheckChoice("history.encoder", history.encoder(),
                  {"none", "mean", "attention", "gru", "transformer"}));
  RETURN_IF_ERROR(Check("history.dim", history.dim(), 1U, kMaxDim));
  RETURN_IF_ERROR(
      Check("history.max_items", history.max_items(), 1U, kMaxHistory));
  RETURN_IF_ERROR(Check("history.blocks", history.blocks(), 1U, 8U));
  RETURN_IF_ERROR(Check("history.heads", history.heads(), 1U, history.dim()));
  if (history.encoder() == "transformer" &&
      history.dim() % history.heads() != 0) {
    return absl::InvalidArgumentError(fmt::format(
        "behavior.towers.history.heads: {}, expected a divisor of history.dim, "
        "{}",
        history.heads(), history.dim()));
  }
  return Check("history.short_term_items", history.short_term_items(), 0U,
               history.max_items());
}

absl::Status CheckLoss(const v1::Towers& towers) {
  RETURN_IF_ERROR(Check("temperature", towers.temperature(), 0.01, 100.0));
  RETURN_IF_ERROR(Check("softmax_weight", towers.softmax_weight(), 0.0, 1.0));
  const v1::TowerNegatives& negatives = towers.negatives();
  RETURN_IF_ERROR(
      Check("negatives.sampled", negatives.sampled(), 0U, kMaxNegatives));
  RETURN_IF_ERROR(Check("negatives.popularity_power",
                        negatives.popularity_power(), 0.0, 2.0));
  RETURN_IF_ERROR(Check("negatives.hard", negatives.hard(), 0U, 100U));
  RETURN_IF_ERROR(
      Check("negatives.hard_pool", negatives.hard_pool(), 1U, 10'000U));
  if (!negatives.in_batch() && negatives.sampled() == 0) {
    return absl::InvalidArgumentError(
        "behavior.towers.negatives: neither in_batch nor sampled ones; "
        "expected at least one of them");
  }
  return absl::OkStatus();
}

absl::Status CheckTraining(const v1::Towers& towers) {
  RETURN_IF_ERROR(Check("dim", towers.dim(), 1U, kMaxDim));
  RETURN_IF_ERROR(Check("interests", towers.interests(), 1U, kMaxInterests));
  RETURN_IF_ERROR(CheckLoss(towers));
  RETURN_IF_ERROR(Check("epochs", towers.epochs(), 1U, kMaxEpochs));
  RETURN_IF_ERROR(Check("batch", towers.batch(), 1U, kMaxBatch));
  RETURN_IF_ERROR(Check("learning_rate", towers.learning_rate(), 1e-9, 1e6));
  RETURN_IF_ERROR(Check("weight_decay", towers.weight_decay(), 0.0, 1e3));
  RETURN_IF_ERROR(
      CheckChoice("schedule", towers.schedule(), {"cosine", "constant"}));
  RETURN_IF_ERROR(Check("warmup_share", towers.warmup_share(), 0.0, 1.0));
  RETURN_IF_ERROR(Check("patience", towers.patience(), 0U, kMaxEpochs));
  return Check("validation_share", towers.validation_share(), 0.001, 0.5);
}

}  // namespace

absl::Status CompleteTowers(v1::Towers* towers) {
  CompleteTraining(towers);
  CompleteHistory(towers->mutable_history());
  CompleteSide(0, towers->mutable_user());
  CompleteSide(kItemIdDim, towers->mutable_item());
  RETURN_IF_ERROR(CheckSide("user", towers->user()));
  RETURN_IF_ERROR(CheckSide("item", towers->item()));
  RETURN_IF_ERROR(CheckHistory(towers->history()));
  return CheckTraining(*towers);
}

}  // namespace tributary
