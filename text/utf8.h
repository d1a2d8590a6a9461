#ifndef TRIBUTARY_TEXT_UTF8_H_
#define TRIBUTARY_TEXT_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace tributary {

// True for well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong,
// nothing above U+10FFFF).
bool IsUtf8(std::string_view text);

// The length of the well-formed sequence that begins at text[at], or 0 when
// none does. REQUIRES: at < text.size().
size_t Utf8SequenceAt(std::string_view text, size_t at);

// `text` itself when it is UTF-8, else `text` converted from latin-1, in which
// older data sets such as MovieLens 100k come.
std::string ToUtf8(std::string_view text);

}  // namespace tributary

#endif  // TRIBUTARY_TEXT_UTF8_H_
