#ifndef TRIBUTARY_INDEX_FILTER_ATTRIBUTE_TIME_H_
#define TRIBUTARY_INDEX_FILTER_ATTRIBUTE_TIME_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace tributary {

// A time as a request writes it, in milliseconds since 1970: RFC 3339, such as
// "2026-11-30T12:00:00Z", or without the zone, the seconds or the time of day,
// in UTC. Nothing if the text is no time.
std::optional<int64_t> ParseAttributeTime(std::string_view text);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_ATTRIBUTE_TIME_H_
