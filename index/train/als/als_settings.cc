#include "index/train/als/als_settings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "index/data/hold_out.h"
#include "index/train/als/als_trainer.h"
#include "index/train/space_recall.h"

namespace tributary {
namespace {

constexpr double kHeldOutShare = 0.1;
// Users that recall is measured on, for errors of about a percent; fewer where
// the catalogue is large.
constexpr size_t kMaxUsers = 2000;
constexpr size_t kMinUsers = 200;
constexpr size_t kMaxScores = 100'000'000;

constexpr double kFirstAlpha = 20;
constexpr double kFirstRegularization = 0.004;
// Settings are the first ones times powers of two, up to this one.
constexpr int kLargestPower = 8;
// Two settings, in two stages, each up and down.
constexpr double kWalks = 8;
constexpr uint32_t kMinReducedDim = 16;
constexpr uint32_t kMinReducedIterations = 5;

// The powers of two by which alpha and regularization differ from the first
// ones.
using Point = std::pair<int, int>;

v1::Als At(const Point& point, v1::Als settings) {
  if (!settings.has_alpha()) {
    settings.set_alpha(std::ldexp(kFirstAlpha, point.first));
  }
  if (!settings.has_regularization()) {
    settings.set_regularization(std::ldexp(kFirstRegularization, point.second));
  }
  return settings;
}

// A smaller model of about a quarter of the training time, whose best settings
// are near those of the whole one.
v1::Als Reduced(v1::Als settings) {
  const auto halved = [](uint32_t value, uint32_t least) {
    return std::min(value, std::max(least, (value + 1) / 2));
  };
  settings.set_dim(halved(settings.dim(), kMinReducedDim));
  settings.set_iterations(halved(settings.iterations(), kMinReducedIterations));
  return settings;
}

// The held-out interactions, and what candidates are trained on.
struct Slice {
  DataSet kept;
  std::vector<Interaction> held_out;
};

// The recall of candidates, each measured once. Equal random numbers make them
// comparable: all begin with the same vectors.
class Candidates {
 public:
  Candidates(const Slice& slice, v1::Als settings, uint64_t seed,
             uint32_t threads)
      : slice_(slice),
        settings_(std::move(settings)),
        seed_(seed),
        threads_(threads) {}

  // Below 0 for settings that training fails with.
  double Recall(const Point& point) {
    const auto known = recalls_.find(point);
    if (known != recalls_.end()) return known->second;
    const AlsTrainer trainer(At(point, settings_), seed_, threads_,
                             IgnoreProgress);
    const auto space = trainer.Train(slice_.kept);
    if (!space.ok()) return recalls_[point] = -1;
    const size_t users =
        std::clamp(kMaxScores / space->items.rows.size(), kMinUsers, kMaxUsers);
    return recalls_[point] = SpaceRecall(*space, slice_.kept.interactions,
                                         slice_.held_out, users, threads_);
  }

 private:
  const Slice& slice_;
  const v1::Als settings_;
  const uint64_t seed_;
  const uint32_t threads_;
  std::map<Point, double> recalls_;
};

// Moves *best by `stride` in one direction for as long as that is better.
void Walk(const Point& stride, Candidates* candidates, Point* best) {
  for (;;) {
    const Point next = {best->first + stride.first,
                        best->second + stride.second};
    if (std::abs(next.first) > kLargestPower ||
        std::abs(next.second) > kLargestPower ||
        !(candidates->Recall(next) > candidates->Recall(*best))) {
      return;
    }
    *best = next;
  }
}

}  // namespace

// Recall over (log alpha, log regularization) is a hill with one top. The
// search climbs it along one coordinate at a time, first in steps of a factor
// of 4, by the recall of a reduced model, then in steps of 2 by that of the
// whole model. The reduced model only has to lead to the neighbourhood of the
// top: the steps of the second stage go on for as long as they gain.
v1::Als ChooseAlsSettings(const DataSet& data, const v1::Als& settings,
                          uint64_t seed, uint32_t threads,
                          const Progress& progress) {
  Point best = {0, 0};
  if (settings.has_alpha() && settings.has_regularization()) return settings;
  Slice slice;
  slice.kept = HoldOut(data, kHeldOutShare, "als", &slice.held_out);
  if (slice.held_out.empty()) return At(best, settings);
  Candidates reduced(slice, Reduced(settings), seed, threads);
  Candidates whole(slice, settings, seed, threads);
  struct Stage {
    Candidates* candidates;
    int stride;
  };
  double done = 0;
  for (const Stage& stage : {Stage{&reduced, 2}, Stage{&whole, 1}}) {
    for (const bool of_alpha : {false, true}) {
      if (of_alpha ? settings.has_alpha() : settings.has_regularization()) {
        continue;
      }
      for (const int step : {stage.stride, -stage.stride}) {
        progress("choose als", done / kWalks);
        Walk(of_alpha ? Point{step, 0} : Point{0, step}, stage.candidates,
             &best);
        ++done;
      }
    }
  }
  progress("choose als", 1);
  return At(best, settings);
}

}  // namespace tributary
