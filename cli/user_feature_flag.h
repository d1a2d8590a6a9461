// The flag --user-feature: what is known of the user, in every command that
// sends a RetrieveRequest.
#ifndef TRIBUTARY_CLI_USER_FEATURE_FLAG_H_
#define TRIBUTARY_CLI_USER_FEATURE_FLAG_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Adds --user-feature, whose values are written to *features.
void AddUserFeatureFlag(CLI::App& command, std::vector<std::string>* features);

// Adds the features to the request. A value that is a number is given as a
// number and as a category: the tower knows which it takes. INVALID_ARGUMENT
// that names the flag and its text.
absl::Status SetUserFeatures(const std::vector<std::string>& features,
                             v1::RetrieveRequest* request);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_USER_FEATURE_FLAG_H_
