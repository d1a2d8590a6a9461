#include "cli/query_flags.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fmt/core.h"

namespace tributary {
namespace {

struct KeyAndWeight {
  std::string key;
  // None: not given.
  std::optional<float> weight;
};

KeyAndWeight ParseKeyAndWeight(const std::string& text) {
  const size_t equals = text.rfind('=');
  float weight = 0;
  // A key may have any character, "=" included.
  if (equals == std::string::npos || equals == 0 ||
      !absl::SimpleAtof(text.substr(equals + 1), &weight)) {
    return {text, std::nullopt};
  }
  return {text.substr(0, equals), weight};
}

void SetItem(const std::string& text, v1::WeightedItem* item) {
  const KeyAndWeight parsed = ParseKeyAndWeight(text);
  item->set_item_key(parsed.key);
  // A weight of 0 would stand for 1: it is refused as one below 0.
  if (parsed.weight.has_value()) {
    item->set_weight(*parsed.weight == 0 ? -1 : *parsed.weight);
  }
}

}  // namespace

void AddQueryFlags(CLI::App& command, QueryFlags* flags) {
  command
      .add_option("--recent", flags->recent,
                  "Keys of recent items, oldest first, comma-separated; "
                  "KEY=WEIGHT says how much one counts, 0 to 1000")
      ->delimiter(',');
  command
      .add_option("--like", flags->like,
                  "Keys of items to retrieve more of, comma-separated; "
                  "KEY=WEIGHT says how much one counts, at most 1000. "
                  "Default: 1")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--unlike", flags->unlike,
                  "Keys of items to retrieve less of, as for --like")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void SetQueryFlags(const QueryFlags& flags, v1::RetrieveRequest* request) {
  bool has_weights = false;
  for (const std::string& text : flags.recent) {
    const KeyAndWeight parsed = ParseKeyAndWeight(text);
    request->add_recent_item_keys(parsed.key);
    request->add_recent_item_weights(parsed.weight.value_or(1));
    has_weights |= parsed.weight.has_value();
  }
  if (!has_weights) request->clear_recent_item_weights();
  for (const std::string& text : flags.like) {
    SetItem(text, request->add_like());
  }
  for (const std::string& text : flags.unlike) {
    SetItem(text, request->add_unlike());
  }
}

absl::StatusOr<DiversityFlag> ParseDiversity(const std::string& text) {
  DiversityFlag flag;
  const size_t equals = text.rfind('=');
  flag.space = text.substr(0, equals);
  bool is_right = !flag.space.empty();
  if (equals != std::string::npos) {
    for (const absl::string_view number :
         absl::StrSplit(text.substr(equals + 1), ',')) {
      double lambda = 0;
      // The comparison is false for NaN.
      is_right &=
          absl::SimpleAtod(number, &lambda) && lambda >= 0 && lambda <= 1;
      flag.lambdas.push_back(lambda);
    }
  }
  if (is_right) return flag;
  return absl::InvalidArgumentError(
      fmt::format("--diversity: \"{}\", expected SPACE=LAMBDA with a lambda "
                  "from 0, difference alone, to 1, relevance alone",
                  text));
}

}  // namespace tributary
