#include "text/quoted.h"

#include <cstdint>
#include <iterator>

#include "fmt/format.h"
#include "text/utf8.h"

namespace tributary {
namespace {

// True for what moves a cursor or turns the direction of writing instead of
// showing something: C0, DEL, C1, line separators, and Unicode's controls of
// direction (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
// `character` is one character of UTF-8.
bool IsControl(std::string_view character) {
  const auto first = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  const auto second = static_cast<uint8_t>(character[1]);
  if (character.size() == 2) return first == 0xC2 && second < 0xA0;
  if (character.size() != 3 || first != 0xE2) return false;
  const auto third = static_cast<uint8_t>(character[2]);
  if (second == 0x80) {
    return third == 0x8E || third == 0x8F || (third >= 0xA8 && third <= 0xAE);
  }
  return second == 0x81 && third >= 0xA6 && third <= 0xA9;
}

void AppendEscaped(std::string_view bytes, std::string* to) {
  for (const char c : bytes) {
    fmt::format_to(std::back_inserter(*to), "\\x{:02x}",
                   static_cast<uint8_t>(c));
  }
}

void AppendCharacter(std::string_view character, bool quoted, std::string* to) {
  if (character == "\n") {
    *to += "\\n";
  } else if (character == "\t") {
    *to += "\\t";
  } else if (IsControl(character)) {
    AppendEscaped(character, to);
  } else {
    if (quoted && (character == "\"" || character == "\\")) *to += '\\';
    *to += character;
  }
}

void AppendText(std::string_view text, size_t max_characters, bool quoted,
                std::string* to) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++characters) {
    if (characters == max_characters) {
      *to += "...";
      return;
    }
    const size_t length = Utf8SequenceAt(text, i);
    if (length == 0) {
      AppendEscaped(text.substr(i, 1), to);
    } else {
      AppendCharacter(text.substr(i, length), quoted, to);
    }
    i += length == 0 ? 1 : length;
  }
}

}  // namespace

std::string Quoted(std::string_view text, size_t max_characters) {
  std::string quoted = "\"";
  AppendText(text, max_characters, /*quoted=*/true, &quoted);
  return quoted + '"';
}

std::string Printable(std::string_view text, size_t max_characters) {
  std::string printable;
  AppendText(text, max_characters, /*quoted=*/false, &printable);
  return printable;
}

std::string_view CutUtf8(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace tributary
