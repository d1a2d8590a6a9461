// A version is tried in a process of its own, with limits, before a server gets
// it: a file that crashes FAISS's parser, eats memory or never ends takes down
// that process alone. The process is this program, started again.
#ifndef TRIBUTARY_SERVER_TRIAL_TRIAL_H_
#define TRIBUTARY_SERVER_TRIAL_TRIAL_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/process/memory.h"
#include "server/retrieval/retriever.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/gate.pb.h"

namespace tributary {

struct TrialTask {
  // The version's directory.
  std::filesystem::path bundle;
  // The one that the gate holds it against; empty for none.
  std::filesystem::path old_bundle = {};
  // False: VerifyVersion has passed on these bytes.
  bool verify = true;
  // Complete; absent: no gate.
  std::optional<v1::Gate> gate = {};
  // Complete.
  v1::Trial trial = {};
  // Which calls RunTrialIfAsked first in main. Default: this program.
  std::filesystem::path program = "/proc/self/exe";
};

// Verifies the version and measures the gate, as the task says. A report that
// did not pass is no error; it has no checks without a gate. Errors:
//   VerifyVersion's, when the version is bad;
//   FAILED_PRECONDITION when the trial crashed or exceeded a limit: trying the
//     same bytes again is useless; the message names the signal or the limit,
//     and what it was at;
//   UNAVAILABLE and RESOURCE_EXHAUSTED when the process could not be started,
//     was killed from outside or by the kernel for want of memory, or could not
//     read the disk: try again later;
//   CANCELLED because of `stop`, which ends the trial.
// The trial ends with the calling thread. Takes as long as the task's timeout
// at most. Thread-safe.
absl::StatusOr<v1::GateReport> TryVersion(const TrialTask& task,
                                          std::stop_token stop = {});

// RESOURCE_EXHAUSTED, saying both figures, when the version's files are more
// than the machine has memory for, or those that are read rather than mapped
// (FAISS's) more than this process's container has.
absl::Status CheckRoomFor(const std::filesystem::path& bundle,
                          const ProcessMemory& memory);

// To be called first in main by programs that call TryVersion, with main's
// arguments: in a trial's process it does the work, with the kinds of
// retrievers that `registry` knows, and does not return.
void RunTrialIfAsked(int argc, char** argv, const RetrieverRegistry& registry);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRIAL_TRIAL_H_
