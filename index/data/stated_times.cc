#include "index/data/stated_times.h"

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "index/data/attribute_value.h"
#include "index/data/column_kind.h"
#include "index/data/parse_field.h"

namespace tributary {
namespace {

// The seconds of the years 0 and 10000, between which ISO 8601 has four digits
// for the year.
constexpr int64_t kYear0_s = -62'167'219'200;
constexpr int64_t kYear10000_s = 253'402'300'800;

bool IsMissingTime(std::string_view value) {
  return IsMissingAttribute(v1::TIME, value);
}

std::optional<int64_t> TimeOf(std::string_view value, TimeReading* reading) {
  const std::optional<int64_t> time_s = reading->Parse(Trim(value));
  if (!time_s || *time_s < kYear0_s || *time_s >= kYear10000_s) {
    return std::nullopt;
  }
  return time_s;
}

// Whether there is a value, and all that are there are of the form.
bool AllAreOf(const std::vector<std::string>& values, bool may_be_numbers,
              TimeReading* reading) {
  bool any = false;
  for (const std::string& value : values) {
    if (IsMissingTime(value)) continue;
    any = true;
    if (!TimeOf(value, reading)) return false;
    if (!may_be_numbers && ParseNumber(Trim(value))) return false;
  }
  return any;
}

bool AllAreKnown(const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    if (!FitsAttribute(v1::TIME, value)) return false;
  }
  return true;
}

}  // namespace

void RewriteStatedTimes(std::string_view name, bool stated, TimeReading reading,
                        std::vector<std::string>* values) {
  if (reading.is_pattern()) {
    if (!stated && !AllAreOf(*values, NamesATime(name), &reading)) return;
  } else if (!stated || AllAreKnown(*values)) {
    return;
  }
  for (std::string& value : *values) {
    if (IsMissingTime(value)) continue;
    const std::optional<int64_t> time_s = TimeOf(value, &reading);
    if (!time_s) continue;
    value =
        absl::FormatTime("%E4Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(*time_s),
                         absl::UTCTimeZone());
  }
}

}  // namespace tributary
