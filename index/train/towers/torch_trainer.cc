// The module: trains two towers with LibTorch. See torch_module.h.
#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/spread_evenly.h"
#include "index/train/towers/torch_model.h"
#include "index/train/towers/torch_module.h"
#include "index/train/towers/tower_batches.h"
#include "status/status_macros.h"

// OpenBLAS, which LibTorch uses, has threads of its own.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int threads);
extern "C" __attribute__((weak)) int openblas_get_num_threads();

namespace tributary {
namespace {

using torch::Tensor;
namespace F = torch::nn::functional;

constexpr int64_t kUsersAtOnce = 512;
constexpr int64_t kValidationK = 100;
// As many tell epochs apart.
constexpr size_t kMaxValidationUsers = 10'000;
constexpr size_t kSamples = 200;
constexpr float kMasked = -1e9F;
constexpr double kMinTemperature = 0.01;

// Whether i is one of half of all numbers, and of about half of those that are
// evenly spaced, as the samples that become golden queries are (the leading bit
// of Knuth's multiplicative hash).
bool IsOfHalf(size_t i) {
  return (static_cast<uint32_t>(i) * 2654435769U >> 31) != 0;
}

// Limits LibTorch to one thread while it lives: results must not depend on the
// number of threads, and a second thread saved less than a third of the time
// with config/build_ml100k_lab.yaml.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) {
    at::set_num_threads(1);
    if (openblas_set_num_threads == nullptr) return;
    blas_before_ = openblas_get_num_threads();
    openblas_set_num_threads(1);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  ~OneThread() {
    at::set_num_threads(before_);
    if (openblas_set_num_threads != nullptr) {
      openblas_set_num_threads(blas_before_);
    }
  }

 private:
  int before_;
  int blas_before_ = 1;
};

class TowerTraining {
 public:
  explicit TowerTraining(const TowerTask& task)
      : task_(task),
        settings_(task.settings),
        batches_(task),
        model_(Seeded(task)),
        optimizer_(Parameters(),
                   torch::optim::AdamWOptions(settings_.learning_rate())) {
    auto& groups = optimizer_.param_groups();
    static_cast<torch::optim::AdamWOptions&>(groups[0].options())
        .weight_decay(settings_.weight_decay());
    static_cast<torch::optim::AdamWOptions&>(groups[1].options())
        .weight_decay(0);
    for (Row user = 0; user < task.users; ++user) {
      if (!task.held_out.Of(user).empty()) validated_.push_back(user);
    }
  }

  absl::StatusOr<TrainedTowers> Run() {
    Resume();
    while (losses_.size() < task_.last_epoch && !Exhausted()) {
      RETURN_IF_ERROR(RunEpoch(losses_.size()));
      Save();
      ShowEpoch();
    }
    return Export();
  }

 private:
  void ShowEpoch() const {
    std::string step = fmt::format("{}{}loss {:.3f}", task_.step, kProgressNote,
                                   losses_.back());
    if (!std::isnan(recalls_.back())) {
      step += fmt::format(" recall@100 {:.3f}", recalls_.back());
    }
    task_.progress(step,
                   static_cast<double>(losses_.size()) / task_.last_epoch);
  }

  static const TowerTask& Seeded(const TowerTask& task) {
    torch::manual_seed(task.seed);
    return task;
  }

  // Parameters with and without weight decay.
  std::vector<torch::optim::OptimizerParamGroup> Parameters() {
    std::vector<Tensor> decaying, others;
    for (const auto& parameter : model_.named_parameters()) {
      (parameter.value().dim() > 1 ? decaying : others)
          .push_back(parameter.value());
    }
    return {torch::optim::OptimizerParamGroup(decaying),
            torch::optim::OptimizerParamGroup(others)};
  }

  bool Exhausted() const {
    if (validated_.empty()) return false;
    const auto best = std::max_element(recalls_.begin(), recalls_.end());
    return recalls_.end() - best > settings_.patience();
  }

