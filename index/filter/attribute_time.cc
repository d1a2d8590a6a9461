#include "index/filter/attribute_time.h"

#include <string>

#include "absl/time/time.h"

namespace tributary {

std::optional<int64_t> ParseAttributeTime(std::string_view text) {
  const std::string copy(text);
  absl::Time time;
  for (const char* format :
       {"%Y-%m-%dT%H:%M:%E*S%Ez", "%Y-%m-%dT%H:%M:%E*S", "%Y-%m-%dT%H:%M%Ez",
        "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    if (absl::ParseTime(format, copy, &time, nullptr)) {
      return absl::ToUnixMillis(time);
    }
  }
  return std::nullopt;
}

}  // namespace tributary
