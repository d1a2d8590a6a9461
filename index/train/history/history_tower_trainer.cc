#include "index/train/history/history_tower_trainer.h"

#include <algorithm>
#include <string>

#include "fmt/format.h"
#include "index/train/half_precision.h"
#include "index/train/history/history_choice.h"
#include "index/train/history/history_training.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr size_t kSampleQueries = 200;

TrainedTower MakeTower(const HistoryData& data, const HistoryModel& model,
                       const HistorySettings& settings, uint32_t max_items) {
  TrainedTower tower;
  const uint32_t dim = model.dim - 1;
  tower.history.rows = data.item_rows;
  for (size_t item = 0; item < data.item_count(); ++item) {
    const auto input = model.input(item).first(dim);
    tower.history.values.insert(tower.history.values.end(), input.begin(),
                                input.end());
  }
  v1::HistoryInput& history = *tower.spec.mutable_history();
  history.set_dim(dim);
  history.set_item_vectors(data.item_count());
  history.set_max_items(max_items);
  history.set_pooling(v1::HistoryInput::DECAYED_SUM);
  history.mutable_decays()->Assign(settings.decays.begin(),
                                   settings.decays.end());
  tower.spec.add_layers()->set_kind(v1::Layer::APPEND_ONE);
  tower.spec.add_trained_with(fmt::format("epochs={}", settings.epochs));
  tower.spec.add_trained_with(fmt::format("dropout={}", settings.dropout));
  tower.spec.add_trained_with(
      fmt::format("weight_decay={}", settings.weight_decay));
  tower.spec.add_trained_with(
      fmt::format("decays={}", fmt::join(settings.decays, ",")));
  tower.spec.add_trained_with(fmt::format("cut_share={}", settings.cut_share));
  tower.spec.add_trained_with(
      fmt::format("dropped_targets={}", settings.dropped_targets));
  return tower;
}

// An even sample of users' histories and their vectors.
std::vector<SampleQuery> MakeQueries(const HistoryData& data,
                                     const HistoryModel& model,
                                     const HistorySettings& settings) {
  std::vector<SampleQuery> queries;
  const size_t users = data.user_count();
  const size_t n = std::min(kSampleQueries, users);
  const DecayedSums sums(settings.decays, model.dim - 1, LongestHistory(data));
  for (size_t i = 0; i < n; ++i) {
    const auto history = data.Of((2 * i + 1) * users / (2 * n));
    SampleQuery query;
    query.vector.resize(model.dim);
    EncodeHistory(model, history, sums, query.vector);
    for (const uint32_t item : history) {
      query.history.push_back(data.item_rows[item]);
    }
    queries.push_back(std::move(query));
  }
  return queries;
}

}  // namespace

absl::StatusOr<TrainedSpace> HistoryTowerTrainer::Train(
    const DataSet& data) const {
  const HistoryData histories = MakeHistoryData(data, settings_.max_items());
  if (histories.items.size() == histories.user_count()) {
    return absl::FailedPreconditionError(
        "behavior: no user with two items of positive interactions");
  }
  const HistorySettings settings = TrainingSettings(histories, settings_);
  TrainedSpace space{.name = "behavior",
                     .dim = settings.dim,
                     .metric = v1::INNER_PRODUCT,
                     .history_encoder = v1::TOWER,
                     .items = {},
                     .users = {}};
  HistoryTraining training(histories, settings, seed_, threads_);
  while (!training.done()) {
    ASSIGN_OR_RETURN(const double loss, training.RunEpoch());
    v1::TrainingPoint& point = space.training.emplace_back();
    point.set_step(training.epochs_run());
    point.set_loss(loss);
    progress_(fmt::format("behavior{}loss {:.4f}", kProgressNote, loss),
              training.epochs_run() / static_cast<double>(settings.epochs));
  }
  HistoryModel model = std::move(training).TakeModel();
  model.FoldScale();
  // Queries below are made from the values that are stored.
  const bool half = RoundToHalf(&model.inputs);
  space.items = {histories.item_rows, model.outputs};
  space.user_tower =
      MakeTower(histories, model, settings, settings_.max_items());
  space.user_tower->half_history = half;
  space.queries = MakeQueries(histories, model, settings);
  return space;
}

}  // namespace tributary
