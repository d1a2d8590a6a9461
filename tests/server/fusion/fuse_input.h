// Inputs of Fuse, and what comes of them.
#ifndef TRIBUTARY_TESTS_SERVER_FUSION_FUSE_INPUT_H_
#define TRIBUTARY_TESTS_SERVER_FUSION_FUSE_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/fusion/fuse.h"

namespace tributary {

// The input of Fuse with the storage of its proposals. The sources of a copy
// view the proposals of the original, which must outlive it.
struct FuseInput {
  std::vector<std::vector<ScoredRow>> proposals;
  std::vector<FusionSource> sources;
  FusionOptions options;
};

// Proposals of these rows, with descending scores.
inline std::vector<ScoredRow> ProposalsOf(const std::vector<Row>& rows) {
  std::vector<ScoredRow> proposals;
  for (size_t i = 0; i < rows.size(); ++i) {
    proposals.push_back({rows[i], 1.0f - 0.001f * static_cast<float>(i)});
  }
  return proposals;
}

// Sources that propose these rows, with these weights and no targets.
inline FuseInput WeightedInput(const std::vector<std::vector<Row>>& lists,
                               const std::vector<double>& weights, uint32_t k) {
  FuseInput input;
  for (const auto& rows : lists) input.proposals.push_back(ProposalsOf(rows));
  for (size_t s = 0; s < lists.size(); ++s) {
    input.sources.push_back(
        {.proposals = input.proposals[s], .weight = weights[s]});
  }
  input.options.k = k;
  return input;
}

inline FusionResult Fused(const FuseInput& input) {
  FusionResult result;
  Fuse(input.sources, input.options, &result);
  return result;
}

inline std::vector<Row> RowsOf(const FusionResult& result) {
  std::vector<Row> rows;
  for (const FusedCandidate& candidate : result.candidates) {
    rows.push_back(candidate.row);
  }
  return rows;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_FUSION_FUSE_INPUT_H_
