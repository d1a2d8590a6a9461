#ifndef TRIBUTARY_INDEX_PUBLISH_OPEN_CHANGE_FILES_H_
#define TRIBUTARY_INDEX_PUBLISH_OPEN_CHANGE_FILES_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "index/changes/change_files.h"
#include "index/publish/open_store.h"

namespace tributary {

// The files of the log of changes in the store s3://BUCKET/PREFIX, for its
// writer. There is no lock: HEAD is replaced only if it is the one that was
// read (If-Match), so that of two writers one gets UNAVAILABLE, and nothing of
// the other one's is lost. UNIMPLEMENTED, when HEAD is to be replaced, for
// services that do not know such conditions; UNKNOWN when the connection was
// lost and nobody can say whether HEAD was replaced. Errors as OpenStore's.
absl::StatusOr<std::unique_ptr<ChangeFiles>> OpenChangeFiles(
    const std::string& url, const StoreOptions& options);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_OPEN_CHANGE_FILES_H_
