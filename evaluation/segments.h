#ifndef TRIBUTARY_EVALUATION_SEGMENTS_H_
#define TRIBUTARY_EVALUATION_SEGMENTS_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "evaluation/held_out_users.h"
#include "index/bundle/bundle.h"

namespace tributary {

// Test users by how many items the bundle knows they had: cold none, light at
// most the median of the others, heavy more.
inline constexpr std::array<std::string_view, 3> kUserSegments = {
    "cold", "light", "heavy"};

struct UserSegments {
  // In the order of kUserSegments: places in the list of test users, ascending.
  std::array<std::vector<uint32_t>, kUserSegments.size()> users;
  // The median.
  uint64_t light_at_most = 0;
};
UserSegments SegmentUsers(const Bundle& bundle,
                          std::span<const TestUser> users);

// Items by how many users had them: head the most popular that have a third of
// all interactions, mid the next third, tail the rest, new those that nobody
// had.
inline constexpr std::array<std::string_view, 4> kItemSegments = {
    "head", "mid", "tail", "new"};

struct ItemSegments {
  // By row: how many users had the item, and its place in kItemSegments.
  std::vector<uint32_t> users;
  std::vector<uint8_t> segment;
  // By segment: how many items it has, and how many users had the least popular
  // of them.
  std::array<uint64_t, kItemSegments.size()> items = {};
  std::array<uint32_t, kItemSegments.size()> least_users = {};
};
// Reads all seen lists: linear in the interactions.
ItemSegments SegmentItems(const Bundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_SEGMENTS_H_
