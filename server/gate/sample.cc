#include "server/gate/sample.h"

#include <algorithm>

namespace tributary {
namespace {

// The number of keys that are looked up for each wanted one: the old version
// may lack some.
constexpr uint64_t kCandidates = 8;
constexpr uint64_t kDeepUsers = 4;
// As many as a request may have by default.
constexpr size_t kDeepHistory = 1000;

struct RowPair {
  Row old_row;
  Row new_row;
};

// At most `count` rows of a table of `size` rows, evenly spread.
std::vector<Row> EvenRows(uint64_t size, uint64_t count) {
  const uint64_t rows = std::min(size, count);
  std::vector<Row> even;
  for (uint64_t i = 0; i < rows; ++i) {
    even.push_back(static_cast<Row>(i * size / rows));
  }
  return even;
}

// The rows, among `candidates` evenly spread rows of the new table, whose keys
// the old table has. Every one of them when `old_keys` is null.
std::vector<RowPair> FindPairs(const KeyTable* old_keys,
                               const KeyTable& new_keys, uint64_t candidates) {
  std::vector<RowPair> pairs;
  for (const Row row : EvenRows(new_keys.size(), candidates)) {
    const Row old_row =
        old_keys == nullptr ? row : FindSameKey(new_keys, row, *old_keys);
    if (old_row != kNoRow) pairs.push_back({old_row, row});
  }
  return pairs;
}

SampledQuery ForUser(const Bundle& bundle, Row user) {
  SampledQuery query;
  query.user = user;
  query.segment = bundle.Segment(user);
  const std::span<const Row> seen = bundle.Seen(user);
  query.excluded.assign(seen.begin(), seen.end());
  std::sort(query.excluded.begin(), query.excluded.end());
  query.excluded.erase(
      std::unique(query.excluded.begin(), query.excluded.end()),
      query.excluded.end());
  return query;
}

SampledQuery ForItem(const Bundle&, Row item) {
  SampledQuery query;
  query.history = {item};
  query.excluded = {item};
  return query;
}

// The user's newest items as a request's history, and what the user has seen.
SampledQuery ForHistory(const Bundle& bundle, const SampledQuery& of_user) {
  SampledQuery query;
  const std::span<const Row> seen = bundle.Seen(of_user.user);
  const auto newest = seen.last(std::min(seen.size(), kDeepHistory));
  query.history.assign(newest.begin(), newest.end());
  query.segment = of_user.segment;
  query.excluded = of_user.excluded;
  return query;
}

// Turn by turn, so that few of them are of both kinds.
std::vector<SampledQuery> DeepQueries(
    const Bundle& bundle, const std::vector<SampledQuery>& queries) {
  std::vector<SampledQuery> deep;
  for (const Row i : EvenRows(queries.size(), kDeepUsers)) {
    deep.push_back(queries[i]);
    if (queries[i].user != kNoRow) {
      deep.push_back(ForHistory(bundle, queries[i]));
    }
  }
  return deep;
}

template <typename MakeQuery>
void Add(const Bundle* old_bundle, const Bundle& new_bundle,
         const std::vector<RowPair>& pairs, uint32_t count,
         const MakeQuery& make_query, QuerySample* sample) {
  for (const Row i : EvenRows(pairs.size(), count)) {
    sample->new_queries.push_back(make_query(new_bundle, pairs[i].new_row));
    if (old_bundle == nullptr) continue;
    sample->old_queries.push_back(make_query(*old_bundle, pairs[i].old_row));
  }
}

}  // namespace

Row FindSameKey(const KeyTable& from, Row row, const KeyTable& in) {
  return from.kind() == v1::UINT64 && in.kind() == v1::UINT64
             ? in.Find(from.id(row))
             : in.Find(std::string_view(from.text(row)));
}

RetrieverQuery SampledQuery::view() const {
  return {.user = user,
          .history = history,
          .segment = segment,
          .excluded = excluded};
}

QuerySample SampleQueries(const Bundle* old_bundle, const Bundle& new_bundle,
                          uint32_t count) {
  const uint64_t candidates = kCandidates * count;
  QuerySample sample;
  const auto items =
      FindPairs(old_bundle == nullptr ? nullptr : &old_bundle->items(),
                new_bundle.items(), candidates);
  const uint64_t looked_up =
      std::min<uint64_t>(candidates, new_bundle.items().size());
  sample.known_items = looked_up == 0 ? 0
                                      : static_cast<double>(items.size()) /
                                            static_cast<double>(looked_up);
  const auto users =
      FindPairs(old_bundle == nullptr ? nullptr : &old_bundle->users(),
                new_bundle.users(), candidates);
  sample.asked_for = users.empty() ? "items" : "users";
  if (users.empty()) {
    Add(old_bundle, new_bundle, items, count, ForItem, &sample);
  } else {
    Add(old_bundle, new_bundle, users, count, ForUser, &sample);
  }
  sample.deep_queries = DeepQueries(new_bundle, sample.new_queries);
  return sample;
}

}  // namespace tributary
