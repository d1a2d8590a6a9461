#include "index/train/towers/towers_trainer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/sha256.h"
#include "index/data/feedback.h"
#include "index/data/histories.h"
#include "index/data/hold_out.h"
#include "index/train/content/content_trainer.h"
#include "index/train/towers/torch_module.h"
#include "index/train/towers/tower_features.h"
#include "index/train/towers/tower_task.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr char kSpace[] = "behavior";
constexpr size_t kCheckpointDigits = 16;
// A tower has at most so many (see v1::Tower.features).
constexpr size_t kMaxTowerInputs = 1024;

// For each user the items of the interactions that `wanted` accepts, each once,
// at its last occurrence. Sets *weights, unless null, to what the interactions
// of each add up to, as NormaliseWeights leaves it.
template <typename Wanted>
ItemLists ListItems(const std::vector<Interaction>& all, size_t users,
                    const Wanted& wanted,
                    std::vector<float>* weights = nullptr) {
  ItemLists lists;
  std::vector<float> sums;
  size_t begin = 0;
  // The positions of the user's items, from the newest.
  std::unordered_map<Row, size_t> had;
  for (Row user = 0; user < users; ++user) {
    const size_t first = lists.items.size();
    size_t end = begin;
    while (end < all.size() && all[end].user == user) ++end;
    had.clear();
    for (size_t i = end; i > begin; --i) {
      if (!wanted(all[i - 1])) continue;
      const auto [place, is_new] = had.emplace(all[i - 1].item, had.size());
      if (is_new) {
        lists.items.push_back(all[i - 1].item);
        sums.push_back(0);
      }
      sums[first + place->second] += all[i - 1].weight;
    }
    const auto offset = static_cast<int64_t>(first);
    std::reverse(lists.items.begin() + offset, lists.items.end());
    std::reverse(sums.begin() + offset, sums.end());
    lists.offsets.push_back(lists.items.size());
    begin = end;
  }
  if (weights != nullptr) {
    NormaliseWeights(&sums);
    *weights = std::move(sums);
  }
  return lists;
}

// Impressions without a click, and rejections. Those of items that the user had
// anyway are excluded.
ItemLists ListShown(const DataSet& data, const ItemLists& positives) {
  return ListItems(
      data.interactions, data.users.size(), [&](const Interaction& one) {
        if (!IsRejected(data, one)) return false;
        const auto had = positives.Of(one.user);
        return std::find(had.begin(), had.end(), one.item) == had.end();
      });
}

bool IsPositive(const Interaction& interaction) {
  return interaction.weight > 0;
}

// The vectors of the users' text columns, if there are any.
absl::StatusOr<TrainedSpace> TrainUserText(const DataSet& data,
                                           const v1::BuildConfig& config) {
  DataSet texts;
  texts.items = data.users;
  for (const FeatureColumn& column : data.user_features) {
    if (column.kind == FeatureColumn::Kind::kText) {
      texts.item_features.push_back(column);
    }
  }
  v1::Content settings = config.content();
  settings.clear_column_weights();
  auto space = ContentTrainer(settings, config.seed(), config.threads(),
                              [](std::string_view, double) {})
                   .Train(texts);
  if (absl::IsFailedPrecondition(space.status())) return TrainedSpace{};
  return space;
}

struct Inputs {
  TowerInputs user;
  TowerInputs item;
};

// Inputs are made from all features; holding out interactions changes nothing.
absl::StatusOr<Inputs> MakeInputs(const DataSet& data,
                                  const ItemLists& positives,
                                  const v1::BuildConfig& config,
                                  const TrainedSpace* content) {
  const v1::Towers& towers = config.behavior().towers();
  std::vector<bool> trained_users, trained_items(data.items.size());
  for (Row user = 0; user < data.users.size(); ++user) {
    trained_users.push_back(!positives.Of(user).empty());
  }
  for (const Row item : positives.items) trained_items[item] = true;
  Inputs inputs;
  TrainedSpace user_text;
  if (towers.user().text()) {
    ASSIGN_OR_RETURN(user_text, TrainUserText(data, config));
  }
  ASSIGN_OR_RETURN(
      inputs.user,
      MakeTowerInputs(towers.user(),
                      {"behavior.towers.user", data.users.size(),
                       data.user_features, trained_users, &user_text}));
  const bool has_text = std::any_of(
      data.item_features.begin(), data.item_features.end(),
      [](const auto& c) { return c.kind == FeatureColumn::Kind::kText; });
  ASSIGN_OR_RETURN(
      inputs.item,
      MakeTowerInputs(towers.item(),
                      {"behavior.towers.item", data.items.size(),
                       data.item_features, trained_items,
                       towers.item().text() && has_text ? content : nullptr}));
  if (inputs.item.columns.empty()) {
    return absl::InvalidArgumentError(
        "behavior.towers.item: no inputs: id_dim is 0, and no column tells "
        "items apart; expected one of them");
  }
  if (inputs.user.columns.empty() && towers.history().encoder() == "none") {
    return absl::InvalidArgumentError(
        "behavior.towers.user: no inputs: id_dim is 0, history.encoder is "
        "none, and no column tells users apart; expected one of them");
  }
  return inputs;
}

