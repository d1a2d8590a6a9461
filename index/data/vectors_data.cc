#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/data_readers.h"
#include "index/data/data_set_builder.h"
#include "index/data/delimited_file.h"
#include "index/data/input_files.h"
#include "index/data/npy_input.h"
#include "index/data/parse_field.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kItemsSuffix = ".items.npy";
constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyz0123456789_-";

// The spaces that the directory has vectors for, in order of name.
absl::StatusOr<std::vector<std::string>> FindSpaces(const fs::path& dir) {
  ASSIGN_OR_RETURN(const std::vector<fs::path> files, ListDataFiles(dir));
  std::vector<std::string> spaces;
  for (const fs::path& path : files) {
    const std::string name = path.filename().string();
    if (!name.ends_with(kItemsSuffix)) continue;
    spaces.push_back(name.substr(0, name.size() - kItemsSuffix.size()));
    const std::string& space = spaces.back();
    if (space.empty() ||
        space.find_first_not_of(kNameLetters) != std::string::npos ||
        space == "popularity" || space == "trending") {
      return absl::InvalidArgumentError(fmt::format(
          "{}: a space's name has lower-case letters, digits, '_' and '-', and "
          "is not popularity or trending, which are other retrievers",
          path.string()));
    }
  }
  std::sort(spaces.begin(), spaces.end());
  if (!spaces.empty()) return spaces;
  return absl::NotFoundError(
      fmt::format("{}: no <space>.items.npy", dir.string()));
}

// Reads the lines of a text file as keys.
absl::Status ReadKeyLines(
    const fs::path& path, const TableContext& context,
    const std::function<absl::Status(std::string_view, uint64_t)>& add) {
  const std::string encoding =
      context.input->has_encoding() ? context.input->encoding() : "auto";
  ASSIGN_OR_RETURN(const InputText input, InputText::Open(path, encoding));
  std::string_view text = input.text();
  for (uint64_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view key = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (key.ends_with('\r')) key.remove_suffix(1);
    RETURN_IF_ERROR(add(context.input->trim_keys() ? Trim(key) : key, line));
  }
  return absl::OkStatus();
}

// The vectors of one table, of items or of users: what its spaces share.
struct Side {
  std::string_view name;  // "items" or "users"
  KeyNumbers* keys;
  bool present = false;
  // Whether the keys are the rows' numbers.
  bool by_row = false;
  uint64_t rows = 0;
  // The file that `rows` was counted in.
  std::string file;
  // By row of the arrays: the number of the key.
  std::vector<uint32_t> numbers;
};

// Reads the side's keys: <side>.ids.txt or <side>.ids.npy.
absl::Status ReadKeys(const fs::path& dir, const TableContext& context,
                      bool rows_may_be_keys, Side* side) {
  ASSIGN_OR_RETURN(const fs::path lines,
                   FindCompressed(dir / fmt::format("{}.ids.txt", side->name)));
  const fs::path array = dir / fmt::format("{}.ids.npy", side->name);
  ASSIGN_OR_RETURN(const bool has_lines, FileExists(lines));
  ASSIGN_OR_RETURN(const bool has_array, FileExists(array));
  if (has_lines && has_array) {
    return absl::InvalidArgumentError(
        fmt::format("{} and {} both exist: remove one of them", lines.string(),
                    array.filename().string()));
  }
  const fs::path& path = has_array ? array : lines;
  std::vector<bool> taken;
  const auto add = [&](std::string_view key, uint64_t where) -> absl::Status {
    std::string_view problem = KeyProblem(key);
    const uint32_t number = problem.empty() ? side->keys->Add(key) : 0;
    if (number >= taken.size()) taken.resize(number + 1);
    if (problem.empty() && taken[number]) problem = "a key that came before";
    if (!problem.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("{}:{}: {}", path.string(), where, problem));
    }
    taken[number] = true;
    side->numbers.push_back(number);
    return absl::OkStatus();
  };
  if (has_array) {
    ASSIGN_OR_RETURN(const std::vector<std::string> keys, ReadNpyKeys(array));
    for (size_t i = 0; i < keys.size(); ++i) RETURN_IF_ERROR(add(keys[i], i));
  } else if (has_lines) {
    RETURN_IF_ERROR(ReadKeyLines(lines, context, add));
  } else if (!rows_may_be_keys) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: there is neither {}.ids.txt (one key a line) nor {}.ids.npy, so "
        "nothing says whose vectors the rows of {} are. If the keys are the "
        "rows' numbers, write them: np.save(\"{}\", np.arange({}))",
        dir.string(), side->name, side->name, side->file, array.string(),
        side->rows));
  } else {
    side->by_row = true;
    context.report->Warn(fmt::format(
        "{}: there is neither {}.ids.txt nor {}.ids.npy: the rows' numbers, "
        "from 0, are the keys",
        dir.string(), side->name, side->name));
    for (uint64_t row = 0; row < side->rows; ++row) {
      RETURN_IF_ERROR(add(fmt::to_string(row), row));
    }
  }
  if (side->by_row) return absl::OkStatus();
  if (side->numbers.size() == side->rows) {
    context.report->Say(fmt::format(
        "{}: {} keys, such as {}", path.string(), side->rows,
        side->rows == 0 ? "none"
                        : QuotedExample(side->keys->key(side->numbers[0]))));
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("{}: {} keys, but {} has {} rows", path.string(),
                  side->numbers.size(), side->file, side->rows));
}

