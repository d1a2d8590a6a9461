#include "cli/list_flags.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/strings/numbers.h"
#include "fmt/core.h"
#include "index/bundle/key_table.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

std::optional<double> ParseNumber(const std::string& text) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number)) return std::nullopt;
  return number;
}

absl::Status AddCap(const std::string& text, v1::RetrieveRequest* request) {
  const size_t equals = text.find('=');
  uint64_t max = 0;
  if (equals == std::string::npos || equals == 0 ||
      !ParseDecimalKey(std::string_view(text).substr(equals + 1), &max) ||
      max > UINT32_MAX) {
    return absl::InvalidArgumentError(
        fmt::format("--cap: \"{}\", expected ATTRIBUTE=NUMBER", text));
  }
  v1::Cap* const cap = request->add_caps();
  cap->set_attribute(text.substr(0, equals));
  cap->set_max(static_cast<uint32_t>(max));
  return absl::OkStatus();
}

// The factor comes first: a condition may have any character, "=" and ":"
// included, and a number has no colon.
absl::Status AddBoost(const std::string& text, v1::RetrieveRequest* request) {
  const size_t colon = text.find(':');
  std::optional<double> factor;
  if (colon != std::string::npos) factor = ParseNumber(text.substr(0, colon));
  const size_t where =
      factor ? text.find_first_not_of(' ', colon + 1) : std::string::npos;
  if (where == std::string::npos) {
    return absl::InvalidArgumentError(
        fmt::format("--boost: \"{}\", expected FACTOR:CONDITION, such as "
                    "'1.5:in_stock = true'",
                    text));
  }
  v1::Boost* const boost = request->add_boosts();
  boost->set_factor(*factor);
  boost->set_where(text.substr(where));
  return absl::OkStatus();
}

absl::Status SetDecay(const ListFlags& flags, v1::RetrieveRequest* request) {
  const size_t equals = flags.decay.find('=');
  std::optional<double> days;
  if (equals != std::string::npos && equals > 0) {
    days = ParseNumber(flags.decay.substr(equals + 1));
  }
  if (!days) {
    return absl::InvalidArgumentError(
        fmt::format("--decay: \"{}\", expected ATTRIBUTE=DAYS", flags.decay));
  }
  v1::Decay* const decay = request->mutable_decay();
  decay->set_attribute(flags.decay.substr(0, equals));
  decay->set_half_life_days(*days);
  decay->set_floor(flags.decay_floor);
  decay->set_at(flags.decay_at);
  return absl::OkStatus();
}

}  // namespace

void AddListFlags(CLI::App& command, ListFlags* flags) {
  command
      .add_option("--cap", flags->caps,
                  "At most so many items with one value of an attribute, as in "
                  "brand=3,seller=10")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--boost", flags->boosts,
                  "FACTOR:CONDITION multiplies the scores of the items that "
                  "pass the condition, which is written as for --where, e.g. "
                  "'1.5:in_stock = true'. May be repeated")
      ->allow_extra_args(false);
  CLI::Option* const decay = command.add_option(
      "--decay", flags->decay,
      "ATTRIBUTE=DAYS halves scores with so many days of age, e.g. "
      "created_at=7");
  command
      .add_option("--decay-floor", flags->decay_floor,
                  "The least that --decay multiplies a score by, 0 to 1")
      ->needs(decay)
      ->capture_default_str();
  command
      .add_option("--decay-at", flags->decay_at,
                  "The time that ages are counted to, e.g. "
                  "2026-11-30T12:00:00Z. Default: now")
      ->needs(decay);
}

absl::Status SetListFlags(const ListFlags& flags,
                          v1::RetrieveRequest* request) {
  for (const std::string& text : flags.caps) {
    RETURN_IF_ERROR(AddCap(text, request));
  }
  for (const std::string& text : flags.boosts) {
    RETURN_IF_ERROR(AddBoost(text, request));
  }
  if (!flags.decay.empty()) RETURN_IF_ERROR(SetDecay(flags, request));
  if (!flags.boosts.empty() || !flags.decay.empty()) {
    request->set_view(v1::FULL);
  }
  return absl::OkStatus();
}

}  // namespace tributary
