// Random inputs of Fuse, for tests of properties.
#ifndef TRIBUTARY_TESTS_SERVER_FUSION_RANDOM_INPUTS_H_
#define TRIBUTARY_TESTS_SERVER_FUSION_RANDOM_INPUTS_H_

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "tests/server/fusion/fuse_input.h"

namespace tributary {

inline constexpr FusionPolicy kPolicies[] = {
    FusionPolicy::kQuota, FusionPolicy::kRrf, FusionPolicy::kWeighted,
    FusionPolicy::kInterleave};

class RandomInputs {
 public:
  explicit RandomInputs(uint64_t seed) : random_(seed) {}

  FuseInput Next() {
    const uint32_t catalogue = 1 + Below(80);
    const size_t n_sources = 1 + Below(5);
    FuseInput input;
    input.options.k = 1 + Below(60);
    input.options.policy = kPolicies[Below(4)];
    input.options.k0 = 1 + Below(100);
    input.options.has_model = Below(2) == 0;
    input.proposals.resize(n_sources);
    for (size_t s = 0; s < n_sources; ++s) {
      input.proposals[s] = ProposalsOf(RandomRows(catalogue));
    }
    for (size_t s = 0; s < n_sources; ++s) {
      input.sources.push_back(RandomSource(input, s));
    }
    return input;
  }

  uint32_t Below(uint32_t bound) {
    return std::uniform_int_distribution<uint32_t>(0, bound - 1)(random_);
  }

 private:
  std::vector<Row> RandomRows(uint32_t catalogue) {
    std::vector<Row> rows(catalogue);
    std::iota(rows.begin(), rows.end(), 0);
    std::shuffle(rows.begin(), rows.end(), random_);
    rows.resize(Below(catalogue + 1));
    return rows;
  }

  FusionSource RandomSource(const FuseInput& input, size_t s) {
    FusionSource source{.proposals = input.proposals[s],
                        .target = Below(input.options.k + 1),
                        .weight = 0.1 * Below(10)};
    source.min = Below(source.target + 1);
    if (Below(2) == 0) source.max = source.target + Below(10);
    return source;
  }

  std::mt19937_64 random_;
};

inline bool ProposedBy(const FuseInput& input, size_t s, Row row) {
  return std::any_of(input.proposals[s].begin(), input.proposals[s].end(),
                     [&](const ScoredRow& p) { return p.row == row; });
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_FUSION_RANDOM_INPUTS_H_
