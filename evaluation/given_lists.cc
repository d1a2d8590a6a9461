#include "evaluation/given_lists.h"

#include <algorithm>
#include <utility>

#include "evaluation/list_quality.h"
#include "fmt/format.h"

namespace tributary {

GivenLists::GivenLists(std::string name, const Bundle& bundle,
                       const TestItems& test_items,
                       const std::vector<TestUser>& users,
                       const PassingItems* passing)
    : name_(std::move(name)),
      bundle_(bundle),
      passing_(passing),
      users_(users),
      entries_(users.size()) {
  counts_.test_users = users.size();
  for (size_t i = 0; i < users_.size(); ++i) {
    TestUser& user = users_[i];
    user_index_[user.key] = i;
    const auto found = test_items.find(user.key);
    if (found == test_items.end()) continue;
    user.items.clear();
    for (const std::string& item : found->second) {
      user.items.push_back(RowOf(item));
    }
    std::sort(user.items.begin(), user.items.end());
  }
  rows_of_test_ =
      static_cast<Row>(bundle_.items().size() + unknown_items_.size());
}

Row GivenLists::RowOf(std::string_view item) {
  const Row row = bundle_.items().Find(item);
  if (row != kNoRow) return row;
  const auto next =
      static_cast<Row>(bundle_.items().size() + unknown_items_.size());
  return unknown_items_.try_emplace(std::string(item), next).first->second;
}

void GivenLists::Add(std::string_view user, std::string_view item,
                     double place) {
  std::string key(user);
  const auto found = user_index_.find(key);
  if (found == user_index_.end()) {
    if (users_not_tested_.empty()) first_user_not_tested_ = key;
    users_not_tested_.insert(std::move(key));
    return;
  }
  entries_[found->second].push_back({place, RowOf(item)});
}

std::vector<Row> GivenLists::Finish(size_t user) {
  std::vector<Entry>& entries = entries_[user];
  std::stable_sort(
      entries.begin(), entries.end(),
      [](const Entry& a, const Entry& b) { return a.place < b.place; });
  const auto seen_list =
      bundle_.Seen(bundle_.users().Find(std::string_view(users_[user].key)));
  const std::unordered_set<Row> seen(seen_list.begin(), seen_list.end());
  std::unordered_set<Row> listed;
  std::vector<Row> rows;
  for (const Entry& entry : entries) {
    ++counts_.entries;
    counts_.seen_entries += seen.contains(entry.row);
    counts_.not_passing_entries +=
        passing_ != nullptr &&
        (entry.row >= bundle_.items().size() || !passing_->Has(entry.row));
    if (listed.insert(entry.row).second) {
      rows.push_back(entry.row);
    } else {
      ++counts_.repeats;
    }
  }
  entries = {};
  return rows;
}

absl::Status GivenLists::NoListError() const {
  return absl::FailedPreconditionError(fmt::format(
      "{}: no test user has a list, though {} other users have; their keys "
      "look like {}, the test set's like {}",
      name_, users_not_tested_.size(), first_user_not_tested_,
      users_.empty() ? "" : users_[0].key));
}

absl::StatusOr<Rival> GivenLists::Judge(const Evaluation& ours, uint64_t seed,
                                        uint32_t threads) {
  const size_t n_metrics = kRankMetrics.size();
  const auto catalogue = static_cast<Row>(bundle_.items().size());
  Figures figures(users_.size(), ours.ks.size() * n_metrics);
  Exposure exposure(catalogue, passing_);
  std::vector<bool> listed(catalogue + unknown_items_.size());
  for (size_t user = 0; user < users_.size(); ++user) {
    std::vector<Row> rows = Finish(user);
    counts_.test_users_without_list += rows.empty();
    for (const Row row : rows) listed[row] = true;
    const auto metrics = MetricsAt(users_[user], rows, ours.ks);
    for (size_t k = 0; k < ours.ks.size(); ++k) {
      std::copy(metrics[k].begin(), metrics[k].end(),
                figures.Of(user).subspan(k * n_metrics).begin());
    }
    rows.resize(std::min<size_t>(rows.size(), ours.list_k));
    std::erase_if(rows, [&](Row row) { return row >= catalogue; });
    exposure.Add(rows);
  }
  if (counts_.test_users_without_list == users_.size()) return NoListError();
  counts_.users = users_.size() - counts_.test_users_without_list +
                  users_not_tested_.size();
  counts_.users_not_tested = users_not_tested_.size();
  for (size_t row = 0; row < listed.size(); ++row) {
    counts_.items += listed[row];
    counts_.unknown_items += listed[row] && row >= rows_of_test_;
  }
  Rival rival{.name = name_,
              .at = {},
              .coverage = exposure.Coverage(),
              .ours_minus_theirs = Compare(ours.fused, figures, seed, threads),
              .counts = counts_};
  const auto intervals = BootstrapMeans(figures, seed, threads);
  for (size_t k = 0; k < ours.ks.size(); ++k) {
    std::copy_n(intervals.begin() + static_cast<ptrdiff_t>(k * n_metrics),
                n_metrics, rival.at.emplace_back().begin());
  }
  return rival;
}

}  // namespace tributary
