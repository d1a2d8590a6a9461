// Who wins, in a sentence, and what "worse" means.
#ifndef TRIBUTARY_EVALUATION_VERDICT_H_
#define TRIBUTARY_EVALUATION_VERDICT_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluation/evaluate.h"
#include "evaluation/rival.h"

namespace tributary {

// A difference counts as more than chance if its 95% interval does not contain
// 0 and its p-value is below this.
inline constexpr double kSignificance = .05;

// One sentence: who has the best recall at list_k, by how much, and whether
// that is more than chance. The bundle wins if it is better than every rival by
// more than chance; a rival wins if it is the best of them and better than the
// bundle by more than chance; else nobody does. Without rivals the fused list
// is compared with the best source alone. Empty when there is nothing to
// compare.
std::string VerdictSentence(const Evaluation& ours,
                            std::span<const Rival> rivals);

// A metric at a k in which a bundle is worse than a rival.
struct WorseMeasure {
  size_t metric;  // of kRankMetrics
  size_t k;       // index of Evaluation::ks
};

// The measures in which the bundle is worse: of recall and ndcg at every k,
// those that are lower with a p-value below kSignificance / (number of these
// measures), most significant first. The division keeps the probability that a
// bundle that is equally good is called worse below kSignificance (Bonferroni).
std::vector<WorseMeasure> WorseMeasures(const Rival& rival);

// A sentence that names those measures and their figures. REQUIRES: `measures`
// is not empty.
std::string WorseSentence(const Evaluation& ours, const Rival& rival,
                          std::span<const WorseMeasure> measures);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_VERDICT_H_
