#include <string>

#include "google/protobuf/util/json_util.h"
#include "index/bundle/bundle.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tributary::Require;
  const auto manifest = tributary::ParseManifest(tributary::AsText(data, size));
  if (!manifest.ok()) return 0;
  Require(manifest->format() == tributary::kBundleFormat);
  Require(manifest->version() > 0);
  for (const auto& file : manifest->files()) {
    Require(file.name().find('/') == std::string::npos);
    Require(file.name() != ".." && !file.name().empty());
    Require(file.sha256().size() == 64);
  }
  for (const auto& space : manifest->spaces()) {
    Require(space.dim() >= 1 && space.dim() <= tributary::kMaxDim);
  }
  // An accepted manifest is accepted again after we have written it.
  std::string json;
  Require(google::protobuf::util::MessageToJsonString(*manifest, &json).ok());
  Require(tributary::ParseManifest(json).ok());
  return 0;
}
