// How many connections the process's limit of open files allows.
#ifndef TRIBUTARY_SERVER_LISTEN_CONNECTION_LIMITS_H_
#define TRIBUTARY_SERVER_LISTEN_CONNECTION_LIMITS_H_

#include <cstdint>

namespace tributary {

// Connections of each listener of the server.
struct ConnectionLimits {
  uint32_t listen = 0;
  uint32_t http = 0;
  uint32_t admin = 0;

  bool operator==(const ConnectionLimits&) const = default;
};

// Descriptors that are kept for everything that is no connection of a client:
// files of bundles, the control plane, the log.
inline constexpr uint64_t kReservedOpenFiles = 128;

// How many open files `wanted` needs, with the reserve.
uint64_t OpenFilesFor(const ConnectionLimits& wanted);

// `wanted`, lowered to what `max_open_files` allows. A quarter of it, at most
// kReservedOpenFiles, is kept in reserve. Of the rest, `admin` gets what it
// wants, at most an eighth, so that probes are answered; `listen` and `http`
// share what is left in equal parts, and one of them gets what the other does
// not want. A listener that wants any connection gets at least one. A pure
// function.
ConnectionLimits LimitConnections(uint64_t max_open_files,
                                  const ConnectionLimits& wanted);

// Raises the process's soft limit of open files to `files`, as far as its hard
// limit goes, and never lowers it. Returns the soft limit that now holds.
uint64_t RaiseOpenFiles(uint64_t files);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LISTEN_CONNECTION_LIMITS_H_
