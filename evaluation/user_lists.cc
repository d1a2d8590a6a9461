#include "evaluation/user_lists.h"

#include <algorithm>
#include <cstddef>

#include "evaluation/evaluate.h"
#include "index/bundle/fusion_model.h"
#include "server/fusion/fuse.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// A source of the fused list: where its lists are, and its target.
struct FusedSource {
  size_t list;
  uint32_t target;
};

std::vector<FusedSource> SourcesOf(const v1::FusionModel& model,
                                   std::span<const std::string> names,
                                   uint32_t k) {
  std::vector<FusedSource> sources;
  for (const v1::QuotaShare& quota : model.quotas()) {
    const auto name = std::find(names.begin(), names.end(), quota.retriever());
    if (name == names.end()) continue;
    sources.push_back({static_cast<size_t>(name - names.begin()),
                       static_cast<uint32_t>(quota.share() * k)});
  }
  return sources;
}

}  // namespace

double MeanOver(const Recalls& recalls, size_t j) {
  if (recalls.empty()) return 0;
  double sum = 0;
  for (const auto& recall : recalls) sum += recall[j];
  return sum / static_cast<double>(recalls.size());
}

absl::StatusOr<std::vector<UserLists>> CollectLists(
    const ListSource& source, std::span<const TestUser> users,
    std::span<const std::string> names, uint32_t depth, bool anonymous,
    uint32_t threads, const Progress& progress) {
  const Bundle& bundle = source.bundle().bundle();
  std::vector<UserLists> collected(users.size());
  const auto collect = [&](size_t i) -> absl::Status {
    UserLists& lists = collected[i];
    lists.user = &users[i];
    const std::string key = anonymous ? std::string() : users[i].key;
    lists.history = static_cast<uint32_t>(
        anonymous ? 0 : bundle.Seen(bundle.users().Find(key)).size());
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(const auto rows, source.Alone(key, name, depth));
      auto& list = lists.lists.emplace_back();
      for (const Row row : rows) list.push_back({row, 0});
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(
      ForEachUser(users.size(), threads, "lists", progress, collect));
  return collected;
}

Recalls RecallsAlone(std::span<const UserLists> users, size_t s,
                     std::span<const uint32_t> ks) {
  Recalls recalls;
  std::vector<Row> rows;
  for (const UserLists& lists : users) {
    rows.clear();
    for (const ScoredRow& scored : lists.lists[s]) rows.push_back(scored.row);
    recalls.push_back(RecallAt(*lists.user, rows, ks));
  }
  return recalls;
}

Recalls FusedRecalls(std::span<const UserLists> users,
                     std::span<const size_t> members,
                     std::span<const std::string> names,
                     const v1::FusionModel& model, uint32_t k,
                     std::span<const uint32_t> ks, uint32_t threads) {
  const std::vector<FusedSource> sources = SourcesOf(model, names, k);
  const FusionOptions options{.k = k, .has_model = true};
  Recalls recalls(members.size());
  const auto fuse_user = [&](size_t i) {
    const UserLists& user = users[members[i]];
    const v1::FusionSegment& segment = FindFusionSegment(model, user.history);
    std::vector<FusionSource> proposed;
    for (const FusedSource& source : sources) {
      const std::span<const ScoredRow> list(user.lists[source.list]);
      proposed.push_back({.proposals = list.first(std::min<size_t>(
                              std::max(source.target, k), list.size())),
                          .target = source.target,
                          .weight = FusionWeight(segment, names[source.list])});
    }
    FusionResult result;
    Fuse(proposed, options, &result);
    std::vector<Row> rows;
    for (const auto& candidate : result.candidates) {
      rows.push_back(candidate.row);
    }
    recalls[i] = RecallAt(*user.user, rows, ks);
    return absl::OkStatus();
  };
  // Fusing never fails.
  (void)ForEachUser(members.size(), threads, "fusion", IgnoreProgress,
                    fuse_user);
  return recalls;
}

}  // namespace tributary
