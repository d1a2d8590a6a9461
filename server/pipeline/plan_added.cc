#include "server/pipeline/plan_added.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include "server/retrieval/added_items.h"

namespace tributary {
namespace {

// Removes entries whose row is kNoRow.
void DropMissing(std::vector<WeightedRow>* items) {
  std::erase_if(*items,
                [](const WeightedRow& item) { return item.row == kNoRow; });
}

// The row that sources look up for an item.
Row KnownRow(const AddedItems& added, Row row) {
  return added.Has(row) ? added.StandIn(row) : row;
}

// The words that may be changed: a copy of those in use.
std::span<uint64_t> OwnWords(Plan* plan) {
  if (plan->added_allowed.empty()) {
    const std::span<const uint64_t> live = plan->added()->live();
    plan->added_allowed.assign(live.begin(), live.end());
  }
  return plan->added_allowed;
}

void Keep(const RowSet& rows, Plan* plan) {
  const std::span<uint64_t> words = OwnWords(plan);
  const std::span<const uint64_t> kept = rows.words();
  for (size_t i = 0; i < words.size(); ++i) {
    // Words beyond are of rows that are not in use yet.
    words[i] &= i < kept.size() ? kept[i] : 0;
  }
}

}  // namespace

std::span<const Row> ExcludedOfBundle(const Plan& plan) {
  const auto end =
      std::ranges::lower_bound(plan.excluded, plan.added()->first());
  return {plan.excluded.begin(), end};
}

void TakeAddedFromHistory(Plan* plan) {
  const AddedItems& added = *plan->added();
  size_t kept = 0;
  for (size_t i = 0; i < plan->history.size(); ++i) {
    const Row row = KnownRow(added, plan->history[i]);
    if (row == kNoRow) continue;
    if (!plan->history_weights.empty()) {
      plan->history_weights[kept] = plan->history_weights[i];
    }
    plan->history[kept++] = row;
  }
  plan->history.resize(kept);
  if (!plan->history_weights.empty()) plan->history_weights.resize(kept);
  for (std::vector<WeightedRow>* const items : {&plan->liked, &plan->unliked}) {
    for (WeightedRow& item : *items) item.row = KnownRow(added, item.row);
    DropMissing(items);
  }
}

uint64_t PassingCount(const ServingBundle& bundle, const Plan& plan) {
  uint64_t count = plan.filter->items.count();
  if (plan.added() == nullptr) return count;
  const auto passing = PassingAdded(bundle, *plan.filter, plan);
  const std::span<const uint64_t> words = passing->words();
  const std::span<const uint64_t> live = plan.added()->live();
  for (size_t i = 0; i < std::min(words.size(), live.size()); ++i) {
    count += static_cast<uint64_t>(std::popcount(words[i] & live[i]));
  }
  return count;
}

std::shared_ptr<const RowSet> PassingAdded(const ServingBundle& bundle,
                                           const ResolvedFilter& filter,
                                           const Plan& plan) {
  const AddedItems& added = *plan.added();
  return filter.PassingAdded(
      bundle.bundle(), added.serial(), added.size(),
      [&](uint32_t i) { return added.values(added.first() + i); });
}

void PlanAdded(const ServingBundle& bundle, const v1::Filter& filter,
               Plan* plan) {
  const AddedItems& added = *plan->added();
  plan->added_allowed.clear();
  for (auto row = std::ranges::lower_bound(plan->excluded, added.first());
       row != plan->excluded.end(); ++row) {
    const Row at = *row - added.first();
    OwnWords(plan)[at / 64] &= ~(uint64_t{1} << (at % 64));
  }
  if (plan->filter != nullptr) {
    Keep(*PassingAdded(bundle, *plan->filter, *plan), plan);
  }
  for (const std::string& name : filter.exclude_sets()) {
    const auto set = bundle.item_sets().Find(name);
    // One that was removed meanwhile, or whose keys are not known.
    if (set == nullptr || set->keys == nullptr) continue;
    Keep(*set->added_others.Get(added.serial(), added.size(),
                                [&](uint32_t i) {
                                  return !set->keys->Has(
                                      added.key(added.first() + i));
                                }),
         plan);
  }
  plan->query.added = plan->overlay->additions;
  plan->query.added_allowed =
      plan->added_allowed.empty()
          ? added.live()
          : std::span<const uint64_t>(plan->added_allowed);
}

}  // namespace tributary
