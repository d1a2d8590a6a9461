#include "index/train/neighbors/choose_neighbors.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "index/data/hold_out.h"
#include "index/train/neighbors/ease.h"
#include "index/train/neighbors/neighbor_recall.h"

namespace tributary {
namespace {

constexpr double kSliceShare = 0.2;
constexpr size_t kMaxTestUsers = 2000;
constexpr double kDecays[] = {0, 0.2, 0.4, 0.6, 0.8, 1, 1.2};
// Ridges are compared with systems of this many equations instead of
// kEaseCandidates: the best ridge is the same, and solving takes a tenth of the
// time.
constexpr size_t kTestedEaseCandidates = 64;
constexpr double kRidges[] = {1, 3, 10, 30, 100, 300, 1000, 3000};
constexpr size_t kFirstRidge = 4;
// In order of preference: ties go to the first.
constexpr ItemWeighting kWeightings[] = {
    ItemWeighting::kTfidf, ItemWeighting::kCosine, ItemWeighting::kBm25};
constexpr double kBackwards[] = {0.5, 0, 1};

using Kind = NeighborMethod::Kind;

// A method with its best decay, and the recall of both.
struct Measured {
  NeighborMethod method;
  double recall = -1;
};

// Measures methods on a fifth of the interactions, which is held out again: a
// method's lists are made from the others, and recall is that of the retriever
// which reads the lists. A retriever's decay costs no new lists, so that all
// decays are measured for every method. Weightings and backward counts are few
// and all tried. Ridges are climbed: from 100 to its neighbours on a
// logarithmic scale for as long as recall rises.
class Chooser {
 public:
  Chooser(const DataSet& data, const v1::BuildConfig& config)
      : Chooser(data, config, {}) {}

  NeighborMethod Choose(Kind kind) const {
    if (test_.users.empty()) return Configured(kind);
    switch (kind) {
      case Kind::kItemItem:
        return ChooseItemItem();
      case Kind::kEase:
        return ChooseEase();
      case Kind::kCovisit:
        return ChooseCovisit();
    }
    std::abort();
  }

 private:
  Chooser(const DataSet& data, const v1::BuildConfig& config,
          std::vector<Interaction> held_out)
      : input_(HoldOut(data, kSliceShare, "neighbors", &held_out), config),
        test_(MakeNeighborTest(held_out, kMaxTestUsers)),
        decays_(kDecays, data.has_times ? std::end(kDecays) : kDecays + 1) {}

  bool IsConfigured(ItemWeighting weighting) const {
    return input_.settings.weighting() ==
           kWeightingNames[static_cast<int>(weighting)];
  }

  // The configured settings, and fixed values for the others.
  NeighborMethod Configured(Kind kind) const {
    NeighborMethod method{.kind = kind};
    for (const ItemWeighting weighting : kWeightings) {
      if (IsConfigured(weighting)) method.weighting = weighting;
    }
    if (input_.settings.ridge() > 0) method.ridge = input_.settings.ridge();
    return method;
  }

  Measured Measure(NeighborMethod method, const NeighborLists& lists) const {
    const std::vector<double> recalls = MeasureNeighborRecall(
        test_, input_.histories, lists, decays_, input_.threads);
    const auto best = std::max_element(recalls.begin(), recalls.end());
    method.decay = decays_[static_cast<size_t>(best - recalls.begin())];
    return {method, *best};
  }

  void Try(const NeighborMethod& method, Measured* best) const {
    const Measured measured =
        Measure(method, MakeNeighborLists(input_, method));
    if (measured.recall > best->recall) *best = measured;
  }

  NeighborMethod ChooseItemItem() const {
    Measured best;
    for (const ItemWeighting weighting : kWeightings) {
      if (input_.settings.weighting() != "auto" && !IsConfigured(weighting)) {
        continue;
      }
      Try({.kind = Kind::kItemItem, .weighting = weighting}, &best);
    }
    return best.method;
  }

  NeighborMethod ChooseCovisit() const {
    Measured best;
    for (const double backward : kBackwards) {
      Try({.kind = Kind::kCovisit, .backward = backward}, &best);
    }
    return best.method;
  }

  NeighborMethod ChooseEase() const {
    const Ease ease(input_.histories, input_.occurrences, input_.threads,
                    kTestedEaseCandidates);
    const auto measure = [&](double ridge) {
      const NeighborMethod method{.kind = Kind::kEase, .ridge = ridge};
      return Measure(method, MakeEaseLists(input_, ease, ridge));
    };
    if (input_.settings.ridge() > 0) {
      return measure(input_.settings.ridge()).method;
    }
    // Uphill from the middle: recall has one peak, roughly.
    Measured best = measure(kRidges[kFirstRidge]);
    for (const bool up : {true, false}) {
      const double first = best.method.ridge;
      for (size_t i = kFirstRidge; up ? i + 1 < std::size(kRidges) : i > 0;) {
        up ? ++i : --i;
        const Measured next = measure(kRidges[i]);
        if (next.recall <= best.recall) break;
        best = next;
      }
      if (best.method.ridge != first) break;
    }
    return best.method;
  }

  const NeighborInput input_;
  const NeighborTest test_;
  const std::vector<double> decays_;
};

}  // namespace

std::vector<Kind> NeighborKinds(const DataSet& data,
                                const v1::BuildConfig& config) {
  std::vector<Kind> kinds;
  for (const Kind kind : {Kind::kItemItem, Kind::kEase, Kind::kCovisit}) {
    if (std::ranges::count(config.neighbors().tables(), NeighborName(kind)) ==
        0) {
      continue;
    }
    if (kind == Kind::kCovisit && !data.has_times) continue;
    kinds.push_back(kind);
  }
  return kinds;
}

std::vector<NeighborMethod> ChooseNeighborMethods(
    const DataSet& data, const v1::BuildConfig& config,
    std::vector<NeighborMethod> settled, const Progress& progress) {
  std::vector<NeighborMethod> methods;
  const std::vector<Kind> kinds = NeighborKinds(data, config);
  std::optional<Chooser> chooser;
  for (const Kind kind : kinds) {
    progress("choose neighbors", static_cast<double>(methods.size()) /
                                     static_cast<double>(kinds.size()));
    const auto known = std::ranges::find(settled, kind, &NeighborMethod::kind);
    if (known != settled.end()) {
      methods.push_back(*known);
      continue;
    }
    if (!chooser.has_value()) chooser.emplace(data, config);
    methods.push_back(chooser->Choose(kind));
  }
  progress("choose neighbors", 1);
  return methods;
}

}  // namespace tributary
