#ifndef TRIBUTARY_SERVER_TLS_TLS_CONFIG_H_
#define TRIBUTARY_SERVER_TLS_TLS_CONFIG_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Fills in the defaults, which config.proto lists. INVALID_ARGUMENT that names
// the field, such as tls.private_key_file.
absl::StatusOr<v1::Tls> CompleteTls(v1::Tls given);

// Whether a listener, such as "http", with this address is encrypted. `tls` is
// complete.
bool IsEncrypted(const v1::Tls& tls, std::string_view listener,
                 std::string_view address);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TLS_TLS_CONFIG_H_
