#include <string>

#include "index/bundle/version_file.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tributary::Require;
  const std::string_view text = tributary::AsText(data, size);
  const auto path = tributary::FuzzDir() / "CURRENT";
  tributary::WriteInput(path, text);
  const auto version = tributary::ReadVersionFile(path);
  if (!version.ok()) return 0;
  // The number in canonical form, and nothing else but a newline.
  const std::string number = std::to_string(*version);
  Require(*version > 0 && (text == number || text == number + "\n"));
  return 0;
}
