#include "index/data/bracket_list.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "index/data/parse_field.h"

namespace tributary {
namespace {

constexpr std::string_view kOpening = "[{";
constexpr std::string_view kClosing = "]}";
constexpr size_t kBrace = 1;

// The code unit of JSON's \uXXXX, of which `text` begins with the u.
std::optional<uint32_t> CodeUnit(std::string_view text) {
  if (text.size() < 5 || text[0] != 'u') return std::nullopt;
  uint32_t unit = 0;
  const char* const end = text.data() + 5;
  const auto [stop, error] = std::from_chars(text.data() + 1, end, unit, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return unit;
}

void AppendUtf8(uint32_t code, std::string* text) {
  const auto append = [&](uint32_t byte) {
    text->push_back(static_cast<char>(byte));
  };
  if (code < 0x80) {
    append(code);
  } else if (code < 0x800) {
    append(0xC0 | code >> 6);
    append(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    append(0xE0 | code >> 12);
    append(0x80 | (code >> 6 & 0x3F));
    append(0x80 | (code & 0x3F));
  } else {
    append(0xF0 | code >> 18);
    append(0x80 | (code >> 12 & 0x3F));
    append(0x80 | (code >> 6 & 0x3F));
    append(0x80 | (code & 0x3F));
  }
}

// Reads what follows a backslash at the front of `text`, appends what it stands
// for, and returns its size.
size_t ReadEscape(std::string_view text, std::string* value) {
  const std::optional<uint32_t> unit = CodeUnit(text);
  if (!unit) {
    const bool blank = text[0] == 'n' || text[0] == 't' || text[0] == 'r';
    value->push_back(blank ? ' ' : text[0]);
    return 1;
  }
  if (*unit < 0xD800 || *unit > 0xDFFF) {
    AppendUtf8(*unit, value);
    return 5;
  }
  // A character beyond U+FFFF is two code units.
  const std::optional<uint32_t> low = text.size() > 6 && text[5] == '\\'
                                          ? CodeUnit(text.substr(6))
                                          : std::nullopt;
  if (!low || *unit > 0xDBFF || *low < 0xDC00 || *low > 0xDFFF) {
    AppendUtf8(0xFFFD, value);
    return 5;
  }
  AppendUtf8(0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00), value);
  return 11;
}

// Reads elements from the front of a text.
class ElementReader {
 public:
  explicit ElementReader(std::string_view text) : text_(text) {}

  bool AtEnd() {
    SkipBlanks();
    return text_.empty();
  }
  // Whether the next character is `c`, which is then taken.
  bool Take(char c) {
    SkipBlanks();
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  // A quoted string, or what lies before the next of `ends`. nullopt for a
  // quote that is not closed.
  std::optional<std::string> TakeScalar(std::string_view ends) {
    SkipBlanks();
    if (text_.empty()) return std::nullopt;
    // Python writes u'...' and b'...', too.
    if (text_.size() > 1 && (text_[0] == 'u' || text_[0] == 'b') &&
        IsQuote(text_[1])) {
      text_.remove_prefix(1);
    }
    if (IsQuote(text_.front())) return TakeQuoted();
    const size_t end = std::min(text_.find_first_of(ends), text_.size());
    std::string bare(Trim(text_.substr(0, end)));
    text_.remove_prefix(end);
    if (bare == "None" || bare == "null" || bare == "nan") bare.clear();
    return bare;
  }

 private:
  static bool IsQuote(char c) { return c == '\'' || c == '"'; }

  void SkipBlanks() {
    while (!text_.empty() && std::string_view(" \t\r\n").find(text_.front()) !=
                                 std::string_view::npos) {
      text_.remove_prefix(1);
    }
  }

  std::optional<std::string> TakeQuoted() {
    const char quote = text_.front();
    std::string value;
    for (size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        text_.remove_prefix(i + 1);
        return std::string(Trim(value));
      }
      if (text_[i] == '\\' && i + 1 < text_.size()) {
        i += ReadEscape(text_.substr(i + 1), &value);
      } else {
        value += text_[i];
      }
    }
    return std::nullopt;
  }

  std::string_view text_;
};

// The value of "name" of an object whose brace was taken; nullopt if it has
// none, or is no object of plain values.
std::optional<std::string> TakeName(ElementReader* reader) {
  std::optional<std::string> name;
  while (!reader->Take('}')) {
    const std::optional<std::string> key = reader->TakeScalar(":,}");
    if (!key || !reader->Take(':')) return std::nullopt;
    std::optional<std::string> value = reader->TakeScalar(",}");
    if (!value) return std::nullopt;
    if (*key == "name") name = std::move(value);
    if (!reader->Take(',') && reader->AtEnd()) return std::nullopt;
  }
  return name;
}

}  // namespace

std::optional<std::vector<std::string>> ParseBracketList(
    std::string_view text) {
  text = Trim(text);
  if (text.size() < 2) return std::nullopt;
  const size_t bracket = kOpening.find(text.front());
  if (bracket == std::string_view::npos || text.back() != kClosing[bracket]) {
    return std::nullopt;
  }
  ElementReader reader(text.substr(1, text.size() - 2));
  std::vector<std::string> elements;
  while (!reader.AtEnd()) {
    if (reader.Take(',')) continue;
    std::optional<std::string> element =
        reader.Take('{') ? TakeName(&reader) : reader.TakeScalar(",");
    if (!element) return std::nullopt;
    if (element->find_first_of("[]{}") != std::string::npos) {
      return std::nullopt;
    }
    // {'a': 1} is an object, not a set.
    if (reader.Take(':')) return std::nullopt;
    if (bracket == kBrace && element->find(':') != std::string::npos) {
      return std::nullopt;
    }
    if (!element->empty()) elements.push_back(*std::move(element));
  }
  return elements;
}

}  // namespace tributary
