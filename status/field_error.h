#ifndef TRIBUTARY_STATUS_FIELD_ERROR_H_
#define TRIBUTARY_STATUS_FIELD_ERROR_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace tributary {

// INVALID_ARGUMENT "<path>: <what>". rpc/ takes the path from the message for
// google.rpc.BadRequest, so a path holds no ": ".
template <typename... Args>
absl::Status FieldError(std::string_view path, fmt::format_string<Args...> what,
                        Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(
      "{}: {}", path, fmt::format(what, std::forward<Args>(args)...)));
}

}  // namespace tributary

#endif  // TRIBUTARY_STATUS_FIELD_ERROR_H_
