#include "index/bundle/sha256.h"

#include <openssl/evp.h>

#include <array>

#include "fmt/format.h"

namespace tributary {
namespace {

std::string ToHex(std::span<const unsigned char> digest) {
  return fmt::format("{:02x}", fmt::join(digest.begin(), digest.end(), ""));
}

}  // namespace

void Sha256::FreeContext::operator()(EVP_MD_CTX* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void Sha256::Add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Sha256::Hex() && {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
  return ToHex({digest.data(), size});
}

std::string Sha256Hex(std::span<const std::byte> bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(),
             nullptr);
  return ToHex({digest.data(), size});
}

}  // namespace tributary
