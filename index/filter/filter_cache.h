#ifndef TRIBUTARY_INDEX_FILTER_FILTER_CACHE_H_
#define TRIBUTARY_INDEX_FILTER_FILTER_CACHE_H_

#include <chrono>
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
#include "index/bundle/attribute_view.h"
#include "index/bundle/bundle.h"
#include "index/filter/growing_set.h"
#include "index/filter/item_filter.h"
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
  // The columns that it was evaluated on.
  std::vector<ColumnUse> columns;
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
    const AttributeView& attributes, std::string_view where,
    const v1::Predicate* predicate, const FilterLimits& limits,
    std::string_view path = "filter");

// The filters that were used last with one bundle, evaluated. Thread-safe.
class FilterCache {
 public:
  // A filter that is kept, or may be. `columns` are those on which it comes to
  // `filter`, which may have been evaluated on others.
  struct Kept {
    // What it was made of: the text and the message, end to end, or serial
    // numbers. And what that came to.
    std::string key;
    std::shared_ptr<const ResolvedFilter> filter;
    std::vector<ColumnUse> columns;
  };

  // As ResolveFilter, but evaluates only what is not kept, whatever its path
  // was. A filter that was evaluated on other columns than those that
  // `attributes` has is evaluated anew, and takes the other's place. Sets *hit
  // to whether it was kept. What is returned stays valid when it is dropped
  // here.
  absl::StatusOr<std::shared_ptr<const ResolvedFilter>> Resolve(
      const AttributeView& attributes, std::string_view where,
      const v1::Predicate* predicate, const FilterLimits& limits, bool* hit,
      std::string_view path = "filter");

  // The items that all of `parts` have, in whatever order the parts are given.
  // Known by the parts' serial numbers, so that other items under the same name
  // are never taken for those that were kept. REQUIRES: at least one part; all
  // are of this cache's bundle.
  std::shared_ptr<const ResolvedFilter> Intersect(
      std::span<const PassingItems* const> parts, const FilterLimits& limits);

  // What the filters that were used since the last call, at most `max` and the
  // last ones, come to on the columns of `attributes`. Those that pass the same
  // items as before are the same objects. Evaluates no more from `end` on. What
  // is kept stays as it is until Keep is called: so that requests which have
  // the columns before find what they had.
  std::vector<Kept> Refresh(const AttributeView& attributes, size_t max,
                            std::chrono::steady_clock::time_point end);
  // Keeps them in the place of what they came to on other columns.
  void Keep(std::vector<Kept> filters);
  // The limit of memory that the last request gave; 0 before.
  uint64_t cache_bytes() const;

 private:
  struct Entry {
    Kept kept;
    // Since the last call of Refresh.
    bool was_used = true;
  };
  using Entries = std::list<Entry>;

  // Null `attributes`: whatever columns it is of.
  std::shared_ptr<const ResolvedFilter> Find(const std::string& key,
                                             const AttributeView* attributes);
  void Insert(Kept kept, uint64_t max_bytes);

  mutable Mutex mutex_;
  uint64_t cache_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // The one that was used last is the first.
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  // Views the keys of entries_.
  std::unordered_map<std::string_view, Entries::iterator> by_key_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_FILTER_CACHE_H_
