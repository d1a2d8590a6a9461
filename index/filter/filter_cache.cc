#include "index/filter/filter_cache.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "fmt/core.h"
#include "index/filter/item_filter.h"
#include "index/filter/where.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// No text has so many bytes: what an intersection's key begins with.
constexpr uint64_t kNoText = std::numeric_limits<uint64_t>::max();

// However small their bitmaps, no more filters are kept: dropping the oldest
// looks at all.
constexpr size_t kMaxEntries = 1024;

// Whether `attributes` has these columns.
bool HasColumns(const AttributeView& attributes,
                std::span<const ColumnUse> columns) {
  return std::ranges::all_of(columns, [&](const ColumnUse& use) {
    return attributes[use.attribute].serial() == use.serial;
  });
}

// Evaluates a filter that was within the limits when it was kept.
absl::StatusOr<std::shared_ptr<const ResolvedFilter>> ResolveAnew(
    const AttributeView& attributes, std::string_view key) {
  uint64_t where_bytes = 0;
  std::memcpy(&where_bytes, key.data(), sizeof(where_bytes));
  key.remove_prefix(sizeof(where_bytes));
  const std::string_view where = key.substr(0, where_bytes);
  key.remove_prefix(where.size());
  v1::Predicate predicate;
  if (!predicate.ParsePartialFromArray(key.data(),
                                       static_cast<int>(key.size()))) {
    return absl::InternalError("a filter's key is damaged");
  }
  return ResolveFilter(attributes, where, key.empty() ? nullptr : &predicate,
                       {.max_terms = std::numeric_limits<uint32_t>::max(),
                        .max_depth = std::numeric_limits<int>::max()});
}

bool IsConjunction(std::string_view key) {
  uint64_t where_bytes = 0;
  std::memcpy(&where_bytes, key.data(), sizeof(where_bytes));
  return where_bytes == kNoText;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ResolvedFilter>> ResolveFilter(
    const AttributeView& attributes, std::string_view where,
    const v1::Predicate* predicate, const FilterLimits& limits,
    std::string_view path) {
  RowSet passing;
  std::vector<std::string> unknown;
  std::vector<ColumnUse> columns;
  std::vector<v1::Predicate> conditions;
  const auto add = [&](const ItemFilter& filter) {
    RowSet rows = filter.Evaluate();
    for (const std::string& value : filter.unknown_values()) {
      if (unknown.size() < kMaxUnknownValues) unknown.push_back(value);
    }
    columns.insert(columns.end(), filter.columns().begin(),
                   filter.columns().end());
    if (passing.size() == 0) {
      passing = std::move(rows);
      return;
    }
    const std::span<uint64_t> words = passing.mutable_words();
    for (size_t i = 0; i < words.size(); ++i) words[i] &= rows.words()[i];
  };
  if (!where.empty()) {
    const std::string where_path = fmt::format("{}.where", path);
    absl::StatusOr<ParsedWhere> parsed = ParseWhere(where);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(fmt::format(
          "{}: {}", where_path, std::string(parsed.status().message())));
    }
    ASSIGN_OR_RETURN(
        const ItemFilter filter,
        ItemFilter::Compile(attributes, parsed->predicate,
                            {.path = where_path,
                             .offsets = parsed->offsets,
                             .max_terms = limits.max_terms,
                             .max_depth = limits.max_depth,
                             .max_text_bytes = limits.max_text_bytes}));
    add(filter);
    conditions.push_back(std::move(parsed->predicate));
  }
  if (predicate != nullptr) {
    const std::string predicate_path = fmt::format("{}.predicate", path);
    ASSIGN_OR_RETURN(
        const ItemFilter filter,
        ItemFilter::Compile(attributes, *predicate,
                            {.path = predicate_path,
                             .max_terms = limits.max_terms,
                             .max_depth = limits.max_depth,
                             .max_text_bytes = limits.max_text_bytes}));
    add(filter);
    conditions.push_back(*predicate);
  }
  return std::shared_ptr<const ResolvedFilter>(
      new ResolvedFilter{PassingItems(std::move(passing)), std::move(unknown),
                         std::move(columns), std::move(conditions)});
}

std::shared_ptr<const RowSet> ResolvedFilter::PassingAdded(
    const Bundle& bundle, uint64_t serial, uint64_t size,
    absl::FunctionRef<std::span<const ItemValue>(uint32_t)> values) const {
  // Made for the first item that is tested.
  std::vector<std::unique_ptr<const ValuePredicate>> predicates;
  return added.Get(serial, size, [&](uint32_t i) {
    while (predicates.size() < conditions.size()) {
      predicates.push_back(std::make_unique<const ValuePredicate>(
          bundle, conditions[predicates.size()]));
    }
    const std::span<const ItemValue> of_item = values(i);
    return std::ranges::all_of(predicates, [&](const auto& predicate) {
      return predicate->Passes(of_item);
    });
  });
}

