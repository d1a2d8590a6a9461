#ifndef TRIBUTARY_CLI_REPLAY_RUN_H_
#define TRIBUTARY_CLI_REPLAY_RUN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cli/replay_compare.h"
#include "client/retrieval_client.h"
#include "server/recording/recording_file.h"

namespace tributary {

struct ReplayOptions {
  std::string address;
  ClientOptions client;
  // Calls a second; 0: as fast as the server answers.
  double rate = 0;
  // How many calls are in progress at a time, at most.
  uint32_t concurrency = 4;
  // How many of the oldest calls are sent; 0: all.
  uint64_t limit = 0;
  // What the requests ask for instead of what they said. 0 and empty: what they
  // said.
  uint64_t bundle_version = 0;
  std::string bundle_label;
  // How many items of each list are compared; 0: all.
  uint32_t depth = 0;
  // How many calls ReplayTotals::worst has.
  size_t worst = 10;
};

struct Replay {
  ReplayTotals totals{0};
  // Requests for later pages, which are not sent: they belong to the version
  // and the user of their first page.
  uint64_t pages = 0;
  // Calls that a server has overwritten since the recording was opened.
  uint64_t overwritten = 0;
  double seconds = 0;
};

// Sends the recorded requests again, in their order, and compares the answers.
// Errors: those of RetrievalClient::Connect; UNAVAILABLE when no call reaches
// the server; those of RecordingReader::Read.
absl::StatusOr<Replay> RunReplay(const RecordingReader& recording,
                                 const ReplayOptions& options);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_REPLAY_RUN_H_
