// If the first byte is 0, the rest is a file with a public key. Otherwise the
// rest is a signature of 64 bytes and a manifest.
#include <string>

#include "index/sign/signature.h"
#include "tests/fuzz/fuzz_target.h"

namespace tributary {
namespace {

// No input can be signed: the private key is not known here.
constexpr char kKey[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----\n";

absl::StatusOr<PublicKeys> ReadKey(std::string_view pem) {
  const auto path = FuzzDir() / "key.pub";
  WriteInput(path, pem);
  return PublicKeys::Read({path});
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  static const auto known = ReadKey(kKey);
  Require(known.ok());
  if (size == 0) return 0;
  const std::string_view text = AsText(data, size).substr(1);
  if (data[0] == 0) {
    const auto keys = ReadKey(text);
    Require(
        !keys.ok() ||
        !keys->Check({.json = "{}", .signature = std::string(64, 'x')}).ok());
    return 0;
  }
  const std::string signature(text.substr(0, kSignatureBytes));
  const std::string json(text.substr(signature.size()));
  Require(!known->Check({.json = json, .signature = signature}).ok());
  return 0;
}
