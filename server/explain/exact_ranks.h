#ifndef TRIBUTARY_SERVER_EXPLAIN_EXACT_RANKS_H_
#define TRIBUTARY_SERVER_EXPLAIN_EXACT_RANKS_H_

#include <span>
#include <vector>

#include "absl/status/status.h"
#include "server/explain/findings.h"
#include "server/retrieval/retriever.h"

namespace tributary {

// Sets knows_item, exact_rank and exact_score of (*findings)[j], what the
// retriever makes of rows[j] for the query: of an exact search where it has
// one, else of what it always does. Asks for more and more items, from `asked`
// on, until all of `rows` have come that can, so that it may search the whole
// catalogue. A retriever that fails knows what it can propose, and has no
// ranks. Errors: those of ExplainTerms::Check. REQUIRES: the query has the
// terms' deadline or an earlier one.
absl::Status FindExactRanks(const Retriever& retriever,
                            const RetrieverQuery& query, uint32_t asked,
                            uint64_t items, const ExplainTerms& terms,
                            std::span<const Row> rows,
                            std::span<SourceFinding* const> findings);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EXPLAIN_EXACT_RANKS_H_
