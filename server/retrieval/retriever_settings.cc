#include "server/retrieval/retriever_settings.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "fmt/core.h"
#include "fmt/ranges.h"

namespace tributary {
namespace {

absl::Status Wrong(std::string_view name, const std::string& what) {
  return absl::InvalidArgumentError(
      fmt::format("settings[\"{}\"]: {}", name, what));
}

}  // namespace

absl::Status CheckSettings(const v1::RetrieverSpec& spec,
                           std::initializer_list<std::string_view> known) {
  // The first one by name, so that the error is the same every time.
  std::string_view unknown;
  bool found = false;
  for (const auto& [name, value] : spec.settings()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (!found || name < unknown) unknown = name;
    found = true;
  }
  if (!found) return absl::OkStatus();
  return Wrong(unknown,
               known.size() == 0
                   ? fmt::format("kind \"{}\" has no settings", spec.kind())
                   : fmt::format("kind \"{}\" knows only {}", spec.kind(),
                                 fmt::join(known, ", ")));
}

absl::StatusOr<double> NumberSetting(const v1::RetrieverSpec& spec,
                                     std::string_view name, double otherwise,
                                     double min, double max) {
  const auto setting = spec.settings().find(std::string(name));
  if (setting == spec.settings().end()) return otherwise;
  const std::string& text = setting->second;
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  // Written so that NaN is out of range.
  if (error != std::errc() || end != text.data() + text.size() ||
      !(value >= min && value <= max)) {
    return Wrong(name, fmt::format("\"{}\", expected a number from {} to {}",
                                   text, min, max));
  }
  return value;
}

}  // namespace tributary
