#include "server/versions/user_buckets.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace tributary {
namespace {

// The finaliser of SplitMix64.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// FNV-1a, mixed. std::hash differs between platforms.
uint64_t Hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return Mix(hash);
}

// The order in which the label takes buckets: sorted by a hash of both.
std::vector<uint32_t> OrderOf(std::string_view label) {
  const uint64_t salt = Hash(label);
  std::vector<std::pair<uint64_t, uint32_t>> buckets(kUserBuckets);
  for (uint32_t i = 0; i < kUserBuckets; ++i) {
    buckets[i] = {Mix(salt + i * 0x9e3779b97f4a7c15), i};
  }
  std::sort(buckets.begin(), buckets.end());
  std::vector<uint32_t> order;
  for (const auto& [hash, bucket] : buckets) order.push_back(bucket);
  return order;
}

}  // namespace

uint32_t BucketOf(std::string_view user_key) {
  return static_cast<uint32_t>(Hash(user_key) % kUserBuckets);
}

uint32_t BucketOf(const v1::RetrieveRequest& request) {
  switch (request.user_case()) {
    case v1::RetrieveRequest::kUserId: {
      std::array<char, 20> text;
      const auto end = std::to_chars(text.data(), text.data() + text.size(),
                                     request.user_id())
                           .ptr;
      return BucketOf(std::string_view(text.data(), end));
    }
    case v1::RetrieveRequest::kUserKey:
      return BucketOf(std::string_view(request.user_key()));
    case v1::RetrieveRequest::USER_NOT_SET:
      return kNoBucket;
  }
  return kNoBucket;
}

BucketSet Resize(std::string_view label, const BucketSet& held,
                 const BucketSet& taken, uint32_t wanted) {
  const std::vector<uint32_t> order = OrderOf(label);
  BucketSet buckets = held;
  size_t count = held.count();
  for (auto it = order.rbegin(); it != order.rend() && count > wanted; ++it) {
    if (!buckets[*it]) continue;
    buckets.reset(*it);
    --count;
  }
  for (auto it = order.begin(); it != order.end() && count < wanted; ++it) {
    if (buckets[*it] || taken[*it]) continue;
    buckets.set(*it);
    ++count;
  }
  return buckets;
}

}  // namespace tributary
