// The first byte is the number of keys, modulo 128; above 127 the keys are
// strings, else integers. For strings the second byte is the size of the first
// of the two files, in units of 16 bytes. The rest is the file or files.
#include <algorithm>
#include <string_view>

#include "index/bundle/key_table.h"
#include "tests/fuzz/fuzz_target.h"

namespace tributary {
namespace {

void CheckIntegers(const KeyTable& keys) {
  for (Row row = 0; row < keys.size(); ++row) {
    Require(row == 0 || keys.id(row - 1) < keys.id(row));
    Require(keys.Find(keys.id(row)) == row);
  }
}

void CheckStrings(const KeyTable& keys) {
  for (Row row = 0; row < keys.size(); ++row) {
    Require(row == 0 || keys.string(row - 1) < keys.string(row));
    Require(keys.Find(keys.string(row)) == row);
  }
}

void WriteTable(bool strings, uint8_t split, std::string_view files) {
  const auto& dir = FuzzDir();
  if (!strings) return WriteInput(dir / "t.keys.npy", files);
  const size_t size = std::min<size_t>(size_t{16} * split, files.size());
  WriteInput(dir / "t.keys.offsets.npy", files.substr(0, size));
  WriteInput(dir / "t.keys.utf8", files.substr(size));
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const bool strings = data[0] > 127;
  tributary::v1::KeyTable spec;
  spec.set_kind(strings ? tributary::v1::UTF8 : tributary::v1::UINT64);
  spec.set_count(data[0] % 128);
  tributary::WriteTable(strings, data[1],
                        tributary::AsText(data, size).substr(2));
  const auto keys = tributary::KeyTable::Open(tributary::FuzzDir(), "t", spec);
  if (!keys.ok() || !keys->CheckKeys().ok()) return 0;
  tributary::Require(keys->size() == spec.count());
  if (strings) {
    tributary::CheckStrings(*keys);
  } else {
    tributary::CheckIntegers(*keys);
  }
  return 0;
}
