// The bytes of an ExplainRequest. What is counted off them must be what
// protobuf's parser finds: whatever passes is within the limits and parses into
// little memory, and whatever does not names the field.
#include <string>
#include <string_view>

#include "google/protobuf/stubs/logging.h"
#include "server/service/explain_bytes.h"
#include "tests/fuzz/fuzz_target.h"
#include "tributary/v1/explain.pb.h"

namespace tributary {
namespace {

v1::Limits DefaultLimits() {
  // It would report each text that is not UTF-8.
  google::protobuf::SetLogHandler(nullptr);
  v1::Limits limits;
  limits.set_max_explained_items(100);
  limits.set_max_quotas(16);
  limits.set_max_recent_items(1000);
  limits.set_max_exclusions(10000);
  limits.set_max_filter_terms(100);
  return limits;
}

void CheckLimits(const v1::ExplainRequest& request, size_t bytes,
                 const v1::Limits& limits) {
  Require(static_cast<uint32_t>(request.item_ids_size() +
                                request.item_keys_size()) <=
          limits.max_explained_items());
  const v1::RetrieveRequest& inner = request.request();
  Require(static_cast<uint32_t>(inner.quotas_size()) <= limits.max_quotas());
  Require(static_cast<uint32_t>(inner.recent_item_ids_size()) <=
          limits.max_recent_items());
  Require(static_cast<uint32_t>(inner.recent_item_keys_size()) <=
          limits.max_recent_items());
  Require(request.SpaceUsedLong() <= (1 << 20) + 8 * bytes);
}

// The message begins with a field of an ExplainRequest.
bool NamesAField(std::string_view message) {
  return message.starts_with("request: ") || message.starts_with("request.") ||
         message.starts_with("item_ids: ") ||
         message.starts_with("item_keys: ");
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  static const v1::Limits limits = DefaultLimits();
  const std::string_view bytes = AsText(data, size);
  v1::ExplainRequest request;
  const absl::Status status = ParseExplainBytes(bytes, limits, &request);
  if (!status.ok()) {
    Require(absl::IsInvalidArgument(status));
    Require(NamesAField(std::string(status.message())));
    return 0;
  }
  CheckLimits(request, size, limits);
  v1::ExplainRequest parsed;
  Require(parsed.ParseFromArray(data, static_cast<int>(size)));
  Require(parsed.SerializeAsString() == request.SerializeAsString());
  return 0;
}
