// The first byte chooses a message, RetrieveRequest if it is even, else
// BatchRetrieveRequest; the rest is its bytes. What is read off the bytes must
// be what protobuf's parser finds, and what passes must parse into little
// memory.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "google/protobuf/stubs/logging.h"
#include "server/service/request_outline.h"
#include "tests/fuzz/fuzz_target.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

v1::Limits DefaultLimits() {
  // It would report each text that is not UTF-8.
  google::protobuf::SetLogHandler(nullptr);
  v1::Limits limits;
  limits.set_max_batch(64);
  limits.set_max_quotas(16);
  limits.set_max_recent_items(1000);
  limits.set_max_exclusions(10000);
  limits.set_max_filter_terms(100);
  return limits;
}

bool IsNoMessage(const absl::Status& status) {
  return absl::StrContains(status.message(), "the bytes are not a ");
}

void CheckAgainst(const RequestOutline& outline,
                  const v1::RetrieveRequest& request,
                  const v1::Limits& limits) {
  Require(outline.k == request.k());
  Require(outline.bundle_version == request.bundle_version());
  Require(outline.bundle_label == request.bundle_label());
  // Equal keys become one.
  Require(outline.quotas >= static_cast<uint32_t>(request.quotas_size()));
  if (!outline.status.ok()) return;
  Require(outline.quotas <= limits.max_quotas());
  Require(static_cast<uint32_t>(request.recent_item_ids_size()) <=
          limits.max_recent_items());
  Require(static_cast<uint32_t>(request.recent_item_keys_size()) <=
          limits.max_recent_items());
  Require(static_cast<uint32_t>(request.filter().exclude_item_ids_size() +
                                request.filter().exclude_item_keys_size()) <=
          limits.max_exclusions());
  Require(request.SpaceUsedLong() <= (1 << 20) + 8 * outline.bytes.size());
}

void CheckRetrieve(std::string_view bytes, const v1::Limits& limits) {
  const RequestOutline outline = OutlineRetrieve(bytes, limits);
  v1::RetrieveRequest request;
  const bool parses =
      request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  Require(outline.status.ok() || absl::IsInvalidArgument(outline.status));
  if (parses) {
    Require(!IsNoMessage(outline.status));
    CheckAgainst(outline, request, limits);
  } else if (outline.status.ok()) {
    Require(absl::IsInvalidArgument(WhyUnparsable(bytes)));
  }
}

void CheckBatch(std::string_view bytes, const v1::Limits& limits) {
  std::vector<RequestOutline> entries;
  const absl::Status status = OutlineBatch(bytes, limits, &entries);
  Require(status.ok() || absl::IsInvalidArgument(status));
  Require(entries.size() <= limits.max_batch());
  v1::BatchRetrieveRequest batch;
  if (!batch.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return;
  }
  if (!status.ok()) {
    Require(!IsNoMessage(status) ||
            !batch.GetReflection()->GetUnknownFields(batch).empty());
    return;
  }
  Require(entries.size() == static_cast<size_t>(batch.requests_size()));
  for (size_t i = 0; i < entries.size(); ++i) {
    CheckAgainst(entries[i], batch.requests(static_cast<int>(i)), limits);
  }
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  static const v1::Limits limits = DefaultLimits();
  if (size == 0) return 0;
  const std::string_view bytes = AsText(data, size).substr(1);
  if (data[0] % 2 == 0) {
    CheckRetrieve(bytes, limits);
  } else {
    CheckBatch(bytes, limits);
  }
  return 0;
}
