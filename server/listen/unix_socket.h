#ifndef TRIBUTARY_SERVER_LISTEN_UNIX_SOCKET_H_
#define TRIBUTARY_SERVER_LISTEN_UNIX_SOCKET_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary {

// Makes `path` free for a new socket: removes the socket that an earlier server
// left behind, and finds out whether one can be created. Errors begin with
// `field`: INVALID_ARGUMENT when the path is empty or longer than a socket's
// may be, NOT_FOUND when its directory does not exist, ALREADY_EXISTS for
// another kind of file, UNAVAILABLE when a server answers on it,
// PERMISSION_DENIED when the old socket cannot be removed or a new one not be
// created, and what else the system says to that.
absl::Status PrepareUnixSocket(std::string_view field, const std::string& path);

// Creates the socket, accessible to its owner alone, and returns its
// descriptor, which the caller closes. REQUIRES: PrepareUnixSocket returned OK.
// UNAVAILABLE when somebody has created the path since.
absl::StatusOr<int> BindUnixSocket(std::string_view field,
                                   const std::string& path);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LISTEN_UNIX_SOCKET_H_
