// Retrievers: what proposes items for a query. This folder may depend on
// index/; it knows no gRPC and nothing of fusion.
#ifndef TRIBUTARY_SERVER_RETRIEVAL_RETRIEVER_H_
#define TRIBUTARY_SERVER_RETRIEVAL_RETRIEVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/row.h"
#include "index/search/vector_index.h"
#include "server/retrieval/reachable_items.h"

namespace tributary {

// A query vector that came with the request, checked against its space.
struct SpaceVector {
  std::string_view space;
  std::span<const float> values;
};

// What is known about whom to retrieve for. Views live as long as the request.
struct RetrieverQuery {
  // kNoRow: unknown or anonymous.
  Row user = kNoRow;
  // The request's recent items, newest last; empty when there were none.
  std::span<const Row> history = {};
  std::span<const SpaceVector> vectors = {};
  // The user's segment; 0: none.
  uint32_t segment = 0;
  // Item rows that must not be proposed, ascending and unique.
  std::span<const Row> excluded = {};
  SteadyTime deadline = SteadyTime::max();
};

// Whether a retriever had anything to go by.
enum class Ask {
  // *proposals holds n items, or all that the retriever has.
  kAnswered,
  // The query has no vector, history or user that this retriever could use.
  kNoQuery,
};

// Proposes items, best first. Implementations are immutable after
// construction and thread-safe; they may view the bundle they were made from,
// which outlives them.
class Retriever {
 public:
  virtual ~Retriever() = default;

  // Replaces *proposals with at most n items, best first, none twice, none
  // excluded. Errors: DEADLINE_EXCEEDED or what went wrong; *proposals is then
  // unspecified.
  virtual absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const = 0;

  // The same without approximation, however long it takes: the reference for
  // live recall. UNIMPLEMENTED where Retrieve is exact already.
  virtual absl::StatusOr<Ask> RetrieveExact(
      const RetrieverQuery& /*query*/, uint32_t /*n*/,
      std::vector<ScoredRow>* /*proposals*/) const {
    return absl::UnimplementedError("this retriever is exact");
  }

  // Adds every item that Retrieve can propose for some query, and returns
  // true. False when the retriever cannot say, which is the default: the gate
  // then knows only an upper bound of the items that no retriever proposes.
  virtual bool AddReachable(ReachableItems* /*items*/) const { return false; }

  // Roughly how long Retrieve takes; what is short runs inline.
  virtual uint32_t expected_us(uint32_t /*n*/) const { return 0; }
};

// Makes a retriever from its entry in the manifest. The bundle outlives it.
using RetrieverFactory =
    std::function<absl::StatusOr<std::unique_ptr<Retriever>>(
        const Bundle& bundle, const v1::RetrieverSpec& spec)>;

// Factories by kind. Fill it before serving; const methods are thread-safe.
class RetrieverRegistry {
 public:
  // Knows "vector", "popularity", "neighbors" and "category_popularity".
  static RetrieverRegistry BuiltIn();

  // REQUIRES: no factory of that kind yet.
  void Register(std::string kind, RetrieverFactory factory);
  bool Knows(std::string_view kind) const { return factories_.contains(kind); }
  // INVALID_ARGUMENT for an unknown kind, or the factory's error; both name
  // the retriever.
  absl::StatusOr<std::unique_ptr<Retriever>> Make(
      const Bundle& bundle, const v1::RetrieverSpec& spec) const;

 private:
  std::map<std::string, RetrieverFactory, std::less<>> factories_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_RETRIEVER_H_
