#include "server/process/call_id.h"

#include <algorithm>
#include <utility>

namespace tributary {
namespace {

thread_local const CallId* current_call = nullptr;

}  // namespace

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestIdBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

std::string CallId::Text() const {
  if (!given.empty()) return std::string(given);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * number.size());
  for (const uint8_t byte : number) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

CallScope::CallScope(const CallId* id)
    : before_(std::exchange(current_call, id)) {}

CallScope::~CallScope() { current_call = before_; }

const CallId* CurrentCall() { return current_call; }

CopiedCallId::CopiedCallId() {
  if (current_call == nullptr) return;
  has_id_ = true;
  given_ = current_call->given;
  id_.given = given_;
  id_.number = current_call->number;
}

}  // namespace tributary
