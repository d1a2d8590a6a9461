// How a column's times are written: recognised from all of its values, because
// a single number does not say whether it counts seconds or days.
#ifndef TRIBUTARY_INDEX_DATA_TIME_READING_H_
#define TRIBUTARY_INDEX_DATA_TIME_READING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tributary {

// A time in ISO 8601 with the year first, as kIso reads it, in seconds since
// 1970; nothing when it is none.
std::optional<int64_t> ParseIsoTime(std::string_view text);

// A single time, in milliseconds since 1970: in ISO 8601 as ParseIsoTime reads
// it; a number of seconds, milliseconds, microseconds or nanoseconds since 1970
// that is in 1980 to 2099, which tells the units apart; or 20260131,
// 202601311200 or 20260131120000. Nothing when it is none of these.
std::optional<int64_t> ParseTimeMs(std::string_view text);

// Parses the times of one column. Copyable; not thread-safe.
class TimeReading {
 public:
  enum class Form {
    kSeconds,
    kMilliseconds,
    kMicroseconds,
    kNanoseconds,
    // 20260131, 202601311200, 20260131120000.
    kDate8,
    kDate12,
    kDate14,
    // 2026-01-31, 2026/01/31, 2026-01-31T12:00:00.5+01:00, with 'T' or a
    // blank; UTC where there is no zone.
    kIso,
    // A pattern of strptime(3).
    kPattern,
  };

  TimeReading() = default;
  explicit TimeReading(Form form) : form_(form) {}
  // The reading that Input.time_format states. INVALID_ARGUMENT for a text that
  // is neither a form's name nor a pattern with a '%'.
  static absl::StatusOr<TimeReading> FromText(const std::string& time_format);

  // Seconds since 1970; 0, which is "unknown", for "", "0" and markers of
  // missing values; nothing when the text is not of this form.
  std::optional<int64_t> Parse(std::string_view text);
  bool is_pattern() const { return form_ == Form::kPattern; }
  // What this reading is called, such as "milliseconds since 1970".
  std::string Name() const;

 private:
  Form form_ = Form::kSeconds;
  std::string pattern_;
  // The ISO form that fitted last.
  size_t last_iso_ = 0;
};

// Collects what a column's values could be. Not thread-safe.
class TimeProfile {
 public:
  // Times from 1980 to the end of the year after that of `now_s` are credible.
  explicit TimeProfile(int64_t now_s);

  void Add(std::string_view text, uint64_t line);

  // The reading by which nearly all values are credible; nothing when the
  // column has no value. INVALID_ARGUMENT naming `file` and `column`, with an
  // example, when there is none: what was tried, and how to state the reading.
  absl::StatusOr<std::optional<TimeReading>> Choose(
      const std::string& file, const std::string& column) const;

 private:
  static constexpr size_t kForms = 8;
  struct Example {
    std::string text;
    uint64_t line = 0;
  };

  absl::Status Refuse(const std::string& file, const std::string& column) const;

  int64_t latest_s_;
  std::array<TimeReading, kForms> readings_;
  // By form: how many values are credible.
  std::array<uint64_t, kForms> credible_{};
  uint64_t values_ = 0;
  uint64_t numbers_ = 0;
  uint64_t iso_ = 0;
  // The first value that is a number, and the first one of no known form.
  Example number_;
  Example other_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_TIME_READING_H_
