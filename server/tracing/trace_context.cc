#include "server/tracing/trace_context.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <span>

namespace tributary {
namespace {

// "00-" and 32, 16 and 2 digits with "-" between them.
constexpr size_t kTraceparentBytes = 55;
constexpr size_t kTraceAt = 3;
constexpr size_t kSpanAt = 36;
constexpr size_t kFlagsAt = 53;
constexpr std::string_view kHexDigits = "0123456789abcdef";

bool ReadHex(std::string_view text, std::span<uint8_t> bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t high = kHexDigits.find(text[2 * i]);
    const size_t low = kHexDigits.find(text[2 * i + 1]);
    if (high == kHexDigits.npos || low == kHexDigits.npos) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

void AppendHex(std::span<const uint8_t> bytes, std::string* text) {
  for (const uint8_t byte : bytes) {
    *text += kHexDigits[byte >> 4];
    *text += kHexDigits[byte & 15];
  }
}

bool IsZero(std::span<const uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

// SplitMix64 (Steele et al. 2014): its numbers need be unlikely to meet again,
// and nobody relies on not being able to guess them.
class IdGenerator {
 public:
  IdGenerator() {
    std::random_device device;
    state_ = uint64_t{device()} << 32 | device();
    gamma_ = (uint64_t{device()} << 32 | device()) | 1;
  }

  uint64_t Next() {
    uint64_t z = state_ += gamma_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
  // Odd, and each thread's own, so that two threads whose states meet part
  // again.
  uint64_t gamma_;
};

uint64_t RandomNumber() {
  thread_local IdGenerator generator;
  while (true) {
    if (const uint64_t number = generator.Next(); number != 0) return number;
  }
}

}  // namespace

std::optional<TraceParent> ParseTraceparent(std::string_view text) {
  if (text.size() < kTraceparentBytes) return std::nullopt;
  if (text[kTraceAt - 1] != '-' || text[kSpanAt - 1] != '-' ||
      text[kFlagsAt - 1] != '-') {
    return std::nullopt;
  }
  std::array<uint8_t, 1> version;
  std::array<uint8_t, 1> flags;
  TraceParent parent;
  if (!ReadHex(text, version) || version[0] == 0xff ||
      !ReadHex(text.substr(kTraceAt), parent.trace_id) ||
      !ReadHex(text.substr(kSpanAt), parent.span_id) ||
      !ReadHex(text.substr(kFlagsAt), flags)) {
    return std::nullopt;
  }
  if (text.size() > kTraceparentBytes &&
      (version[0] == 0 || text[kTraceparentBytes] != '-')) {
    return std::nullopt;
  }
  if (IsZero(parent.trace_id) || IsZero(parent.span_id)) return std::nullopt;
  parent.sampled = (flags[0] & 1) != 0;
  return parent;
}

std::string FormatTraceparent(const TraceParent& parent) {
  std::string text = "00-";
  text.reserve(kTraceparentBytes);
  AppendHex(parent.trace_id, &text);
  text += '-';
  AppendHex(parent.span_id, &text);
  text += parent.sampled ? "-01" : "-00";
  return text;
}

std::string_view CarriedTracestate(std::string_view text) {
  const bool legal = text.size() <= kMaxTracestateBytes &&
                     std::ranges::all_of(text, [](char c) {
                       return (c >= ' ' && c <= '~') || c == '\t';
                     });
  return legal ? text : std::string_view();
}

std::string HexOf(const TraceId& id) {
  std::string text;
  AppendHex(id, &text);
  return text;
}

TraceId RandomTraceId() {
  const std::array<uint64_t, 2> numbers = {RandomNumber(), RandomNumber()};
  TraceId id;
  std::memcpy(id.data(), numbers.data(), id.size());
  return id;
}

SpanId RandomSpanId() {
  const uint64_t number = RandomNumber();
  SpanId id;
  std::memcpy(id.data(), &number, id.size());
  return id;
}

bool IsSampled(const TraceId& id, double share) {
  if (share <= 0) return false;
  if (share >= 1) return true;
  // The last seven bytes, which Trace Context 2 wants to be random.
  uint64_t number = 0;
  for (size_t i = id.size() - 7; i < id.size(); ++i) {
    number = number << 8 | id[i];
  }
  constexpr double kNumbers = 1ULL << 56;
  return static_cast<double>(number) >= (1 - share) * kNumbers;
}

}  // namespace tributary
