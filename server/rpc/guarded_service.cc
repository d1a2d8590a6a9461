#include "server/rpc/guarded_service.h"

#include <chrono>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "server/process/call_id.h"
#include "server/rpc/rpc_headers.h"
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

const CallMethod* GuardedService::MethodNamed(std::string_view name,
                                              bool reads) {
  const size_t slash = name.rfind('/');
  methods_.push_back({.rpc_service = std::string(name.substr(1, slash - 1)),
                      .rpc_method = std::string(name.substr(slash + 1)),
                      .listener = guard_.listener,
                      .always_sampled = !reads,
                      // Staging takes as long as its version is large.
                      .logs_slow = false});
  return &methods_.back();
}

void GuardedService::CountRefused(const CallMethod& method,
                                  const grpc::Status& status) const {
  guard_.metrics->AddMethod(method.rpc_service, method.rpc_method)
      .Handled(static_cast<absl::StatusCode>(status.error_code()),
               std::chrono::nanoseconds(0));
}

grpc::Status GuardedService::Guard(const CallMethod* method, AccessRole role,
                                   bool reads, grpc::ServerContext* context,
                                   Run run) {
  const auto start = std::chrono::steady_clock::now();
  const std::string name = method->Name();
  CallTrace trace;
  std::string joined;
  trace.Begin(guard_.tracer, method, HeadersOf(*context, &joined), start);
  const CallScope scope(trace.id());
  const absl::StatusOr<SharedRights> allowed =
      guard_.callers->Allow(*context, role, name);
  std::string arguments = kNoArguments;
  const grpc::Status status =
      allowed.ok() ? run(&arguments, &trace) : ToGrpcStatus(allowed.status());
  if (!allowed.ok()) CountRefused(*method, status);
  const std::string request_id = trace.id()->Text();
  AnswerRequestId(trace.End(ToAbsl(status)), status.ok(), context);
  std::string who;
  if (!allowed.ok() || *allowed == nullptr) {
    who = guard_.callers->Describe(*context);
  } else {
    who = (*allowed)->who;
  }
  const std::string from = context->peer();
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  guard_.audit->Record({.method = name,
                        .who = who,
                        .from = from,
                        .request_id = request_id,
                        .arguments = arguments,
                        .result = ToAbsl(status),
                        .seconds = seconds.count(),
                        // Whoever is refused is worth a line.
                        .only_reads = reads && allowed.ok()});
  return status;
}

}  // namespace tributary
