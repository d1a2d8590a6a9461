#include "server/pipeline/reply_columns.h"

#include <cstdint>
#include <cstring>
#include <string_view>

#include "google/protobuf/io/coded_stream.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

using google::protobuf::io::CodedOutputStream;
using Candidates = std::span<const FusedCandidate>;

// Of a field that says its length: a string, or a packed column. One byte for
// fields below 16.
constexpr size_t kTagBytes = 1;
constexpr uint8_t Tag(int field) {
  return static_cast<uint8_t>(field << 3 | 2);
}
static_assert(v1::RetrieveResponse::kItemIdsFieldNumber < 16);
static_assert(v1::RetrieveResponse::kItemKeysFieldNumber < 16);
static_assert(v1::RetrieveResponse::kScoresFieldNumber < 16);
static_assert(v1::RetrieveResponse::kSourcesFieldNumber < 16);

// With tag and length.
size_t FieldBytes(size_t content) {
  return kTagBytes +
         CodedOutputStream::VarintSize32(static_cast<uint32_t>(content)) +
         content;
}

uint8_t* PutHeader(int field, size_t content, uint8_t* at) {
  *at++ = Tag(field);
  return CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(content),
                                                 at);
}

size_t KeyBytes(const KeyTable& items, Candidates candidates) {
  if (items.kind() == v1::UINT64) {
    return FieldBytes(candidates.size() * sizeof(uint64_t));
  }
  size_t bytes = 0;
  for (const FusedCandidate& candidate : candidates) {
    bytes += FieldBytes(items.string(candidate.row).size());
  }
  return bytes;
}

uint8_t* PutKeys(const KeyTable& items, Candidates candidates, uint8_t* at) {
  if (items.kind() == v1::UINT64) {
    at = PutHeader(v1::RetrieveResponse::kItemIdsFieldNumber,
                   candidates.size() * sizeof(uint64_t), at);
    for (const FusedCandidate& candidate : candidates) {
      at = CodedOutputStream::WriteLittleEndian64ToArray(
          items.id(candidate.row), at);
    }
    return at;
  }
  for (const FusedCandidate& candidate : candidates) {
    const std::string_view key = items.string(candidate.row);
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

}  // namespace

void EncodeColumns(const KeyTable& items, Candidates candidates,
                   std::string* bytes) {
  if (candidates.empty()) {
    bytes->clear();
    return;
  }
  const size_t sources = SourcesContent(candidates);
  bytes->resize(KeyBytes(items, candidates) +
                FieldBytes(candidates.size() * sizeof(float)) +
                FieldBytes(sources));
  auto* at = reinterpret_cast<uint8_t*>(bytes->data());
  at = PutKeys(items, candidates, at);
  at = PutScores(candidates, at);
  PutSources(candidates, sources, at);
}

}  // namespace tributary
