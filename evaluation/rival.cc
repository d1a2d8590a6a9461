#include "evaluation/rival.h"

#include <utility>

namespace tributary {

Rival RivalOf(std::string name, const Evaluation& ours,
              const Evaluation& theirs, uint64_t seed, uint32_t threads) {
  return {.name = std::move(name),
          .at = theirs.lists[0].at,
          .coverage = theirs.lists[0].coverage,
          .ours_minus_theirs = Compare(ours.fused, theirs.fused, seed, threads),
          .counts = std::nullopt};
}

}  // namespace tributary
