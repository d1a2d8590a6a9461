// TLS below libmicrohttpd, which uses GnuTLS. This header and its source alone
// know GnuTLS.
#ifndef TRIBUTARY_SERVER_HTTP_HTTP_TLS_H_
#define TRIBUTARY_SERVER_HTTP_HTTP_TLS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/tls/certificate_files.h"

struct gnutls_session_int;
struct MHD_Connection;

namespace tributary {

struct GnuTlsCertificates;

// One connection's TLS. It outlives the connection of libmicrohttpd.
struct TlsConnection {
  gnutls_session_int* session = nullptr;
  bool requires_client = false;
  // What is shown and checked in this connection's handshake.
  std::shared_ptr<const GnuTlsCertificates> certificates;
  // The client's names, of its certificate; null without one.
  std::shared_ptr<const std::vector<std::string>> client_names;
  // Whether the handshake is over, as far as the server is concerned.
  bool established = false;
};

// The certificates of a listener, as GnuTLS wants them. Not thread-safe.
class HttpTls {
 public:
  // `files` outlives this. INVALID_ARGUMENT when GnuTLS does not take what is
  // in the files.
  static absl::StatusOr<std::unique_ptr<HttpTls>> Create(
      const CertificateFiles* files);

  // To be called for each connection before its handshake, with the
  // certificates that there are now.
  std::unique_ptr<TlsConnection> Begin(MHD_Connection* connection);

  // The versions and ciphers that are offered.
  static const char* Priorities();
  // Sends at once, as far as the socket takes it. REQUIRES: established.
  static void Send(TlsConnection* connection, std::string_view text);

 private:
  explicit HttpTls(const CertificateFiles* files) : files_(files) {}

  absl::Status Refresh();

  const CertificateFiles* const files_;
  std::shared_ptr<const GnuTlsCertificates> current_;
  uint64_t generation_ = 0;
};

// What libmicrohttpd is to call for the server's certificate
// (MHD_OPTION_HTTPS_CERT_CALLBACK).
void* TlsCertificateCallback();

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_HTTP_TLS_H_
