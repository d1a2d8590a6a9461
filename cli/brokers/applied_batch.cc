#include "cli/brokers/applied_batch.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include "fmt/format.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/sha256.h"
#include "index/changes/read_changes.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFirstLine = "tributary broker batch 1";

std::span<const std::byte> BytesOfText(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Equal for equal changes, whatever their number and time.
std::string ContentOf(v1::Change change) {
  change.clear_number();
  change.clear_at_ms();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    change.SerializeToCodedStream(&coded);
  }
  return bytes;
}

void AddContent(const v1::Change& change, Sha256* hash) {
  const std::string content = ContentOf(change);
  hash->Add(BytesOfText(fmt::format("{}\n", content.size())));
  hash->Add(BytesOfText(content));
}

// The hash of changes of the log. Empty when it does not have all of them, or
// no longer has them one by one.
absl::StatusOr<std::string> HashInLog(const fs::path& folder, uint64_t first,
                                      uint64_t count) {
  ASSIGN_OR_RETURN(const ChangeHead head, ReadChangeHead(folder));
  Sha256 hash;
  uint64_t next = first;
  for (const ChangeSegmentEntry& entry : head.segments) {
    if (entry.last < next || entry.first >= first + count) continue;
    if (entry.first > next) return "";
    ASSIGN_OR_RETURN(const v1::ChangeSegment segment,
                     ReadChangeSegment(entry, folder));
    for (; next <= entry.last && next < first + count; ++next) {
      v1::Change change;
      if (next - entry.first >= static_cast<uint64_t>(segment.changes_size()) ||
          !change.ParseFromString(
              segment.changes(static_cast<int>(next - entry.first)))) {
        return "";
      }
      AddContent(change, &hash);
    }
  }
  if (next != first + count) return "";
  return std::move(hash).Hex();
}

}  // namespace

AppliedBatch::AppliedBatch(uint64_t first, std::span<const v1::Change> changes,
                           std::span<const BrokerMessage> messages)
    : first_(first), changes_(changes.size()) {
  Sha256 hash;
  for (const v1::Change& change : changes) AddContent(change, &hash);
  sha256_ = std::move(hash).Hex();
  for (const BrokerMessage& message : messages) {
    messages_[{message.partition, message.position}] =
        Sha256Hex(BytesOfText(message.text));
  }
}

absl::StatusOr<AppliedBatch> AppliedBatch::Read(const fs::path& file,
                                                const fs::path& folder) {
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
  if (!(in >> word >> batch.first_) || word != "first") return damaged();
  if (!(in >> word >> batch.changes_) || word != "changes") return damaged();
  if (!(in >> word >> batch.sha256_) || word != "sha256") return damaged();
  std::getline(in, line);
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
  ASSIGN_OR_RETURN(const std::string hash,
                   HashInLog(folder, batch.first_, batch.changes_));
  if (hash != batch.sha256_) return AppliedBatch();
  return batch;
}

absl::Status AppliedBatch::Write(const fs::path& file) const {
  std::string text = fmt::format("{}\nfirst {}\nchanges {}\nsha256 {}\n",
                                 kFirstLine, first_, changes_, sha256_);
  for (const auto& [place, hash] : messages_) {
    text += fmt::format("message {} {} {}\n", hash, place.second, place.first);
  }
  return WriteFileDurably(file, text);
}

bool AppliedBatch::Has(const BrokerMessage& message) const {
  if (messages_.empty()) return false;
  const auto found = messages_.find({message.partition, message.position});
  return found != messages_.end() &&
         found->second == Sha256Hex(BytesOfText(message.text));
}

}  // namespace tributary
