#ifndef TRIBUTARY_CLI_EVAL_TABLE_H_
#define TRIBUTARY_CLI_EVAL_TABLE_H_

#include <span>
#include <string>

#include "evaluation/diversity_curve.h"
#include "evaluation/evaluate.h"
#include "evaluation/rival.h"

namespace tributary {

// The other metrics of the fused list, and the contribution of each source.
std::string SummaryTable(const Evaluation& evaluation);

// Metrics by segment of users and items, the overlap of sources, and metrics
// among sampled items.
std::string DetailTable(const Evaluation& evaluation);

// Recall and diversity by lambda.
std::string DiversityTable(const DiversityCurve& curve);

// Recall, NDCG, MRR and coverage of the bundle's fused lists, and below each
// those of its rivals; and how much of given lists could be used.
std::string RivalsTable(const Evaluation& evaluation,
                        std::span<const Rival> rivals);

// The differences to a rival, with intervals and p-values.
std::string ComparisonTable(const Evaluation& evaluation, const Rival& rival);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_TABLE_H_
