// A trial verifies and measures a version in a process of its own, with limits,
// before a server gets it. A file that crashes FAISS's parser, takes too much
// memory or makes a search endless ends that process alone. The process runs
// this program again.
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
  // The version that the gate compares it with; empty for none.
  std::filesystem::path old_bundle = {};
  // False when VerifyVersion has already passed for these bytes.
  bool verify = true;
  // Complete. The gate measures only if this is present.
  std::optional<v1::Gate> gate = {};
  // Complete.
  v1::Trial trial = {};
  // The program to run; its main calls RunTrialIfAsked first. Default: this
  // program.
  std::filesystem::path program = "/proc/self/exe";
};

// Verifies the version and measures the gate, as the task says. A report that
// did not pass is no error; without a gate it has passed and has no checks.
// Errors:
//   those of VerifyVersion, when the version is bad;
//   FAILED_PRECONDITION when the trial crashed or exceeded a limit. The same
//     bytes would do so again. The message names the signal or the limit, and
//     the step of the trial;
//   UNAVAILABLE and RESOURCE_EXHAUSTED when the process could not be started,
//     was killed from outside or by the kernel for lack of memory, or could not
//     read the disk. Try again later;
//   CANCELLED after `stop` was requested, which ends the trial.
// The trial ends with the calling thread. Takes at most the task's timeout.
// Thread-safe.
absl::StatusOr<v1::GateReport> TryVersion(const TrialTask& task,
                                          std::stop_token stop = {});

// RESOURCE_EXHAUSTED when the version's files are larger than the machine's
// available memory, or the files that are read rather than mapped (FAISS's) are
// larger than the available memory of this process's container. The message has
// both figures.
absl::Status CheckRoomFor(const std::filesystem::path& bundle,
                          const ProcessMemory& memory);

// To be called first in main by programs that call TryVersion, with main's
// arguments: in a trial's process it does the work, with the kinds of
// retrievers that `registry` knows, and does not return.
void RunTrialIfAsked(int argc, char** argv, const RetrieverRegistry& registry);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRIAL_TRIAL_H_
