#include "index/search/packed_codes.h"

#include <bit>

#include "index/search/code_scan.h"

namespace tributary {
namespace {

constexpr uint64_t BlocksFor(uint32_t items) {
  return (items + kBlockItems - 1) / kBlockItems;
}

// Copies the codes of one item, one byte of each pair.
void CopyItem(const uint8_t* from, uint8_t* to, uint32_t pairs) {
  for (uint32_t p = 0; p < pairs; ++p) {
    *to = *from;
    from += kBlockItems;
    to += kBlockItems;
  }
}

}  // namespace

PackedCodes::PackedCodes(const CodedVectors& coded,
                         std::span<const uint64_t> barred,
                         std::span<const uint32_t> in_list) {
  const uint32_t pairs = coded.book.codes() / 2;
  const size_t block_bytes = size_t{pairs} * kBlockItems;
  const uint64_t count = Blocks(in_list);
  blocks.reserve(in_list.size() + 1);
  codes.resize(count * block_bytes);
  positions.resize(count * kBlockItems);
  first_slots.resize(barred.size());
  uint32_t next_block = 0;
  for (size_t list = 0; list < in_list.size(); ++list) {
    blocks.push_back(next_block);
    uint32_t to = next_block * kBlockItems;
    for (uint32_t block = coded.blocks[list]; block < coded.blocks[list + 1];
         ++block) {
      first_slots[block] = to;
      const uint8_t* from = coded.codes.data() + block * block_bytes;
      for (uint64_t allowed = ~barred[block]; allowed != 0;
           allowed &= allowed - 1, ++to) {
        const auto item = static_cast<uint32_t>(std::countr_zero(allowed));
        CopyItem(from + CodeByte(item),
                 codes.data() + to / kBlockItems * block_bytes +
                     CodeByte(to % kBlockItems),
                 pairs);
        positions[to] = coded.positions[size_t{block} * kBlockItems + item];
      }
    }
    next_block += static_cast<uint32_t>(BlocksFor(in_list[list]));
  }
  blocks.push_back(next_block);
}

uint64_t PackedCodes::size_bytes() const {
  return sizeof(*this) + blocks.size() * sizeof(uint32_t) + codes.size() +
         positions.size() * sizeof(uint32_t) +
         first_slots.size() * sizeof(uint32_t);
}

uint64_t PackedCodes::Blocks(std::span<const uint32_t> in_list) {
  uint64_t sum = 0;
  for (const uint32_t count : in_list) sum += BlocksFor(count);
  return sum;
}

uint32_t PackedCodes::SlotOf(uint32_t slot,
                             std::span<const uint64_t> barred) const {
  const uint32_t block = slot / kBlockItems;
  const uint64_t before = (uint64_t{1} << (slot % kBlockItems)) - 1;
  return first_slots[block] +
         static_cast<uint32_t>(std::popcount(~barred[block] & before));
}

}  // namespace tributary
