#include "client/credentials.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "client/server_address.h"
#include "client/token_file.h"
#include "fmt/core.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace tributary {
namespace {

constexpr char kSystemAuthorities[] = "system";
// How often certificates are looked at; gRPC takes no less.
constexpr unsigned kRereadSeconds = 1;

absl::Status UnderField(const char* field, const absl::Status& status) {
  return absl::Status(
      status.code(),
      fmt::format("{}: {}", field, std::string(status.message())));
}

// gRPC waits without a word for files that it cannot read.
absl::Status CheckPem(const char* field, const std::string& path,
                      const char* what) {
  std::ifstream file(path);
  if (!file) return UnderField(field, absl::ErrnoToStatus(errno, path));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.find("-----BEGIN ") != std::string::npos) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: {}: expected {} (PEM)", field, path, what));
}

absl::Status CheckCredentials(const std::string& address,
                              const ClientCredentials& credentials) {
  const bool encrypted = !credentials.ca_file.empty();
  if (credentials.certificate_file.empty() !=
      credentials.private_key_file.empty()) {
    return absl::InvalidArgumentError(
        "certificate_file, private_key_file: expected both or neither");
  }
  if (!encrypted && !credentials.certificate_file.empty()) {
    return absl::InvalidArgumentError(
        "certificate_file: certificates are shown on encrypted connections "
        "only; name the servers' authorities by ca_file, or system");
  }
  if (!encrypted && !credentials.server_name.empty()) {
    return absl::InvalidArgumentError(
        "server_name: the server shows a certificate on encrypted connections "
        "only; name its authorities by ca_file, or system");
  }
  if (!encrypted && !credentials.token_file.empty() && !IsLoopback(address)) {
    return absl::FailedPreconditionError(fmt::format(
        "token_file: the token would go to {} unencrypted; name the servers' "
        "authorities by ca_file, or system",
        address));
  }
  absl::Status status;
  if (encrypted && credentials.ca_file != kSystemAuthorities) {
    status.Update(CheckPem("ca_file", credentials.ca_file, "certificates"));
  }
  if (!credentials.certificate_file.empty()) {
    status.Update(CheckPem("certificate_file", credentials.certificate_file,
                           "a certificate"));
    status.Update(CheckPem("private_key_file", credentials.private_key_file,
                           "a private key"));
  }
  return status;
}

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(
    const ClientCredentials& credentials) {
  using grpc::experimental::FileWatcherCertificateProvider;
  if (credentials.ca_file.empty()) return grpc::InsecureChannelCredentials();
  const std::string authorities =
      credentials.ca_file == kSystemAuthorities ? "" : credentials.ca_file;
  grpc::experimental::TlsChannelCredentialsOptions options;
  if (!authorities.empty() || !credentials.certificate_file.empty()) {
    options.set_certificate_provider(
        credentials.certificate_file.empty()
            ? std::make_shared<FileWatcherCertificateProvider>(authorities,
                                                               kRereadSeconds)
            : std::make_shared<FileWatcherCertificateProvider>(
                  credentials.private_key_file, credentials.certificate_file,
                  authorities, kRereadSeconds));
  }
  if (!authorities.empty()) options.watch_root_certs();
  if (!credentials.certificate_file.empty()) {
    options.watch_identity_key_cert_pairs();
  }
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const std::string& address, const ClientCredentials& credentials,
    const grpc::ChannelArguments& arguments) {
  absl::Status status = CheckCredentials(address, credentials);
  if (!status.ok()) return status;
  grpc::ChannelArguments all = arguments;
  if (!credentials.server_name.empty()) {
    all.SetSslTargetNameOverride(credentials.server_name);
  }
  const auto channel_credentials = MakeChannelCredentials(credentials);
  if (credentials.token_file.empty()) {
    return grpc::CreateCustomChannel(address, channel_credentials, all);
  }
  auto token = TokenFile::Open(credentials.token_file);
  if (!token.ok()) return UnderField("token_file", token.status());
  std::vector<
      std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
      interceptors;
  interceptors.push_back(
      std::make_unique<TokenInterceptors>(*std::move(token)));
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      address, channel_credentials, all, std::move(interceptors));
}

}  // namespace tributary
