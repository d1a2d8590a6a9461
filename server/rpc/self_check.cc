#include "server/rpc/self_check.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(
    const SelfCheck::Options& options) {
  namespace tls = grpc::experimental;
  if (!options.encrypted) return grpc::InsecureChannelCredentials();
  tls::TlsChannelCredentialsOptions settings;
  settings.set_verify_server_certs(false);
  settings.set_check_call_host(false);
  settings.set_certificate_verifier(
      std::make_shared<tls::NoOpCertificateVerifier>());
  if (!options.certificate.certificate.empty()) {
    settings.set_certificate_provider(
        std::make_shared<tls::StaticDataCertificateProvider>(
            std::vector<tls::IdentityKeyCertPair>{
                {options.certificate.private_key,
                 options.certificate.certificate}}));
    settings.watch_identity_key_cert_pairs();
  }
  return tls::TlsCredentials(settings);
}

}  // namespace

SelfCheck::SelfCheck(const std::string& address, Options options)
    : target_(LocalTarget(address)),
      options_(std::move(options)),
      thread_([this] { Run(); }) {}

void SelfCheck::Stop() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
    if (call_ != nullptr) call_->TryCancel();
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

absl::Status SelfCheck::status() const {
  const MutexLock lock(&mutex_);
  return failures_ < kFailures ? absl::OkStatus() : last_;
}

void SelfCheck::WaitFor(int checks) {
  MutexLock lock(&mutex_);
  const int wanted = checks_ + checks;
  while (checks_ < wanted) changed_.Wait(&mutex_);
}

void SelfCheck::Run() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      const auto next = std::chrono::steady_clock::now() + options_.interval;
      while (!stopping_ && changed_.WaitUntil(&mutex_, next)) {
      }
      if (stopping_) return;
    }
    Record(CheckOnce());
  }
}

absl::Status SelfCheck::CheckOnce() {
  grpc::ChannelArguments arguments;
  // Channels to one address would share their connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto stub = grpc::health::v1::Health::NewStub(
      grpc::CreateCustomChannel(target_, CredentialsOf(options_), arguments));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  if (!options_.token.empty()) {
    context.AddMetadata("authorization", "Bearer " + options_.token);
  }
  context.set_deadline(std::chrono::system_clock::now() + options_.deadline);
  {
    const MutexLock lock(&mutex_);
    if (stopping_) return absl::OkStatus();
    call_ = &context;
  }
  grpc::health::v1::HealthCheckResponse response;
  // Any answer is one, also that nothing is served yet.
  const grpc::Status status = stub->Check(&context, {}, &response);
  {
    const MutexLock lock(&mutex_);
    call_ = nullptr;
    if (stopping_) return absl::OkStatus();
  }
  if (status.ok()) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("new connections to {} are not answered within {} ms: {}",
                  target_, options_.deadline.count(), status.error_message()));
}

void SelfCheck::Record(const absl::Status& result) {
  const MutexLock lock(&mutex_);
  ++checks_;
  last_ = result;
  if (result.ok()) {
    if (failures_ >= kFailures) spdlog::info("event=self_check result=ok");
    failures_ = 0;
  } else if (++failures_ == kFailures) {
    spdlog::error("event=self_check result=failed error={:?}",
                  std::string(result.message()));
  }
  changed_.NotifyAll();
}

std::string LocalTarget(const std::string& address) {
  constexpr std::string_view kAll[] = {"*:", "0.0.0.0:", "[::]:"};
  for (const std::string_view host : kAll) {
    if (address.starts_with(host)) {
      return fmt::format("127.0.0.1:{}", address.substr(host.size()));
    }
  }
  return address;
}

}  // namespace tributary
