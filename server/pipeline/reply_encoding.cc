// A message in wire format is its fields, one after the other, in any order and
// in any number of parts. So columns are written by hand, before all other
// fields, which protobuf serialises from a small message; and a batch grows by
// one field for each entry.
#include "server/pipeline/reply_encoding.h"

#include <cstring>
#include <span>
#include <string_view>

#include "google/protobuf/io/coded_stream.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using google::protobuf::io::CodedOutputStream;
using Candidates = std::span<const FusedCandidate>;

// A tag of one byte says field and type; the type 2 is content after its
// length: a string, a packed column, a message.
constexpr size_t kTagBytes = 1;
constexpr uint8_t Tag(int field) {
  return static_cast<uint8_t>(field << 3 | 2);
}
static_assert(v1::RetrieveResponse::kItemIdsFieldNumber < 16);
static_assert(v1::RetrieveResponse::kItemKeysFieldNumber < 16);
static_assert(v1::RetrieveResponse::kScoresFieldNumber < 16);
static_assert(v1::RetrieveResponse::kSourcesFieldNumber < 16);
static_assert(v1::BatchRetrieveResponse::kEntriesFieldNumber < 16);
static_assert(v1::BatchEntry::kResponseFieldNumber < 16);

// The size of a field whose content has `content` bytes.
size_t FieldBytes(size_t content) {
  return kTagBytes +
         CodedOutputStream::VarintSize32(static_cast<uint32_t>(content)) +
         content;
}

// Writes a field's tag and length. Like all Put functions it returns the end of
// what it wrote.
uint8_t* PutHeader(int field, size_t content, uint8_t* at) {
  *at++ = Tag(field);
  return CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(content),
                                                 at);
}

size_t KeyBytes(const ItemRows& items, Candidates candidates) {
  if (items.table.kind() == v1::UINT64) {
    return FieldBytes(candidates.size() * sizeof(uint64_t));
  }
  size_t bytes = 0;
  for (const FusedCandidate& candidate : candidates) {
    bytes += FieldBytes(KeyOf(items, candidate.row).size());
  }
  return bytes;
}

uint8_t* PutKeys(const ItemRows& items, Candidates candidates, uint8_t* at) {
  if (items.table.kind() == v1::UINT64) {
    at = PutHeader(v1::RetrieveResponse::kItemIdsFieldNumber,
                   candidates.size() * sizeof(uint64_t), at);
    for (const FusedCandidate& candidate : candidates) {
      at = CodedOutputStream::WriteLittleEndian64ToArray(
          IdOf(items, candidate.row), at);
    }
    return at;
  }
  for (const FusedCandidate& candidate : candidates) {
    const std::string_view key = KeyOf(items, candidate.row);
    at = PutHeader(v1::RetrieveResponse::kItemKeysFieldNumber, key.size(), at);
    std::memcpy(at, key.data(), key.size());
    at += key.size();
  }
  return at;
}

uint8_t* PutScores(Candidates candidates, uint8_t* at) {
  at = PutHeader(v1::RetrieveResponse::kScoresFieldNumber,
                 candidates.size() * sizeof(float), at);
  for (const FusedCandidate& candidate : candidates) {
    uint32_t bits;
    std::memcpy(&bits, &candidate.score, sizeof(bits));
    at = CodedOutputStream::WriteLittleEndian32ToArray(bits, at);
  }
  return at;
}

size_t SourcesContent(Candidates candidates) {
  size_t bytes = 0;
  for (const FusedCandidate& candidate : candidates) {
    bytes += CodedOutputStream::VarintSize32(candidate.sources);
  }
  return bytes;
}

uint8_t* PutSources(Candidates candidates, size_t content, uint8_t* at) {
  at = PutHeader(v1::RetrieveResponse::kSourcesFieldNumber, content, at);
  for (const FusedCandidate& candidate : candidates) {
    at = CodedOutputStream::WriteVarint32ToArray(candidate.sources, at);
  }
  return at;
}

const v1::RetrieveResponse& SummaryOf(const Reply& reply) {
  static thread_local v1::RetrieveResponse summary;
  WriteSummary(reply, &summary);
  return summary;
}

// A reply whose size is known, so that it can be written behind a length. One
// at a time on a thread.
class MeasuredReply {
 public:
  explicit MeasuredReply(const Reply& reply)
      : items_(ItemsOf(reply)),
        candidates_(reply.fused->candidates),
        summary_(SummaryOf(reply)),
        size_(summary_.ByteSizeLong()) {
    // Columns without entries are not written.
    if (candidates_.empty()) return;
    sources_content_ = SourcesContent(candidates_);
    size_ += KeyBytes(items_, candidates_) +
             FieldBytes(candidates_.size() * sizeof(float)) +
             FieldBytes(sources_content_);
  }

  size_t size() const { return size_; }

  // Writes size() bytes.
  void Put(uint8_t* at) const {
    if (!candidates_.empty()) {
      at = PutKeys(items_, candidates_, at);
      at = PutScores(candidates_, at);
      at = PutSources(candidates_, sources_content_, at);
    }
    summary_.SerializeWithCachedSizesToArray(at);
  }

 private:
  const ItemRows items_;
  const Candidates candidates_;
  const v1::RetrieveResponse& summary_;
  size_t size_;
  size_t sources_content_ = 0;
};

uint8_t* Data(std::string* bytes) {
  return reinterpret_cast<uint8_t*>(bytes->data());
}

}  // namespace

void EncodeReply(const Reply& reply, std::string* bytes) {
  const MeasuredReply measured(reply);
  bytes->resize(measured.size());
  measured.Put(Data(bytes));
}

absl::Status AppendBatchEntry(const Reply& reply, std::string* bytes) {
  RETURN_IF_ERROR(CheckReplyKeys(reply));
  const MeasuredReply measured(reply);
  const size_t entry = FieldBytes(measured.size());
  const size_t begin = bytes->size();
  bytes->resize(begin + FieldBytes(entry));
  uint8_t* at = Data(bytes) + begin;
  at = PutHeader(v1::BatchRetrieveResponse::kEntriesFieldNumber, entry, at);
  at = PutHeader(v1::BatchEntry::kResponseFieldNumber, measured.size(), at);
  measured.Put(at);
  return absl::OkStatus();
}

void AppendBatchError(const absl::Status& error, std::string* bytes) {
  v1::BatchRetrieveResponse part;
  v1::BatchEntry* const entry = part.add_entries();
  entry->set_code(static_cast<int>(error.code()));
  entry->set_message(std::string(error.message()));
  part.AppendToString(bytes);
}

void AppendBatchVersion(uint64_t bundle_version, std::string* bytes) {
  v1::BatchRetrieveResponse part;
  part.set_bundle_version(bundle_version);
  part.AppendToString(bytes);
}

}  // namespace tributary