  // An epoch depends only on the weights before it and on its number, so that
  // training can be resumed from a checkpoint.
  absl::Status RunEpoch(size_t epoch) {
    const uint64_t seed = task_.seed + 0x9E3779B97F4A7C15 * (epoch + 1);
    torch::manual_seed(seed);
    Random random(seed);
    if (settings_.negatives().hard() > 0 && epoch > 0) RankHardPools();
    model_.train();
    batches_.Shuffle(&random);
    double sum = 0;
    for (uint64_t i = 0; i < batches_.count(); ++i) {
      SetLearningRate(epoch * batches_.count() + i);
      const Tensor loss = Loss(batches_.Make(i, &random), &random);
      const double value = loss.item<double>();
      if (!std::isfinite(value)) {
        return absl::InternalError(fmt::format(
            "behavior.towers.learning_rate: {}: training diverged, the loss is "
            "{} in epoch {}; expected a lower one, or a higher "
            "behavior.towers.temperature than {}",
            settings_.learning_rate(), value, epoch + 1,
            settings_.temperature()));
      }
      sum += value;
      optimizer_.zero_grad();
      loss.backward();
      optimizer_.step();
    }
    losses_.push_back(sum / static_cast<double>(batches_.count()));
    recalls_.push_back(Recall());
    return absl::OkStatus();
  }

  void SetLearningRate(uint64_t step) {
    const double steps =
        static_cast<double>(settings_.epochs() * batches_.count());
    const double done = static_cast<double>(step) / steps;
    double share = 1;
    if (settings_.schedule() == "cosine") {
      share = (1 + std::cos(3.14159265358979323846 * done)) / 2;
    }
    const double warmup = settings_.warmup_share() * steps;
    share *=
        std::min(1.0, static_cast<double>(step + 1) / std::max(warmup, 1.0));
    for (auto& group : optimizer_.param_groups()) {
      group.options().set_lr(settings_.learning_rate() * share);
    }
  }

  // Inner products [users, items], of the best interest.
  static Tensor Scores(const Tensor& users, const Tensor& items) {
    return std::get<0>(users.matmul(items.t()).max(1));
  }

  // The mean of a loss by pair, by the pairs' weights.
  static Tensor MeanOf(const TowerBatch& batch, const Tensor& losses) {
    if (batch.weights.empty()) return losses.mean();
    const Tensor weights = torch::tensor(batch.weights);
    return (losses * weights).sum() / weights.sum();
  }

  Tensor Loss(const TowerBatch& batch, Random* random) {
    const auto columns = static_cast<int64_t>(batch.items.size());
    const Tensor masked =
        torch::tensor(batch.masked).view({-1, columns}).to(torch::kBool);
    const Tensor targets = torch::tensor(batch.targets);
    const Tensor scores =
        Scores(model_.Users(batch.users, batch.histories, random),
               model_.Items(batch.items, random)) /
        model_.temperature().clamp_min(kMinTemperature);
    const double weight = settings_.softmax_weight();
    Tensor loss = torch::zeros({});
    if (weight > 0) {
      const Tensor corrected =
          settings_.correct_sampling_bias()
              ? scores - torch::tensor(batch.log_probabilities)
              : scores;
      const Tensor logits = corrected.masked_fill(masked, kMasked);
      loss = loss +
             weight * (batch.weights.empty()
                           ? F::cross_entropy(logits, targets)
                           : MeanOf(batch,
                                    F::cross_entropy(
                                        logits, targets,
                                        F::CrossEntropyFuncOptions().reduction(
                                            torch::kNone))));
    }
    if (weight < 1) {
      const Tensor positive = scores.gather(1, targets.unsqueeze(1));
      const Tensor counts =
          masked.logical_not().scatter(1, targets.unsqueeze(1), false);
      const Tensor negative =
          (F::softplus(scores) * counts).sum(1) / counts.sum(1).clamp_min(1);
      loss = loss +
             (1 - weight) * (MeanOf(batch, F::softplus(-positive).squeeze(1)) +
                             MeanOf(batch, negative));
    }
    return loss;
  }

