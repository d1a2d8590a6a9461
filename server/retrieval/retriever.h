// Retrievers propose items for a query. This folder may depend on index/; it
// knows neither gRPC nor fusion.
#ifndef TRIBUTARY_SERVER_RETRIEVAL_RETRIEVER_H_
#define TRIBUTARY_SERVER_RETRIEVAL_RETRIEVER_H_

#include <atomic>
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
#include "index/filter/passing_items.h"
#include "index/search/search_terms.h"
#include "index/search/vector_index.h"
#include "index/tower/feature_inputs.h"
#include "server/retrieval/reachable_items.h"

namespace tributary {

class AddedItems;

// A query vector that came with the request, checked against its space.
struct SpaceVector {
  std::string_view space;
  std::span<const float> values;
  // What products with it are multiplied by; above 0, finite.
  float weight = 1;
};

// An item that came with the request, and how much it counts: above 0, finite.
struct WeightedRow {
  Row row;
  float weight;

  friend bool operator==(const WeightedRow&, const WeightedRow&) = default;
};

// What is known of the user to retrieve for. The views live as long as the
// request.
struct RetrieverQuery {
  // kNoRow for an unknown or anonymous user.
  Row user = kNoRow;
  // The user's history, newest last, no item twice, where live events made it
  // another than the bundle's: see StoredHistory. Empty: they did not.
  std::span<const Row> live_history = {};
  // The request's recent items, newest last; empty when it has none.
  std::span<const Row> history = {};
  // How much each of them counts, 0 or more and finite. Empty: 1 each.
  std::span<const float> history_weights = {};
  // Items to retrieve more of, and less of; see RetrieveRequest.like.
  std::span<const WeightedRow> liked = {};
  std::span<const WeightedRow> unliked = {};
  // A space may have several.
  std::span<const SpaceVector> vectors = {};
  // What is known of the user now, ascending by name, each name once.
  std::span<const UserFeature> user_features = {};
  // The user's segment; 0 for none.
  uint32_t segment = 0;
  // Item rows that must not be proposed, ascending and unique.
  std::span<const Row> excluded = {};
  // If set, only these items may be proposed, and a retriever should propose n
  // of them if it has so many: passing->Has(row).
  std::shared_ptr<const PassingItems> passing = nullptr;
  // Items that the bundle lacks, and which of them may be proposed: a bit for
  // each, by its row less added->first(). Rows of the other fields are those of
  // the bundle. Null: there are none.
  std::shared_ptr<const AddedItems> added = nullptr;
  std::span<const uint64_t> added_allowed = {};
  SteadyTime deadline = SteadyTime::max();
  // True when nobody waits for the proposals any more; may be null.
  const std::atomic<bool>* cancelled = nullptr;
  // How thoroughly to search; see SearchTerms.
  float effort = 1;

  bool IsCancelled() const {
    return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
  }
};

// Whether a retriever found something in the query to retrieve by.
enum class Ask {
  // *proposals holds n items, or every item that the retriever can propose.
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

  // Replaces *proposals with at most n items, best first, without duplicates
  // and without items that are excluded or do not pass. Scores are finite.
  // After an error, such as DEADLINE_EXCEEDED, *proposals is unspecified.
  virtual absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const = 0;

  // As Retrieve, but without approximation, however long that takes: the
  // reference that recall is measured by. UNIMPLEMENTED when Retrieve is exact.
  virtual absl::StatusOr<Ask> RetrieveExact(
      const RetrieverQuery& /*query*/, uint32_t /*n*/,
      std::vector<ScoredRow>* /*proposals*/) const {
    return absl::UnimplementedError("this retriever is exact");
  }

  // Adds every item that Retrieve can propose for some query, and returns
  // true. False when the retriever cannot say, which is the default: the gate
  // then knows only an upper bound of the items that no retriever proposes.
  virtual bool AddReachable(ReachableItems* /*items*/) const { return false; }

  // Makes what searches among these items will need, so that the first of them
  // need not: the items are asked for by many requests. What it makes it leaves
  // with the items.
  virtual void PrepareFor(const PassingItems& /*items*/) const {}

  // Whether these features (see RetrieverQuery.user_features) alone are
  // something to retrieve by: a value of them is one that training saw.
  virtual bool KnowsAny(std::span<const UserFeature> /*features*/) const {
    return false;
  }

  // Roughly how long Retrieve takes, in microseconds. The pipeline runs short
  // calls on the request's own thread.
  virtual uint32_t expected_us(uint32_t /*n*/) const { return 0; }
};

// Makes a retriever from its entry in the manifest. The bundle outlives the
// retriever.
using RetrieverFactory =
    std::function<absl::StatusOr<std::unique_ptr<Retriever>>(
        const Bundle& bundle, const v1::RetrieverSpec& spec)>;

// Factories by kind. Register every kind before other threads use the registry;
// const methods are thread-safe.
class RetrieverRegistry {
 public:
  // Knows "vector", "popularity", "neighbors" and "category_popularity", which
  // refuse settings.
  static RetrieverRegistry BuiltIn();

  // REQUIRES: the kind is not registered yet.
  void Register(std::string kind, RetrieverFactory factory);
  bool Knows(std::string_view kind) const { return factories_.contains(kind); }
  // INVALID_ARGUMENT for an unknown kind, or the factory's error. The message
  // names the retriever.
  absl::StatusOr<std::unique_ptr<Retriever>> Make(
      const Bundle& bundle, const v1::RetrieverSpec& spec) const;

 private:
  std::map<std::string, RetrieverFactory, std::less<>> factories_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_RETRIEVER_H_
