// What one version's sources answer.
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

// A source of a bundle, which outlives it.
struct AskedSource {
  const v1::RetrieverSpec* spec;
  std::unique_ptr<Retriever> retriever;
};

struct SourceLists {
  // By query, best first; empty where the source had no answer.
  std::vector<std::vector<Row>> lists;
  // The mean over a few queries with an answer; absent when the source is
  // exact, or none has one.
  std::optional<double> recall;

  bool answered() const;
  double mean_length() const;
};

// The source's n best for each query.
absl::StatusOr<SourceLists> AskSource(const Retriever& retriever,
                                      std::span<const RetrieverQuery> queries,
                                      uint32_t n);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_SOURCE_LISTS_H_
