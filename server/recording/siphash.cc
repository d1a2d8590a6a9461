#include "server/recording/siphash.h"

#include <sys/random.h>

#include <bit>
#include <cstddef>
#include <cstring>
#include <random>

namespace tributary {
namespace {

static_assert(std::endian::native == std::endian::little,
              "words are read as they are in memory");

struct SipState {
  uint64_t v0, v1, v2, v3;

  void Round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  void Add(uint64_t word) {
    v3 ^= word;
    Round();
    Round();
    v0 ^= word;
  }
};

}  // namespace

SipKey RandomSipKey() {
  SipKey key;
  if (getrandom(key.data(), sizeof(key), 0) == sizeof(key)) return key;
  // Kernels of the last ten years do not fail here.
  std::random_device device;
  for (uint64_t& word : key) word = uint64_t{device()} << 32 | device();
  return key;
}

uint64_t SipHash(const SipKey& key, std::string_view bytes) {
  SipState state = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                    key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    state.Add(word);
  }
  uint64_t last = uint64_t{bytes.size()} << 56;
  for (size_t i = 0; at + i < bytes.size(); ++i) {
    last |= uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  state.Add(last);
  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) state.Round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace tributary
