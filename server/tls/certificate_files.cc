#include "server/tls/certificate_files.h"

#include <chrono>
#include <ctime>
#include <utility>

#include "fmt/format.h"
#include "server/process/read_file.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

// A set that cannot be taken is told of when it is found this often in a row.
constexpr int kRefusalsUntilTold = 2;

absl::StatusOr<std::string> ReadNamed(const char* field,
                                      const std::string& path) {
  absl::StatusOr<std::string> contents = ReadSmallFile(path);
  if (contents.ok()) return contents;
  return absl::Status(
      contents.status().code(),
      fmt::format("{}: {}", field, MessageOf(contents.status())));
}

bool SameFiles(const Certificates& a, const Certificates& b) {
  return a.chain == b.chain && a.private_key == b.private_key &&
         a.client_authorities == b.client_authorities;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CertificateFiles>> CertificateFiles::Open(
    v1::Tls tls, OnLook on_look) {
  std::unique_ptr<CertificateFiles> files(
      new CertificateFiles(std::move(tls), std::move(on_look)));
  RETURN_IF_ERROR(files->LookFirst());
  files->thread_ = std::thread([self = files.get()] { self->Run(); });
  return files;
}

CertificateFiles::CertificateFiles(v1::Tls tls, OnLook on_look)
    : tls_(std::move(tls)),
      names_{.certificate = "tls.certificate_file: " + tls_.certificate_file(),
             .private_key = "tls.private_key_file: " + tls_.private_key_file(),
             .client_authorities =
                 tls_.client_ca_file().empty()
                     ? ""
                     : "tls.client_ca_file: " + tls_.client_ca_file()},
      on_look_(std::move(on_look)) {}

CertificateFiles::~CertificateFiles() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const Certificates> CertificateFiles::current() const {
  const MutexLock lock(&mutex_);
  return current_;
}

void CertificateFiles::AddClientAuthority(const std::string& pem) {
  const MutexLock lock(&mutex_);
  own_authority_ = pem;
  Certificates with = *current_;
  with.client_authorities += pem;
  current_ = std::make_shared<const Certificates>(std::move(with));
}

absl::StatusOr<Certificates> CertificateFiles::ReadFiles() const {
  Certificates read;
  ASSIGN_OR_RETURN(read.chain,
                   ReadNamed("tls.certificate_file", tls_.certificate_file()));
  ASSIGN_OR_RETURN(read.private_key,
                   ReadNamed("tls.private_key_file", tls_.private_key_file()));
  if (!tls_.client_ca_file().empty()) {
    ASSIGN_OR_RETURN(read.client_authorities,
                     ReadNamed("tls.client_ca_file", tls_.client_ca_file()));
  }
  return read;
}

absl::Status CertificateFiles::LookFirst() {
  ASSIGN_OR_RETURN(Certificates read, ReadFiles());
  RETURN_IF_ERROR(CheckCertificates(names_, std::time(nullptr), &read));
  const int64_t not_after_s = read.not_after_s;
  {
    const MutexLock lock(&mutex_);
    Take(std::move(read));
  }
  if (on_look_) on_look_({.taken = false, .not_after_s = not_after_s});
  return absl::OkStatus();
}

void CertificateFiles::Take(Certificates read) {
  read.generation = current_ == nullptr ? 1 : current_->generation + 1;
  read.client_authorities += own_authority_;
  current_ = std::make_shared<const Certificates>(std::move(read));
  refusals_ = 0;
  refused_.clear();
}

void CertificateFiles::Refuse(const Certificates& read,
                              const absl::Status& status) {
  std::string bytes = read.chain + read.private_key + read.client_authorities +
                      std::string(MessageOf(status));
  refusals_ = bytes == refused_ ? refusals_ + 1 : 1;
  refused_ = std::move(bytes);
  if (refusals_ != kRefusalsUntilTold) return;
  spdlog::error(
      "event=certificate_refused error={:?} hint=\"the former certificate is "
      "still shown; put files there that fit together\"",
      MessageOf(status));
}

void CertificateFiles::LookNow() {
  absl::StatusOr<Certificates> read = ReadFiles();
  Look look;
  {
    const MutexLock lock(&mutex_);
    Certificates shown = *current_;
    shown.client_authorities.resize(shown.client_authorities.size() -
                                    own_authority_.size());
    if (!read.ok()) {
      Refuse({}, read.status());
    } else if (SameFiles(*read, shown)) {
      refusals_ = 0;
      refused_.clear();
    } else {
      const absl::Status status =
          CheckCertificates(names_, std::time(nullptr), &*read);
      if (status.ok()) {
        look.taken = true;
        Take(*std::move(read));
      } else {
        Refuse(*read, status);
      }
    }
    look.newly_refused = refusals_ == kRefusalsUntilTold;
    look.refused = refusals_ >= kRefusalsUntilTold;
    look.not_after_s = current_->not_after_s;
  }
  if (look.taken) {
    spdlog::info("event=certificate_taken file={} expires_in_s={}",
                 tls_.certificate_file(),
                 look.not_after_s - std::time(nullptr));
  }
  if (on_look_) on_look_(look);
}

void CertificateFiles::Run() {
  const std::chrono::milliseconds interval(tls_.reload_interval_ms());
  while (true) {
    {
      MutexLock lock(&mutex_);
      const auto next = std::chrono::steady_clock::now() + interval;
      while (!stopping_ && changed_.WaitUntil(&mutex_, next)) {
      }
      if (stopping_) return;
    }
    LookNow();
  }
}

}  // namespace tributary
