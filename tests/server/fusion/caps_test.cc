// Caps against an implementation that is obviously right, over many random
// inputs, besides a few examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "server/fusion/fuse.h"
#include "tests/server/fusion/fuse_input.h"
#include "tests/server/fusion/random_inputs.h"

namespace tributary {
namespace {

using testing::ElementsAre;

constexpr int kRounds = 4000;
// More than any random input proposes.
constexpr uint32_t kEverything = 1000;

class TableGroups final : public RowGroups {
 public:
  explicit TableGroups(const std::vector<uint32_t>& group_of) {
    for (const uint32_t group : group_of) groups_of_.push_back({group});
  }
  // Each row has several.
  explicit TableGroups(std::vector<std::set<uint32_t>> groups_of)
      : groups_of_(std::move(groups_of)), several_(true) {}

  const std::set<uint32_t>& Of(Row row) const {
    return groups_of_[row % groups_of_.size()];
  }
  void GetGroups(std::span<const Row> rows,
                 std::span<uint32_t> groups) const override {
    for (size_t i = 0; i < rows.size(); ++i) groups[i] = *Of(rows[i]).begin();
  }
  bool several() const override { return several_; }
  void GetAllGroups(std::span<const Row> rows, std::vector<uint32_t>* groups,
                    std::vector<uint32_t>* ends) const override {
    groups->clear();
    ends->clear();
    for (const Row row : rows) {
      groups->insert(groups->end(), Of(row).begin(), Of(row).end());
      ends->push_back(static_cast<uint32_t>(groups->size()));
    }
  }

  // Whether `row` would exceed the cap beside those that are chosen: some group
  // of it has as many of them as there may be.
  template <typename Chosen>
  bool IsFull(const Chosen& chosen, Row row, uint32_t max) const {
    for (const uint32_t group : Of(row)) {
      uint32_t same = 0;
      for (const Row other : chosen) same += Of(other).contains(group);
      if (same >= max) return true;
    }
    return false;
  }

 private:
  std::vector<std::set<uint32_t>> groups_of_;
  bool several_ = false;
};

TableGroups RandomGroups(RandomInputs* inputs) {
  // Groups of all sizes, and numbers that a table of counts could not hold.
  const uint32_t n_groups = 1 + inputs->Below(20);
  const auto draw = [&] { return inputs->Below(n_groups) * 0x01010101u; };
  if (inputs->Below(2) == 0) {
    std::vector<uint32_t> group_of(80);
    for (uint32_t& group : group_of) group = draw();
    return TableGroups(group_of);
  }
  std::vector<std::set<uint32_t>> groups_of(80);
  for (std::set<uint32_t>& groups : groups_of) {
    groups.insert(draw());
    for (uint32_t more = inputs->Below(4); more > 0; --more) {
      groups.insert(draw());
    }
  }
  return TableGroups(std::move(groups_of));
}

struct Selected {
  // In order.
  std::vector<Row> rows;
  std::vector<uint32_t> rejected;
  // For each source, whether it is short because of caps.
  std::vector<bool> capped;
};

// The selection as fuse.h describes it. The order is that of fusion itself,
// without caps and of all that is proposed.
class Selecting {
 public:
  Selecting(const FuseInput& input, const std::vector<TableGroups>& groups)
      : input_(input), groups_(groups), rejected_(input.options.caps.size()) {
    FuseInput all = input;
    all.options.k = kEverything;
    all.options.caps = {};
    for (FusionSource& source : all.sources) {
      source.max = std::numeric_limits<uint32_t>::max();
    }
    order_ = RowsOf(Fused(all));
  }

  Selected Select() {
    const FusionOptions& options = input_.options;
    const bool quota = options.policy == FusionPolicy::kQuota;
    for (size_t s = 0; s < input_.sources.size(); ++s) {
      Reserve(s, input_.sources[s].min, quota && options.has_model);
    }
    for (size_t s = 0; quota && s < input_.sources.size(); ++s) {
      Reserve(s, input_.sources[s].target, options.has_model);
    }
    for (const Row row : order_) {
      if (chosen_.size() == options.k) break;
      for (size_t s = 0; s < input_.sources.size(); ++s) {
        if (!ProposedBy(input_, s, row) || chosen_.contains(row)) continue;
        if (counted_[s] == input_.sources[s].max) continue;
        if (Fits(row)) Choose(s, row);
        break;
      }
    }
    Selected selected;
    for (const Row row : order_) {
      if (chosen_.contains(row)) selected.rows.push_back(row);
    }
    std::set<Row> kept_out;
    for (const std::set<Row>& rows : rejected_) {
      selected.rejected.push_back(static_cast<uint32_t>(rows.size()));
      kept_out.insert(rows.begin(), rows.end());
    }
    for (size_t s = 0; s < input_.sources.size(); ++s) {
      size_t mine = 0;
      for (const Row row : kept_out) mine += ProposedBy(input_, s, row);
      const uint32_t target = input_.sources[s].target;
      selected.capped.push_back(counted_[s] < target &&
                                mine >= target - counted_[s]);
    }
    return selected;
  }

