#ifndef TRIBUTARY_CLI_HELD_OUT_ITEMS_H_
#define TRIBUTARY_CLI_HELD_OUT_ITEMS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "evaluation/held_out_users.h"

namespace tributary {

// The number of malformed lines that are tolerated in a file of interactions to
// evaluate on.
inline constexpr uint32_t kMaxMalformedLines = 100;

// The test items of a RecBole .inter file. Errors: as ReadInterFile;
// INVALID_ARGUMENT when the file has none.
absl::StatusOr<TestItems> ReadTestItems(const std::string& path);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_HELD_OUT_ITEMS_H_
