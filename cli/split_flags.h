#ifndef TRIBUTARY_CLI_SPLIT_FLAGS_H_
#define TRIBUTARY_CLI_SPLIT_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "index/data/hold_out.h"

namespace tributary {

// Adds a flag that says how data are split. Without the flag *by stays empty:
// SplitTest then splits by user_time, or by hash for data without times.
void AddSplitByFlag(CLI::App& command, const std::string& flag,
                    std::optional<SplitBy>* by);

// Returns the data without the test interactions, which go to *held_out. `seed`
// is the seed of a split by hash. Errors: as HoldOut.
absl::StatusOr<DataSet> SplitTest(DataSet data, std::optional<SplitBy> by,
                                  double share, uint64_t seed,
                                  std::vector<Interaction>* held_out);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_SPLIT_FLAGS_H_
