#ifndef TRIBUTARY_INDEX_CHANGES_CHANGE_FILES_H_
#define TRIBUTARY_INDEX_CHANGES_CHANGE_FILES_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/file_lock.h"

namespace tributary {

// Where a log's files are, for its writer: a folder, or a store on another
// host. Not thread-safe.
class ChangeFiles {
 public:
  virtual ~ChangeFiles() = default;

  // The place, for messages.
  const std::string& place() const { return place_; }

  // HEAD, or "" when there is none. ReplaceHead replaces this one.
  virtual absl::StatusOr<std::string> ReadHead() = 0;
  // Another file. NOT_FOUND; DATA_LOSS when it is longer than max_bytes.
  virtual absl::StatusOr<std::string> Read(const std::string& name,
                                           uint64_t max_bytes) = 0;
  // Writes a file, durably. Contents of another writer are under other names.
  virtual absl::Status Write(const std::string& name,
                             const std::string& contents) = 0;
  // Replaces HEAD, durably and atomically. UNAVAILABLE, with nothing done, when
  // it is not the one that ReadHead returned last, or that this wrote last.
  virtual absl::Status ReplaceHead(const std::string& contents) = 0;
  // Removes files that HEAD has not named for a while: readers may still need
  // what an earlier one named. `named` are those of HEAD, `replaced` those that
  // it has just ceased to name. Errors are passed over: what stays does no
  // harm.
  virtual void RemoveOthers(const std::set<std::string>& named,
                            const std::vector<std::string>& replaced) = 0;
  // The number up to which every version beside the log has the changes in its
  // data; 0 when there is no version, or that is not known.
  virtual uint64_t InEveryVersion() = 0;

 protected:
  explicit ChangeFiles(std::string place) : place_(std::move(place)) {}

 private:
  const std::string place_;
};

// The files of a folder, which is made if need be and locked until the object
// is destroyed. UNAVAILABLE while another process has it.
absl::StatusOr<std::unique_ptr<ChangeFiles>> OpenChangeFolder(
    const std::filesystem::path& folder);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_CHANGE_FILES_H_
