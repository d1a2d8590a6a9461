#ifndef TRIBUTARY_CLI_BROKERS_APPLIED_BATCH_H_
#define TRIBUTARY_CLI_BROKERS_APPLIED_BATCH_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/brokers/broker.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// The messages whose changes are the last batch of a reader. Between the write
// and the commit a reader may be killed, and the broker delivers the batch
// again. The file is written before the batch, while the log is locked, and
// says which numbers the changes will get and what they are. Whether the log
// has them there later tells whether the batch was written, whatever was killed
// when.
//
// It is text:
//
//   tributary broker batch 1
//   first <number of the first change>
//   changes <count>
//   sha256 <hash of the changes, without numbers and times>
//   message <SHA-256 of its text> <position> <partition>     a line for each
class AppliedBatch {
 public:
  AppliedBatch() = default;
  // The batch that will be written as change `first` and those after it.
  AppliedBatch(uint64_t first, std::span<const v1::Change> changes,
               std::span<const BrokerMessage> messages);

  // The batch of the file, without messages if the log in `folder` does not
  // have its changes, or there is no file. DATA_LOSS, naming the file, when it
  // is not one.
  static absl::StatusOr<AppliedBatch> Read(const std::filesystem::path& file,
                                           const std::filesystem::path& folder);
  absl::Status Write(const std::filesystem::path& file) const;

  // Whether the message was part of it, and is still the same.
  bool Has(const BrokerMessage& message) const;

 private:
  uint64_t first_ = 0;
  uint64_t changes_ = 0;
  std::string sha256_;
  // By partition and position: the hash of the text.
  std::map<std::pair<std::string, std::string>, std::string> messages_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BROKERS_APPLIED_BATCH_H_
