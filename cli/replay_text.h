#ifndef TRIBUTARY_CLI_REPLAY_TEXT_H_
#define TRIBUTARY_CLI_REPLAY_TEXT_H_

#include <cstdint>
#include <string>

#include "cli/replay_run.h"

namespace tributary {

// What was understood of a recording.
struct RecordingSummary {
  std::string file;
  uint64_t calls = 0;
  uint64_t torn = 0;
  uint64_t max_bytes = 0;
  // Of the oldest and the newest call; 0 without calls.
  int64_t first_ms = 0;
  int64_t last_ms = 0;
};

// One line.
std::string SummaryText(const RecordingSummary& recording);
// The comparison as lines of text; ends with the worst calls.
std::string ReplayText(const Replay& replay, const ReplayOptions& options);
// Both as one JSON object.
std::string ReplayJson(const RecordingSummary& recording, const Replay& replay,
                       const ReplayOptions& options);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_REPLAY_TEXT_H_
