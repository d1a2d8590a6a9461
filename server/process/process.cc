#include "server/process/process.h"

#include <pthread.h>

#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace tributary {

void LogToStderr(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tributary"));
  spdlog::set_pattern("time=%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
  spdlog::set_level(spdlog::level::from_str(level));
}

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

void StopSignals::Wait() const {
  int signal = 0;
  sigwait(&signals_, &signal);
  spdlog::info("event=stopping signal={}", signal);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

}  // namespace tributary
