#ifndef TRIBUTARY_CLIENT_CLI_EVAL_TABLE_H_
#define TRIBUTARY_CLIENT_CLI_EVAL_TABLE_H_

#include <string>

#include "server/evaluation/evaluate.h"

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

#endif  // TRIBUTARY_CLIENT_CLI_EVAL_TABLE_H_
