#ifndef TRIBUTARY_SERVER_CONSOLE_ITEM_TITLES_H_
#define TRIBUTARY_SERVER_CONSOLE_ITEM_TITLES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/versions/serving_bundle.h"

namespace tributary {

inline constexpr size_t kMaxTitleKeys = 1000;
// A longer body has more than that many keys, or keys that no bundle has.
inline constexpr size_t kMaxTitlesBodyBytes = 1 << 20;
// Longer titles are cut, and end in an ellipsis.
inline constexpr size_t kMaxTitleBytes = 512;

struct TitlesRequest {
  std::vector<std::string> item_keys;
  // 0: the active version.
  uint64_t version = 0;
};

// Reads {"itemKeys": ["a", "b"], "version": "7"}; the version may be a number.
// A text is looked through before anything is allocated. INVALID_ARGUMENT,
// naming the field, for anything else, and for more than kMaxTitleKeys keys.
absl::StatusOr<TitlesRequest> ParseTitlesRequest(const std::string& json);

// {"version": "7", "hasTitles": true, "titles": {"a": "A film"}}: without the
// keys that the bundle does not have, and those of items without a title.
std::string TitlesJson(const TitlesRequest& request,
                       const ServingBundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_CONSOLE_ITEM_TITLES_H_
