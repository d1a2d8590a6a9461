#include "cli/user_feature_flag.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fmt/core.h"

namespace tributary {

void AddUserFeatureFlag(CLI::App& command, std::vector<std::string>* features) {
  command
      .add_option("--user-feature", *features,
                  "NAME=VALUE says what is known of the user now, for towers "
                  "that were trained with it (tributary inspect lists them): a "
                  "number, or categories, comma-separated. Nothing after the = "
                  "says that the value is missing. May be given several times")
      ->allow_extra_args(false);
}

absl::Status SetUserFeatures(const std::vector<std::string>& features,
                             v1::RetrieveRequest* request) {
  for (const std::string& text : features) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(
          fmt::format("--user-feature: \"{}\", expected NAME=VALUE", text));
    }
    v1::FeatureValue& value =
        (*request->mutable_user_features())[text.substr(0, equals)];
    const absl::string_view given = absl::string_view(text).substr(equals + 1);
    double number = 0;
    if (absl::SimpleAtod(given, &number) && std::isfinite(number)) {
      value.set_number(number);
    }
    for (const absl::string_view category :
         absl::StrSplit(given, ',', absl::SkipEmpty())) {
      value.add_categories(std::string(category));
    }
  }
  return absl::OkStatus();
}

}  // namespace tributary
