// The input is a serving record without its last line, the hash of the others.
#include <span>
#include <string>

#include "index/bundle/sha256.h"
#include "server/versions/serving_record.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tributary::Require;
  const std::string text(tributary::AsText(data, size));
  Require(size == 0 || !tributary::ParseServingRecord(text + "x").ok());
  const auto record = tributary::ParseServingRecord(
      text + "sha256 " +
      tributary::Sha256Hex(std::as_bytes(std::span(data, size))) + "\n");
  if (!record.ok()) return 0;
  Require(record->served.size() <= tributary::kMaxServed);
  Require(record->labels.size() <= tributary::kMaxLabels);
  const auto again =
      tributary::ParseServingRecord(tributary::ServingRecordText(*record));
  Require(again.ok() && *again == *record);
  return 0;
}
