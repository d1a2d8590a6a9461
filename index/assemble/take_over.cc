#include "index/assemble/take_over.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "google/protobuf/util/message_differencer.h"

namespace tributary {
namespace {

using google::protobuf::util::MessageDifferencer;
using NeighborKind = NeighborMethod::Kind;

// An index's settings depend on the number of vectors only slowly. Within this
// factor of it they are tried; beyond it they are chosen again.
constexpr double kMaxGrowth = 2;

// Whether the earlier bundle's data had times: those have a trending list.
bool HadTimes(const v1::Manifest& earlier) {
  return std::ranges::any_of(earlier.popularity(), [](const auto& list) {
    return list.name() == kTrendingList;
  });
}

v1::HistoryTower WithoutChoices(v1::HistoryTower history) {
  history.clear_epochs();
  history.clear_dropout();
  history.clear_weight_decay();
  history.clear_decay();
  history.clear_cut_share();
  history.clear_dropped_targets();
  return history;
}

v1::Als WithoutChoices(v1::Als als) {
  als.clear_alpha();
  als.clear_regularization();
  return als;
}

v1::Towers WithoutChoices(v1::Towers towers) {
  towers.clear_stop_after();
  towers.clear_checkpoint_dir();
  return towers;
}

// The epoch of the highest recall in a tower's training log, from 1; nullopt
// where no recall was measured.
std::optional<uint32_t> BestEpoch(
    const google::protobuf::RepeatedPtrField<v1::TrainingPoint>& log) {
  std::optional<uint32_t> best;
  double most = -1;
  for (const v1::TrainingPoint& point : log) {
    if (!point.has_recall() || point.recall() <= most) continue;
    most = point.recall();
    best = point.step();
  }
  return best;
}

class Taker {
 public:
  Taker(const v1::Manifest& earlier, const DataSet& data, const Report& report,
        v1::BuildConfig* config)
      : earlier_(earlier),
        data_(data),
        report_(report),
        config_(*config),
        same_times_(HadTimes(earlier) == data.has_times) {}

  void TakeBehavior() {
    if (config_.behavior().model() == "towers") {
      TakeTowers();
    } else {
      TakeHistory();
    }
  }

  void TakeAls() {
    v1::Als& als = *config_.mutable_als();
    if (als.has_alpha() && als.has_regularization()) return;
    const v1::Als& chosen = earlier_.builder().chosen().als();
    if (!chosen.has_alpha() || !chosen.has_regularization()) {
      return NotTaken("als", NotRecorded());
    }
    if (!MessageDifferencer::Equals(WithoutChoices(als),
                                    WithoutChoices(chosen))) {
      return NotTaken("als", ConfiguredOtherwise());
    }
    if (!als.has_alpha()) als.set_alpha(chosen.alpha());
    if (!als.has_regularization()) {
      als.set_regularization(chosen.regularization());
    }
    Taken("als", fmt::format("alpha={} regularization={}", als.alpha(),
                             als.regularization()));
  }

  void TakeHalfLife() {
    v1::Popularity& popularity = *config_.mutable_popularity();
    if (!data_.has_times || popularity.half_life_days() > 0) return;
    const double chosen =
        earlier_.builder().chosen().popularity().half_life_days();
    if (!HadTimes(earlier_)) return NotTaken("trending", OtherTimes());
    if (chosen == 0) return NotTaken("trending", NotRecorded());
    popularity.set_half_life_days(chosen);
    Taken("trending", fmt::format("half_life_days={}", chosen));
  }

  std::vector<NeighborMethod> TakeNeighbors() {
    std::vector<NeighborMethod> methods;
    for (const NeighborKind kind :
         {NeighborKind::kItemItem, NeighborKind::kEase,
          NeighborKind::kCovisit}) {
      const std::string name(NeighborName(kind));
      if (std::ranges::count(config_.neighbors().tables(), name) == 0) continue;
      if (kind == NeighborKind::kCovisit && !data_.has_times) continue;
      NeighborMethod method{.kind = kind};
      const std::string refused = TakeNeighbor(name, &method);
      if (!refused.empty()) {
        NotTaken(name, refused);
        continue;
      }
      Taken(name, fmt::format("{} decay={}", Describe(method), method.decay));
      methods.push_back(method);
    }
    return methods;
  }

 private:
  void Taken(std::string_view part, std::string_view what) const {
    report_(
        fmt::format("like version {}: {}: {}", earlier_.version(), part, what));
  }
  void NotTaken(std::string_view part, std::string_view why) const {
    report_(fmt::format("not like version {}: {}: chosen again, {}",
                        earlier_.version(), part, why));
  }
  static std::string NotRecorded() {
    return "the earlier bundle does not record its choice";
  }
  static std::string ConfiguredOtherwise() {
    return "the earlier bundle was configured otherwise";
  }
  std::string OtherTimes() const {
    return data_.has_times ? "the earlier data had no times"
                           : "the data have no times any more";
  }

