#include "server/http/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tributary {

absl::StatusOr<std::shared_ptr<Mailbox>> Mailbox::Create() {
  const int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, "eventfd");
  return std::shared_ptr<Mailbox>(new Mailbox(descriptor));
}

Mailbox::~Mailbox() { close(descriptor_); }

void Mailbox::Reply(uint64_t request, HttpReply reply) {
  bool first = false;
  {
    const MutexLock lock(&mutex_);
    first = mail_.replies.empty();
    mail_.replies.emplace_back(request, std::move(reply));
  }
  if (first) Wake();
}

void Mailbox::Drain() {
  {
    const MutexLock lock(&mutex_);
    mail_.drain = true;
  }
  Wake();
}

void Mailbox::End(std::chrono::steady_clock::time_point end) {
  {
    const MutexLock lock(&mutex_);
    mail_.drain = true;
    mail_.end = std::min(end, mail_.end.value_or(end));
  }
  Wake();
}

Mailbox::Mail Mailbox::Take() {
  // Reset before the mail is taken: what comes in between wakes again.
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t was = read(descriptor_, &count, sizeof(count));
  const MutexLock lock(&mutex_);
  Mail taken = {{}, mail_.drain, mail_.end};
  taken.replies.swap(mail_.replies);
  return taken;
}

void Mailbox::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t wrote = write(descriptor_, &one, sizeof(one));
}

}  // namespace tributary
