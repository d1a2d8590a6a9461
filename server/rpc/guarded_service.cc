#include "server/rpc/guarded_service.h"

#include <chrono>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "status/field_error.h"

namespace tributary {
namespace {

constexpr char kNoArguments[] = "{}";
constexpr size_t kMaxArgumentBytes = 4096;

absl::Status ToAbsl(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

}  // namespace

std::string GuardedService::ArgumentsOf(
    const google::protobuf::Message& request) {
  // The JSON of a message is not shorter than its bytes by much.
  const size_t bytes = request.ByteSizeLong();
  std::string json;
  if (bytes <= kMaxArgumentBytes) {
    if (!google::protobuf::util::MessageToJsonString(request, &json).ok()) {
      return kNoArguments;
    }
    if (json.size() <= kMaxArgumentBytes) return json;
  }
  return fmt::format("{{\"bytes\":{}}}", bytes);
}

absl::Status GuardedService::Parse(const grpc::ByteBuffer& bytes,
                                   google::protobuf::Message* request) {
  grpc::ByteBuffer copy = bytes;
  grpc::Slice slice;
  if (copy.DumpToSingleSlice(&slice).ok() &&
      request->ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
    return absl::OkStatus();
  }
  return FieldError("request", "not a {}", request->GetTypeName());
}

grpc::ByteBuffer GuardedService::Serialize(
    const google::protobuf::Message& response) {
  const grpc::Slice slice(response.SerializeAsString());
  return {&slice, 1};
}

grpc::Status GuardedService::Guard(std::string_view method, AccessRole role,
                                   bool reads, grpc::ServerContext* context,
                                   Run run) {
  const auto start = std::chrono::steady_clock::now();
  const absl::StatusOr<SharedRights> allowed =
      callers_->Allow(*context, role, method);
  std::string arguments = kNoArguments;
  const grpc::Status status =
      allowed.ok() ? run(&arguments) : ToGrpcStatus(allowed.status());
  std::string who;
  if (!allowed.ok() || *allowed == nullptr) {
    who = callers_->Describe(*context);
  } else {
    who = (*allowed)->who;
  }
  const std::string from = context->peer();
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  audit_->Record({.method = method,
                  .who = who,
                  .from = from,
                  .arguments = arguments,
                  .result = ToAbsl(status),
                  .seconds = seconds.count(),
                  // Whoever is refused is worth a line.
                  .only_reads = reads && allowed.ok()});
  return status;
}

}  // namespace tributary
