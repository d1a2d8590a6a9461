#include "server/http/http_tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>

#include <array>
#include <utility>

#include "fmt/format.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {

// Immutable once shared. Connections keep the one that they began with.
struct GnuTlsCertificates {
  GnuTlsCertificates() = default;
  GnuTlsCertificates(const GnuTlsCertificates&) = delete;
  GnuTlsCertificates& operator=(const GnuTlsCertificates&) = delete;
  ~GnuTlsCertificates() {
    for (unsigned i = 0; i < chain_size; ++i) gnutls_pcert_deinit(&chain[i]);
    if (key != nullptr) gnutls_privkey_deinit(key);
    if (authorities != nullptr) {
      gnutls_x509_trust_list_deinit(authorities, 1);
    }
  }

  static constexpr unsigned kMaxChain = 16;
  std::array<gnutls_pcert_st, kMaxChain> chain{};
  unsigned chain_size = 0;
  gnutls_privkey_t key = nullptr;
  // Null where clients are not asked for a certificate.
  gnutls_x509_trust_list_t authorities = nullptr;
};

namespace {

gnutls_datum_t DatumOf(const std::string& text) {
  // GnuTLS does not write to it.
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
          static_cast<unsigned>(text.size())};
}

absl::Status GnuTlsError(const char* what, int code) {
  return absl::InvalidArgumentError(fmt::format(
      "tls: GnuTLS does not take {}: {}", what, gnutls_strerror(code)));
}

absl::StatusOr<std::shared_ptr<const GnuTlsCertificates>> Import(
    const Certificates& files) {
  auto imported = std::make_shared<GnuTlsCertificates>();
  const gnutls_datum_t chain = DatumOf(files.chain);
  unsigned size = GnuTlsCertificates::kMaxChain;
  int code = gnutls_pcert_list_import_x509_raw(
      imported->chain.data(), &size, &chain, GNUTLS_X509_FMT_PEM,
      GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
  if (code < 0) return GnuTlsError("tls.certificate_file", code);
  imported->chain_size = size;
  const gnutls_datum_t key = DatumOf(files.private_key);
  code = gnutls_privkey_init(&imported->key);
  if (code >= 0) {
    code = gnutls_privkey_import_x509_raw(imported->key, &key,
                                          GNUTLS_X509_FMT_PEM, nullptr, 0);
  }
  if (code < 0) return GnuTlsError("tls.private_key_file", code);
  if (files.client_authorities.empty()) return imported;
  const gnutls_datum_t authorities = DatumOf(files.client_authorities);
  code = gnutls_x509_trust_list_init(&imported->authorities, 0);
  if (code >= 0) {
    code = gnutls_x509_trust_list_add_trust_mem(imported->authorities,
                                                &authorities, nullptr,
                                                GNUTLS_X509_FMT_PEM, 0, 0);
  }
  if (code < 0) return GnuTlsError("tls.client_ca_file", code);
  return imported;
}

// A client's certificates, the first one its own.
class PeerChain {
 public:
  explicit PeerChain(gnutls_session_t session) {
    unsigned size = 0;
    const gnutls_datum_t* const raw =
        gnutls_certificate_get_peers(session, &size);
    if (raw == nullptr || size > chain_.size()) return;
    for (unsigned i = 0; i < size; ++i) {
      if (gnutls_x509_crt_init(&chain_[i]) < 0) return;
      ++size_;
      if (gnutls_x509_crt_import(chain_[i], &raw[i], GNUTLS_X509_FMT_DER) < 0) {
        return;
      }
    }
    complete_ = size > 0;
  }
  PeerChain(const PeerChain&) = delete;
  PeerChain& operator=(const PeerChain&) = delete;
  ~PeerChain() {
    for (unsigned i = 0; i < size_; ++i) gnutls_x509_crt_deinit(chain_[i]);
  }

  bool IsTrusted(gnutls_x509_trust_list_t authorities) {
    if (!complete_) return false;
    gnutls_typed_vdata_st purpose{};
    purpose.type = GNUTLS_DT_KEY_PURPOSE_OID;
    purpose.data = reinterpret_cast<unsigned char*>(
        const_cast<char*>(GNUTLS_KP_TLS_WWW_CLIENT));
    unsigned problems = 0;
    return gnutls_x509_trust_list_verify_crt2(authorities, chain_.data(), size_,
                                              &purpose, 1, 0, &problems,
                                              nullptr) >= 0 &&
           problems == 0;
  }

  // DNS names, URIs and e-mail addresses.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (unsigned i = 0;; ++i) {
      std::array<char, 1024> name;
      size_t size = name.size();
      const int type = gnutls_x509_crt_get_subject_alt_name(
          chain_[0], i, name.data(), &size, nullptr);
      if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) return names;
      if (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_URI ||
          type == GNUTLS_SAN_RFC822NAME) {
        names.emplace_back(name.data(), size);
      }
    }
  }

 private:
  std::array<gnutls_x509_crt_t, 16> chain_{};
  unsigned size_ = 0;
  bool complete_ = false;
};

