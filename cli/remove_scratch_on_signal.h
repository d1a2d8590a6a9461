#ifndef TRIBUTARY_CLI_REMOVE_SCRATCH_ON_SIGNAL_H_
#define TRIBUTARY_CLI_REMOVE_SCRATCH_ON_SIGNAL_H_

namespace tributary {

// From now on, SIGINT, SIGTERM and SIGHUP first remove the scratch directories
// of this process and then end it as they would by default. What a process
// that was killed otherwise leaves behind, the next one removes. Call it once,
// before starting threads.
void RemoveScratchOnSignal();

}  // namespace tributary

#endif  // TRIBUTARY_CLI_REMOVE_SCRATCH_ON_SIGNAL_H_