// Reads an array of the side, which has as many rows as the side's others.
absl::StatusOr<InputMatrix> ReadSide(const fs::path& path,
                                     const TableContext& context, Side* side) {
  ASSIGN_OR_RETURN(InputMatrix matrix, ReadNpyMatrix(path));
  const std::string file = path.filename().string();
  if (!std::exchange(side->present, true)) {
    side->rows = matrix.rows;
    side->file = file;
  }
  if (side->rows != matrix.rows) {
    return absl::InvalidArgumentError(fmt::format("{}: {} rows, but {} has {}",
                                                  path.string(), matrix.rows,
                                                  side->file, side->rows));
  }
  std::string fact = fmt::format("{}: {} vectors of {} values", path.string(),
                                 matrix.rows, matrix.dim);
  if (!matrix.converted_from.empty()) {
    fact += fmt::format(", converted from {}", matrix.converted_from);
  }
  context.report->Say(std::move(fact));
  return matrix;
}

absl::StatusOr<v1::Metric> MetricOf(const v1::Input& input,
                                    const std::string& space) {
  const auto own = input.metric_by_space().find(space);
  const std::string& metric =
      own == input.metric_by_space().end() ? input.metric() : own->second;
  if (metric.empty() || metric == "inner_product") return v1::INNER_PRODUCT;
  if (metric == "cosine") return v1::COSINE;
  return absl::InvalidArgumentError(
      fmt::format("metric of the space {}: \"{}\", expected inner_product or "
                  "cosine",
                  space, metric));
}

// Divides vectors by their norms; zero vectors remain.
void Normalise(uint32_t dim, std::vector<float>* values) {
  for (size_t begin = 0; begin < values->size(); begin += dim) {
    double square = 0;
    for (size_t i = begin; i < begin + dim; ++i) {
      square += static_cast<double>((*values)[i]) * (*values)[i];
    }
    if (square == 0) continue;
    const double scale = 1 / std::sqrt(square);
    for (size_t i = begin; i < begin + dim; ++i) {
      (*values)[i] = static_cast<float>((*values)[i] * scale);
    }
  }
}

absl::StatusOr<GivenSpace> ReadSpace(const fs::path& dir,
                                     const std::string& name,
                                     const TableContext& context, Side* items,
                                     Side* users) {
  GivenSpace space;
  space.name = name;
  ASSIGN_OR_RETURN(space.metric, MetricOf(*context.input, name));
  ASSIGN_OR_RETURN(
      InputMatrix of_items,
      ReadSide(dir / (name + std::string(kItemsSuffix)), context, items));
  space.dim = of_items.dim;
  space.items.values = std::move(of_items.values);
  const fs::path users_path = dir / (name + ".users.npy");
  ASSIGN_OR_RETURN(const bool has_users, FileExists(users_path));
  if (has_users) {
    ASSIGN_OR_RETURN(InputMatrix of_users,
                     ReadSide(users_path, context, users));
    if (of_users.dim != space.dim) {
      return absl::InvalidArgumentError(
          fmt::format("{}: dimension {}, but {}{} has {}", users_path.string(),
                      of_users.dim, name, kItemsSuffix, space.dim));
    }
    space.users.values = std::move(of_users.values);
  }
  if (space.metric == v1::COSINE) {
    Normalise(space.dim, &space.items.values);
    Normalise(space.dim, &space.users.values);
  }
  return space;
}

// popularity.csv: a score by item, 0 where it has none.
absl::Status ReadPopularity(const fs::path& path, const TableContext& context,
                            const KeyNumbers& items,
                            std::vector<float>* scores) {
  ASSIGN_OR_RETURN(DelimitedFile file,
                   DelimitedFile::Open(path, {.separator = "", .quoted = true},
                                       context.malformed));
  RETURN_IF_ERROR(file.ReadHeader());
  const Role wanted[] = {Role::kItem, Role::kValue};
  ASSIGN_OR_RETURN(
      const ColumnRoles roles,
      FindRoles(file.name(), file.header(), wanted, *context.input));
  for (const Role role : wanted) {
    if (!roles[role]) return MissingRole(file.name(), role, file.header());
  }
  scores->resize(items.size());
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file.Next());
    if (!more) break;
    const std::optional<uint32_t> row =
        items.Find(file.verbatim(*roles[Role::kItem]));
    const std::optional<double> number =
        ParseNumber(file.field(roles[Role::kValue]));
    if (!row) {
      RETURN_IF_ERROR(file.Malformed("an item without vector"));
    } else if (!number || !std::isfinite(static_cast<float>(*number))) {
      RETURN_IF_ERROR(file.Malformed("the score is not a finite number"));
    } else {
      (*scores)[*row] = static_cast<float>(*number);
    }
  }
  context.report->Say(fmt::format(
      "{}: {} is the item, {} the score", file.name(),
      file.header()[*roles[Role::kItem]], file.header()[*roles[Role::kValue]]));
  return absl::OkStatus();
}

