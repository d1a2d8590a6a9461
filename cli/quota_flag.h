#ifndef TRIBUTARY_CLI_QUOTA_FLAG_H_
#define TRIBUTARY_CLI_QUOTA_FLAG_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Adds --quota, whose values are written to *quotas.
void AddQuotaFlag(CLI::App& command, std::vector<std::string>* quotas);

// Adds each "behavior=300" to the request's quotas. INVALID_ARGUMENT, naming
// the text, for any other form.
absl::Status SetQuotas(const std::vector<std::string>& quotas,
                       v1::RetrieveRequest* request);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_QUOTA_FLAG_H_
