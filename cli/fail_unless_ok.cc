#include <string>

#include "cli/commands.h"
#include "fmt/core.h"

namespace tributary {

void FailUnlessOk(const absl::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "error: {} ({})\n", std::string(status.message()),
             absl::StatusCodeToString(status.code()));
  throw CLI::RuntimeError(1);
}

}  // namespace tributary
