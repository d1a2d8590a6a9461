#include "server/process/grpc_log.h"

#include <cstdlib>
#include <string_view>

#include "absl/synchronization/mutex.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc/support/log.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

void LogAsEvent(gpr_log_func_args* args) {
  const auto level = args->severity == GPR_LOG_SEVERITY_ERROR
                         ? spdlog::level::warn
                         : spdlog::level::debug;
  spdlog::log(level, "event=grpc text={:?}", std::string_view(args->message));
}

}  // namespace

void LogGrpcAsEvents() {
  gpr_set_log_function(LogAsEvent);
  google::protobuf::SetLogHandler(nullptr);
}

void SkipLockOrderChecks() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

void SilenceGrpc() {
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_function([](gpr_log_func_args*) {});
}

}  // namespace tributary
