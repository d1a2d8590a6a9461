#ifndef TRIBUTARY_SERVER_RPC_SELF_CHECK_H_
#define TRIBUTARY_SERVER_RPC_SELF_CHECK_H_

#include <chrono>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "grpcpp/client_context.h"
#include "server/tls/self_certificate.h"
#include "sync/mutex.h"

namespace tributary {

// Calls the server's own health service, every time over a new connection, as a
// new client would: a listener that no longer accepts is otherwise the last
// thing that anybody notices, while every probe on another port is green. Where
// connections are encrypted, it checks the handshake, too, but not the
// certificate: its names are for others.
// Thread-safe.
class SelfCheck {
 public:
  struct Options {
    std::chrono::milliseconds interval = std::chrono::seconds(5);
    std::chrono::milliseconds deadline = std::chrono::seconds(2);
    // How the server knows its own calls: a token that it made, and, where the
    // connection is encrypted, a certificate. Empty for none.
    bool encrypted = false;
    std::string token = {};
    SelfCertificate certificate = {};
  };

  // `address` is the one that the server listens on. Logs event=self_check when
  // the result changes.
  SelfCheck(const std::string& address, Options options);
  ~SelfCheck() { Stop(); }
  SelfCheck(const SelfCheck&) = delete;
  SelfCheck& operator=(const SelfCheck&) = delete;

  // UNAVAILABLE once kFailures checks in a row have failed; OK again after the
  // next one that succeeds, and before the first.
  absl::Status status() const;

  // Checks no more; a check in progress is cancelled. Idempotent.
  void Stop();

  // Returns when `checks` more checks have ended, for tests.
  void WaitFor(int checks);

  static constexpr int kFailures = 3;

 private:
  void Run();
  absl::Status CheckOnce();
  void Record(const absl::Status& result);

  const std::string target_;
  const Options options_;
  mutable Mutex mutex_;
  CondVar changed_;
  absl::Status last_ ABSL_GUARDED_BY(mutex_);
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  int checks_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // The check in progress; null while none is.
  grpc::ClientContext* call_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

// Where a client on this machine reaches a server that listens on `address`:
// the loopback address for "*:7700", "0.0.0.0:7700" and "[::]:7700".
std::string LocalTarget(const std::string& address);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_SELF_CHECK_H_
