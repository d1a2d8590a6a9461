#ifndef TRIBUTARY_STATUS_STATUS_MESSAGE_H_
#define TRIBUTARY_STATUS_STATUS_MESSAGE_H_

#include <string_view>

#include "absl/status/status.h"

namespace tributary {

// The message of `status`, without its code. Lives as long as `status`. (In
// Debian's Abseil, absl::string_view is not std::string_view.)
inline std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace tributary

#endif  // TRIBUTARY_STATUS_STATUS_MESSAGE_H_
