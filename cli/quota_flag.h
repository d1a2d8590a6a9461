#ifndef TRIBUTARY_CLI_QUOTA_FLAG_H_
#define TRIBUTARY_CLI_QUOTA_FLAG_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Adds --quota, whose value goes to *quotas.
void AddQuotaFlag(CLI::App& command, std::vector<std::string>* quotas);

// Each "behavior=300" as a quota of the request. INVALID_ARGUMENT.
absl::Status SetQuotas(const std::vector<std::string>& quotas,
                       v1::RetrieveRequest* request);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_QUOTA_FLAG_H_
