#ifndef TRIBUTARY_SERVER_RECORDING_SIPHASH_H_
#define TRIBUTARY_SERVER_RECORDING_SIPHASH_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace tributary {

using SipKey = std::array<uint64_t, 2>;

// A key that nobody knows, from the kernel.
SipKey RandomSipKey();

// SipHash-2-4 of `bytes` (Aumasson, Bernstein, 2012): whoever does not know the
// key can neither guess the hash of a text, nor find a text for a hash. Equal
// on all machines. Thread-safe.
uint64_t SipHash(const SipKey& key, std::string_view bytes);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RECORDING_SIPHASH_H_
