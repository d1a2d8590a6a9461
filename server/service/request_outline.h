// What a request asks for, read off its bytes before a message is built of
// them: four megabytes of empty list elements would become a hundred times as
// much memory, and a call that is refused should cost nothing.
#ifndef TRIBUTARY_SERVER_SERVICE_REQUEST_OUTLINE_H_
#define TRIBUTARY_SERVER_SERVICE_REQUEST_OUTLINE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The outline of a RetrieveRequest. Views its bytes.
struct RequestOutline {
  std::string_view bytes;
  // As sent; 0 when absent.
  uint32_t k = 0;
  uint32_t quotas = 0;
  // Whether it has caps, and diversity.
  bool caps = false;
  bool diversity = false;
  uint64_t bundle_version = 0;
  std::string_view bundle_label;
  std::string_view page_token;
  // INVALID_ARGUMENT when the bytes are not a message, or one of its lists is
  // longer than the server's limits: such a request is not parsed.
  absl::Status status;
};

// Reads the tags of `bytes`, a RetrieveRequest. Allocates only for an error.
RequestOutline OutlineRetrieve(std::string_view bytes,
                               const v1::Limits& limits);

// Replaces *entries by the outlines of the requests in `bytes`, a
// BatchRetrieveRequest. An entry that is wrong says so in its own status.
// INVALID_ARGUMENT when the bytes are not a message, or there are more than
// limits.max_batch.
absl::Status OutlineBatch(std::string_view bytes, const v1::Limits& limits,
                          std::vector<RequestOutline>* entries);
// The same for a stream, of which there may be limits.max_stream.
absl::Status OutlineStream(std::string_view bytes, const v1::Limits& limits,
                           std::vector<RequestOutline>* entries);

// Why protobuf refuses to parse `bytes`, whose outline is right, as a
// RetrieveRequest: INVALID_ARGUMENT that begins with the path of the first
// string that is not UTF-8, or says that the bytes are not such a message.
absl::Status WhyUnparsable(std::string_view bytes);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_REQUEST_OUTLINE_H_
