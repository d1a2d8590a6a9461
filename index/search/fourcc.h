#ifndef TRIBUTARY_INDEX_SEARCH_FOURCC_H_
#define TRIBUTARY_INDEX_SEARCH_FOURCC_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace tributary {

// The number by which FAISS names a type in its files: four characters, the
// first in the lowest byte. REQUIRES: `text` has four characters.
constexpr uint32_t FourCc(std::string_view text) {
  uint32_t number = 0;
  for (int i = 3; i >= 0; --i) {
    number = number << 8 | static_cast<unsigned char>(text[i]);
  }
  return number;
}

// The four bytes of the number, which may be anything.
inline std::string FourCcText(uint32_t number) {
  std::string text;
  for (int i = 0; i < 4; ++i) {
    text += static_cast<char>(number >> (8 * i) & 0xff);
  }
  return text;
}

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FOURCC_H_
