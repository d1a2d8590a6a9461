#ifndef TRIBUTARY_EVALUATION_USER_LISTS_H_
#define TRIBUTARY_EVALUATION_USER_LISTS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "evaluation/held_out_users.h"
#include "evaluation/list_source.h"
#include "index/parallel/progress.h"
#include "server/fusion/fusion.h"
#include "tributary/v1/fusion.pb.h"

namespace tributary {

// The sources' lists for one user.
struct UserLists {
  const TestUser* user;
  // How many items the user's history has.
  uint32_t history = 0;
  // By source, best first.
  std::vector<std::vector<ScoredRow>> lists;
};

// For each user the recall at each k.
using Recalls = std::vector<std::vector<double>>;

// The mean over users of column j; 0 without users.
double MeanOver(const Recalls& recalls, size_t j);

// Asks every retriever in `names` for its best `depth` items for each user.
// With `anonymous` the user's key is withheld: the lists of a cold user, with a
// history of 0. `users` outlive the answer.
absl::StatusOr<std::vector<UserLists>> CollectLists(
    const ListSource& source, std::span<const TestUser> users,
    std::span<const std::string> names, uint32_t depth, bool anonymous,
    uint32_t threads, const Progress& progress);

// The recall at `ks` of each user's list of source s.
Recalls RecallsAlone(std::span<const UserLists> users, size_t s,
                     std::span<const uint32_t> ks);

// The recall at `ks` of the fused lists of length k that the server would make
// with this model from these lists, for the users `members` (indices), in that
// order. `names` are the lists' retrievers; those without a quota in the model
// take no part.
Recalls FusedRecalls(std::span<const UserLists> users,
                     std::span<const size_t> members,
                     std::span<const std::string> names,
                     const v1::FusionModel& model, uint32_t k,
                     std::span<const uint32_t> ks, uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_USER_LISTS_H_
