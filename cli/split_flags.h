#ifndef TRIBUTARY_CLI_SPLIT_FLAGS_H_
#define TRIBUTARY_CLI_SPLIT_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "index/data/hold_out.h"

namespace tributary {

// Adds a flag that says how data are split for a test; left out, *by stays
// empty: by user_time where there are times, else by hash.
void AddSplitByFlag(CLI::App& command, const std::string& flag,
                    std::optional<SplitBy>* by);

// Splits off test interactions. `seed` chooses other ones where a hash decides.
// Errors: as HoldOut.
absl::StatusOr<DataSet> SplitTest(DataSet data, std::optional<SplitBy> by,
                                  double share, uint64_t seed,
                                  std::vector<Interaction>* held_out);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_SPLIT_FLAGS_H_
