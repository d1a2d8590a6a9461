#ifndef TRIBUTARY_SERVER_PROCESS_READ_FILE_H_
#define TRIBUTARY_SERVER_PROCESS_READ_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace tributary {

// The largest file that ReadSmallFile reads.
inline constexpr size_t kMaxSmallFileBytes = size_t{4} << 20;

// The contents of a file of certificates, tokens or the like. Errors name the
// path: NOT_FOUND and PERMISSION_DENIED of the system; INVALID_ARGUMENT when it
// is not a regular file, or larger than kMaxSmallFileBytes.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_READ_FILE_H_
