// Calibration of fusion: what a source's proposal is worth, by rank, measured
// on interactions that the sources were not made from.
#ifndef TRIBUTARY_SERVER_EVALUATION_CALIBRATE_H_
#define TRIBUTARY_SERVER_EVALUATION_CALIBRATE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "server/evaluation/test_users.h"
#include "server/fusion/fusion.h"

namespace tributary {

// The sources' lists for one user.
struct UserLists {
  const TestUser* user;
  // By source, best first.
  std::vector<std::vector<ScoredRow>> lists;
};

// A source as the server plans it, and what is found out about it.
struct CalibratedSource {
  // Constant.
  uint32_t target = 0;

  std::vector<uint32_t> rank_upper_bounds;
  std::vector<double> hit_rates;
  double weight = 0;
};

struct Calibration {
  // By priority.
  std::vector<CalibratedSource> sources;
  bool reserve_by_score = false;
};

// Source s's hit rates by rank up to `depth`, in buckets that widen by the root
// of 2, smoothed, and made decreasing by pooling adjacent violators.
CalibratedSource MeasureHitRates(std::span<const UserLists> users, size_t s,
                                 uint32_t depth);

// The recall at `ks` of each user's list of source s.
std::vector<std::vector<double>> RecallsAlone(std::span<const UserLists> users,
                                              size_t s,
                                              std::span<const uint32_t> ks);

// How deep lists must be for Calibrate: beyond k where reserving by score pays.
uint32_t CalibrationDepth(uint32_t k);

// Measures the hit rates of the first targets.size() sources, then chooses the
// weights with which fused lists of k are, at the worst of the prefixes 20, 50,
// 100 and 200, furthest above the best single source's, by the lower confidence
// bound of the mean over users; a weight of 0 leaves the order to the sources
// before. Reserving by score is chosen where reserving by rank would leave the
// whole list below the best source's. `targets` are by priority.
Calibration Calibrate(std::span<const UserLists> users,
                      std::span<const uint32_t> targets, uint32_t k,
                      uint32_t threads);

// The recall at `ks` of each user's fused list of k, as the server would make
// it from these lists.
std::vector<std::vector<double>> FusedRecalls(std::span<const UserLists> users,
                                              const Calibration& calibration,
                                              uint32_t k,
                                              std::span<const uint32_t> ks,
                                              uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EVALUATION_CALIBRATE_H_
