#include "index/data/parse_field.h"

#include <charconv>
#include <cmath>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tributary {
namespace {

// The year 5138 in seconds, March 1973 in milliseconds.
constexpr double kMillisecondsFrom = 1e11;
constexpr double kLatest = 1e15;

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

std::optional<int64_t> ParseTime(std::string_view text) {
  if (const std::optional<double> number = ParseNumber(text)) {
    if (!(std::abs(*number) < kLatest)) return std::nullopt;
    const bool milliseconds = std::abs(*number) >= kMillisecondsFrom;
    return static_cast<int64_t>(
        std::floor(milliseconds ? *number / 1000 : *number));
  }
  for (const char* format :
       {"%Y-%m-%d%ET%H:%M:%E*S%Ez", "%Y-%m-%d %H:%M:%E*S%Ez",
        "%Y-%m-%d%ET%H:%M:%E*S", "%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d%ET%H:%M%Ez",
        "%Y-%m-%d%ET%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    absl::Time time;
    if (absl::ParseTime(format, absl::string_view(text.data(), text.size()),
                        &time, nullptr)) {
      return absl::ToUnixSeconds(time);
    }
  }
  return std::nullopt;
}

}  // namespace tributary
