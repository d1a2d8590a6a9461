// A random bundle with everything that a request can be about, for tests.
#ifndef TRIBUTARY_TESTS_SERVER_EXPLAIN_RANDOM_BUNDLE_H_
#define TRIBUTARY_TESTS_SERVER_EXPLAIN_RANDOM_BUNDLE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "server/versions/serving_bundle.h"
#include "tests/index/filter/attributed_items.h"

namespace tributary {

inline constexpr uint32_t kRandomItems = 600;
inline constexpr uint32_t kRandomUsers = 20;

// Writes and serves a bundle of kRandomItems items with the keys "i000" to
// "i599", the attributes of DrawItems, and users 0 to kRandomUsers - 1 with
// seen items and vectors. Real retrievers: "behavior", of a flat space;
// "content", of a space with an index of many lists of which one is searched,
// so that it misses much, where a tenth of the items have no vector;
// "popularity", whose list has a third of the items; and "neighbors". Equal
// seeds give equal bundles.
std::shared_ptr<const ServingBundle> ServeRandomBundle(uint32_t seed);
// The same with other attributes. REQUIRES: kRandomItems items.
std::shared_ptr<const ServingBundle> ServeRandomBundle(
    uint32_t seed, const std::vector<AttributedItem>& items);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_EXPLAIN_RANDOM_BUNDLE_H_
