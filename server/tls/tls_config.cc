#include "server/tls/tls_config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr std::array<std::string_view, 4> kListeners = {"listen", "http",
                                                        "admin", "control"};
constexpr std::array<std::string_view, 3> kDefaultListeners = {"listen", "http",
                                                               "control"};

absl::Status CheckListeners(const v1::Tls& tls) {
  for (int i = 0; i < tls.listeners_size(); ++i) {
    const std::string& name = tls.listeners(i);
    if (std::ranges::count(kListeners, name) == 0) {
      return FieldError(fmt::format("tls.listeners[{}]", i),
                        "{:?} is not listen, http, admin or control", name);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFiles(const v1::Tls& tls) {
  if (tls.certificate_file().empty() != tls.private_key_file().empty()) {
    return FieldError(tls.certificate_file().empty() ? "tls.certificate_file"
                                                     : "tls.private_key_file",
                      "expected a file: a certificate and its private key "
                      "belong together");
  }
  if (tls.certificate_file().empty() && !tls.client_ca_file().empty()) {
    return FieldError("tls.client_ca_file",
                      "clients show certificates only where something is "
                      "encrypted; set tls.certificate_file, too");
  }
  if (tls.require_client_certificate() && tls.client_ca_file().empty()) {
    return FieldError("tls.require_client_certificate",
                      "no certificate would be accepted; set "
                      "tls.client_ca_file, too");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Tls> CompleteTls(v1::Tls given) {
  v1::Tls tls = std::move(given);
  if (!tls.has_certificate_file()) tls.set_certificate_file("");
  if (!tls.has_private_key_file()) tls.set_private_key_file("");
  if (!tls.has_client_ca_file()) tls.set_client_ca_file("");
  if (!tls.has_require_client_certificate()) {
    tls.set_require_client_certificate(false);
  }
  if (tls.listeners().empty()) {
    for (const std::string_view name : kDefaultListeners) {
      tls.add_listeners(std::string(name));
    }
  }
  if (!tls.has_reload_interval_ms()) tls.set_reload_interval_ms(1000);
  RETURN_IF_ERROR(CheckListeners(tls));
  RETURN_IF_ERROR(CheckFiles(tls));
  if (tls.reload_interval_ms() < 10 || tls.reload_interval_ms() > 3'600'000) {
    return FieldError("tls.reload_interval_ms",
                      "{} is not within 10 to 3600000",
                      tls.reload_interval_ms());
  }
  return tls;
}

bool IsEncrypted(const v1::Tls& tls, std::string_view listener,
                 std::string_view address) {
  return !tls.certificate_file().empty() && !address.starts_with("unix:") &&
         std::ranges::count(tls.listeners(), listener) > 0;
}

}  // namespace tributary
