// A fuzz target is a file <name>_fuzz.cc that defines LLVMFuzzerTestOneInput.
// In the preset `fuzz`, libFuzzer calls it. In other presets, replay.cc calls
// it, as a test, with the files of corpus/<name>.
#ifndef TRIBUTARY_TESTS_FUZZ_FUZZ_TARGET_H_
#define TRIBUTARY_TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

// Parses any bytes. They must be refused with a status, or the result must be
// as the parser's header promises. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tributary {

// Ends the program unless the condition holds.
inline void Require(bool condition) {
  if (!condition) __builtin_trap();
}

inline std::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A directory for this process, in memory if possible, which is removed when
// the process ends.
const std::filesystem::path& FuzzDir();

// Replaces the file, without syncing.
void WriteInput(const std::filesystem::path& path, std::string_view contents);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_FUZZ_FUZZ_TARGET_H_
