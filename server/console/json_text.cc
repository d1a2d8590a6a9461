#include "server/console/json_text.h"

#include <cmath>
#include <cstddef>

#include "fmt/format.h"
#include "text/utf8.h"

namespace tributary {

std::string JsonString(std::string_view text) {
  std::string json = "\"";
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8SequenceAt(text, i);
    if (length == 0) {
      json += "\\ufffd";
      ++i;
      continue;
    }
    const char c = text[i];
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (length == 1 && (static_cast<unsigned char>(c) < 0x20 ||
                               c == '<' || c == 0x7f)) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      json += text.substr(i, length);
    }
    i += length;
  }
  json += '"';
  return json;
}

std::string JsonNumber(double number) {
  return std::isfinite(number) ? fmt::format("{:.9g}", number) : "null";
}

}  // namespace tributary