  // Scores all items for users from their whole histories, with the items they
  // had masked. Calls take(user, items best first) with the best n.
  template <typename Take>
  void RankAll(const std::vector<Row>& users, int64_t n, const Take& take) {
    const torch::NoGradGuard no_grad;
    model_.eval();
    const Tensor items = model_.AllItems();
    n = std::min<int64_t>(n, task_.items);
    for (size_t begin = 0; begin < users.size(); begin += kUsersAtOnce) {
      const size_t end = std::min(users.size(), begin + kUsersAtOnce);
      const std::vector<Row> some(users.begin() + static_cast<int64_t>(begin),
                                  users.begin() + static_cast<int64_t>(end));
      Tensor scores = Scores(UserVectors(some), items).contiguous();
      for (size_t i = 0; i < some.size(); ++i) {
        float* const row =
            scores.data_ptr<float>() + static_cast<int64_t>(i) * task_.items;
        for (const Row item : task_.positives.Of(some[i])) row[item] = kMasked;
      }
      const Tensor best = std::get<1>(scores.topk(n, 1)).contiguous();
      for (size_t i = 0; i < some.size(); ++i) {
        take(some[i],
             std::span(best.data_ptr<int64_t>() + static_cast<int64_t>(i) * n,
                       static_cast<size_t>(n)));
      }
    }
  }

  // User vectors [users, interests, dim], from whole histories.
  Tensor UserVectors(const std::vector<Row>& users) {
    std::vector<std::vector<Row>> histories;
    for (const Row user : users) {
      const auto items = task_.positives.Of(user);
      histories.emplace_back(items.begin(), items.end());
    }
    return model_.Users(ContextRows(users), histories, nullptr);
  }

  static std::vector<int64_t> ContextRows(const std::vector<Row>& users) {
    return {users.begin(), users.end()};
  }

  double Recall() {
    if (validated_.empty()) return std::numeric_limits<double>::quiet_NaN();
    std::vector<Row> users;
    const size_t step =
        (validated_.size() + kMaxValidationUsers - 1) / kMaxValidationUsers;
    for (size_t i = 0; i < validated_.size(); i += step) {
      users.push_back(validated_[i]);
    }
    double sum = 0;
    RankAll(users, kValidationK, [&](Row user, std::span<const int64_t> best) {
      const auto wanted = task_.held_out.Of(user);
      double hits = 0;
      for (const Row item : wanted) {
        hits += std::find(best.begin(), best.end(), item) != best.end();
      }
      sum += hits / static_cast<double>(wanted.size());
    });
    return sum / static_cast<double>(users.size());
  }

  void RankHardPools() {
    std::vector<Row> users(task_.users);
    for (Row user = 0; user < task_.users; ++user) users[user] = user;
    batches_.hard_pools = {};
    RankAll(users, settings_.negatives().hard_pool(),
            [&](Row user, std::span<const int64_t> best) {
              ItemLists& pools = batches_.hard_pools;
              const auto had = task_.positives.Of(user);
              for (const int64_t item : best) {
                const auto row = static_cast<Row>(item);
                if (std::find(had.begin(), had.end(), row) == had.end()) {
                  pools.items.push_back(row);
                }
              }
              pools.offsets.push_back(pools.items.size());
            });
  }

  void Save() {
    if (task_.checkpoint.empty()) return;
    torch::serialize::OutputArchive archive, model, optimizer;
    model_.save(model);
    optimizer_.save(optimizer);
    archive.write("model", model);
    archive.write("optimizer", optimizer);
    archive.write("losses", torch::tensor(losses_, torch::kFloat64));
    archive.write("recalls", torch::tensor(recalls_, torch::kFloat64));
    const std::string partial = task_.checkpoint + ".partial";
    archive.save_to(partial);
    std::filesystem::rename(partial, task_.checkpoint);
  }

