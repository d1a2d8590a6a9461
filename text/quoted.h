#ifndef TRIBUTARY_TEXT_QUOTED_H_
#define TRIBUTARY_TEXT_QUOTED_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace tributary {

// Enough to recognise a key or a name by.
inline constexpr size_t kQuotedCharacters = 64;

// Other people's text (a request's, a file's) as one printable line between
// double quotes, for errors, logs and terminals: at most `max_characters` of
// it, then "..." before the closing quote. Valid UTF-8 for every input: bytes
// that are not UTF-8 become \xNN, and so do control characters, among them the
// ones that turn the direction of writing; a quote or a backslash gets a
// backslash before it.
std::string Quoted(std::string_view text,
                   size_t max_characters = kQuotedCharacters);

// The same without the quotes around it, so that quotes and backslashes within
// stay as they are: for keys and names in tables that people read.
std::string Printable(std::string_view text,
                      size_t max_characters = kQuotedCharacters);

// The beginning of `text`: at most `max_bytes`, cut before a character of UTF-8
// rather than inside of it. A view into `text`.
std::string_view CutUtf8(std::string_view text, size_t max_bytes);

}  // namespace tributary

#endif  // TRIBUTARY_TEXT_QUOTED_H_
