#include "server/rpc/tls_credentials.h"

#include <string>

#include "grpc/grpc.h"
#include "grpc/grpc_security.h"
#include "grpc/support/log.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

// gRPC's own credentials with files read them when the server starts, or, those
// of its provider that watches files, one after the other and unchecked. The
// fetcher of its C interface is asked before each handshake, which is what
// CertificateFiles needs.
class FetchedCredentials final : public grpc::ServerCredentials {
 public:
  explicit FetchedCredentials(const CertificateFiles* certificates)
      : certificates_(certificates) {}

  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    GPR_ASSERT(false && "there is none");
  }

 private:
  int AddPortToServer(const std::string& address,
                      grpc_server* server) override {
    const v1::Tls& tls = certificates_->settings();
    const auto request =
        tls.client_ca_file().empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
        : tls.require_client_certificate()
            ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
            : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
    grpc_server_credentials* const credentials =
        grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                request, &Fetch, this));
    const int port =
        grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);
    return port;
  }

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<FetchedCredentials*>(self)->Fetch(config);
  }

  grpc_ssl_certificate_config_reload_status Fetch(
      grpc_ssl_server_certificate_config** config) {
    const auto current = certificates_->current();
    const MutexLock lock(&mutex_);
    if (current->generation == fetched_) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    const grpc_ssl_pem_key_cert_pair pair = {current->private_key.c_str(),
                                             current->chain.c_str()};
    // gRPC 1.51 insists on authorities, and asks no client for a certificate
    // all the same (see AddPortToServer).
    *config = grpc_ssl_server_certificate_config_create(
        current->client_authorities.empty()
            ? current->chain.c_str()
            : current->client_authorities.c_str(),
        &pair, 1);
    fetched_ = current->generation;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const CertificateFiles* const certificates_;
  Mutex mutex_;
  uint64_t fetched_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeTlsServerCredentials(
    const CertificateFiles* certificates) {
  return std::make_shared<FetchedCredentials>(certificates);
}

}  // namespace tributary
