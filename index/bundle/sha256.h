#ifndef TRIBUTARY_INDEX_BUNDLE_SHA256_H_
#define TRIBUTARY_INDEX_BUNDLE_SHA256_H_

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace tributary {

// The SHA-256 of bytes that arrive in pieces. Not thread-safe.
class Sha256 {
 public:
  Sha256();

  void Add(std::span<const std::byte> bytes);
  // The hash as 64 lower-case hexadecimal digits. The object must not be used
  // afterwards.
  std::string Hex() &&;

 private:
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const;
  };
  std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
};

// The SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::span<const std::byte> bytes);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_SHA256_H_
