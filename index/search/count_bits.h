#ifndef TRIBUTARY_INDEX_SEARCH_COUNT_BITS_H_
#define TRIBUTARY_INDEX_SEARCH_COUNT_BITS_H_

#include <cstdint>
#include <span>

namespace tributary {

// How many bits of the words are set. std::popcount is a dozen instructions a
// word where the compiler may not assume that the processor has one for it;
// this asks the processor at run time. Thread-safe.
uint64_t CountBits(std::span<const uint64_t> words);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_COUNT_BITS_H_
