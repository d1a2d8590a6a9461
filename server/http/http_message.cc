#include "server/http/http_message.h"

#include <utility>

#include "server/http/json_status.h"

namespace tributary {

HttpReply TextReply(std::string text) {
  HttpReply reply;
  reply.content_type = "text/plain; charset=utf-8";
  reply.body = std::move(text);
  return reply;
}

HttpReply ErrorReply(const absl::Status& status, int http_status) {
  HttpReply reply;
  reply.status = http_status != 0 ? http_status : HttpStatusOf(status.code());
  reply.code = status.code();
  reply.content_type = "application/json";
  reply.body = JsonOf(status);
  if (reply.status == 429 || reply.status == 503) reply.retry_after_s = 1;
  return reply;
}

}  // namespace tributary
