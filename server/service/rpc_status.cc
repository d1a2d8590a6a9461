#include "server/service/rpc_status.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "google/rpc/error_details.pb.h"
#include "server/access/denial.h"
#include "server/pipeline/violations.h"
#include "status/status_message.h"

namespace tributary {
namespace {

// When to retry, in milliseconds: overload passes within a few requests, while
// a bundle takes longer to arrive.
constexpr int kOverloadRetryMs = 50;
constexpr int kUnavailableRetryMs = 1000;

bool IsPathCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
         c == '.' || c == '[' || c == ']';
}

// The position of the quote that closes the one at `from`; npos if none does.
size_t EndOfQuoted(std::string_view text, size_t from) {
  for (size_t i = from + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i;
    }
  }
  return std::string_view::npos;
}

// The length of the path that the message begins with, as "limits.max_k" in
// "limits.max_k: too large"; nothing when it begins with none. A quoted key in
// a path may contain any character.
std::optional<size_t> PathLength(std::string_view message) {
  for (size_t i = 0; i < message.size(); ++i) {
    if (i > 0 && message.substr(i, 2) == ": ") return i;
    if (message[i] == '"') {
      i = EndOfQuoted(message, i);
      if (i == std::string_view::npos) return std::nullopt;
    } else if (!IsPathCharacter(message[i])) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

void AddBadRequest(const absl::Status& status, google::rpc::Status* to) {
  if (const auto all = status.GetPayload(kBadRequestPayload)) {
    auto* const details = to->add_details();
    details->set_type_url(kBadRequestPayload);
    details->set_value(std::string(*all));
    return;
  }
  const std::string_view message = MessageOf(status);
  const std::optional<size_t> length = PathLength(message);
  if (!length.has_value()) return;
  google::rpc::BadRequest details;
  auto* const violation = details.add_field_violations();
  violation->set_field(std::string(message.substr(0, *length)));
  violation->set_description(std::string(message.substr(*length + 2)));
  to->add_details()->PackFrom(details);
}

void AddErrorInfo(const absl::Status& status, google::rpc::Status* to) {
  if (const auto own = status.GetPayload(kErrorInfoPayload)) {
    auto* const details = to->add_details();
    details->set_type_url(kErrorInfoPayload);
    details->set_value(std::string(*own));
    return;
  }
  google::rpc::ErrorInfo info;
  info.set_reason(absl::StatusCodeToString(status.code()));
  info.set_domain(kErrorDomain);
  to->add_details()->PackFrom(info);
}

void AddRetryInfo(int delay_ms, google::rpc::Status* to) {
  google::rpc::RetryInfo details;
  details.mutable_retry_delay()->set_seconds(delay_ms / 1000);
  details.mutable_retry_delay()->set_nanos(delay_ms % 1000 * 1'000'000);
  to->add_details()->PackFrom(details);
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status result;
  result.set_code(static_cast<int>(status.code()));
  result.set_message(std::string(MessageOf(status)));
  AddErrorInfo(status, &result);
  if (absl::IsInvalidArgument(status)) {
    AddBadRequest(status, &result);
  } else if (absl::IsResourceExhausted(status)) {
    AddRetryInfo(kOverloadRetryMs, &result);
  } else if (absl::IsUnavailable(status)) {
    AddRetryInfo(kUnavailableRetryMs, &result);
  }
  return result;
}

}  // namespace tributary
