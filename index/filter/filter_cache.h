#ifndef TRIBUTARY_INDEX_FILTER_FILTER_CACHE_H_
#define TRIBUTARY_INDEX_FILTER_FILTER_CACHE_H_

#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/filter/growing_set.h"
#include "index/filter/item_values.h"
#include "index/filter/passing_items.h"
#include "index/filter/where.h"
#include "sync/mutex.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// A filter's conditions, evaluated on a bundle.
struct ResolvedFilter {
  PassingItems items;
  // See ItemFilter::unknown_values.
  std::vector<std::string> unknown_values;
  // What must hold of an item, all of it; for items that the bundle lacks.
  std::vector<v1::Predicate> conditions = {};
  // Those of them that are known to pass.
  GrowingSet added = {};

  // Which of the first `size` items of a list of items that the bundle lacks
  // pass; see GrowingSet. `values` are an item's values; see ValuePredicate.
  std::shared_ptr<const RowSet> PassingAdded(
      const Bundle& bundle, uint64_t serial, uint64_t size,
      absl::FunctionRef<std::span<const ItemValue>(uint32_t)> values) const;
};

struct FilterLimits {
  // See ItemFilter::Options.
  uint32_t max_terms = 1000;
  int max_depth = kMaxPredicateDepth;
  uint32_t max_text_bytes = std::numeric_limits<uint32_t>::max();
  // How much memory the filters that are kept may take. 0: none are kept.
  uint64_t cache_bytes = 0;
};

// Parses and evaluates `where` and `predicate` of the message at `path`.
// INVALID_ARGUMENT, with the path of a field, such as "filter.where": those of
// ParseWhere and ItemFilter::Compile.
absl::StatusOr<std::shared_ptr<const ResolvedFilter>> ResolveFilter(
    const Bundle& bundle, std::string_view where,
    const v1::Predicate* predicate, const FilterLimits& limits,
    std::string_view path = "filter");

// The filters that were used last with one bundle, evaluated. Thread-safe.
class FilterCache {
 public:
  // As ResolveFilter, but evaluates only what is not kept, whatever its path
  // was. Sets *hit to whether it was. What is returned stays valid when it is
  // dropped here.
  absl::StatusOr<std::shared_ptr<const ResolvedFilter>> Resolve(
      const Bundle& bundle, std::string_view where,
      const v1::Predicate* predicate, const FilterLimits& limits, bool* hit,
      std::string_view path = "filter");

  // The items that all of `parts` have, in whatever order the parts are given.
  // Known by the parts' serial numbers, so that other items under the same name
  // are never taken for those that were kept. REQUIRES: at least one part; all
  // are of this cache's bundle.
  std::shared_ptr<const ResolvedFilter> Intersect(
      std::span<const PassingItems* const> parts, const FilterLimits& limits);

 private:
  // What it was made of: the text and the message, end to end, or serial
  // numbers. And what that came to.
  struct Entry {
    std::string key;
    std::shared_ptr<const ResolvedFilter> filter;
  };
  using Entries = std::list<Entry>;

  std::shared_ptr<const ResolvedFilter> Find(const std::string& key);
  void Insert(const std::string& key,
              std::shared_ptr<const ResolvedFilter> filter, uint64_t max_bytes);

  Mutex mutex_;
  // The one that was used last is the first.
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  // Views the keys of entries_.
  std::unordered_map<std::string_view, Entries::iterator> by_key_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_FILTER_CACHE_H_
