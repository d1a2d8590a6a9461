#ifndef TRIBUTARY_SERVER_VERSIONS_LIVE_ITEMS_H_
#define TRIBUTARY_SERVER_VERSIONS_LIVE_ITEMS_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "index/changes/upserted_items.h"
#include "index/filter/passing_items.h"
#include "server/retrieval/added_items.h"
#include "server/versions/live_item_encoder.h"
#include "server/versions/serving_bundle.h"

namespace tributary {

// Takes what is passed over of an upsert, and why: "change 7:
// vectors[\"taste\"]: 3 values, version 2 has 4".
using PassOver =
    absl::FunctionRef<void(uint64_t change, const std::string& why)>;

// The added items of a bundle after changes of `keys`, which were `before`,
// which may be null: null if no upserted item is one that the bundle lacks.
// `is_down` says whether an item is in no answer. The result is `before` if
// these changes make no difference. What an upsert says that the bundle cannot
// take is passed over; the rest of it counts.
// *encoder is made when it is first needed, and kept for the next call.
std::shared_ptr<const AddedItems> AddUpsertedItems(
    const ServingBundle& serving, const UpsertedItems& upserted,
    std::span<const std::string> keys,
    absl::FunctionRef<bool(std::string_view key)> is_down,
    const std::shared_ptr<const AddedItems>& before,
    std::shared_ptr<const LiveItemEncoder>* encoder, PassOver pass_over);

// Finds the items of the bundle that stand in for added items, from row *next
// on, less added.first(), until `until` has come, and moves *next on: the
// nearest by the vectors of the first space that has the item, spaces that
// encode features first. Returns whether all are done. `remaining` are those
// that may stand in; null: all.
bool FindStandIns(const ServingBundle& serving, const AddedItems& added,
                  const std::shared_ptr<const PassingItems>& remaining,
                  std::chrono::steady_clock::time_point until, uint32_t* next);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_LIVE_ITEMS_H_