  static std::string Describe(const NeighborMethod& method) {
    const auto [name, value] = DescribeMethod(method);
    return fmt::format("{}={}", name, value);
  }

  void TakeHistory() {
    v1::HistoryTower& history = *config_.mutable_behavior()->mutable_history();
    const v1::HistoryTower& chosen =
        earlier_.builder().chosen().behavior().history();
    const auto is_complete = [](const v1::HistoryTower& tower) {
      return tower.has_epochs() && tower.has_dropout() &&
             tower.has_weight_decay() && tower.has_decay() &&
             tower.has_cut_share() && tower.has_dropped_targets();
    };
    if (is_complete(history)) return;
    if (!is_complete(chosen)) return NotTaken("behavior", NotRecorded());
    if (!MessageDifferencer::Equals(WithoutChoices(history),
                                    WithoutChoices(chosen))) {
      return NotTaken("behavior", ConfiguredOtherwise());
    }
    if (!same_times_) return NotTaken("behavior", OtherTimes());
    const v1::HistoryTower configured = history;
    history = chosen;
    history.MergeFrom(configured);
    Taken("behavior",
          fmt::format("epochs={} dropout={} weight_decay={} decay={} "
                      "cut_share={} dropped_targets={}",
                      history.epochs(), history.dropout(),
                      history.weight_decay(), history.decay(),
                      history.cut_share(), history.dropped_targets()));
  }

  void TakeTowers() {
    v1::Towers& towers = *config_.mutable_behavior()->mutable_towers();
    if (towers.has_stop_after() || towers.patience() == 0) return;
    const v1::Behavior& chosen = earlier_.builder().chosen().behavior();
    if (!chosen.towers().has_stop_after()) {
      return NotTaken("behavior", NotRecorded());
    }
    if (!MessageDifferencer::Equals(WithoutChoices(towers),
                                    WithoutChoices(chosen.towers()))) {
      return NotTaken("behavior", ConfiguredOtherwise());
    }
    if (!same_times_) return NotTaken("behavior", OtherTimes());
    towers.set_stop_after(chosen.towers().stop_after());
    Taken("behavior", fmt::format("stop_after={}", towers.stop_after()));
  }

  // Fills *method, or says why it cannot.
  std::string TakeNeighbor(const std::string& name,
                           NeighborMethod* method) const {
    const auto table = std::ranges::find_if(
        earlier_.neighbors(),
        [&](const auto& entry) { return entry.name() == name; });
    const auto retriever = std::ranges::find_if(
        earlier_.retrievers(),
        [&](const auto& entry) { return entry.table() == name; });
    if (table == earlier_.neighbors().end() ||
        retriever == earlier_.retrievers().end()) {
      return "the earlier bundle has no such table";
    }
    if (!same_times_) return OtherTimes();
    const bool other_covisit =
        method->kind == NeighborKind::kCovisit &&
        earlier_.builder().chosen().has_covisit() &&
        !MessageDifferencer::Equals(config_.covisit(),
                                    earlier_.builder().chosen().covisit());
    if (table->width() != config_.neighbors().width() || other_covisit) {
      return ConfiguredOtherwise();
    }
    if (!ParseMethod(table->chosen(), method)) return NotRecorded();
    const v1::Neighbors& configured = config_.neighbors();
    const bool other_setting =
        (method->kind == NeighborKind::kItemItem &&
         configured.weighting() != "auto" &&
         configured.weighting() !=
             kWeightingNames[static_cast<int>(method->weighting)]) ||
        (method->kind == NeighborKind::kEase && configured.ridge() > 0 &&
         configured.ridge() != method->ridge);
    if (other_setting) return ConfiguredOtherwise();
    method->decay = retriever->decay();
    return "";
  }

  // Reads what DescribeMethod wrote.
  static bool ParseMethod(
      const google::protobuf::Map<std::string, std::string>& chosen,
      NeighborMethod* method) {
    const auto entry = chosen.find(std::string(DescribeMethod(*method).first));
    if (entry == chosen.end()) return false;
    switch (method->kind) {
      case NeighborKind::kItemItem: {
        const auto* const name =
            std::ranges::find(kWeightingNames, std::string_view(entry->second));
        if (name == std::end(kWeightingNames)) return false;
        method->weighting =
            static_cast<ItemWeighting>(name - std::begin(kWeightingNames));
        return true;
      }
      case NeighborKind::kEase:
        return absl::SimpleAtod(entry->second, &method->ridge) &&
               method->ridge > 0;
      case NeighborKind::kCovisit:
        return absl::SimpleAtod(entry->second, &method->backward);
    }
    return false;
  }

