#include "cli/held_out_items.h"

#include "fmt/core.h"
#include "index/data/inter_file.h"
#include "status/status_macros.h"

namespace tributary {
absl::StatusOr<TestItems> ReadTestItems(const std::string& path) {
  ASSIGN_OR_RETURN(const auto interactions,
                   ReadInterFile(path, kMaxMalformedLines));
  TestItems test_items;
  for (const auto& [user, item] : interactions) test_items[user].insert(item);
  if (test_items.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: no interactions to evaluate on", path));
  }
  return test_items;
}

}  // namespace tributary