// Adds the attributes of items that are arrays: attribute.<name>.npy.
absl::Status ReadAttributeArrays(const fs::path& dir,
                                 const TableContext& context, const Side& items,
                                 FeatureTable* features) {
  constexpr std::string_view kPrefix = "attribute.";
  constexpr std::string_view kSuffix = ".npy";
  ASSIGN_OR_RETURN(std::vector<fs::path> files, ListDataFiles(dir));
  std::sort(files.begin(), files.end());
  for (const fs::path& path : files) {
    const std::string name = path.filename().string();
    // A space may be named attribute.
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
        name.size() <= kPrefix.size() + kSuffix.size() ||
        name.ends_with(kItemsSuffix) || name.ends_with(".users.npy")) {
      continue;
    }
    ASSIGN_OR_RETURN(const InputColumn array, ReadNpyColumn(path));
    if (array.values.size() != items.rows) {
      return absl::InvalidArgumentError(
          fmt::format("{}: {} values, but {} has {} rows", path.string(),
                      array.values.size(), items.file, items.rows));
    }
    const size_t column = features->AddAttribute(
        name.substr(kPrefix.size(),
                    name.size() - kPrefix.size() - kSuffix.size()),
        array.type, path.string());
    for (uint64_t row = 0; row < items.rows; ++row) {
      features->Set(column, items.numbers[row], array.values[row]);
    }
    context.report->Say(
        fmt::format("{}: an attribute of {} items", path.string(), items.rows));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadVectorSpaces(const fs::path& dir, bool rows_may_be_keys,
                              const TableContext& context,
                              DataSetBuilder* builder,
                              std::vector<GivenSpace>* spaces) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, FindSpaces(dir));
  Side items{
      .name = "items", .keys = &builder->items, .file = "", .numbers = {}};
  Side users{
      .name = "users", .keys = &builder->users, .file = "", .numbers = {}};
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(GivenSpace space,
                     ReadSpace(dir, name, context, &items, &users));
    spaces->push_back(std::move(space));
  }
  RETURN_IF_ERROR(ReadKeys(dir, context, rows_may_be_keys, &items));
  RETURN_IF_ERROR(
      ReadAttributeArrays(dir, context, items, &builder->item_features));
  // Users that are numbered beside items that have keys were only forgotten.
  if (users.present) {
    RETURN_IF_ERROR(ReadKeys(dir, context, items.by_row, &users));
  }
  for (GivenSpace& space : *spaces) {
    space.items.rows = items.numbers;
    if (!space.users.values.empty()) space.users.rows = users.numbers;
  }
  for (const auto& [space, metric] : context.input->metric_by_space()) {
    if (std::count(names.begin(), names.end(), space) > 0) continue;
    return absl::InvalidArgumentError(fmt::format(
        "metric_by_space: {} has no space \"{}\"", dir.string(), space));
  }
  return absl::OkStatus();
}

absl::StatusOr<DataSetBuilder> ReadVectors(const fs::path& dir,
                                           const TableContext& context,
                                           std::vector<GivenSpace>* spaces,
                                           std::vector<float>* popularity) {
  DataSetBuilder builder;
  RETURN_IF_ERROR(ReadVectorSpaces(dir, /*rows_may_be_keys=*/true, context,
                                   &builder, spaces));
  ASSIGN_OR_RETURN(const fs::path table, FindCompressed(dir / "items.csv"));
  ASSIGN_OR_RETURN(const bool has_table, FileExists(table));
  if (has_table) {
    RETURN_IF_ERROR(ReadFeatures({&table, 1}, {}, Role::kItem, {}, context,
                                 &builder.items, &builder.item_features,
                                 FeatureRows::kKnown));
  }
  const bool has_users = builder.users.size() > 0;
  ASSIGN_OR_RETURN(const fs::path scores,
                   FindCompressed(dir / "popularity.csv"));
  ASSIGN_OR_RETURN(const bool has_scores, FileExists(scores));
  if (has_scores) {
    RETURN_IF_ERROR(ReadPopularity(scores, context, builder.items, popularity));
  }
  ASSIGN_OR_RETURN(const fs::path interactions,
                   FindCompressed(dir / "interactions.csv"));
  ASSIGN_OR_RETURN(const bool has_interactions, FileExists(interactions));
  if (has_interactions) {
    RETURN_IF_ERROR(ReadInteractions(
        {&interactions, 1}, {}, {.items_only = true, .users_only = has_users},
        context, &builder));
  }
  return builder;
}

}  // namespace tributary
