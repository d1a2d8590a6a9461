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
// Errors of about a percent; fewer where the catalogue is large.
constexpr size_t kMaxUsers = 2000;
constexpr size_t kMinUsers = 200;
constexpr size_t kMaxScores = 100'000'000;

constexpr double kFirstAlpha = 20;
constexpr double kFirstRegularization = 0.004;
// Settings are the first ones times powers of two, up to this one.
constexpr int kLargestPower = 8;

// By which powers of two alpha and regularization differ from the first ones.
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

// Recall by setting, each measured once.
class Trials {
 public:
  Trials(DataSet kept, std::vector<Interaction> held_out, v1::Als settings,
         uint64_t seed, uint32_t threads)
      : kept_(std::move(kept)),
        held_out_(std::move(held_out)),
        settings_(std::move(settings)),
        seed_(seed),
        threads_(threads) {}

  // Below 0 for settings that training fails with.
  double Recall(const Point& point) {
    const auto known = recalls_.find(point);
    if (known != recalls_.end()) return known->second;
    const AlsTrainer trainer(At(point, settings_), seed_, threads_,
                             [](std::string_view, double) {});
    const auto space = trainer.Train(kept_);
    if (!space.ok()) return recalls_[point] = -1;
    const size_t users =
        std::clamp(kMaxScores / space->items.rows.size(), kMinUsers, kMaxUsers);
    return recalls_[point] = SpaceRecall(*space, kept_.interactions, held_out_,
                                         users, threads_);
  }

 private:
  const DataSet kept_;
  const std::vector<Interaction> held_out_;
  const v1::Als settings_;
  const uint64_t seed_;
  const uint32_t threads_;
  std::map<Point, double> recalls_;
};

// Goes from *best by `stride` in one direction for as long as that is better.
void Walk(const Point& stride, Trials* trials, Point* best) {
  for (;;) {
    const Point next = {best->first + stride.first,
                        best->second + stride.second};
    if (std::abs(next.first) > kLargestPower ||
        std::abs(next.second) > kLargestPower ||
        !(trials->Recall(next) > trials->Recall(*best))) {
      return;
    }
    *best = next;
  }
}

}  // namespace

v1::Als ChooseAlsSettings(const DataSet& data, const v1::Als& settings,
                          uint64_t seed, uint32_t threads,
                          const Progress& progress) {
  Point best = {0, 0};
  std::vector<Point> strides;
  for (const int stride : {2, 1}) {
    for (const int direction : {stride, -stride}) {
      if (!settings.has_regularization()) strides.push_back({0, direction});
    }
    for (const int direction : {stride, -stride}) {
      if (!settings.has_alpha()) strides.push_back({direction, 0});
    }
  }
  std::vector<Interaction> held_out;
  DataSet kept = HoldOut(data, kHeldOutShare, "als", &held_out);
  if (held_out.empty() || strides.empty()) return At(best, settings);
  Trials trials(std::move(kept), std::move(held_out), settings, seed, threads);
  for (size_t i = 0; i < strides.size(); ++i) {
    progress("als settings",
             static_cast<double>(i) / static_cast<double>(strides.size()));
    Walk(strides[i], &trials, &best);
  }
  progress("als settings", 1);
  return At(best, settings);
}

}  // namespace tributary