absl::StatusOr<std::shared_ptr<const ResolvedFilter>> FilterCache::Resolve(
    const AttributeView& attributes, std::string_view where,
    const v1::Predicate* predicate, const FilterLimits& limits, bool* hit,
    std::string_view path) {
  thread_local std::string key;
  // With its size, so that no other text and message come to the same bytes.
  const uint64_t where_bytes = where.size();
  key.assign(reinterpret_cast<const char*>(&where_bytes), sizeof(where_bytes));
  key.append(where);
  if (predicate != nullptr) predicate->AppendPartialToString(&key);
  std::shared_ptr<const ResolvedFilter> kept = Find(key, &attributes);
  *hit = kept != nullptr;
  if (*hit) return kept;
  ASSIGN_OR_RETURN(kept,
                   ResolveFilter(attributes, where, predicate, limits, path));
  if (limits.cache_bytes > 0) {
    Insert({key, kept, kept->columns}, limits.cache_bytes);
  }
  return kept;
}

std::shared_ptr<const ResolvedFilter> FilterCache::Intersect(
    std::span<const PassingItems* const> parts, const FilterLimits& limits) {
  thread_local std::vector<uint64_t> serials;
  serials.clear();
  for (const PassingItems* part : parts) serials.push_back(part->serial());
  std::sort(serials.begin(), serials.end());
  serials.erase(std::unique(serials.begin(), serials.end()), serials.end());
  thread_local std::string key;
  key.assign(reinterpret_cast<const char*>(&kNoText), sizeof(kNoText));
  key.append(reinterpret_cast<const char*>(serials.data()),
             serials.size() * sizeof(uint64_t));
  std::shared_ptr<const ResolvedFilter> kept = Find(key, nullptr);
  if (kept != nullptr) return kept;
  RowSet rows = parts[0]->rows();
  const std::span<uint64_t> words = rows.mutable_words();
  for (const PassingItems* part : parts.subspan(1)) {
    const std::span<const uint64_t> others = part->rows().words();
    for (size_t i = 0; i < words.size(); ++i) words[i] &= others[i];
  }
  kept.reset(new ResolvedFilter{PassingItems(std::move(rows)), {}, {}});
  if (limits.cache_bytes > 0) Insert({key, kept, {}}, limits.cache_bytes);
  return kept;
}

std::vector<FilterCache::Kept> FilterCache::Refresh(
    const AttributeView& attributes, size_t max,
    std::chrono::steady_clock::time_point end) {
  std::vector<Kept> recent;
  {
    const MutexLock lock(&mutex_);
    for (Entry& entry : entries_) {
      if (recent.size() == max) break;
      if (!entry.was_used || IsConjunction(entry.kept.key)) continue;
      entry.was_used = false;
      recent.push_back(entry.kept);
    }
  }
  std::vector<Kept> refreshed;
  for (Kept& kept : recent) {
    if (!HasColumns(attributes, kept.columns)) {
      if (std::chrono::steady_clock::now() >= end) break;
      auto anew = ResolveAnew(attributes, kept.key);
      if (!anew.ok()) continue;
      kept.columns = (*anew)->columns;
      const bool differs =
          (*anew)->items.rows() != kept.filter->items.rows() ||
          (*anew)->unknown_values != kept.filter->unknown_values;
      if (differs) kept.filter = *std::move(anew);
    }
    refreshed.push_back(std::move(kept));
  }
  return refreshed;
}

void FilterCache::Keep(std::vector<Kept> filters) {
  // What is replaced is freed without the lock.
  std::vector<std::shared_ptr<const ResolvedFilter>> replaced;
  const MutexLock lock(&mutex_);
  for (Kept& kept : filters) {
    const auto found = by_key_.find(kept.key);
    // It was dropped meanwhile.
    if (found == by_key_.end()) continue;
    Kept& old = found->second->kept;
    replaced.push_back(std::move(old.filter));
    old.filter = std::move(kept.filter);
    old.columns = std::move(kept.columns);
  }
}

uint64_t FilterCache::cache_bytes() const {
  const MutexLock lock(&mutex_);
  return cache_bytes_;
}

std::shared_ptr<const ResolvedFilter> FilterCache::Find(
    const std::string& key, const AttributeView* attributes) {
  const MutexLock lock(&mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  Entry& entry = *found->second;
  if (attributes != nullptr && !HasColumns(*attributes, entry.kept.columns)) {
    return nullptr;
  }
  entry.was_used = true;
  entries_.splice(entries_.begin(), entries_, found->second);
  return entry.kept.filter;
}

void FilterCache::Insert(Kept kept, uint64_t max_bytes) {
  // What is dropped is freed without the lock.
  Entries dropped;
  const MutexLock lock(&mutex_);
  // Another thread may have evaluated it at the same time, or it was evaluated
  // on columns that a change has replaced.
  cache_bytes_ = max_bytes;
  if (const auto found = by_key_.find(kept.key); found != by_key_.end()) {
    const Entries::iterator old = found->second;
    if (old->kept.columns == kept.columns) return;
    by_key_.erase(found);
    dropped.splice(dropped.begin(), entries_, old);
  }
  entries_.push_front({std::move(kept)});
  by_key_.emplace(entries_.front().kept.key, entries_.begin());
  // Filters grow when vector indexes ask for their forms, so all are counted
  // anew.
  uint64_t bytes = 0;
  size_t count = 0;
  auto entry = entries_.begin();
  for (; entry != entries_.end() && count < kMaxEntries; ++entry, ++count) {
    bytes += entry->kept.filter->items.size_bytes() + entry->kept.key.size();
    if (bytes > max_bytes) break;
  }
  for (auto old = entry; old != entries_.end(); ++old) {
    by_key_.erase(old->kept.key);
  }
  dropped.splice(dropped.begin(), entries_, entry, entries_.end());
}

}  // namespace tributary
