// The first byte chooses a program; the rest is its configuration.
#include "google/protobuf/util/message_differencer.h"
#include "index/assemble/build_config.h"
#include "proto/yaml/yaml_message.h"
#include "server/loader/loader_config.h"
#include "server/pipeline/server_config.h"
#include "tests/fuzz/fuzz_target.h"

namespace tributary {
namespace {

// Completing a configuration must be idempotent.
template <typename Config, typename Complete>
void CheckComplete(std::string_view text, const Complete& complete) {
  Config config;
  if (!ReadYaml(text, "input", &config).ok()) return;
  const auto completed = complete(config);
  if (!completed.ok()) return;
  const auto again = complete(*completed);
  Require(again.ok() && google::protobuf::util::MessageDifferencer::Equals(
                            *again, *completed));
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  if (size == 0) return 0;
  const std::string_view text = AsText(data, size).substr(1);
  switch (data[0] % 3) {
    case 0:
      CheckComplete<v1::ServerConfig>(text, CompleteServerConfig);
      break;
    case 1:
      CheckComplete<v1::LoaderConfig>(text, CompleteLoaderConfig);
      break;
    default:
      CheckComplete<v1::BuildConfig>(text, CompleteBuildConfig);
  }
  return 0;
}
