#ifndef TRIBUTARY_INDEX_BUNDLE_SHA256_H_
#define TRIBUTARY_INDEX_BUNDLE_SHA256_H_

#include <cstddef>
#include <span>
#include <string>

namespace tributary {

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::span<const std::byte> bytes);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_SHA256_H_
