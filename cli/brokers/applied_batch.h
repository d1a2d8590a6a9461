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
// again. The file is written before the batch; the log's head gets its hash in
// the same step as the changes (see ReaderBatch). Whether the head has it later
// tells whether the batch was written, whatever was killed when.
//
// It is text:
//
//   tributary broker batch 1
//   message <SHA-256 of its text> <position> <partition>     a line for each
class AppliedBatch {
 public:
  AppliedBatch() = default;
  explicit AppliedBatch(std::span<const BrokerMessage> messages);

  // The batch of the file, without messages if it is not the last one that the
  // log in `folder` has of `reader`, or there is no file. DATA_LOSS, naming the
  // file, when it is not one.
  static absl::StatusOr<AppliedBatch> Read(const std::filesystem::path& file,
                                           const std::filesystem::path& folder,
                                           const std::string& reader);
  absl::Status Write(const std::filesystem::path& file) const;

  // The hash of the file.
  std::string Sha256() const;
  // Whether the message was part of it, and is still the same.
  bool Has(const BrokerMessage& message) const;

 private:
  std::string Text() const;

  // By partition and position: the hash of the text.
  std::map<std::pair<std::string, std::string>, std::string> messages_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BROKERS_APPLIED_BATCH_H_
