#ifndef TRIBUTARY_SERVER_PROCESS_CRASH_MARKER_H_
#define TRIBUTARY_SERVER_PROCESS_CRASH_MARKER_H_

#include <cstdint>
#include <string>

namespace tributary {

// From now on, a signal by which the process crashes (SIGSEGV, SIGBUS, SIGFPE,
// SIGILL, SIGABRT) first appends the line "crashed SUBJECT after SECONDS" to
// the file, the seconds since this call; then it does what it did before.
// Nothing is written for a subject of 0, and nothing when the process is killed
// from outside. A later call replaces the path. Not thread-safe.
void MarkCrashes(const std::string& path);

// What the process is busy with, as a number; 0 for nothing. Thread-safe.
void SetCrashSubject(uint64_t subject);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_CRASH_MARKER_H_
