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

// Segments of test users by the length of their history in the bundle: cold
// users have none, light users at most the median of the others, heavy more.
inline constexpr std::array<std::string_view, 3> kUserSegments = {
    "cold", "light", "heavy"};

struct UserSegments {
  // In the order of kUserSegments: indices of test users, ascending.
  std::array<std::vector<uint32_t>, kUserSegments.size()> users;
  // The median length of history.
  uint64_t light_at_most = 0;
};
UserSegments SegmentUsers(const Bundle& bundle,
                          std::span<const TestUser> users);

// Segments of items by popularity: head are the most popular items that make up
// a third of all interactions, mid the next third, tail the rest, new the items
// that nobody had.
inline constexpr std::array<std::string_view, 4> kItemSegments = {
    "head", "mid", "tail", "new"};

struct ItemSegments {
  // By row: how many users had the item.
  std::vector<uint32_t> users;
  // By row: its index in kItemSegments.
  std::vector<uint8_t> segment;
  // By segment: how many items it has.
  std::array<uint64_t, kItemSegments.size()> items = {};
  // By segment: how many users had its least popular item.
  std::array<uint32_t, kItemSegments.size()> least_users = {};
};
// Reads all seen lists: linear in the interactions.
ItemSegments SegmentItems(const Bundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_SEGMENTS_H_
