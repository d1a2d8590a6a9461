#ifndef TRIBUTARY_SERVER_ACCESS_AUDIT_LOG_H_
#define TRIBUTARY_SERVER_ACCESS_AUDIT_LOG_H_

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sync/mutex.h"

namespace tributary {

// A call of the control plane.
struct AuditedCall {
  std::string_view method = {};
  std::string_view who = {};
  // The peer's address.
  std::string_view from = {};
  // The name of the call; empty for none.
  std::string_view request_id = {};
  // The request as JSON, without what is long; an object.
  std::string_view arguments = {};
  absl::Status result = {};
  double seconds = 0;
  // Whether it changes nothing that is served: calls that read, and the
  // loader's reports, which come every second.
  bool only_reads = false;
};

// Records calls of the control plane, a line of JSON for each, which is in the
// file when Record returns. The file is opened anew when another one has its
// place, as after a rotation. Without a file, calls that change something are
// recorded in the log (event=control). A record that cannot be written stops
// nothing: it goes to the log, and is counted. Thread-safe.
class AuditLog {
 public:
  // Called for each record that could not be written.
  using OnFailure = std::function<void()>;

  // An empty path: into the log. Errors name access.audit_file.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(std::string path);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // Only before the first Record.
  void set_on_failure(OnFailure on_failure) {
    on_failure_ = std::move(on_failure);
  }

  void Record(const AuditedCall& call);

 private:
  explicit AuditLog(std::string path) : path_(std::move(path)) {}

  absl::Status Reopen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Write(std::string_view line) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string path_;
  OnFailure on_failure_;
  Mutex mutex_;
  int fd_ ABSL_GUARDED_BY(mutex_) = -1;
  // Whether the last write ended within a line.
  bool cut_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_ACCESS_AUDIT_LOG_H_
