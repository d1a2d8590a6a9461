#include "index/train/neighbors/neighbor_lists.h"

#include <cmath>
#include <cstdlib>
#include <utility>

#include "fmt/format.h"
#include "index/train/neighbors/co_occurrence.h"
#include "index/train/neighbors/ease.h"

namespace tributary {
namespace {

constexpr int64_t kSecondsPerDay = 86400;
// implicit's defaults.
constexpr double kBm25K1 = 1.2;
constexpr double kBm25B = 0.75;
// How a covisit pair's count falls with its distance: see PairWeights.
constexpr double kCovisitDistanceDecay = 0.5;

// Collects rows one by one, from any thread.
class ListWriter {
 public:
  ListWriter(size_t n_items, uint32_t width) {
    lists_.width = width;
    lists_.rows.assign(n_items * width, kNoRow);
    lists_.scores.assign(n_items * width, 0);
  }

  // Keeps the entries of *row with the largest magnitudes. Changes *row.
  void Write(Row item, std::vector<ScoredRow>* row) {
    std::erase_if(*row,
                  [](const ScoredRow& entry) { return entry.score == 0; });
    KeepBest(
        lists_.width,
        [](const ScoredRow& entry) { return std::abs(entry.score); }, row);
    size_t place = size_t{item} * lists_.width;
    for (const ScoredRow& entry : *row) {
      lists_.rows[place] = entry.row;
      lists_.scores[place++] = entry.score;
    }
  }
  NeighborLists Take() { return std::move(lists_); }

 private:
  NeighborLists lists_;
};

// log(n_items) - log(1 + the user's items), squared: both items of a pair are
// weighted so.
std::vector<float> UserWeights(const NeighborInput& input) {
  const auto n_items =
      static_cast<double>(input.occurrences.offsets.size() - 1);
  std::vector<float> weights;
  for (Row user = 0; user < input.histories.n_users(); ++user) {
    const double idf =
        std::log(n_items) -
        std::log1p(static_cast<double>(input.histories.Of(user).size()));
    weights.push_back(static_cast<float>(idf * idf));
  }
  return weights;
}

double WeightOf(const Histories& histories, Row user, uint32_t position) {
  return histories.weights.empty()
             ? 1
             : histories.weights[histories.offsets[user] + position];
}

// A pair's sum is multiplied by the factors of both its items.
std::vector<float> ItemFactors(const NeighborInput& input,
                               ItemWeighting weighting,
                               const std::vector<float>& user_weights) {
  const size_t n_items = input.occurrences.offsets.size() - 1;
  const std::vector<double> sizes =
      ItemWeights(input.histories, input.occurrences);
  // Weights are 1 on average.
  const double mean_size = static_cast<double>(input.histories.items.size()) /
                           static_cast<double>(n_items);
  std::vector<float> factors(n_items);
  for (Row item = 0; item < n_items; ++item) {
    const auto occurrences = input.occurrences.Of(item);
    if (occurrences.empty()) continue;
    const double size = sizes[item];
    double factor = 0;
    if (weighting == ItemWeighting::kBm25) {
      const double length = 1 - kBm25B + kBm25B * size / mean_size;
      factor = (kBm25K1 + 1) / (kBm25K1 * length + 1);
    } else {
      double square = 0;
      for (const auto& [user, position] : occurrences) {
        const double of_user = user_weights.empty() ? 1 : user_weights[user];
        square += of_user * WeightOf(input.histories, user, position);
      }
      factor = square > 0 ? 1 / std::sqrt(square) : 0;
    }
    factors[item] = static_cast<float>(factor);
  }
  return factors;
}

// Lists of pair weights, times both items' factors.
NeighborLists MakeFromPairs(const NeighborInput& input, PairWeights pairs,
                            const std::vector<float>& factors) {
  ListWriter writer(factors.size(), input.settings.width());
  const CoOccurrence co_occurrence(input.histories, input.occurrences,
                                   std::move(pairs));
  co_occurrence.ForEachRow(
      input.threads, [&](Row item, std::vector<ScoredRow>* row) {
        for (ScoredRow& entry : *row) {
          entry.score *= factors[item] * factors[entry.row];
        }
        writer.Write(item, row);
      });
  return writer.Take();
}

NeighborLists MakeItemItem(const NeighborInput& input,
                           ItemWeighting weighting) {
  PairWeights pairs;
  if (weighting != ItemWeighting::kCosine) pairs.users = UserWeights(input);
  const std::vector<float> factors = ItemFactors(input, weighting, pairs.users);
  return MakeFromPairs(input, std::move(pairs), factors);
}

NeighborLists MakeCovisit(const NeighborInput& input, double backward) {
  PairWeights pairs;
  pairs.distance_decay = kCovisitDistanceDecay;
  pairs.max_distance = input.covisit.window_items();
  pairs.max_gap_s = static_cast<int64_t>(input.covisit.window_days() *
                                         static_cast<double>(kSecondsPerDay));
  pairs.before = static_cast<float>(backward);
  return MakeFromPairs(input, std::move(pairs),
                       ItemFactors(input, ItemWeighting::kCosine, {}));
}

NeighborLists Make(const NeighborInput& input, const NeighborMethod& method) {
  switch (method.kind) {
    case NeighborMethod::Kind::kItemItem:
      return MakeItemItem(input, method.weighting);
    case NeighborMethod::Kind::kEase:
      return MakeEaseLists(
          input, Ease(input.histories, input.occurrences, input.threads),
          method.ridge);
    case NeighborMethod::Kind::kCovisit:
      return MakeCovisit(input, method.backward);
  }
  std::abort();
}

}  // namespace

NeighborInput::NeighborInput(const DataSet& data, const v1::BuildConfig& config)
    : histories(ListHistories(data, kMaxComparedItems)),
      occurrences(ListOccurrences(histories, data.items.size())),
      settings(config.neighbors()),
      covisit(config.covisit()),
      threads(config.threads()) {}

NeighborLists MakeEaseLists(const NeighborInput& input, const Ease& ease,
                            double ridge) {
  std::vector<std::vector<ScoredRow>> rows = ease.Solve(ridge);
  ListWriter writer(rows.size(), input.settings.width());
  for (Row item = 0; item < rows.size(); ++item) {
    writer.Write(item, &rows[item]);
  }
  return writer.Take();
}

NeighborLists MakeNeighborLists(const NeighborInput& input,
                                const NeighborMethod& method) {
  NeighborLists lists = Make(input, method);
  lists.name = NeighborName(method.kind);
  lists.decay = method.decay;
  lists.chosen = {DescribeMethod(method)};
  return lists;
}

std::pair<std::string, std::string> DescribeMethod(
    const NeighborMethod& method) {
  switch (method.kind) {
    case NeighborMethod::Kind::kItemItem:
      return {"weighting",
              std::string(kWeightingNames[static_cast<int>(method.weighting)])};
    case NeighborMethod::Kind::kEase:
      return {"ridge", fmt::to_string(method.ridge)};
    case NeighborMethod::Kind::kCovisit:
      return {"backward", fmt::to_string(method.backward)};
  }
  std::abort();
}

std::string_view NeighborName(NeighborMethod::Kind kind) {
  switch (kind) {
    case NeighborMethod::Kind::kItemItem:
      return "item_item";
    case NeighborMethod::Kind::kEase:
      return "ease";
    case NeighborMethod::Kind::kCovisit:
      return "covisit";
  }
  std::abort();
}

}  // namespace tributary
