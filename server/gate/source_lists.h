// The lists that one version's sources answer with.
#ifndef TRIBUTARY_SERVER_GATE_SOURCE_LISTS_H_
#define TRIBUTARY_SERVER_GATE_SOURCE_LISTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "server/gate/sample.h"
#include "server/retrieval/retriever.h"

namespace tributary {

// A source of a bundle. The bundle outlives it.
struct AskedSource {
  const v1::RetrieverSpec* spec;
  std::unique_ptr<Retriever> retriever;
};

struct SourceLists {
  // By query, best first; empty for a query without an answer.
  std::vector<std::vector<Row>> lists;
  // The mean recall over a few of the queries with an answer. Absent when the
  // source is exact, or no query has an answer.
  std::optional<double> recall;

  bool answered() const;
  double mean_length() const;
};

// Asks the source for its n best items for each query, on a few threads.
// `items` is the number of items in the bundle. Errors, for the first query
// that has one: those of the retriever; DATA_LOSS for a list that is not what
// Retriever promises.
absl::StatusOr<SourceLists> AskSource(const Retriever& retriever,
                                      std::span<const RetrieverQuery> queries,
                                      uint32_t n, uint64_t items);

// Asks the source a few of the queries for as many items as a server's requests
// may ask for, so that what fails there fails here. Errors: as AskSource.
absl::Status AskDeeply(const Retriever& retriever,
                       std::span<const RetrieverQuery> queries, uint64_t items);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_SOURCE_LISTS_H_
