#ifndef TRIBUTARY_CLI_EVAL_TABLE_H_
#define TRIBUTARY_CLI_EVAL_TABLE_H_

#include <string>

#include "evaluation/evaluate.h"

namespace tributary {

// The other metrics of the fused list, and what each source means to it.
std::string SummaryTable(const Evaluation& evaluation);

// By segments of users and items, what sources have in common, and the figures
// among sampled items.
std::string DetailTable(const Evaluation& evaluation);

// The differences of the fused lists, with intervals and p-values.
std::string ComparisonTable(const Evaluation& evaluation,
                            const Comparisons& against);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_TABLE_H_
