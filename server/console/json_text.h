// Parts of JSON that are written by hand: columns of numbers, and texts of
// other people.
#ifndef TRIBUTARY_SERVER_CONSOLE_JSON_TEXT_H_
#define TRIBUTARY_SERVER_CONSOLE_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace tributary {

// Any bytes as a JSON string, with its quotes. What is not UTF-8 becomes
// U+FFFD; control characters and '<' are escaped.
std::string JsonString(std::string_view text);

// A number with at most nine digits; null where it is not finite.
std::string JsonNumber(double number);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_CONSOLE_JSON_TEXT_H_
