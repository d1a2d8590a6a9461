#include "server/http/http_listener.h"

#include <utility>

#include "server/http/http_loop.h"
#include "server/http/mailbox.h"
#include "status/status_macros.h"

namespace tributary {

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(
    HttpListenerOptions options, const std::vector<int>& listening,
    HttpHandler* handler) {
  std::vector<OwnedSocket> sockets;
  for (const int fd : listening) sockets.emplace_back(fd);
  ASSIGN_OR_RETURN(std::shared_ptr<Mailbox> mailbox, Mailbox::Create());
  ASSIGN_OR_RETURN(std::unique_ptr<HttpLoop> loop,
                   HttpLoop::Create(std::move(options), std::move(sockets),
                                    mailbox, handler));
  return std::unique_ptr<HttpListener>(
      new HttpListener(std::move(mailbox), std::move(loop)));
}

HttpListener::HttpListener(std::shared_ptr<Mailbox> mailbox,
                           std::unique_ptr<HttpLoop> loop)
    : mailbox_(std::move(mailbox)),
      loop_(std::move(loop)),
      thread_([this] { loop_->Run(); }) {}

HttpListener::~HttpListener() { Shutdown({}); }

void HttpListener::StartDrain() { mailbox_->Drain(); }

void HttpListener::Shutdown(std::chrono::steady_clock::time_point deadline) {
  mailbox_->End(deadline);
  const MutexLock lock(&mutex_);
  if (thread_.joinable()) thread_.join();
}

}  // namespace tributary
