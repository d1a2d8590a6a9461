#include "server/pipeline/bundle_diff.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server/pipeline/fan_out.h"
#include "server/pipeline/fuse_results.h"
#include "server/pipeline/key_rows.h"
#include "server/pipeline/plan.h"
#include "server/pipeline/row_sample.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kDiffDeadlineMs = 60'000;
constexpr char kFused[] = "fused";

using Keys = std::vector<std::string>;
// The lists of one user by name: each source's, and the fused one. Best first.
using Lists = std::map<std::string, Keys>;

template <typename Rows>
Keys KeysOf(const ItemRows& items, const Rows& rows) {
  Keys keys;
  for (const auto& entry : rows) keys.push_back(KeyTextOf(items, entry.row));
  return keys;
}

absl::StatusOr<Lists> Retrieve(const v1::ServerConfig& config,
                               const BundleDiff::Bundle& bundle,
                               const v1::RetrieveRequest& request) {
  Plan plan;
  RETURN_IF_ERROR(MakePlan(config, *bundle, request,
                           std::chrono::steady_clock::now(), SteadyTime::max(),
                           &plan));
  std::vector<SourceResult> results(plan.sources.size());
  FanOut(bundle, plan, /*pool=*/nullptr, /*inline_below_us=*/0, results);
  std::vector<FusionSource> sources;
  FusionResult fused;
  FuseResults(plan, results, &sources, &fused);
  const ItemRows items = {bundle->bundle().items(), plan.added()};
  Lists lists;
  for (size_t i = 0; i < results.size(); ++i) {
    lists[bundle->NameOf(plan.sources[i].retriever)] =
        KeysOf(items, results[i].proposals);
  }
  lists[kFused] = KeysOf(items, fused.candidates);
  return lists;
}

// The number of common keys divided by the length of the longer list; 1 for two
// empty lists.
double OverlapOf(Keys a, Keys b) {
  const size_t longer = std::max(a.size(), b.size());
  if (longer == 0) return 1;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  Keys both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(),
                        std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(longer);
}

// Sums over users, written as means.
class Sums {
 public:
  void Add(const Lists& from, const Lists& to) {
    ++users_;
    for (const auto& [name, keys] : from) {
      const auto found = to.find(name);
      AddList(name, keys, found == to.end() ? Keys() : found->second);
    }
    for (const auto& [name, keys] : to) {
      if (!from.contains(name)) AddList(name, {}, keys);
    }
  }

  void Write(v1::DiffResponse* response) const {
    response->set_users(users_);
    const auto write = [&](const v1::ListDiff& sum) {
      v1::ListDiff* const mean = response->add_lists();
      *mean = sum;
      mean->set_from_length(sum.from_length() / users_);
      mean->set_to_length(sum.to_length() / users_);
      mean->set_overlap(sum.overlap() / users_);
    };
    if (const auto fused = sums_.find(kFused); fused != sums_.end()) {
      write(fused->second);
    }
    for (const auto& [name, sum] : sums_) {
      if (name != kFused) write(sum);
    }
  }

 private:
  void AddList(const std::string& name, const Keys& from, const Keys& to) {
    const double overlap = OverlapOf(from, to);
    const auto [found, is_new] = sums_.try_emplace(name);
    v1::ListDiff& sum = found->second;
    sum.set_name(name);
    sum.set_from_length(sum.from_length() + static_cast<double>(from.size()));
    sum.set_to_length(sum.to_length() + static_cast<double>(to.size()));
    sum.set_overlap(sum.overlap() + overlap);
    sum.set_min_overlap(is_new ? overlap
                               : std::min(sum.min_overlap(), overlap));
  }

  uint32_t users_ = 0;
  std::map<std::string, v1::ListDiff> sums_;
};

void WriteItems(const Keys& from, const Keys& to, v1::DiffResponse* response) {
  std::map<std::string, uint32_t> ranks;
  for (uint32_t i = 0; i < from.size(); ++i) ranks[from[i]] = i + 1;
  const auto add = [&](const std::string& key, uint32_t a, uint32_t b) {
    v1::ItemDiff* const item = response->add_items();
    item->set_key(key);
    item->set_from_rank(a);
    item->set_to_rank(b);
  };
  for (uint32_t i = 0; i < to.size(); ++i) {
    const auto found = ranks.find(to[i]);
    add(to[i], found == ranks.end() ? 0 : found->second, i + 1);
    if (found != ranks.end()) ranks.erase(found);
  }
  for (const std::string& key : from) {
    if (const auto left = ranks.find(key); left != ranks.end()) {
      add(key, left->second, 0);
    }
  }
}

// A request for the user of `request`, or one for each user of the sample.
std::vector<v1::RetrieveRequest> RequestsOf(const Bundle& from,
                                            const Bundle& to,
                                            const v1::DiffRequest& request) {
  v1::RetrieveRequest one;
  one.set_k(request.k());
  switch (request.user_case()) {
    case v1::DiffRequest::kUserId:
      one.set_user_id(request.user_id());
      return {one};
    case v1::DiffRequest::kUserKey:
      one.set_user_key(request.user_key());
      return {one};
    case v1::DiffRequest::USER_NOT_SET:
      break;
  }
  const uint32_t users =
      request.sample_users() == 0 ? kDefaultDiffUsers : request.sample_users();
  std::vector<v1::RetrieveRequest> requests;
  for (const Row row : SampleRows(from.users(), &to.users(), users)) {
    one.set_user_key(from.users().text(row));
    requests.push_back(one);
  }
  return requests;
}

absl::StatusOr<v1::DiffResponse> Compare(
    const v1::ServerConfig& config, const BundleDiff::Bundle& from,
    const BundleDiff::Bundle& to, const v1::DiffRequest& request,
    const std::function<bool()>& cancelled) {
  v1::DiffResponse response;
  response.set_from_version(from->bundle().version());
  response.set_to_version(to->bundle().version());
  Sums sums;
  for (const v1::RetrieveRequest& one :
       RequestsOf(from->bundle(), to->bundle(), request)) {
    if (cancelled()) return absl::CancelledError("the call was cancelled");
    ASSIGN_OR_RETURN(const Lists before, Retrieve(config, from, one));
    ASSIGN_OR_RETURN(const Lists after, Retrieve(config, to, one));
    sums.Add(before, after);
    if (request.user_case() != v1::DiffRequest::USER_NOT_SET) {
      WriteItems(before.at(kFused), after.at(kFused), &response);
    }
  }
  sums.Write(&response);
  return response;
}

}  // namespace

BundleDiff::BundleDiff(const v1::ServerConfig& config) : config_(config) {
  config_.mutable_defaults()->set_deadline_ms(kDiffDeadlineMs);
}

absl::StatusOr<v1::DiffResponse> BundleDiff::Run(
    const Bundle& from, const Bundle& to, const v1::DiffRequest& request,
    const std::function<bool()>& cancelled) {
  if (request.sample_users() > kMaxDiffUsers) {
    return FieldError("sample_users", "{} is above {}", request.sample_users(),
                      kMaxDiffUsers);
  }
  if (request.k() > config_.limits().max_k()) {
    return FieldError("k", "{}, limits.max_k is {}", request.k(),
                      config_.limits().max_k());
  }
  if (!running_.TryLock()) {
    return absl::ResourceExhaustedError("another diff is running");
  }
  absl::StatusOr<v1::DiffResponse> response;
  background_thread_.Run(
      [&] { response = Compare(config_, from, to, request, cancelled); });
  running_.Unlock();
  return response;
}

}  // namespace tributary
