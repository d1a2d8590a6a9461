#include "text/utf8.h"

#include <cstddef>
#include <cstdint>

namespace tributary {
namespace {

// The length of the sequence that `first` begins, and the bounds of its second
// byte (RFC 3629, section 4); length 0 for a byte that begins none.
struct Sequence {
  size_t length;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
};

Sequence SequenceOf(uint8_t first) {
  if (first < 0x80) return {1};
  if (first < 0xC2) return {0};
  if (first < 0xE0) return {2};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first < 0xF0) return {3};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first < 0xF4) return {4};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

}  // namespace

size_t Utf8SequenceAt(std::string_view text, size_t at) {
  const Sequence sequence = SequenceOf(static_cast<uint8_t>(text[at]));
  if (sequence.length == 0 || at + sequence.length > text.size()) return 0;
  for (size_t j = 1; j < sequence.length; ++j) {
    const auto byte = static_cast<uint8_t>(text[at + j]);
    const uint8_t low = j == 1 ? sequence.low : 0x80;
    const uint8_t high = j == 1 ? sequence.high : 0xBF;
    if (byte < low || byte > high) return 0;
  }
  return sequence.length;
}

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8SequenceAt(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string ToUtf8(std::string_view text) {
  if (IsUtf8(text)) return std::string(text);
  std::string utf8;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      utf8.push_back(c);
    } else {
      utf8.push_back(static_cast<char>(0xC0 | (byte >> 6)));
      utf8.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return utf8;
}

}  // namespace tributary
