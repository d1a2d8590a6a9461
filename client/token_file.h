#ifndef TRIBUTARY_CLIENT_TOKEN_FILE_H_
#define TRIBUTARY_CLIENT_TOKEN_FILE_H_

#include <sys/stat.h>

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/support/client_interceptor.h"

namespace tributary {

// The bearer token in a file's first line. Thread-safe.
class TokenFile {
 public:
  // NOT_FOUND, PERMISSION_DENIED; INVALID_ARGUMENT when the first line is empty
  // or has a character that no token has.
  static absl::StatusOr<std::shared_ptr<TokenFile>> Open(
      const std::string& path);

  // "Bearer TOKEN". Looks whether the file was replaced; as long as it has no
  // token, the former one is returned.
  std::string Authorization();

 private:
  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  absl::Status Read();

  const std::string path_;
  std::mutex mutex_;
  struct stat read_ {};
  std::string authorization_;
};

// Adds the token to the headers of every call of a channel. Unlike gRPC's own
// credentials of calls, it does so on connections that are not encrypted, too.
class TokenInterceptors final
    : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit TokenInterceptors(std::shared_ptr<TokenFile> token)
      : token_(std::move(token)) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo* info) override;

 private:
  const std::shared_ptr<TokenFile> token_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_TOKEN_FILE_H_
