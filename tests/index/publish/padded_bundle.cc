#include "tests/index/publish/padded_bundle.h"

#include <random>
#include <span>
#include <string>

#include "fmt/core.h"
#include "index/bundle/sha256.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {

std::filesystem::path WritePaddedBundle(const std::filesystem::path& root,
                                        uint64_t version, uint64_t bytes) {
  const std::filesystem::path dir = WriteTinyBundle(root, version);
  std::mt19937_64 random(version);
  std::string padding;
  padding.reserve(bytes + 8);
  while (padding.size() < bytes) {
    const uint64_t word = random();
    padding.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  padding.resize(bytes);
  OverwriteFile(dir / kPadding, padding);
  std::string manifest = ReadFile(dir / "manifest.json");
  const std::string files = "\"files\": [";
  manifest.insert(
      manifest.find(files) + files.size(),
      fmt::format(R"({{"name": "{}", "sizeBytes": "{}", "sha256": "{}"}},)",
                  kPadding, bytes,
                  Sha256Hex(std::as_bytes(std::span(padding)))));
  OverwriteFile(dir / "manifest.json", manifest);
  return dir;
}

}  // namespace tributary
