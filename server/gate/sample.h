// Whom or what the gate asks for.
#ifndef TRIBUTARY_SERVER_GATE_SAMPLE_H_
#define TRIBUTARY_SERVER_GATE_SAMPLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "index/bundle/bundle.h"
#include "server/retrieval/retriever.h"

namespace tributary {

// The row of another table's key; kNoRow when this table has no such key.
Row FindSameKey(const KeyTable& from, Row row, const KeyTable& in);

// One query as one version knows it.
struct SampledQuery {
  Row user = kNoRow;
  std::vector<Row> history;
  // Ascending and unique.
  std::vector<Row> excluded;
  uint32_t segment = 0;

  // Views this.
  RetrieverQuery view() const;
};

struct QuerySample {
  // old_queries[i] and new_queries[i] are the same; the former are empty
  // without an old version.
  std::vector<SampledQuery> old_queries;
  std::vector<SampledQuery> new_queries;
  // "users" or "items".
  std::string asked_for;
  // Share of the new version's items that the old one has.
  double known_items = 1;
};

// At most `count` users of the new version that the old one knows as well,
// evenly over the key table; where there are none, items that both know, each
// the history of nobody. Looks at a few times `count` keys. Empty when the
// versions have nothing in common. `old_bundle` may be null.
QuerySample SampleQueries(const Bundle* old_bundle, const Bundle& new_bundle,
                          uint32_t count);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_SAMPLE_H_
