#include "cli/brokers/applied_batch.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include "fmt/format.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/sha256.h"
#include "index/changes/read_changes.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFirstLine = "tributary broker batch 1";

std::string HashOf(std::string_view text) {
  return Sha256Hex(std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace

AppliedBatch::AppliedBatch(std::span<const BrokerMessage> messages) {
  for (const BrokerMessage& message : messages) {
    messages_[{message.partition, message.position}] = HashOf(message.text);
  }
}

absl::StatusOr<AppliedBatch> AppliedBatch::Read(const fs::path& file,
                                                const fs::path& folder,
                                                const std::string& reader) {
  std::error_code error;
  if (!fs::exists(file, error) && !error) return AppliedBatch();
  std::ifstream in(file);
  if (!in) return SystemError("open", file);
  const auto damaged = [&] {
    return absl::DataLossError(
        fmt::format("{}: not what a reader of a broker wrote: remove it, and "
                    "messages of the last batch may be written twice",
                    file.native()));
  };
  std::string line;
  std::string word;
  AppliedBatch batch;
  if (!std::getline(in, line) || line != kFirstLine) return damaged();
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string hash;
    std::string position;
    std::string partition;
    if (!(words >> word >> hash >> position) || word != "message") {
      return damaged();
    }
    words >> partition;
    batch.messages_[{partition, position}] = hash;
  }
  ASSIGN_OR_RETURN(const ChangeHead head, ReadChangeHead(folder));
  const auto last = head.readers.find(reader);
  if (last == head.readers.end() || last->second != batch.Sha256()) {
    return AppliedBatch();
  }
  return batch;
}

std::string AppliedBatch::Text() const {
  std::string text = fmt::format("{}\n", kFirstLine);
  for (const auto& [place, hash] : messages_) {
    text += fmt::format("message {} {} {}\n", hash, place.second, place.first);
  }
  return text;
}

std::string AppliedBatch::Sha256() const { return HashOf(Text()); }

absl::Status AppliedBatch::Write(const fs::path& file) const {
  return WriteFileDurably(file, Text());
}

bool AppliedBatch::Has(const BrokerMessage& message) const {
  if (messages_.empty()) return false;
  const auto found = messages_.find({message.partition, message.position});
  return found != messages_.end() && found->second == HashOf(message.text);
}

}  // namespace tributary
