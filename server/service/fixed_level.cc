#include "server/service/fixed_level.h"

#include <algorithm>
#include <cstddef>

#include "server/pages/page_token.h"

namespace tributary {

v1::ServiceLevel FixedLevel(std::string_view page_token) {
  if (page_token.empty()) return v1::ServiceLevel_MAX;
  const absl::StatusOr<PageToken> token = ParsePageToken(page_token);
  return token.ok() ? token->level : v1::ServiceLevel_MAX;
}

v1::ServiceLevel FixedLevelInJson(std::string_view json) {
  v1::ServiceLevel level = v1::ServiceLevel_MAX;
  for (const std::string_view name : {"pageToken", "page_token"}) {
    for (size_t at = json.find(name); at != std::string_view::npos;
         at = json.find(name, at)) {
      at += name.size();
      // After the name come its quote, a colon, and the quote of the value.
      const size_t begin = json.find_first_not_of("\"' \t\r\n:", at);
      if (begin == std::string_view::npos) break;
      const size_t end = json.find_first_of("\"'", begin);
      if (end == std::string_view::npos) break;
      level = std::min(level, FixedLevel(json.substr(begin, end - begin)));
    }
  }
  return level;
}

}  // namespace tributary
