#ifndef TRIBUTARY_SERVER_TLS_CERTIFICATE_FILES_H_
#define TRIBUTARY_SERVER_TLS_CERTIFICATE_FILES_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/tls/certificate_check.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The certificates in the files of a Tls, read again when they change. What is
// in the files is taken as a whole, once it has passed CheckCertificates; until
// then the former certificates stay, and the log says why
// (event=certificate_refused). Thread-safe.
class CertificateFiles {
 public:
  // What happened at a look at the files, for metrics. `refused` tells that the
  // files have something other than what is shown, which cannot be taken.
  struct Look {
    bool taken = false;
    bool newly_refused = false;
    bool refused = false;
    int64_t not_after_s = 0;
  };
  using OnLook = std::function<void(const Look&)>;

  // `tls` is complete, and has a certificate_file. `on_look` is called after
  // each look, the first one included, on any thread; it may be empty. Errors
  // name the field and the file: NOT_FOUND, PERMISSION_DENIED,
  // INVALID_ARGUMENT.
  static absl::StatusOr<std::unique_ptr<CertificateFiles>> Open(v1::Tls tls,
                                                                OnLook on_look);
  ~CertificateFiles();
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;

  // Those that were taken last.
  std::shared_ptr<const Certificates> current() const;
  const v1::Tls& settings() const { return tls_; }

  // Authorities that are accepted beside those of client_ca_file, as PEM: the
  // server's own certificate for its calls to itself. Only before the first
  // listener begins.
  void AddClientAuthority(const std::string& pem);

  // Looks at the files now, as the thread does every reload_interval_ms.
  void LookNow();

 private:
  CertificateFiles(v1::Tls tls, OnLook on_look);

  absl::StatusOr<Certificates> ReadFiles() const;
  absl::Status LookFirst();
  // The differing bytes of the files may be one half of a change that is going
  // on: what is wrong is told at the second look that finds it.
  void Refuse(const Certificates& read, const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Take(Certificates read) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run();

  const v1::Tls tls_;
  const CertificateNames names_;
  const OnLook on_look_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<const Certificates> current_ ABSL_GUARDED_BY(mutex_);
  std::string own_authority_ ABSL_GUARDED_BY(mutex_);
  // What the files had when they were refused, and how often in a row.
  std::string refused_ ABSL_GUARDED_BY(mutex_);
  int refusals_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TLS_CERTIFICATE_FILES_H_
