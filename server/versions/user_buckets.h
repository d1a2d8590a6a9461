#ifndef TRIBUTARY_SERVER_VERSIONS_USER_BUCKETS_H_
#define TRIBUTARY_SERVER_VERSIONS_USER_BUCKETS_H_

#include <bitset>
#include <cstdint>
#include <string_view>

#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Users are divided into kUserBuckets buckets by a hash of their keys, and each
// label owns a set of buckets, as in "Overlapping Experiment Infrastructure"
// (Tang et al., KDD 2010). The smallest share of users is therefore 1 / 10,000.
inline constexpr uint32_t kUserBuckets = 10'000;
using BucketSet = std::bitset<kUserBuckets>;
// The bucket of anonymous users.
inline constexpr uint32_t kNoBucket = kUserBuckets;

// The user's bucket. It is the same for a numeric id and for its decimal text,
// and on every machine and in every version of this program: shares must not
// move users. kNoBucket for an anonymous user.
uint32_t BucketOf(const v1::RetrieveRequest& request);
uint32_t BucketOf(std::string_view user_key);

// Grows or shrinks a label's buckets from `held` to `wanted` buckets. Each
// label has its own pseudo-random order of all buckets. It takes buckets in
// that order, skipping those `taken` by other labels, and gives them back in
// reverse order. A larger share therefore contains the users of a smaller one,
// and which users a label gets is independent of other labels' orders.
// REQUIRES: held and taken are disjoint;
// wanted + taken.count() <= kUserBuckets.
BucketSet Resize(std::string_view label, const BucketSet& held,
                 const BucketSet& taken, uint32_t wanted);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_USER_BUCKETS_H_
