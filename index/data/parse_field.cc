#include "index/data/parse_field.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tributary {
namespace {

constexpr std::array<std::string_view, 13> kMissingMarkers = {
    "null", "none", "nan",  "n/a", "na",   "-", "?",
    "nil",  "\\n",  "<na>", "nat", "#n/a", "--"};

}  // namespace

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::optional<double> ParseNumber(std::string_view text) {
  double number;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

bool IsMissingMarker(std::string_view text) {
  // Longer than any marker, and most values are.
  if (text.size() > 4) return false;
  std::array<char, 4> lower;
  std::transform(text.begin(), text.end(), lower.begin(), [](char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return std::find(kMissingMarkers.begin(), kMissingMarkers.end(),
                   std::string_view(lower.data(), text.size())) !=
         kMissingMarkers.end();
}

}  // namespace tributary