  const v1::Manifest& earlier_;
  const DataSet& data_;
  const Report& report_;
  v1::BuildConfig& config_;
  const bool same_times_;
};

}  // namespace

void TakeOverChoices(const v1::Manifest& earlier, const DataSet& data,
                     const Report& report, v1::BuildConfig* config,
                     std::vector<NeighborMethod>* neighbors) {
  Taker taker(earlier, data, report, config);
  // Vectors that come with the data leave nothing to choose but the half-life.
  if (data.trains) {
    taker.TakeBehavior();
    taker.TakeAls();
    *neighbors = taker.TakeNeighbors();
  }
  taker.TakeHalfLife();
}

v1::BuildConfig RecordChoices(const v1::BuildConfig& config,
                              const BundleParts& parts) {
  v1::BuildConfig chosen;
  chosen.mutable_behavior()->set_model(config.behavior().model());
  if (config.behavior().model() == "towers") {
    v1::Towers& towers = *chosen.mutable_behavior()->mutable_towers();
    towers = config.behavior().towers();
    towers.clear_checkpoint_dir();
    const auto behavior = std::ranges::find_if(
        parts.spaces,
        [](const auto& space) { return space.name == "behavior"; });
    if (!towers.has_stop_after() && behavior != parts.spaces.end()) {
      const auto best =
          BestEpoch({behavior->training.begin(), behavior->training.end()});
      if (best.has_value()) towers.set_stop_after(*best);
    }
  } else {
    *chosen.mutable_behavior()->mutable_history() = config.behavior().history();
  }
  *chosen.mutable_als() = config.als();
  *chosen.mutable_neighbors() = config.neighbors();
  *chosen.mutable_covisit() = config.covisit();
  *chosen.mutable_popularity() = config.popularity();
  chosen.mutable_popularity()->set_half_life_days(
      parts.popularity.half_life_days);
  return chosen;
}

Judgement TakeOverJudgement(const v1::Manifest& earlier,
                            const std::vector<std::string>& retrievers,
                            const Report& report) {
  const auto not_taken = [&](std::string_view why) {
    report(
        fmt::format("not like version {}: fusion: {}", earlier.version(), why));
    return Judgement{};
  };
  if (earlier.fusion().segments().empty()) {
    return not_taken("the earlier bundle has no fusion model");
  }
  std::vector<std::string> before;
  for (const v1::RetrieverSpec& spec : earlier.retrievers()) {
    before.push_back(spec.name());
  }
  std::vector<std::string> now = retrievers;
  std::ranges::sort(before);
  std::ranges::sort(now);
  if (now != before) {
    std::vector<std::string> gone;
    std::vector<std::string> added;
    std::ranges::set_difference(before, now, std::back_inserter(gone));
    std::ranges::set_difference(now, before, std::back_inserter(added));
    return not_taken(fmt::format(
        "the sources differ (gone: {}; new: {})",
        gone.empty() ? "none" : fmt::format("{}", fmt::join(gone, ", ")),
        added.empty() ? "none" : fmt::format("{}", fmt::join(added, ", "))));
  }
  Judgement judgement{earlier.measured_recall(), earlier.fusion()};
  if (judgement.recall.measured_on_version() == 0) {
    judgement.recall.set_measured_on_version(earlier.version());
  }
  report(fmt::format(
      "like version {}: fusion: model, quotas and measured recall, which come "
      "from version {}; this bundle is not measured",
      earlier.version(), judgement.recall.measured_on_version()));
  return judgement;
}

const v1::IndexSpec* EarlierIndex(const v1::Manifest& earlier,
                                  std::string_view space, uint32_t dim,
                                  uint64_t vectors,
                                  const v1::IndexChoice& choice) {
  for (const v1::EmbeddingSpace& candidate : earlier.spaces()) {
    if (candidate.name() != space || candidate.dim() != dim) continue;
    const v1::IndexSpec& index = candidate.index();
    const auto before = static_cast<double>(candidate.item_vectors());
    const auto now = static_cast<double>(vectors);
    if (now > before * kMaxGrowth || before > now * kMaxGrowth) return nullptr;
    if (choice.kind() != "auto" && choice.kind() != index.kind()) {
      return nullptr;
    }
    if (choice.lists() != 0 && choice.lists() != index.lists()) return nullptr;
    if (!choice.factory().empty() && choice.factory() != index.factory()) {
      return nullptr;
    }
    return &index;
  }
  return nullptr;
}

}  // namespace tributary
