#ifndef TRIBUTARY_SERVER_TLS_CERTIFICATE_CHECK_H_
#define TRIBUTARY_SERVER_TLS_CERTIFICATE_CHECK_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary {

// What a listener shows and asks for, all of it PEM. Immutable once shared.
struct Certificates {
  // The server's certificate and, after it, the authorities between it and the
  // root.
  std::string chain = {};
  std::string private_key = {};
  // The authorities whose certificates clients may show; empty where clients
  // are not asked for one.
  std::string client_authorities = {};
  // When the first certificate of the chain expires, in seconds since 1970.
  int64_t not_after_s = 0;
  // Grows with each set that is taken.
  uint64_t generation = 0;
};

// The names of the files, which errors begin with.
struct CertificateNames {
  std::string certificate = {};
  std::string private_key = {};
  std::string client_authorities = {};
};

// Whether clients would accept the certificates at the time `now_s`, as far as
// can be told without their authorities: everything can be parsed, the private
// key is that of the first certificate, each certificate was signed by the one
// that follows it, and all of them are valid now. Fills in not_after_s.
// INVALID_ARGUMENT that names the file and says what is wrong.
absl::Status CheckCertificates(const CertificateNames& names, int64_t now_s,
                               Certificates* certificates);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TLS_CERTIFICATE_CHECK_H_
