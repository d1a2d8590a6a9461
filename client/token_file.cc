#include "client/token_file.h"

#include <cerrno>
#include <fstream>
#include <utility>

#include "fmt/core.h"

namespace tributary {
namespace {

constexpr size_t kMaxTokenBytes = 16384;

// The characters of RFC 6750's b68token, and those of tokens that are not in
// base64.
bool IsTokenCharacter(char c) { return c > ' ' && c < '\x7f'; }

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev &&
         a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// Adds a header to one call.
class TokenInterceptor final : public grpc::experimental::Interceptor {
 public:
  explicit TokenInterceptor(TokenFile* token) : token_(token) {}

  void Intercept(
      grpc::experimental::InterceptorBatchMethods* methods) override {
    using grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace("authorization",
                                                 token_->Authorization());
    }
    methods->Proceed();
  }

 private:
  TokenFile* const token_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<TokenFile>> TokenFile::Open(
    const std::string& path) {
  std::shared_ptr<TokenFile> file(new TokenFile(path));
  const std::lock_guard lock(file->mutex_);
  if (absl::Status status = file->Read(); !status.ok()) return status;
  return file;
}

std::string TokenFile::Authorization() {
  const std::lock_guard lock(mutex_);
  struct stat now {};
  if (stat(path_.c_str(), &now) == 0 && !SameFile(now, read_)) {
    // A file that is being replaced may be empty for a moment.
    Read().IgnoreError();
  }
  return authorization_;
}

absl::Status TokenFile::Read() {
  struct stat before {};
  if (stat(path_.c_str(), &before) != 0) {
    return absl::ErrnoToStatus(errno, path_);
  }
  std::ifstream file(path_);
  if (!file) return absl::ErrnoToStatus(errno, path_);
  std::string line;
  for (char c = 0; line.size() <= kMaxTokenBytes && file.get(c) && c != '\n';) {
    line += c;
  }
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) {
    line.pop_back();
  }
  bool is_token = !line.empty() && line.size() <= kMaxTokenBytes;
  for (const char c : line) is_token = is_token && IsTokenCharacter(c);
  // The line itself may be a secret.
  if (!is_token) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: expected a token in the first line, without spaces", path_));
  }
  authorization_ = "Bearer " + line;
  read_ = before;
  return absl::OkStatus();
}

grpc::experimental::Interceptor* TokenInterceptors::CreateClientInterceptor(
    grpc::experimental::ClientRpcInfo*) {
  return new TokenInterceptor(token_.get());
}

}  // namespace tributary