 private:
  void Reserve(size_t s, uint32_t wanted, bool by_score) {
    std::vector<Row> rows;
    if (by_score) {
      rows = order_;
    } else {
      for (const ScoredRow& p : input_.proposals[s]) rows.push_back(p.row);
    }
    for (const Row row : rows) {
      if (counted_[s] >= wanted || chosen_.size() == input_.options.k) return;
      if (!ProposedBy(input_, s, row) || chosen_.contains(row)) continue;
      if (Fits(row)) Choose(s, row);
    }
  }

  bool Fits(Row row) {
    bool fits = true;
    for (size_t c = 0; c < input_.options.caps.size(); ++c) {
      const uint32_t max = input_.options.caps[c].max;
      if (!groups_[c].IsFull(chosen_, row, max)) continue;
      rejected_[c].insert(row);
      fits = false;
    }
    return fits;
  }

  void Choose(size_t s, Row row) {
    chosen_.insert(row);
    ++counted_[s];
  }

  const FuseInput& input_;
  const std::vector<TableGroups>& groups_;
  std::vector<Row> order_;
  std::set<Row> chosen_;
  uint32_t counted_[kMaxSources] = {};
  std::vector<std::set<Row>> rejected_;
};

// A random input with up to three caps.
struct CappedInput {
  explicit CappedInput(RandomInputs* inputs) : input(inputs->Next()) {
    const size_t n = 1 + inputs->Below(3);
    for (size_t c = 0; c < n; ++c) groups.push_back(RandomGroups(inputs));
    for (size_t c = 0; c < n; ++c) {
      caps.push_back({&groups[c], 1 + inputs->Below(5)});
    }
    input.options.caps = caps;
  }