TlsConnection* ConnectionOf(gnutls_session_t session) {
  return static_cast<TlsConnection*>(gnutls_session_get_ptr(session));
}

// Called in the handshake, when the client has shown a certificate or none.
// What is not 0 ends the handshake.
int VerifyClient(gnutls_session_t session) {
  TlsConnection* const connection = ConnectionOf(session);
  unsigned size = 0;
  if (gnutls_certificate_get_peers(session, &size) == nullptr || size == 0) {
    return connection->requires_client ? -1 : 0;
  }
  PeerChain chain(session);
  if (!chain.IsTrusted(connection->certificates->authorities)) return -1;
  connection->client_names =
      std::make_shared<const std::vector<std::string>>(chain.Names());
  return 0;
}

int OnHandshake(gnutls_session_t session, unsigned /*type*/, unsigned /*when*/,
                unsigned incoming, const gnutls_datum_t* /*message*/) {
  // The client's Finished is the last message of TLS 1.3; in TLS 1.2, the
  // server's comes after it, before anything else is sent.
  if (incoming != 0) ConnectionOf(session)->established = true;
  return 0;
}

int GiveCertificate(gnutls_session_t session, const gnutls_datum_t*, int,
                    const gnutls_pk_algorithm_t*, int, gnutls_pcert_st** chain,
                    unsigned* chain_size, gnutls_privkey_t* key) {
  const auto& certificates = *ConnectionOf(session)->certificates;
  // GnuTLS neither changes nor frees them.
  *chain = const_cast<gnutls_pcert_st*>(certificates.chain.data());
  *chain_size = certificates.chain_size;
  *key = certificates.key;
  return 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpTls>> HttpTls::Create(
    const CertificateFiles* files) {
  std::unique_ptr<HttpTls> tls(new HttpTls(files));
  RETURN_IF_ERROR(tls->Refresh());
  return tls;
}

absl::Status HttpTls::Refresh() {
  const auto files = files_->current();
  if (files->generation == generation_) return absl::OkStatus();
  // Once for each set of files, whatever comes of it.
  generation_ = files->generation;
  ASSIGN_OR_RETURN(current_, Import(*files));
  return absl::OkStatus();
}

std::unique_ptr<TlsConnection> HttpTls::Begin(MHD_Connection* mhd) {
  if (const absl::Status status = Refresh(); !status.ok()) {
    spdlog::error(
        "event=certificate_refused error={:?} hint=\"HTTP shows the "
        "former certificate\"",
        MessageOf(status));
  }
  const auto* const info =
      MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  if (info == nullptr || info->tls_session == nullptr) return nullptr;
  auto connection = std::make_unique<TlsConnection>();
  auto* const session = static_cast<gnutls_session_t>(info->tls_session);
  connection->session = session;
  connection->certificates = current_;
  connection->requires_client = files_->settings().require_client_certificate();
  gnutls_session_set_ptr(session, connection.get());
  gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED,
                                     GNUTLS_HOOK_POST, OnHandshake);
  if (current_->authorities != nullptr) {
    gnutls_certificate_server_set_request(session, connection->requires_client
                                                       ? GNUTLS_CERT_REQUIRE
                                                       : GNUTLS_CERT_REQUEST);
    gnutls_session_set_verify_function(session, VerifyClient);
  }
  return connection;
}

const char* HttpTls::Priorities() {
  return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
}

void HttpTls::Send(TlsConnection* connection, std::string_view text) {
  [[maybe_unused]] const ssize_t sent =
      gnutls_record_send(connection->session, text.data(), text.size());
}

void* TlsCertificateCallback() {
  return reinterpret_cast<void*>(&GiveCertificate);
}

}  // namespace tributary
