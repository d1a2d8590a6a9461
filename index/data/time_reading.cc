#include "index/data/time_reading.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/data/parse_field.h"

namespace tributary {
namespace {

using Form = TimeReading::Form;

// 1 January 1980: behaviour that computers recorded is younger.
constexpr int64_t kEarliestS = 315532800;
// Of the numbers in a column, this many must be credible by a reading.
constexpr double kCredibleShare = 0.99;
constexpr double kSecondsLimit = 9e15;

constexpr std::array<const char*, 14> kIsoFormats = {"%Y-%m-%d%ET%H:%M:%E*S%Ez",
                                                     "%Y-%m-%d %H:%M:%E*S%Ez",
                                                     "%Y-%m-%d%ET%H:%M:%E*S",
                                                     "%Y-%m-%d %H:%M:%E*S",
                                                     "%Y-%m-%d",
                                                     "%Y-%m-%d %H:%M:%E*S %Ez",
                                                     "%Y-%m-%d %H:%M:%E*S UTC",
                                                     "%Y-%m-%d%ET%H:%M%Ez",
                                                     "%Y-%m-%d%ET%H:%M",
                                                     "%Y-%m-%d %H:%M",
                                                     "%Y/%m/%d %H:%M:%E*S",
                                                     "%Y/%m/%d %H:%M",
                                                     "%Y/%m/%d",
                                                     "%Y-%m-%d %H:%M:%E*S GMT"};

bool ParseTimeBy(const std::string& format, std::string_view text,
                 absl::Time* time) {
  return absl::ParseTime(format, absl::string_view(text.data(), text.size()),
                         time, nullptr);
}

std::optional<int64_t> ParseBy(const std::string& format,
                               std::string_view text) {
  absl::Time time;
  if (!ParseTimeBy(format, text, &time)) return std::nullopt;
  return absl::ToUnixSeconds(time);
}

bool IsMissing(std::string_view text) {
  return text.empty() || text == "0" || IsMissingMarker(text);
}

// The number divided, if that is a time at all.
std::optional<int64_t> ParseCount(std::string_view text, double divisor) {
  const std::optional<double> number = ParseNumber(text);
  if (!number || !(std::abs(*number / divisor) < kSecondsLimit)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(std::floor(*number / divisor));
}

std::optional<int64_t> ParseDigits(std::string_view text, size_t digits,
                                   const char* format) {
  // Spreadsheets and pandas write whole numbers as 20260131.0.
  if (text.ends_with(".0")) text.remove_suffix(2);
  const bool all_digits = std::all_of(
      text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text.size() != digits || !all_digits) return std::nullopt;
  return ParseBy(format, text);
}

// A number that is a time in 1980 to 2099 in one of the units, in which it
// cannot be one in two of them; or a date as digits.
std::optional<int64_t> ParseNumberMs(std::string_view text, double number) {
  constexpr double kFirstMs = 1e3 * kEarliestS;
  constexpr double kEndMs = 4'102'444'800e3;
  int64_t whole = 0;
  const bool is_whole =
      std::from_chars(text.data(), text.data() + text.size(), whole).ptr ==
      text.data() + text.size();
  // Units, and how many of them are a millisecond; 0: a thousandth of one is.
  for (const int64_t per_ms : {0, 1, 1000, 1'000'000}) {
    const double ms =
        per_ms == 0 ? number * 1e3 : number / static_cast<double>(per_ms);
    // Also for NaN.
    if (!(ms >= kFirstMs && ms < kEndMs)) continue;
    if (!is_whole) return static_cast<int64_t>(std::floor(ms));
    return per_ms == 0 ? whole * 1000 : whole / per_ms;
  }
  constexpr std::pair<size_t, const char*> kDigits[] = {
      {8, "%E4Y%m%d"}, {12, "%E4Y%m%d%H%M"}, {14, "%E4Y%m%d%H%M%S"}};
  for (const auto& [digits, format] : kDigits) {
    if (const auto time_s = ParseDigits(text, digits, format)) {
      return *time_s * 1000;
    }
  }
  return std::nullopt;
}

std::string DateOf(std::optional<int64_t> time_s) {
  if (!time_s) return "no time";
  return absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(*time_s),
                          absl::UTCTimeZone());
}

}  // namespace

std::optional<int64_t> ParseIsoTime(std::string_view text) {
  for (const char* format : kIsoFormats) {
    if (const auto time_s = ParseBy(format, text)) return time_s;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseTimeMs(std::string_view text) {
  // Most columns have one form, which is then found at once.
  thread_local size_t last_form = 0;
  if (const std::optional<double> number = ParseNumber(text)) {
    return ParseNumberMs(text, *number);
  }
  for (size_t i = 0; i < kIsoFormats.size(); ++i) {
    const size_t form = (last_form + i) % kIsoFormats.size();
    absl::Time time;
    if (!ParseTimeBy(kIsoFormats[form], text, &time)) continue;
    last_form = form;
    // "infinite-past" is a time to Abseil.
    if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) break;
    return absl::ToUnixMillis(time);
  }
  return std::nullopt;
}

absl::StatusOr<TimeReading> TimeReading::FromText(
    const std::string& time_format) {
  if (time_format == "seconds") return TimeReading(Form::kSeconds);
  if (time_format == "milliseconds") return TimeReading(Form::kMilliseconds);
  if (time_format == "microseconds") return TimeReading(Form::kMicroseconds);
  if (time_format == "nanoseconds") return TimeReading(Form::kNanoseconds);
  if (time_format == "iso") return TimeReading(Form::kIso);
  if (time_format.find('%') == std::string::npos) {
    return absl::InvalidArgumentError(
        fmt::format("time_format: \"{}\", expected auto, seconds, "
                    "milliseconds, microseconds, nanoseconds, iso, or a "
                    "pattern such as %d.%m.%Y %H:%M",
                    time_format));
  }
  TimeReading reading(Form::kPattern);
  reading.pattern_ = time_format;
  return reading;
}

std::optional<int64_t> TimeReading::Parse(std::string_view text) {
  if (IsMissing(text)) return 0;
  switch (form_) {
    case Form::kSeconds:
      return ParseCount(text, 1);
    case Form::kMilliseconds:
      return ParseCount(text, 1e3);
    case Form::kMicroseconds:
      return ParseCount(text, 1e6);
    case Form::kNanoseconds:
      return ParseCount(text, 1e9);
    case Form::kDate8:
      return ParseDigits(text, 8, "%E4Y%m%d");
    case Form::kDate12:
      return ParseDigits(text, 12, "%E4Y%m%d%H%M");
    case Form::kDate14:
      return ParseDigits(text, 14, "%E4Y%m%d%H%M%S");
    case Form::kPattern:
      return ParseBy(pattern_, text);
    case Form::kIso:
      break;
  }
  for (size_t i = 0; i < kIsoFormats.size(); ++i) {
    const size_t format = (last_iso_ + i) % kIsoFormats.size();
    if (const auto time_s = ParseBy(kIsoFormats[format], text)) {
      last_iso_ = format;
      return time_s;
    }
  }
  return std::nullopt;
}

std::string TimeReading::Name() const {
  switch (form_) {
    case Form::kSeconds:
      return "seconds since 1970";
    case Form::kMilliseconds:
      return "milliseconds since 1970";
    case Form::kMicroseconds:
      return "microseconds since 1970";
    case Form::kNanoseconds:
      return "nanoseconds since 1970";
    case Form::kDate8:
      return "YYYYMMDD";
    case Form::kDate12:
      return "YYYYMMDDhhmm";
    case Form::kDate14:
      return "YYYYMMDDhhmmss";
    case Form::kIso:
      return "ISO 8601";
    case Form::kPattern:
      return pattern_;
  }
  return "";
}

TimeProfile::TimeProfile(int64_t now_s) {
  const absl::CivilYear next_year =
      absl::ToCivilYear(absl::FromUnixSeconds(now_s), absl::UTCTimeZone()) + 1;
  latest_s_ = absl::ToUnixSeconds(
      absl::FromCivil(absl::CivilSecond(next_year + 1), absl::UTCTimeZone()));
  for (size_t i = 0; i < kForms; ++i) {
    readings_[i] = TimeReading(static_cast<Form>(i));
  }
}

void TimeProfile::Add(std::string_view text, uint64_t line) {
  if (IsMissing(text)) return;
  ++values_;
  const auto iso_form = static_cast<size_t>(Form::kIso);
  const bool number = ParseNumber(text).has_value();
  bool known = number;
  for (size_t i = 0; i < kForms; ++i) {
    if (number == (i == iso_form)) continue;
    const std::optional<int64_t> time_s = readings_[i].Parse(text);
    if (!time_s) continue;
    known = true;
    if (*time_s >= kEarliestS && *time_s < latest_s_) ++credible_[i];
  }
  if (number) {
    if (numbers_++ == 0) number_ = {std::string(text), line};
  } else if (known) {
    ++iso_;
  } else if (other_.line == 0) {
    other_ = {std::string(text), line};
  }
}

absl::StatusOr<std::optional<TimeReading>> TimeProfile::Choose(
    const std::string& file, const std::string& column) const {
  if (values_ == 0) return std::nullopt;
  const auto iso_form = static_cast<size_t>(Form::kIso);
  size_t best = iso_form;
  for (size_t i = 0; i < kForms; ++i) {
    if (credible_[i] > credible_[best]) best = i;
  }
  // Single values that do not fit are malformed lines; the column itself is
  // refused when most do not, or when numbers are not what they seem.
  const auto credible = static_cast<double>(credible_[best]);
  const uint64_t others = values_ - numbers_ - iso_;
  const auto of_form = static_cast<double>(best == iso_form ? iso_ : numbers_);
  if (credible_[best] == 0 || credible < kCredibleShare * of_form ||
      2 * std::max(others, values_ - static_cast<uint64_t>(of_form)) >
          values_) {
    return Refuse(file, column);
  }
  return readings_[best];
}

absl::Status TimeProfile::Refuse(const std::string& file,
                                 const std::string& column) const {
  const std::string state =
      "State how to read it: --input.time_format (seconds, milliseconds, "
      "microseconds, nanoseconds, iso, or a pattern such as '%d.%m.%Y %H:%M'); "
      "or read no times: --columns time=";
  const uint64_t others = values_ - numbers_ - iso_;
  if (others >= numbers_ && others >= iso_) {
    return absl::InvalidArgumentError(fmt::format(
        "{}:{}: column \"{}\": \"{}\" is no time of a known form. Known are "
        "seconds, milliseconds, microseconds and nanoseconds since 1970, "
        "20260131, 20260131120000, and ISO 8601 with the year first "
        "(2026-01-31, 2026-01-31T12:00:00+01:00). A day or a month that comes "
        "first has two meanings. {}",
        file, other_.line, column, other_.text, state));
  }
  if (iso_ >= numbers_) {
    return absl::InvalidArgumentError(
        fmt::format("{}: column \"{}\": most times are before 1980 or after "
                    "next year. {}",
                    file, column, state));
  }
  std::vector<std::string> tried;
  for (size_t i = 0; i < static_cast<size_t>(Form::kIso); ++i) {
    TimeReading reading = readings_[i];
    tried.push_back(fmt::format("as {} it is {}", reading.Name(),
                                DateOf(reading.Parse(number_.text))));
  }
  return absl::InvalidArgumentError(fmt::format(
      "{}:{}: column \"{}\": {} is not a credible time, which would be between "
      "1980 and the end of next year: {}. {}",
      file, number_.line, column, number_.text, fmt::join(tried, ", "), state));
}

}  // namespace tributary
