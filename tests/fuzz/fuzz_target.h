// A fuzz target is a file <name>_fuzz.cc that defines LLVMFuzzerTestOneInput:
// libFuzzer calls it in the preset `fuzz`; elsewhere replay.cc does, with the
// files of corpus/<name>, as a test.
#ifndef TRIBUTARY_TESTS_FUZZ_FUZZ_TARGET_H_
#define TRIBUTARY_TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

// Of any bytes: they are refused with a status, or what was made of them holds
// what its header promises. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tributary {

// Ends the program when a promise is broken.
inline void Require(bool promise) {
  if (!promise) __builtin_trap();
}

inline std::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A directory in memory, of this process alone; removed when it ends.
const std::filesystem::path& FuzzDir();

// Replaces the file, without syncing.
void WriteInput(const std::filesystem::path& path, std::string_view contents);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_FUZZ_FUZZ_TARGET_H_