template <typename T>
void AddHash(const std::vector<T>& values, std::string* text) {
  *text += Sha256Hex(std::as_bytes(std::span(values)));
}

// Names the checkpoint file by a hash of all that determines the training.
absl::StatusOr<std::string> CheckpointFile(const TowerTask& task) {
  const std::filesystem::path dir = task.settings.checkpoint_dir();
  if (dir.empty()) return std::string();
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) {
    return absl::InvalidArgumentError(
        fmt::format("behavior.towers.checkpoint_dir: {}: {}", dir.string(),
                    error.message()));
  }
  v1::Towers settings = task.settings;
  settings.clear_checkpoint_dir();
  std::string text =
      fmt::format("{} {} ", settings.ShortDebugString(), task.seed);
  for (const ItemLists* lists :
       {&task.positives, &task.shown, &task.held_out}) {
    AddHash(lists->offsets, &text);
    AddHash(lists->items, &text);
  }
  if (!task.weights.empty()) AddHash(task.weights, &text);
  for (const auto* columns : {&task.user_columns, &task.item_columns}) {
    for (const TowerColumn& column : *columns) {
      AddHash(column.offsets, &text);
      AddHash(column.bags, &text);
      AddHash(column.values, &text);
    }
  }
  const std::string name = Sha256Hex(std::as_bytes(std::span(text)));
  return (dir / (name.substr(0, kCheckpointDigits) + ".ckpt")).string();
}

std::vector<v1::TrainingPoint> TrainingLog(const TrainedTowers& trained) {
  std::vector<v1::TrainingPoint> log;
  for (size_t i = 0; i < trained.losses.size(); ++i) {
    v1::TrainingPoint& point = log.emplace_back();
    point.set_step(static_cast<uint32_t>(i + 1));
    point.set_loss(trained.losses[i]);
    if (!std::isnan(trained.recalls[i])) point.set_recall(trained.recalls[i]);
  }
  return log;
}

// Finds the best number of epochs on held-out interactions, and sets *log to
// the run that found it. Leaves *log alone when nothing can be held out.
absl::StatusOr<uint32_t> ChooseEpochs(const DataSet& data, TowerTask task,
                                      std::vector<v1::TrainingPoint>* log) {
  const v1::Towers& settings = task.settings;
  if (settings.has_stop_after()) return settings.stop_after();
  if (settings.patience() == 0) return settings.epochs();
  std::vector<Interaction> held_out;
  const DataSet kept =
      HoldOut(data, settings.validation_share(), "towers", &held_out);
  if (held_out.empty()) return settings.epochs();
  const size_t users = data.users.size();
  task.positives =
      ListItems(kept.interactions, users, IsPositive, &task.weights);
  task.held_out = ListItems(held_out, users, IsPositive);
  ASSIGN_OR_RETURN(task.checkpoint, CheckpointFile(task));
  task.step = "behavior epochs";
  ASSIGN_OR_RETURN(const TrainedTowers trained, TrainWithTorch(task));
  *log = TrainingLog(trained);
  const auto best =
      std::max_element(trained.recalls.begin(), trained.recalls.end());
  return static_cast<uint32_t>(best - trained.recalls.begin() + 1);
}

TrainedVectors AllRows(const WeightMatrix& matrix) {
  TrainedVectors vectors{std::vector<Row>(matrix.rows), matrix.values};
  std::iota(vectors.rows.begin(), vectors.rows.end(), 0);
  return vectors;
}

// Adds the layers, with ReLUs between them, and the files they name.
void ExportLayers(const std::vector<TrainedLinear>& layers, bool normalize,
                  const std::string& stem, v1::Tower* tower,
                  TrainedSpace* space) {
  for (size_t i = 0; i < layers.size(); ++i) {
    if (i > 0) tower->add_layers()->set_kind(v1::Layer::RELU);
    v1::Layer& layer = *tower->add_layers();
    layer.set_kind(v1::Layer::LINEAR);
    const std::string weights = fmt::format("{}.{}.weights", stem, i);
    const std::string bias = fmt::format("{}.{}.bias", stem, i);
    layer.set_weights(weights + ".npy");
    layer.set_bias(bias + ".npy");
    space->tower_arrays.push_back(
        {weights, layers[i].weights.values, layers[i].weights.columns});
    space->tower_arrays.push_back({bias, layers[i].bias, 0});
  }
  if (normalize) tower->add_layers()->set_kind(v1::Layer::L2_NORMALIZE);
}

