// RetrieverSpec.settings: what a kind of retriever reads from the manifest
// beyond the fields of the built-in kinds.
#ifndef TRIBUTARY_SERVER_RETRIEVAL_RETRIEVER_SETTINGS_H_
#define TRIBUTARY_SERVER_RETRIEVAL_RETRIEVER_SETTINGS_H_

#include <initializer_list>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// INVALID_ARGUMENT when the spec has a setting that is not in `known`; the
// message begins with the setting, as in settings["half_life"].
absl::Status CheckSettings(const v1::RetrieverSpec& spec,
                           std::initializer_list<std::string_view> known);

// The setting as a number; `otherwise` when the spec does not have it.
// INVALID_ARGUMENT, naming the setting, for text that is not one finite number
// within [min, max].
absl::StatusOr<double> NumberSetting(const v1::RetrieverSpec& spec,
                                     std::string_view name, double otherwise,
                                     double min, double max);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_RETRIEVER_SETTINGS_H_
