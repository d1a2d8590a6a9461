// The queries that the gate asks.
#ifndef TRIBUTARY_SERVER_GATE_SAMPLE_H_
#define TRIBUTARY_SERVER_GATE_SAMPLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "index/bundle/bundle.h"
#include "server/retrieval/retriever.h"

namespace tributary {

// The row in `in` of the key that `row` has in `from`; kNoRow when `in` does
// not have that key.
Row FindSameKey(const KeyTable& from, Row row, const KeyTable& in);

// One query, with the rows of one version.
struct SampledQuery {
  Row user = kNoRow;
  std::vector<Row> history;
  // Ascending and unique.
  std::vector<Row> excluded;
  uint32_t segment = 0;

  // A view of this object, which must outlive it.
  RetrieverQuery view() const;
};

struct QuerySample {
  // old_queries[i] and new_queries[i] are the same query. old_queries is empty
  // without an old version.
  std::vector<SampledQuery> old_queries;
  std::vector<SampledQuery> new_queries;
  // "users" or "items".
  std::string asked_for;
  // Of new_queries, those that a server answers with most work: users with what
  // they have seen excluded, and the same users' items as the history of a
  // request.
  std::vector<SampledQuery> deep_queries;
  // The share of the sampled items of the new version that the old one has.
  double known_items = 1;
};

// At most `count` users whom both versions know, evenly spread over the new
// version's key table. When there are none, items that both versions know, each
// of which is the whole history of an anonymous user. Looks up a few times
// `count` keys. Empty when the versions have no key in common. `old_bundle` may
// be null.
QuerySample SampleQueries(const Bundle* old_bundle, const Bundle& new_bundle,
                          uint32_t count);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_SAMPLE_H_