void ExportHistory(const v1::TowerHistory& settings, TrainedTowers* trained,
                   v1::Tower* tower, TrainedSpace* space) {
  using v1::HistoryInput;
  HistoryInput& history = *tower->mutable_history();
  history.set_dim(settings.dim());
  history.set_item_vectors(trained->history_table.rows);
  history.set_max_items(settings.max_items());
  history.set_short_term_items(settings.short_term_items());
  history.set_pooling(
      settings.encoder() == "attention"     ? HistoryInput::ATTENTION
      : settings.encoder() == "gru"         ? HistoryInput::GRU
      : settings.encoder() == "transformer" ? HistoryInput::TRANSFORMER
                                            : HistoryInput::DECAYED_MEAN);
  if (history.pooling() == HistoryInput::TRANSFORMER) {
    history.set_blocks(settings.blocks());
    history.set_heads(settings.heads());
  }
  space->user_tower->history = AllRows(trained->history_table);
  if (!trained->history_weights.empty()) {
    const std::string name = fmt::format("{}.history.weights", kSpace);
    history.set_weights(name + ".npy");
    space->tower_arrays.push_back(
        {name, std::move(trained->history_weights), 0});
  }
}

// Users whose context equals that of unknown users need no context.
void ExportContexts(const WeightMatrix& contexts, v1::Tower* tower,
                    TrainedSpace* space) {
  if (contexts.columns == 0) return;
  TrainedVectors& stored = space->user_tower->contexts;
  const auto columns = static_cast<int64_t>(contexts.columns);
  const auto unknown = contexts.values.end() - columns;
  tower->set_context_dim(static_cast<uint32_t>(columns));
  tower->mutable_default_context()->Add(unknown, contexts.values.end());
  for (Row user = 0; user + 1 < contexts.rows; ++user) {
    const auto context = contexts.values.begin() + user * columns;
    if (std::equal(context, context + columns, unknown)) continue;
    stored.rows.push_back(user);
    stored.values.insert(stored.values.end(), context, context + columns);
  }
  tower->set_context_vectors(stored.rows.size());
}

// Adds the inputs, and the tables and names of those that are of categories.
void ExportInputs(const TowerInputs& inputs,
                  const std::vector<WeightMatrix>& tables,
                  const std::string& tower_name, v1::Tower* tower,
                  TrainedSpace* space) {
  size_t next_table = 0;
  for (size_t i = 0; i < inputs.specs.size(); ++i) {
    const v1::FeatureInput& spec = inputs.specs[i];
    *tower->add_features() = spec;
    if (spec.kind() != v1::FeatureInput::CATEGORIES) continue;
    const std::string stem = fmt::format("{}.{}.{}", kSpace, tower_name, i);
    const WeightMatrix& table = tables[next_table++];
    // For ids, the vector that stands for ids that training did not know.
    std::vector<float> rows(
        table.values.begin(),
        table.values.begin() +
            static_cast<int64_t>((1 + spec.categories()) * table.columns));
    space->tower_arrays.push_back({stem, std::move(rows), table.columns});
    if (spec.categories() > 0) {
      space->tower_keys.emplace_back(stem, inputs.categories[i]);
    }
  }
}

// What the context is made of, if requests can bring any of it. Vectors of text
// they cannot: these become an input without a column, as ids are one, whose
// only row is that of users without a text.
void ExportUserFeatures(const TowerInputs& inputs, TrainedTowers* trained,
                        v1::Tower* tower, TrainedSpace* space) {
  const bool by_name =
      std::any_of(inputs.columns.begin(), inputs.columns.end(),
                  [](const TowerColumn& column) { return column.by_name; });
  if (!by_name || inputs.specs.size() > kMaxTowerInputs) return;
  TowerInputs exported{
      .columns = {}, .specs = inputs.specs, .categories = inputs.categories};
  std::vector<WeightMatrix> tables;
  size_t next_table = 0;
  for (v1::FeatureInput& spec : exported.specs) {
    if (spec.kind() == v1::FeatureInput::CATEGORIES) {
      tables.push_back(std::move(trained->user_tables[next_table++]));
    } else if (spec.kind() == v1::FeatureInput::SPACE_VECTOR) {
      spec.set_kind(v1::FeatureInput::CATEGORIES);
      spec.clear_column();
      tables.push_back({1, spec.dim(), std::vector<float>(spec.dim())});
    }
  }
  ExportInputs(exported, tables, "user_tower", tower, space);
}

