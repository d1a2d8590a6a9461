#include "index/tower/user_tower.h"

#include <algorithm>
#include <string>
#include <utility>

#include "fmt/core.h"
#include "index/bundle/magnitude.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxInterests = 16;
constexpr uint32_t kMaxHistory = 100'000;
constexpr uint32_t kMaxContextDim = 4 * kMaxDim;
constexpr double kMaxDecay = 16;
constexpr uint32_t kMaxDecays = 16;

template <typename T>
absl::Status CheckRange(const std::string& field, T value, T low, T high) {
  // Written so that NaN is out of range.
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "manifest.json: {}: {}, expected {} to {}", field, value, low, high));
}

// With more decays than columns, some parts would have no columns.
absl::Status CheckDecays(const v1::HistoryInput& history,
                         const std::string& field) {
  RETURN_IF_ERROR(CheckRange(field + ".decays",
                             static_cast<uint32_t>(history.decays_size()), 0U,
                             std::min(history.dim(), kMaxDecays)));
  for (int i = 0; i < history.decays_size(); ++i) {
    RETURN_IF_ERROR(CheckRange(fmt::format("{}.decays[{}]", field, i),
                               history.decays(i), 0.0, kMaxDecay));
  }
  return absl::OkStatus();
}

bool HasDecay(const v1::HistoryInput& history) {
  return std::any_of(history.decays().begin(), history.decays().end(),
                     [](double decay) { return decay != 0; });
}

absl::Status CheckHistory(const v1::HistoryInput& history,
                          const std::string& field) {
  RETURN_IF_ERROR(CheckRange(field + ".dim", history.dim(), 1U, kMaxDim));
  RETURN_IF_ERROR(
      CheckRange(field + ".maxItems", history.max_items(), 1U, kMaxHistory));
  RETURN_IF_ERROR(CheckDecays(history, field));
  RETURN_IF_ERROR(CheckRange(field + ".shortTermItems",
                             history.short_term_items(), 0U,
                             history.max_items()));
  if (history.pooling() < v1::HistoryInput::DECAYED_SUM ||
      history.pooling() > v1::HistoryInput::TRANSFORMER ||
      (history.short_term_items() > 0 &&
       (history.pooling() == v1::HistoryInput::DECAYED_SUM ||
        HasDecay(history)))) {
    return absl::InvalidArgumentError(fmt::format(
        "manifest.json: {}.pooling: unknown to this reader", field));
  }
  return absl::OkStatus();
}

absl::Status CheckSpec(const v1::Tower& tower, const std::string& field) {
  RETURN_IF_ERROR(
      CheckRange(field + ".interests", tower.interests(), 0U, kMaxInterests));
  RETURN_IF_ERROR(CheckRange(field + ".contextDim", tower.context_dim(), 0U,
                             kMaxContextDim));
  RETURN_IF_ERROR(
      CheckRange(field + ".defaultContext",
                 static_cast<uint32_t>(tower.default_context_size()),
                 tower.context_dim(), tower.context_dim()));
  if (!tower.has_history() && tower.context_dim() == 0) {
    return absl::InvalidArgumentError(fmt::format(
        "manifest.json: {}: neither a history nor a context", field));
  }
  if (!tower.has_history()) return absl::OkStatus();
  return CheckHistory(tower.history(), field + ".history");
}

// Whether the history's pooling has trained weights.
bool HasWeights(const v1::HistoryInput& history) {
  return SequenceEncoder::WeightCount(history) > 0;
}

absl::StatusOr<VectorTable> OpenTable(const Bundle& bundle,
                                      const std::string& stem, uint64_t vectors,
                                      uint32_t dim, uint64_t table_rows) {
  if (!bundle.HasFile(stem + ".npy")) {
    return absl::DataLossError(fmt::format(
        "manifest.json: files: {}.npy is not listed, but the user tower needs "
        "it",
        stem));
  }
  return VectorTable::Open(bundle.dir(), stem,
                           bundle.HasFile(stem + ".rows.npy"), vectors, dim,
                           table_rows);
}

