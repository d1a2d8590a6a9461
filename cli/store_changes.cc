#include "cli/store_changes.h"

#include <filesystem>
#include <memory>

#include "index/publish/open_change_files.h"
#include "server/change_writer/change_writer.h"
#include "status/status_macros.h"

namespace tributary {

absl::StatusOr<ChangeHead> ReadStoreChanges(const std::string& store,
                                            const v1::S3& s3, TakeChange take) {
  ChangePosition position;
  if (!IsS3Store(store)) {
    // Without its lock: a writer may be at work.
    ASSIGN_OR_RETURN(const std::filesystem::path folder,
                     ChangesFolderOf(store));
    ASSIGN_OR_RETURN(ChangeHead head, ReadChangeHead(folder));
    RETURN_IF_ERROR(ReadChanges(head, folder, &position, take));
    return head;
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<ChangeFiles> files,
                   OpenChangeFiles(store, {{}, s3}));
  ASSIGN_OR_RETURN(const std::string text, files->ReadHead());
  if (text.empty()) return ChangeHead();
  ASSIGN_OR_RETURN(ChangeHead head, ParseChangeHead(text, files->place()));
  RETURN_IF_ERROR(ReadChanges(
      head,
      [&](const std::string& name, uint64_t max_bytes) {
        return files->Read(name, max_bytes);
      },
      &position, take));
  return head;
}

absl::StatusOr<StoreChanges> ReadStoreChanges(const std::string& store,
                                              const v1::S3& s3) {
  StoreChanges read;
  ASSIGN_OR_RETURN(
      const ChangeHead head,
      ReadStoreChanges(store, s3,
                       [&](const v1::Change& change, std::string_view,
                           const absl::Status& verdict) {
                         if (verdict.ok()) read.changes.push_back(change);
                         return absl::OkStatus();
                       }));
  read.through = head.through;
  return read;
}

}  // namespace tributary
