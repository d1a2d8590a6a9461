#include "index/train/history/history_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/train/history/history_training.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Up to this many items, all are scored for every user; above, kNegatives are
// sampled as candidates for a batch.
constexpr size_t kMaxItemsScored = 5000;
constexpr uint32_t kNegatives = 1000;
// An epoch has at least about this many steps, however few the users are.
constexpr size_t kMinBatches = 16;
constexpr size_t kMinBatchUsers = 8;
constexpr size_t kMaxBatchUsers = 256;
// Training needs about this many steps for any number of users, and more where
// histories are cut, because their rows are less alike.
constexpr double kSteps = 330;
constexpr double kStepsOfCuts = 1000;
constexpr double kMinEpochs = 22;
constexpr double kMaxEpochs = 100;
// Users that recall is measured on, at most.
constexpr size_t kMaxMeasuredUsers = 3000;
// Multiply-adds of all runs together as whole models, of which reduced ones
// take a quarter: about 10 s of two cores.
constexpr double kMaxWork = 3e12;
constexpr double kMaxRuns = 12;
constexpr double kMinRuns = 4;
// Few users tell few settings apart.
constexpr double kUsersPerRun = 25;
// The factor by which recall has to rise for a step: less is chance.
constexpr double kMinGain = 1.002;
constexpr uint32_t kMinReducedDim = 32;

// The settings that matter most come first: there may be too few runs for all.
enum : size_t {
  kDecay,
  kCutShare,
  kWeightDecay,
  kDropout,
  kDropped,
  kEpochs,
  kSettings
};

// A point of the grid: the position of each setting's value.
using Point = std::array<size_t, kSettings>;

class Grid {
 public:
  Grid(const HistoryData& data, const v1::HistoryTower& given);

  HistorySettings At(const Point& point) const;
  Point start() const { return start_; }
  // Whether any setting is left to choose.
  bool IsFree() const {
    return std::any_of(values_.begin(), values_.end(),
                       [](const auto& values) { return values.size() > 1; });
  }
  // How many values a setting may take; 1 when it is given.
  size_t size(size_t setting) const { return values_[setting].size(); }

 private:
  void Set(size_t setting, bool is_given, double given,
           std::vector<double> values, size_t start);

  HistorySettings base_;
  double spread_ = 1;
  // Steps per epoch.
  double batches_ = 1;
  bool has_epochs_ = false;
  std::array<std::vector<double>, kSettings> values_;
  Point start_{};
};

void Grid::Set(size_t setting, bool is_given, double given,
               std::vector<double> values, size_t start) {
  if (is_given) values = {given};
  start_[setting] = is_given ? 0 : start;
  values_[setting] = std::move(values);
}

Grid::Grid(const HistoryData& data, const v1::HistoryTower& given) {
  base_.dim = given.dim();
  base_.rate = given.learning_rate();
  const bool all_items = data.item_count() <= kMaxItemsScored;
  base_.negatives = all_items ? 0 : kNegatives;
  base_.batch_users = static_cast<uint32_t>(std::clamp(
      data.user_count() / kMinBatches, kMinBatchUsers, kMaxBatchUsers));
  spread_ = given.decay_spread();
  batches_ =
      std::ceil(static_cast<double>(data.user_count()) / base_.batch_users);
  const bool times = data.has_times;
  Set(kDecay, given.has_decay() || !times, times ? given.decay() : 0,
      {0, .3, .6, 1}, 2);
  Set(kCutShare, given.has_cut_share() || !times, times ? given.cut_share() : 0,
      {0, .6}, 1);
  Set(kWeightDecay, given.has_weight_decay(), given.weight_decay(), {.7, 2, 4},
      1);
  Set(kDropout, given.has_dropout(), given.dropout(), {.35, .5, .65, .8}, 1);
  Set(kDropped, given.has_dropped_targets(), given.dropped_targets(), {0, 1},
      times ? 1 : 0);
  // As factors of the usual number, unless they are given.
  Set(kEpochs, given.has_epochs(), given.epochs(), {1, 1.5}, 0);
  has_epochs_ = given.has_epochs();
}

HistorySettings Grid::At(const Point& point) const {
  HistorySettings settings = base_;
  settings.dropped_targets = values_[kDropped][point[kDropped]] != 0;
  settings.dropout = values_[kDropout][point[kDropout]];
  settings.weight_decay = values_[kWeightDecay][point[kWeightDecay]];
  settings.cut_share = values_[kCutShare][point[kCutShare]];
  const double decay = values_[kDecay][point[kDecay]];
  settings.decays = {decay};
  if (decay > 0 && spread_ > 1) {
    settings.decays = {decay / spread_, decay * spread_};
  }
  settings.target_decay = decay;
  const double steps = settings.cut_share > 0 ? kStepsOfCuts : kSteps;
  const double usual =
      std::clamp(std::round(steps / batches_), kMinEpochs, kMaxEpochs);
  settings.epochs = static_cast<uint32_t>(
      std::ceil(values_[kEpochs][point[kEpochs]] * (has_epochs_ ? 1 : usual)));
  return settings;
}

// Multiply-adds of training a whole model.
double WorkOf(const HistoryData& data, const HistorySettings& settings) {
  const auto users = static_cast<double>(data.user_count());
  const double of_batch =
      settings.batch_users * static_cast<double>(data.items.size()) / users;
  const double candidates =
      settings.negatives == 0 ? static_cast<double>(data.item_count())
                              : std::min(static_cast<double>(data.item_count()),
                                         settings.negatives + of_batch);
  return 3 * users * candidates * settings.dim * settings.epochs;
}