// The feature that input i takes; null if it is not given. `features` are
// ascending by name.
const UserFeature* FindTaken(const FeatureInputs& inputs, size_t i,
                             std::span<const UserFeature> features) {
  const std::string_view wanted = inputs.spec(i).column();
  const auto found =
      std::lower_bound(features.begin(), features.end(), wanted,
                       [](const UserFeature& feature, std::string_view name) {
                         return feature.name < name;
                       });
  if (found == features.end() || !inputs.Takes(i, found->name)) return nullptr;
  return &*found;
}

}  // namespace

UserTower::UserTower(const Bundle& bundle, const EmbeddingSpace& space)
    : bundle_(bundle),
      space_(space),
      spec_(space.spec->user_tower()),
      interests_(std::max(1U, spec_.interests())) {}

absl::StatusOr<std::unique_ptr<UserTower>> UserTower::Open(
    const Bundle& bundle, const EmbeddingSpace& space) {
  const std::string field =
      fmt::format("spaces[\"{}\"].userTower", space.spec->name());
  RETURN_IF_ERROR(CheckSpec(space.spec->user_tower(), field));
  std::unique_ptr<UserTower> tower(new UserTower(bundle, space));
  RETURN_IF_ERROR(tower->OpenTables(field));
  RETURN_IF_ERROR(tower->OpenFeatures(field));
  const v1::HistoryInput& history = tower->spec_.history();
  if (HasWeights(history)) {
    ASSIGN_OR_RETURN(const NpyArray weights,
                     OpenWeights(bundle, history.weights(),
                                 "manifest.json: " + field + ".history.weights",
                                 SequenceEncoder::WeightCount(history), 0));
    ASSIGN_OR_RETURN(
        tower->encoder_,
        SequenceEncoder::Create(history, weights.elements<float>(),
                                "manifest.json: " + field + ".history"));
  }
  tower->sums_ = DecayedSums(
      {history.decays().data(), static_cast<size_t>(history.decays_size())},
      history.dim(), history.max_items());
  ASSIGN_OR_RETURN(
      tower->layers_,
      TowerLayers::Open(bundle, tower->spec_, "manifest.json: " + field,
                        history.dim() + tower->spec_.context_dim(),
                        space.spec->dim() * tower->interests_));
  return tower;
}

absl::Status UserTower::OpenTables(const std::string& field) {
  const std::string& name = space_.spec->name();
  if (spec_.has_history()) {
    ASSIGN_OR_RETURN(
        history_,
        OpenTable(bundle_, name + ".history", spec_.history().item_vectors(),
                  spec_.history().dim(), bundle_.items().size()));
  }
  for (const float value : spec_.default_context()) {
    if (IsUsable(value)) continue;
    return absl::InvalidArgumentError(
        fmt::format("manifest.json: {}.defaultContext: {}", field,
                    DescribeUnusable(value)));
  }
  if (spec_.context_vectors() == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      context_, OpenTable(bundle_, name + ".context", spec_.context_vectors(),
                          spec_.context_dim(), bundle_.users().size()));
  return absl::OkStatus();
}

