#ifndef TRIBUTARY_SERVER_VERSIONS_USER_BUCKETS_H_
#define TRIBUTARY_SERVER_VERSIONS_USER_BUCKETS_H_

#include <bitset>
#include <cstdint>
#include <string_view>

#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Users fall into buckets by a hash of their keys, and labels have buckets:
// after "Overlapping Experiment Infrastructure" (Tang et al., KDD 2010). A
// share is so many ten thousandths of the users.
inline constexpr uint32_t kUserBuckets = 10'000;
using BucketSet = std::bitset<kUserBuckets>;
inline constexpr uint32_t kNoBucket = kUserBuckets;

// The user's bucket: the same for an id and for its decimal text, on every
// machine and for good. kNoBucket for an anonymous user.
uint32_t BucketOf(const v1::RetrieveRequest& request);
uint32_t BucketOf(std::string_view user_key);

// `held` with so many buckets more or less that it has `wanted`. Every label
// has an order of its own in which it takes buckets, as far as they are not
// `taken` by others, and the reverse in which it gives them back: what it has
// stays, a larger share keeps the users of the smaller one, and labels know
// nothing of each other.
// REQUIRES: held and taken are disjoint; wanted + taken.count() <=
// kUserBuckets.
BucketSet Resize(std::string_view label, const BucketSet& held,
                 const BucketSet& taken, uint32_t wanted);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_USER_BUCKETS_H_
