// Flags of requests that shape the list: caps, boosts and decay.
#ifndef TRIBUTARY_CLI_LIST_FLAGS_H_
#define TRIBUTARY_CLI_LIST_FLAGS_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

struct ListFlags {
  std::vector<std::string> caps;
  std::vector<std::string> boosts;
  std::string decay;
  double decay_floor = 0;
  std::string decay_at;
};

// Adds --cap, --boost, --decay, --decay-floor and --decay-at, whose values are
// written to *flags.
void AddListFlags(CLI::App& command, ListFlags* flags);

// Adds what the flags say to the request; with boosts or decay, its view
// becomes FULL, so that the reply has factors. INVALID_ARGUMENT that names the
// flag and its text.
absl::Status SetListFlags(const ListFlags& flags, v1::RetrieveRequest* request);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_LIST_FLAGS_H_
