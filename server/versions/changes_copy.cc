#include "server/versions/changes_copy.h"

#include <sys/stat.h>

#include "index/changes/change_head.h"
#include "index/changes/read_changes.h"

namespace tributary {

void DescribeChangesCopy(const std::filesystem::path& folder,
                         v1::ChangesStatus* status) {
  const auto head = ReadChangeHead(folder);
  if (head.ok() && head->through > status->through()) {
    status->set_pending(head->through - status->through());
  }
  struct stat info;
  if (::stat((folder / kChangesCheckedName).c_str(), &info) != 0) return;
  status->mutable_checked_at()->set_seconds(info.st_mtim.tv_sec);
  status->mutable_checked_at()->set_nanos(
      static_cast<int>(info.st_mtim.tv_nsec));
}

}  // namespace tributary
