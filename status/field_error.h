#ifndef TRIBUTARY_STATUS_FIELD_ERROR_H_
#define TRIBUTARY_STATUS_FIELD_ERROR_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace tributary {

// INVALID_ARGUMENT with the message "<path>: <what>", where `path` names a
// field of a request or a configuration, such as "live_recall.sample_share".
// The server takes the path for google.rpc.BadRequest from the message, so it
// must not contain ": ".
template <typename... Args>
absl::Status FieldError(std::string_view path, fmt::format_string<Args...> what,
                        Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(
      "{}: {}", path, fmt::format(what, std::forward<Args>(args)...)));
}

}  // namespace tributary

#endif  // TRIBUTARY_STATUS_FIELD_ERROR_H_