absl::Status UserTower::OpenFeatures(const std::string& field) {
  ASSIGN_OR_RETURN(features_, FeatureInputs::Open(bundle_, space_,
                                                  FeatureInputs::Side::kUser));
  if (features_.size() == 0 || features_.width() == spec_.context_dim()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(fmt::format(
      "manifest.json: {}.features: {} values together, but contextDim is {}",
      field, features_.width(), spec_.context_dim()));
}

bool UserTower::Encode(Row user, std::span<const Row> history,
                       std::span<const UserFeature> features,
                       std::vector<float>* vectors) const {
  vectors->clear();
  const bool has_history = AppendHistory(history, vectors);
  const bool has_context = AppendContext(user, features, vectors);
  if (!has_history && !has_context) return false;
  layers_.Apply(vectors);
  return true;
}

bool UserTower::AppendHistory(std::span<const Row> history,
                              std::vector<float>* values) const {
  if (!spec_.has_history()) return false;
  const size_t dim = history_.dim();
  values->resize(values->size() + dim, 0.0F);
  float* const sums = values->data() + values->size() - dim;
  if (HasWeights(spec_.history())) return AppendSequence(history, sums);
  const bool halves = history_.dtype() == Dtype::kFloat16;
  size_t rank = 0;
  for (size_t i = history.size(); i > 0 && rank < max_items(); --i) {
    const auto position = history_.Find(history[i - 1]);
    if (!position.has_value()) continue;
    if (halves) {
      sums_.Add(rank++, history_.halves().data() + *position * dim, sums);
    } else {
      sums_.Add(rank++, history_.floats().data() + *position * dim, sums);
    }
  }
  if (rank == 0) return false;
  if (spec_.history().pooling() == v1::HistoryInput::DECAYED_MEAN) {
    sums_.DivideByTotals(rank, sums);
  } else {
    sums_.DivideByNorms(rank, sums);
  }
  return true;
}

bool UserTower::AppendSequence(std::span<const Row> history, float* out) const {
  thread_local std::vector<uint32_t> positions;
  thread_local std::vector<float> vectors;
  positions.clear();
  for (size_t i = history.size(); i > 0 && positions.size() < max_items();
       --i) {
    const auto position = history_.Find(history[i - 1]);
    if (position.has_value()) positions.push_back(*position);
  }
  if (positions.empty()) return false;
  const size_t dim = history_.dim();
  vectors.resize(positions.size() * dim);
  for (size_t i = 0; i < positions.size(); ++i) {
    history_.Read(positions[positions.size() - 1 - i],
                  std::span(vectors).subspan(i * dim, dim));
  }
  encoder_.Encode(vectors.data(), positions.size(), out);
  return true;
}

bool UserTower::AppendContext(Row user, std::span<const UserFeature> features,
                              std::vector<float>* values) const {
  const size_t begin = values->size();
  bool known = AppendStoredContext(user, values);
  if (features.empty()) return known;
  float* const context = values->data() + begin;
  for (size_t i = 0; i < features_.size(); ++i) {
    const UserFeature* const given = FindTaken(features_, i, features);
    if (given != nullptr) known |= features_.Set(i, *given, context);
  }
  return known;
}

bool UserTower::TakesAny(std::span<const UserFeature> features) const {
  if (features.empty()) return false;
  for (size_t i = 0; i < features_.size(); ++i) {
    if (FindTaken(features_, i, features) != nullptr) return true;
  }
  return false;
}

bool UserTower::KnowsAny(std::span<const UserFeature> features) const {
  if (features.empty()) return false;
  for (size_t i = 0; i < features_.size(); ++i) {
    const UserFeature* const given = FindTaken(features_, i, features);
    if (given != nullptr && features_.Knows(i, *given)) return true;
  }
  return false;
}

bool UserTower::AppendStoredContext(Row user,
                                    std::vector<float>* values) const {
  const size_t dim = spec_.context_dim();
  const size_t begin = values->size();
  const auto& unknown = spec_.default_context();
  values->insert(values->end(), unknown.begin(), unknown.end());
  if (spec_.context_vectors() == 0 || user == kNoRow) return false;
  const auto position = context_.Find(user);
  if (!position.has_value()) return false;
  context_.Read(*position, std::span(*values).subspan(begin, dim));
  return true;
}

absl::Status UserTower::CheckTables() const {
  if (spec_.has_history()) {
    RETURN_IF_ERROR(history_.CheckValues(bundle_.items().size()));
  }
  if (spec_.context_vectors() == 0) return absl::OkStatus();
  return context_.CheckValues(bundle_.users().size());
}

}  // namespace tributary