// How many runs are worthwhile and affordable.
double CountRuns(const HistorySplit& split, const HistorySettings& settings) {
  const auto measured = static_cast<double>(
      std::count_if(split.held_out.begin(), split.held_out.end(),
                    [](const auto& items) { return !items.empty(); }));
  const double affordable = std::clamp(
      std::floor(kMaxWork / WorkOf(split.kept, settings)), kMinRuns, kMaxRuns);
  return std::min(affordable, std::floor(measured / kUsersPerRun));
}

// A smaller model of less than half the training time, which orders settings as
// the whole one does. Fewer epochs would save more, but models that are trained
// half as long prefer less regularisation: on MovieLens 100k that lost .013 of
// recall.
HistorySettings Reduced(HistorySettings settings) {
  settings.dim =
      std::min(settings.dim, std::max(kMinReducedDim, settings.dim * 3 / 8));
  settings.negatives /= 2;
  return settings;
}

// Climbs recall on held-out items along one setting at a time, in the order of
// the settings, twice. Every candidate is trained as a reduced model from the
// same seed, so that batches and first vectors are alike, and measured on the
// same users. Small differences are chance: a step has to gain kMinGain.
class Search {
 public:
  Search(const Grid& grid, const HistorySplit& split, uint64_t seed,
         uint32_t threads, double max_runs, const Progress& progress)
      : grid_(grid),
        split_(split),
        seed_(seed),
        threads_(threads),
        progress_(progress),
        max_runs_(max_runs) {}

  absl::StatusOr<HistorySettings> Run() {
    best_ = grid_.start();
    ASSIGN_OR_RETURN(best_recall_, Measure(best_));
    // Twice: the best value of one setting depends on the others.
    for (int round = 0; round < 2; ++round) {
      for (size_t setting = 0; setting < kSettings; ++setting) {
        RETURN_IF_ERROR(Move(setting));
      }
    }
    return grid_.At(best_);
  }

 private:
  // Moves along one setting's values while recall rises.
  absl::Status Move(size_t setting) {
    for (const int direction : {-1, 1}) {
      bool moved = false;
      for (bool better = true; better;) {
        ASSIGN_OR_RETURN(better, Step(setting, direction));
        moved |= better;
      }
      if (moved) break;
    }
    return absl::OkStatus();
  }

  // Takes the next value if it is better, and returns whether it is.
  absl::StatusOr<bool> Step(size_t setting, int direction) {
    Point point = best_;
    point[setting] += static_cast<size_t>(direction);
    if (point[setting] >= grid_.size(setting)) return false;
    if (runs_ >= max_runs_ && !recalls_.contains(point)) return false;
    ASSIGN_OR_RETURN(const double recall, Measure(point));
    if (recall <= best_recall_ * kMinGain) return false;
    best_ = point;
    best_recall_ = recall;
    return true;
  }

  absl::StatusOr<double> Measure(const Point& point) {
    if (const auto known = recalls_.find(point); known != recalls_.end()) {
      return known->second;
    }
    const HistorySettings settings = Reduced(grid_.At(point));
    HistoryTraining training(split_.kept, settings, seed_, threads_);
    while (!training.done()) {
      const double done =
          training.epochs_run() / static_cast<double>(settings.epochs);
      progress_(fmt::format("choose behavior{}recall {:.4f}", kProgressNote,
                            best_recall_),
                std::min(1.0, (runs_ + done) / max_runs_));
      RETURN_IF_ERROR(training.RunEpoch().status());
    }
    ++runs_;
    return recalls_[point] =
               MeasureHistoryModel(training.model(), split_, settings.decays,
                                   kMaxMeasuredUsers, threads_);
  }

  const Grid& grid_;
  const HistorySplit& split_;
  const uint64_t seed_;
  const uint32_t threads_;
  const Progress& progress_;
  const double max_runs_;
  double runs_ = 0;
  std::map<Point, double> recalls_;
  Point best_{};
  double best_recall_ = 0;
};

}  // namespace

HistorySettings TrainingSettings(const HistoryData& data,
                                 const v1::HistoryTower& given) {
  const Grid grid(data, given);
  return grid.At(grid.start());
}

absl::StatusOr<v1::HistoryTower> ChooseHistorySettings(
    const DataSet& data, v1::HistoryTower settings, uint64_t seed,
    uint32_t threads, const Progress& progress) {
  const HistoryData histories = MakeHistoryData(data, settings.max_items());
  const Grid grid(histories, settings);
  HistorySettings chosen = grid.At(grid.start());
  const HistorySplit split = SplitHistories(histories, seed);
  const double runs = CountRuns(split, chosen);
  if (grid.IsFree() && runs >= 2) {
    ASSIGN_OR_RETURN(chosen,
                     Search(grid, split, seed, threads, runs, progress).Run());
  }
  settings.set_epochs(chosen.epochs);
  settings.set_dropout(chosen.dropout);
  settings.set_weight_decay(chosen.weight_decay);
  settings.set_decay(chosen.target_decay);
  settings.set_cut_share(chosen.cut_share);
  settings.set_dropped_targets(chosen.dropped_targets);
  return settings;
}

}  // namespace tributary
