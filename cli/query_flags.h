// Flags of `tributary retrieve` that say what to search for: recent, liked and
// unliked items. And --diversity, which `tributary eval` has, too.
#ifndef TRIBUTARY_CLI_QUERY_FLAGS_H_
#define TRIBUTARY_CLI_QUERY_FLAGS_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Each is KEY or KEY=WEIGHT. A key that ends in "=" and a number needs a
// weight of its own.
struct QueryFlags {
  std::vector<std::string> recent;
  std::vector<std::string> like;
  std::vector<std::string> unlike;
};

// Adds --recent, --like and --unlike, whose values are written to *flags.
void AddQueryFlags(CLI::App& command, QueryFlags* flags);

// Adds what the flags say to the request. Weights of recent items are set if
// one of them has a weight; the others have 1 then.
void SetQueryFlags(const QueryFlags& flags, v1::RetrieveRequest* request);

// A space and values of lambda, as in "content=0.5,0.7". There may be none:
// "content".
struct DiversityFlag {
  std::string space;
  std::vector<double> lambdas;
};

// INVALID_ARGUMENT that names the flag and its text, unless it has that form
// and each lambda is within 0 to 1.
absl::StatusOr<DiversityFlag> ParseDiversity(const std::string& text);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_QUERY_FLAGS_H_
