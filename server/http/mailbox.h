#ifndef TRIBUTARY_SERVER_HTTP_MAILBOX_H_
#define TRIBUTARY_SERVER_HTTP_MAILBOX_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/http/http_message.h"
#include "sync/mutex.h"

namespace tributary {

// What other threads tell a listener's thread. It outlives the listener as long
// as anybody may still have a reply. Thread-safe.
class Mailbox {
 public:
  struct Mail {
    // Replies by the number of their request.
    std::vector<std::pair<uint64_t, HttpReply>> replies;
    // Whether to accept no more connections, and when to close those that are
    // left.
    bool drain = false;
    std::optional<std::chrono::steady_clock::time_point> end;
  };

  // UNAVAILABLE when the process has no descriptor left.
  static absl::StatusOr<std::shared_ptr<Mailbox>> Create();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void Reply(uint64_t request, HttpReply reply);
  void Drain();
  // The earliest end counts.
  void End(std::chrono::steady_clock::time_point end);

  // Readable while there is mail that was not taken.
  int descriptor() const { return descriptor_; }
  // Replies are taken once; `drain` and `end` stay.
  Mail Take();

 private:
  explicit Mailbox(int descriptor) : descriptor_(descriptor) {}
  void Wake() const;

  // An eventfd.
  const int descriptor_;
  Mutex mutex_;
  Mail mail_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_MAILBOX_H_
