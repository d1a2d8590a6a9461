#ifndef TRIBUTARY_SERVER_SERVICE_CRITICALITY_H_
#define TRIBUTARY_SERVER_SERVICE_CRITICALITY_H_

#include <optional>
#include <string_view>

namespace tributary {

// How urgent a call is. See the service Retrieval in retrieval.proto.
enum class Criticality { kInteractive, kBatch };

// The name of the metadata, or of the HTTP header, that says so.
inline constexpr char kCriticalityHeader[] = "x-tributary-criticality";

// Nothing for other values.
inline std::optional<Criticality> ParseCriticality(std::string_view text) {
  if (text == "interactive") return Criticality::kInteractive;
  if (text == "batch") return Criticality::kBatch;
  return std::nullopt;
}

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_CRITICALITY_H_
