// The flags that say what to retrieve, alike in every command that sends a
// RetrieveRequest.
#ifndef TRIBUTARY_CLI_REQUEST_FLAGS_H_
#define TRIBUTARY_CLI_REQUEST_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "cli/list_flags.h"
#include "cli/query_flags.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

struct RequestFlags {
  // Empty: an anonymous user. Each command has an argument of its own for it.
  std::string user;
  uint32_t k = 0;
  std::vector<std::string> quotas;
  QueryFlags query;
  std::vector<std::string> user_features;
  std::vector<std::string> exclude;
  std::vector<std::string> exclude_sets;
  std::string where;
  std::vector<std::string> relax;
  ListFlags list;
  std::string diversity;
  bool include_seen = false;
  uint64_t bundle_version = 0;
  std::string bundle_label;
  std::string profile;
};

// Adds -k, --quota, --where and the others, whose values are written to *flags.
void AddRequestFlags(CLI::App& command, RequestFlags* flags);

// The request that the flags describe. INVALID_ARGUMENT that names the flag and
// its text.
absl::StatusOr<v1::RetrieveRequest> RequestOf(const RequestFlags& flags);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_REQUEST_FLAGS_H_
