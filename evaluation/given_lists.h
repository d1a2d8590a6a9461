#ifndef TRIBUTARY_EVALUATION_GIVEN_LISTS_H_
#define TRIBUTARY_EVALUATION_GIVEN_LISTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evaluation/held_out_users.h"
#include "evaluation/rival.h"
#include "index/bundle/bundle.h"
#include "index/filter/passing_items.h"

namespace tributary {

// Candidate lists that were made elsewhere, judged on the same test users as a
// bundle's. A test item that the bundle's catalogue lacks counts for these
// lists if they have it. Items that the user already had stay where they are,
// and are misses, whereas the bundle's lists leave them out.
//
// Memory: 16 bytes per entry of a test user. Not thread-safe.
class GivenLists {
 public:
  // The arguments outlive it. `users` are those that the bundle was evaluated
  // on, found in `test_items`; `passing` are the items that pass its filter,
  // null without one.
  GivenLists(std::string name, const Bundle& bundle,
             const TestItems& test_items, const std::vector<TestUser>& users,
             const PassingItems* passing = nullptr);

  // Adds an entry. In a list those of lower `place` come first, and of equal
  // ones the one that was added first. REQUIRES: `place` is not NaN.
  void Add(std::string_view user, std::string_view item, double place);

  // Judges the lists' first items at the ks of `ours`, the bundle's evaluation
  // on the same users. Call once. FAILED_PRECONDITION, with examples of keys,
  // when no test user has a list.
  absl::StatusOr<Rival> Judge(const Evaluation& ours, uint64_t seed,
                              uint32_t threads);

 private:
  struct Entry {
    double place;
    Row row;
  };

  // The catalogue's row, else one from the catalogue's size on.
  Row RowOf(std::string_view item);
  // Sorts the list of test user `user`, and takes out repeats.
  std::vector<Row> Finish(size_t user);
  absl::Status NoListError() const;

  const std::string name_;
  const Bundle& bundle_;
  const PassingItems* const passing_;
  // As `users`, but their items have rows where the catalogue lacks them, too:
  // from the catalogue's size on.
  std::vector<TestUser> users_;
  std::unordered_map<std::string, size_t> user_index_;
  // Items that the catalogue lacks, and their rows: those of the test set, then
  // others.
  std::unordered_map<std::string, Row> unknown_items_;
  // The first row of an item that neither the catalogue nor the test set has.
  Row rows_of_test_ = 0;
  std::vector<std::vector<Entry>> entries_;
  std::unordered_set<std::string> users_not_tested_;
  std::string first_user_not_tested_;
  GivenListsCounts counts_;
};

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_GIVEN_LISTS_H_
