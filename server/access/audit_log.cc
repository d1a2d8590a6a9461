#include "server/access/audit_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

constexpr size_t kMaxTextBytes = 1000;

// The text as a JSON string, cut where it is long. What is not ASCII is
// escaped by bytes as Latin-1: the text may be anything.
std::string JsonString(std::string_view text) {
  std::string json = "\"";
  const bool cut = text.size() > kMaxTextBytes;
  for (const char c : text.substr(0, kMaxTextBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (byte < ' ' || byte >= 0x7f) {
      json += fmt::format("\\u{:04x}", byte);
    } else {
      json += c;
    }
  }
  if (cut) json += "...";
  return json + '"';
}

std::string LineOf(const AuditedCall& call) {
  return fmt::format(
      "{{\"time\":\"{}\",\"method\":{},\"who\":{},\"from\":{},{}"
      "\"arguments\":{},\"result\":\"{}\",\"error\":{},\"seconds\":{:.3f}}}\n",
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(),
                       absl::UTCTimeZone()),
      JsonString(call.method), JsonString(call.who), JsonString(call.from),
      call.request_id.empty()
          ? ""
          : fmt::format("\"request_id\":{},", JsonString(call.request_id)),
      call.arguments, absl::StatusCodeToString(call.result.code()),
      JsonString(MessageOf(call.result)), call.seconds);
}

bool IsStillAt(const std::string& path, int fd) {
  struct stat named {};
  struct stat opened {};
  return stat(path.c_str(), &named) == 0 && fstat(fd, &opened) == 0 &&
         named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(std::string path) {
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(path)));
  if (log->path_.empty()) return log;
  const MutexLock lock(&log->mutex_);
  RETURN_IF_ERROR(log->Reopen());
  return log;
}

AuditLog::~AuditLog() {
  if (fd_ >= 0) close(fd_);
}

absl::Status AuditLog::Reopen() {
  if (fd_ >= 0) close(fd_);
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd_ >= 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "access.audit_file: " + path_);
}

absl::Status AuditLog::Write(std::string_view line) {
  const MutexLock lock(&mutex_);
  if (fd_ < 0 || !IsStillAt(path_, fd_)) {
    cut_ = false;
    RETURN_IF_ERROR(Reopen());
  }
  // A full disk may have taken a part of the line before.
  const std::string whole = (cut_ ? "\n" : "") + std::string(line);
  const ssize_t written = write(fd_, whole.data(), whole.size());
  const bool complete = written == static_cast<ssize_t>(whole.size());
  const int error = written < 0 ? errno : ENOSPC;
  if (complete) {
    cut_ = false;
    return absl::OkStatus();
  }
  if (written > 0) cut_ = true;
  return absl::ErrnoToStatus(error, "access.audit_file: " + path_);
}

void AuditLog::Record(const AuditedCall& call) {
  const std::string line = LineOf(call);
  const std::string_view record(line.data(), line.size() - 1);
  if (path_.empty()) {
    if (!call.only_reads) spdlog::info("event=control record={}", record);
    return;
  }
  const absl::Status status = Write(line);
  if (status.ok()) return;
  if (on_failure_) on_failure_();
  spdlog::error("event=audit_failed error={:?} record={}", MessageOf(status),
                record);
}

}  // namespace tributary