// The values of the tower's features of a user, and whether there is any.
bool ReadFeatures(const DataSet& data, const v1::Tower& tower, Row user,
                  std::vector<v1::GoldenFeature>* values) {
  bool any = false;
  for (const v1::FeatureInput& input : tower.features()) {
    v1::GoldenFeature& value = values->emplace_back();
    const auto column = std::find_if(
        data.user_features.begin(), data.user_features.end(),
        [&](const FeatureColumn& one) { return one.name == input.column(); });
    if (input.column().empty() || column == data.user_features.end()) continue;
    if (input.kind() == v1::FeatureInput::NUMBER) {
      if (!std::isfinite(column->numbers[user])) continue;
      value.set_number(column->numbers[user]);
    } else {
      ForEachCategory(column->text[user], [&](std::string_view name) {
        value.add_categories(std::string(name));
      });
    }
    any |= value.has_number() || !value.categories().empty();
  }
  return any;
}

// Queries of users that the tower does not know, but for a history and
// features.
void ExportSamples(const DataSet& data, TrainedTowers* trained,
                   TrainedSpace* space) {
  const v1::Tower& tower = space->user_tower->spec;
  for (size_t i = 0; i < trained->sample_histories.size(); ++i) {
    SampleQuery query{std::move(trained->sample_histories[i]), {}};
    const Row user = trained->sample_users[i];
    const bool known =
        user != kNoRow && ReadFeatures(data, tower, user, &query.features);
    if (query.history.empty() && !known) continue;
    const auto vector = trained->sample_vectors.values.begin() +
                        static_cast<int64_t>(i * space->dim);
    query.vector.assign(vector, vector + space->dim);
    space->queries.push_back(std::move(query));
  }
}

void ExportItemTower(const TowerInputs& inputs, const TrainedTowers& trained,
                     bool normalize, TrainedSpace* space) {
  v1::Tower& tower = space->item_tower.emplace();
  ExportInputs(inputs, trained.item_tables, "item_tower", &tower, space);
  ExportLayers(trained.item_layers, normalize,
               fmt::format("{}.item_tower.layer", kSpace), &tower, space);
}

TrainedSpace Export(const DataSet& data, const v1::Towers& settings,
                    const Inputs& inputs, TrainedTowers trained) {
  TrainedSpace space{
      .name = kSpace,
      .dim = settings.dim(),
      .metric = settings.normalize() ? v1::COSINE : v1::INNER_PRODUCT,
      .history_encoder = v1::TOWER,
      .items = AllRows(trained.item_vectors),
      .users = {}};
  v1::Tower& user = space.user_tower.emplace().spec;
  if (settings.interests() > 1) user.set_interests(settings.interests());
  if (settings.history().encoder() != "none") {
    ExportHistory(settings.history(), &trained, &user, &space);
  }
  ExportContexts(trained.contexts, &user, &space);
  ExportUserFeatures(inputs.user, &trained, &user, &space);
  ExportSamples(data, &trained, &space);
  ExportLayers(trained.user_layers, settings.normalize(),
               fmt::format("{}.user_tower.layer", kSpace), &user, &space);
  ExportItemTower(inputs.item, trained, settings.normalize(), &space);
  // The first of several interests.
  for (Row row = 0; row < trained.user_vectors.rows; ++row) {
    const auto vector =
        trained.user_vectors.values.begin() +
        static_cast<int64_t>(row * trained.user_vectors.columns);
    space.users.rows.push_back(row);
    space.users.values.insert(space.users.values.end(), vector,
                              vector + settings.dim());
  }
  return space;
}

}  // namespace

absl::StatusOr<TrainedSpace> TowersTrainer::Train(const DataSet& data) const {
  const v1::Towers& settings = config_.behavior().towers();
  const size_t users = data.users.size();
  TowerTask task;
  task.positives =
      ListItems(data.interactions, users, IsPositive, &task.weights);
  if (task.positives.items.empty()) {
    return absl::FailedPreconditionError("behavior: no positive interactions");
  }
  ASSIGN_OR_RETURN(Inputs inputs,
                   MakeInputs(data, task.positives, config_, content_));
  task.settings = settings;
  task.seed = config_.seed();
  task.users = static_cast<uint32_t>(users);
  task.items = static_cast<uint32_t>(data.items.size());
  task.user_columns = inputs.user.columns;
  task.item_columns = inputs.item.columns;
  task.ordered = data.has_times;
  task.shown = ListShown(data, task.positives);
  task.held_out.offsets.assign(users + 1, 0);
  task.last_epoch = settings.epochs();
  task.progress = progress_;
  std::vector<v1::TrainingPoint> log;
  ASSIGN_OR_RETURN(task.last_epoch, ChooseEpochs(data, task, &log));
  ASSIGN_OR_RETURN(task.checkpoint, CheckpointFile(task));
  task.step = "behavior";
  ASSIGN_OR_RETURN(TrainedTowers trained, TrainWithTorch(task));
  if (log.empty()) log = TrainingLog(trained);
  TrainedSpace space = Export(data, settings, inputs, std::move(trained));
  space.training = std::move(log);
  return space;
}

}  // namespace tributary
