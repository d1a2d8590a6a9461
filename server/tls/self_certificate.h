#ifndef TRIBUTARY_SERVER_TLS_SELF_CERTIFICATE_H_
#define TRIBUTARY_SERVER_TLS_SELF_CERTIFICATE_H_

#include <string>

#include "absl/status/statusor.h"

namespace tributary {

// A certificate that signs itself, and its key, both PEM.
struct SelfCertificate {
  std::string certificate = {};
  std::string private_key = {};
};

// Makes one for this process, with which the server calls itself where clients
// must show a certificate: the authorities of clients need not know the server.
// The key is never written to a file. Its name is URI:tributary:self. INTERNAL
// when OpenSSL fails.
absl::StatusOr<SelfCertificate> MakeSelfCertificate();

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TLS_SELF_CERTIFICATE_H_