  void Resume() {
    if (task_.checkpoint.empty() ||
        !std::filesystem::exists(task_.checkpoint)) {
      return;
    }
    torch::serialize::InputArchive archive, model, optimizer;
    archive.load_from(task_.checkpoint);
    archive.read("model", model);
    archive.read("optimizer", optimizer);
    model_.load(model);
    optimizer_.load(optimizer);
    const auto read = [&](const char* name, std::vector<double>* values) {
      Tensor tensor;
      archive.read(name, tensor);
      values->assign(tensor.data_ptr<double>(),
                     tensor.data_ptr<double>() + tensor.numel());
    };
    read("losses", &losses_);
    read("recalls", &recalls_);
  }

  TrainedTowers Export() {
    const torch::NoGradGuard no_grad;
    model_.eval();
    TrainedTowers towers = model_.Export();
    towers.losses = losses_;
    towers.recalls = recalls_;
    towers.item_vectors = ToMatrix(model_.AllItems());
    std::vector<Tensor> contexts, vectors;
    for (Row begin = 0; begin < task_.users; begin += kUsersAtOnce) {
      std::vector<Row> users;
      for (Row user = begin;
           user < std::min<Row>(task_.users, begin + kUsersAtOnce); ++user) {
        users.push_back(user);
      }
      contexts.push_back(model_.Contexts(ContextRows(users)));
      vectors.push_back(UserVectors(users).flatten(1));
    }
    contexts.push_back(model_.Contexts(std::vector<int64_t>{-1}));
    towers.contexts = ToMatrix(torch::cat(contexts));
    towers.user_vectors = ToMatrix(torch::cat(vectors));
    AddSamples(&towers);
    return towers;
  }

  void AddSamples(TrainedTowers* towers) {
    const bool has_history = settings_.history().encoder() != "none";
    const bool has_features =
        std::any_of(task_.user_columns.begin(), task_.user_columns.end(),
                    [](const TowerColumn& column) { return column.by_name; });
    if (!has_history && !has_features) return;
    std::vector<Row> users;
    for (Row user = 0; user < task_.users; ++user) {
      if (!task_.positives.Of(user).empty()) users.push_back(user);
    }
    for (const uint64_t i : SpreadEvenly(kSamples, users.size())) {
      const auto items = task_.positives.Of(users[i]);
      auto& history = towers->sample_histories.emplace_back();
      if (has_history) history.assign(items.begin(), items.end());
      // Where there are histories, half of the samples are without features.
      const bool with_features =
          has_features &&
          (!has_history || IsOfHalf(towers->sample_users.size()));
      towers->sample_users.push_back(with_features ? users[i] : kNoRow);
    }
    std::vector<int64_t> rows;
    for (const Row user : towers->sample_users) {
      rows.push_back(user == kNoRow ? -1 : int64_t{user});
    }
    towers->sample_vectors =
        ToMatrix(model_
                     .Users(rows, towers->sample_histories, nullptr,
                            /*by_name_only=*/true)
                     .select(1, 0));
  }

  const TowerTask& task_;
  const v1::Towers& settings_;
  TowerBatches batches_;
  TwoTowers model_;
  torch::optim::AdamW optimizer_;
  std::vector<Row> validated_;
  // By epoch.
  std::vector<double> losses_;
  std::vector<double> recalls_;
};

}  // namespace
}  // namespace tributary

extern "C" void TributaryTrainTowers(
    const tributary::TowerTask& task,
    absl::StatusOr<tributary::TrainedTowers>* trained) {
  try {
    const tributary::OneThread one_thread;
    *trained = tributary::TowerTraining(task).Run();
  } catch (const c10::Error& error) {
    *trained = absl::InternalError(
        fmt::format("LibTorch: {}", error.what_without_backtrace()));
  } catch (const std::exception& error) {
    *trained = absl::InternalError(fmt::format("LibTorch: {}", error.what()));
  }
}