  FuseInput input;
  std::vector<TableGroups> groups;
  std::vector<FusionCap> caps;
};

TEST(CapsProperty, TheListIsThatOfTheObviousSelection) {
  RandomInputs inputs(21);
  int rejected = 0;
  int capped_sources = 0;
  for (int round = 0; round < kRounds; ++round) {
    const CappedInput capped(&inputs);
    const FusionResult result = Fused(capped.input);
    const Selected expected = Selecting(capped.input, capped.groups).Select();
    ASSERT_EQ(RowsOf(result), expected.rows) << round;
    ASSERT_EQ(result.rejected, expected.rejected) << round;
    rejected += expected.rejected[0] > 0;
    for (size_t s = 0; s < expected.capped.size(); ++s) {
      ASSERT_EQ(result.outcomes[s].capped, expected.capped[s]) << round;
      capped_sources += expected.capped[s];
    }
  }
  EXPECT_GT(rejected, kRounds / 4);
  EXPECT_GT(capped_sources, kRounds / 8);
}

// Where nothing is reserved, the list is what anyone can make of the list
// without caps: walk through it, and skip what would exceed a cap.
TEST(CapsProperty, WithoutReservationsTheListIsGreedy) {
  RandomInputs inputs(22);
  for (int round = 0; round < kRounds; ++round) {
    CappedInput capped(&inputs);
    for (FusionSource& source : capped.input.sources) {
      source.min = 0;
      source.target = 0;
      source.max = std::numeric_limits<uint32_t>::max();
    }
    FuseInput uncapped = capped.input;
    uncapped.options.caps = {};
    uncapped.options.k = kEverything;
    std::vector<FusedCandidate> greedy;
    for (const FusedCandidate& candidate : Fused(uncapped).candidates) {
      if (greedy.size() == capped.input.options.k) break;
      bool fits = true;
      for (size_t c = 0; c < capped.caps.size(); ++c) {
        std::vector<Row> rows;
        for (const FusedCandidate& other : greedy) rows.push_back(other.row);
        fits &=
            !capped.groups[c].IsFull(rows, candidate.row, capped.caps[c].max);
      }
      if (fits) greedy.push_back(candidate);
    }
    ASSERT_EQ(Fused(capped.input).candidates, greedy) << round;
  }
}

TEST(CapsProperty, ACapThatNothingReachesChangesNothing) {
  RandomInputs inputs(23);
  for (int round = 0; round < kRounds; ++round) {
    CappedInput capped(&inputs);
    capped.caps[0].max = kEverything;
    capped.input.options.caps = std::span(capped.caps).first(1);
    FuseInput uncapped = capped.input;
    uncapped.options.caps = {};
    const FusionResult result = Fused(capped.input);
    ASSERT_EQ(result.candidates, Fused(uncapped).candidates);
    ASSERT_THAT(result.rejected, ElementsAre(0));
  }
}

FuseInput TwoLists(uint32_t k) {
  FuseInput input = WeightedInput({{1, 2, 3, 4, 5}, {6, 7, 8}}, {1, .1}, k);
  input.options.policy = FusionPolicy::kRrf;
  return input;
}

TEST(Caps, AnItemThatWouldExceedACapMakesRoomForTheNext) {
  // Rows 1 to 3 are one group, and so are 4 to 8.
  const TableGroups groups({9, 0, 0, 0, 1, 1, 1, 1, 1});
  FuseInput input = TwoLists(3);
  const FusionCap cap{&groups, 2};
  input.options.caps = {&cap, 1};
  const FusionResult result = Fused(input);
  EXPECT_THAT(RowsOf(result), ElementsAre(1, 2, 4));
  EXPECT_THAT(result.rejected, ElementsAre(1));
}

TEST(Caps, ACapOfOneLeavesOneOfEachGroup) {
  const TableGroups groups({9, 0, 0, 1, 1, 0, 2, 2, 2});
  FuseInput input = TwoLists(10);
  const FusionCap cap{&groups, 1};
  input.options.caps = {&cap, 1};
  EXPECT_THAT(RowsOf(Fused(input)), ElementsAre(1, 3, 6));
}

TEST(Caps, AnItemOfSeveralGroupsCountsInEachAndIsKeptOutByOne) {
  // Rows 1 to 5 and 6 to 8 are proposed, in this order.
  const TableGroups groups(std::vector<std::set<uint32_t>>{
      {9}, {0, 1}, {1, 2}, {2}, {0}, {2, 3}, {3}, {3, 4}, {4}});
  FuseInput input = TwoLists(10);
  const FusionCap cap{&groups, 1};
  input.options.caps = {&cap, 1};
  const FusionResult result = Fused(input);
  // 1 fills 0 and 1, so that 2 and 4 stay out; 3 fills 2, so that 5 does; 6
  // fills 3, so that 7 does.
  EXPECT_THAT(RowsOf(result), ElementsAre(1, 3, 6, 8));
  EXPECT_THAT(result.rejected, ElementsAre(4));
}

TEST(Caps, ASourceIsCappedIfItsTargetWouldHaveBeenMet) {
  // Rows 1 to 4 are one group; 5 and the second list's are another.
  const TableGroups groups({9, 0, 0, 0, 0, 1, 1, 1, 1});
  FuseInput input = TwoLists(10);
  input.options.policy = FusionPolicy::kQuota;
  const FusionCap cap{&groups, 2};
  input.options.caps = {&cap, 1};
  input.sources[0].target = 5;
  input.sources[1].target = 3;
  FusionResult result = Fused(input);
  // Rows 1, 2, 5 and 6: two of the first list are kept out, and two are short.
  EXPECT_EQ(result.outcomes[0].shortfall, 2);
  EXPECT_TRUE(result.outcomes[0].capped);
  EXPECT_TRUE(result.outcomes[1].capped);
  // Even without caps it has no more than five.
  input.sources[0].target = 6;
  EXPECT_FALSE(Fused(input).outcomes[0].capped);
  // Full by others, and not by caps alone.
  input.options.k = 3;
  input.sources[0].target = 3;
  input.sources[1].target = 0;
  result = Fused(input);
  EXPECT_EQ(result.outcomes[0].shortfall, 0);
  EXPECT_FALSE(result.outcomes[0].capped);
}

TEST(Caps, AReservedItemTakesItsPlaceInTheGroup) {
  const TableGroups groups({9, 0, 0, 0, 0, 0, 0, 1, 1});
  FuseInput input = TwoLists(3);
  input.options.policy = FusionPolicy::kQuota;
  input.sources[1].target = 1;
  const FusionCap cap{&groups, 1};
  input.options.caps = {&cap, 1};
  // Row 6 is reserved, so that the better row 1 stays out.
  EXPECT_THAT(RowsOf(Fused(input)), ElementsAre(6, 7));
}

}  // namespace
}  // namespace tributary
