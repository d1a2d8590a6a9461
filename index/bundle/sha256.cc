#include "index/bundle/sha256.h"

#include <openssl/evp.h>

#include <array>

#include "fmt/format.h"

namespace tributary {

std::string Sha256Hex(std::span<const std::byte> bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(),
             nullptr);
  return fmt::format("{:02x}",
                     fmt::join(digest.begin(), digest.begin() + size, ""));
}

}  // namespace tributary
