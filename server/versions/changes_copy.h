#ifndef TRIBUTARY_SERVER_VERSIONS_CHANGES_COPY_H_
#define TRIBUTARY_SERVER_VERSIONS_CHANGES_COPY_H_

#include <filesystem>

#include "tributary/v1/bundles.pb.h"

namespace tributary {

// Adds to a status what the copy of the log in this folder says: how many of
// its changes are not applied yet, and when the loader last found it as the
// store's log is.
void DescribeChangesCopy(const std::filesystem::path& folder,
                         v1::ChangesStatus* status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_CHANGES_COPY_H_
