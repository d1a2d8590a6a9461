// What the lists of `tributary eval` are measured under: a filter, excluded
// items, caps, boosts and decay.
#ifndef TRIBUTARY_CLI_EVAL_CONDITIONS_H_
#define TRIBUTARY_CLI_EVAL_CONDITIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/eval_flags.h"
#include "server/versions/item_keys.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

struct EvalConditions {
  // What every request says beside its user and k.
  v1::RetrieveRequest asked;
  // The file of the excluded items, and their keys; empty: none.
  std::string exclude_items;
  ItemKeys excluded;
};

// Reads the file of --exclude-items, and fixes the time that ages are counted
// to, so that all lists have the same. INVALID_ARGUMENT that names the flag or
// the file.
absl::StatusOr<EvalConditions> ConditionsOf(const EvalFlags& flags);

// Makes the excluded items known to the bundle, which requests then name.
// Returns how many of them it has. INVALID_ARGUMENT when it has none, as where
// the file is another catalogue's, unless `may_lack_all`.
absl::StatusOr<uint64_t> ExcludeItems(const EvalConditions& conditions,
                                      bool may_lack_all,
                                      const ServingBundle& bundle);

// Which items may be in lists: "in_stock, without those of gone.txt".
// Empty: all.
std::string FilterText(const EvalConditions& conditions);
// What shapes lists, as the flags say it: "--cap brand=3 --boost '2:in_stock'".
// Empty: nothing.
std::string ShapeText(const EvalConditions& conditions);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_CONDITIONS_H_
