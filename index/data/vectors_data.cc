#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/bundle.h"
#include "index/bundle/npy.h"
#include "index/bundle/vector_table.h"
#include "index/data/data_readers.h"
#include "index/data/data_set_builder.h"
#include "index/data/delimited_file.h"
#include "index/data/parse_field.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr std::string_view kItemsSuffix = ".items.npy";
constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyz0123456789_-";

// The spaces that the directory has vectors for, in order of name.
absl::StatusOr<std::vector<std::string>> FindSpaces(
    const std::filesystem::path& dir) {
  std::vector<std::string> spaces;
  std::error_code error;
  for (std::filesystem::directory_iterator files(dir, error);
       !error && files != std::filesystem::directory_iterator();
       files.increment(error)) {
    const std::string name = files->path().filename().string();
    if (!name.ends_with(kItemsSuffix)) continue;
    spaces.push_back(name.substr(0, name.size() - kItemsSuffix.size()));
    const std::string& space = spaces.back();
    if (space.empty() ||
        space.find_first_not_of(kNameLetters) != std::string::npos ||
        space == "popularity" || space == "trending") {
      return absl::InvalidArgumentError(fmt::format(
          "{}: a space's name has lower-case letters, digits, '_' and '-', and "
          "is not popularity or trending, which are other retrievers",
          files->path().string()));
    }
  }
  std::sort(spaces.begin(), spaces.end());
  if (!spaces.empty()) return spaces;
  return absl::NotFoundError(
      fmt::format("{}: no <space>.items.npy", dir.string()));
}

// The finite values of a matrix, in C order.
struct Matrix {
  uint64_t rows = 0;
  uint32_t dim = 0;
  std::vector<float> values;
};

absl::StatusOr<Matrix> ReadMatrix(const std::filesystem::path& dir,
                                  const std::string& stem) {
  const std::string path = (dir / (stem + ".npy")).string();
  ASSIGN_OR_RETURN(const NpyArray array, NpyArray::Open(path));
  const NpyHeader& header = array.header();
  if (header.dimensions != 2 || header.columns == 0 ||
      header.columns > kMaxDim || header.rows >= kNoRow) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: shape [{}, {}], expected two dimensions, the second one of 1 to "
        "{}",
        path, header.rows, header.columns, kMaxDim));
  }
  Matrix matrix{header.rows, static_cast<uint32_t>(header.columns), {}};
  ASSIGN_OR_RETURN(const VectorTable table,
                   VectorTable::Open(dir, stem, /*has_rows=*/false, matrix.rows,
                                     matrix.dim, matrix.rows));
  matrix.values.resize(matrix.rows * matrix.dim);
  for (uint64_t row = 0; row < matrix.rows; ++row) {
    const std::span<float> out(&matrix.values[row * matrix.dim], matrix.dim);
    table.Read(row, out);
    if (!std::all_of(out.begin(), out.end(),
                     [](float x) { return std::isfinite(x); })) {
      return absl::InvalidArgumentError(
          fmt::format("{}: row {} has NaN or infinity", path, row));
    }
  }
  return matrix;
}

// Adds the keys of the vectors' rows: a line of `path` each or, if there is no
// such file, the rows' numbers.
absl::Status AddKeys(const std::filesystem::path& path, uint64_t rows,
                     std::string_view counted, KeyNumbers* keys) {
  if (!Exists(path)) {
    for (uint64_t row = 0; row < rows; ++row) keys->Add(fmt::to_string(row));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                        file.bytes().size());
  uint64_t line = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view key = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line;
    std::string_view problem = KeyProblem(key);
    if (problem.empty() && keys->Find(key)) problem = "a key that came before";
    if (!problem.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("{}:{}: {}", path.string(), line, problem));
    }
    keys->Add(key);
  }
  if (line == rows) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{}: {} keys, but {} has {} rows", path.string(), line, counted, rows));
}

// popularity.csv: a score by item, 0 where it has none.
absl::Status ReadPopularity(const std::filesystem::path& path,
                            const KeyNumbers& items, std::vector<float>* scores,
                            MalformedLines* malformed) {
  ASSIGN_OR_RETURN(
      DelimitedFile file,
      DelimitedFile::Open(path, {.separator = ",", .quoted = true}, malformed));
  RETURN_IF_ERROR(file.ReadHeader());
  ASSIGN_OR_RETURN(const size_t item,
                   file.NeedColumn({"item", "item_id", "item_key"}));
  ASSIGN_OR_RETURN(const size_t score, file.NeedColumn({"score"}));
  scores->resize(items.size());
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file.Next());
    if (!more) return absl::OkStatus();
    const std::optional<uint32_t> row = items.Find(file.field(item));
    const std::optional<double> number = ParseNumber(file.field(score));
    if (!row) {
      RETURN_IF_ERROR(file.Malformed("an item without vector"));
    } else if (!number || !std::isfinite(static_cast<float>(*number))) {
      RETURN_IF_ERROR(file.Malformed("the score is not a finite number"));
    } else {
      (*scores)[*row] = static_cast<float>(*number);
    }
  }
}

// Row i of the result is row order[i] of `values`.
std::vector<float> Permute(const std::vector<float>& values, uint32_t dim,
                           const std::vector<uint32_t>& order) {
  std::vector<float> permuted;
  permuted.reserve(values.size());
  for (const uint32_t row : order) {
    const auto from = values.begin() + static_cast<int64_t>(row) * dim;
    permuted.insert(permuted.end(), from, from + dim);
  }
  return permuted;
}

// What a directory has, in its own order.
struct GivenVectors {
  std::vector<std::string> spaces;
  std::vector<Matrix> items;
  std::vector<Matrix> users;  // empty matrices where there are none
  uint64_t n_items = 0;
  uint64_t n_users = 0;
  bool has_users = false;
  std::string items_file;
  std::string users_file;
};

absl::Status SameRows(const std::string& first, uint64_t rows,
                      const std::string& file, uint64_t found) {
  if (rows == found) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: {} rows, but {} has {}", file, found, first, rows));
}

absl::Status ReadSpace(const std::filesystem::path& dir,
                       const std::string& space, GivenVectors* given) {
  ASSIGN_OR_RETURN(Matrix items, ReadMatrix(dir, space + ".items"));
  const std::string items_file = space + std::string(kItemsSuffix);
  if (given->items.empty()) {
    given->n_items = items.rows;
    given->items_file = items_file;
  }
  RETURN_IF_ERROR(
      SameRows(given->items_file, given->n_items, items_file, items.rows));
  Matrix users;
  const std::string users_file = space + ".users.npy";
  if (Exists(dir / users_file)) {
    ASSIGN_OR_RETURN(users, ReadMatrix(dir, space + ".users"));
    if (!std::exchange(given->has_users, true)) {
      given->n_users = users.rows;
      given->users_file = users_file;
    }
    RETURN_IF_ERROR(
        SameRows(given->users_file, given->n_users, users_file, users.rows));
    if (users.dim != items.dim) {
      return absl::InvalidArgumentError(
          fmt::format("{}: dimension {}, but {} has {}", users_file, users.dim,
                      items_file, items.dim));
    }
  }
  given->items.push_back(std::move(items));
  given->users.push_back(std::move(users));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DataSet> ReadVectors(const std::filesystem::path& dir,
                                    MalformedLines* malformed) {
  GivenVectors given;
  ASSIGN_OR_RETURN(given.spaces, FindSpaces(dir));
  for (const std::string& space : given.spaces) {
    RETURN_IF_ERROR(ReadSpace(dir, space, &given));
  }
  DataSetBuilder builder;
  RETURN_IF_ERROR(AddKeys(dir / "items.ids.txt", given.n_items,
                          given.items_file, &builder.items));
  if (given.has_users) {
    RETURN_IF_ERROR(AddKeys(dir / "users.ids.txt", given.n_users,
                            given.users_file, &builder.users));
  }
  std::vector<float> popularity;
  if (const auto path = dir / "popularity.csv"; Exists(path)) {
    RETURN_IF_ERROR(
        ReadPopularity(path, builder.items, &popularity, malformed));
  }
  if (const auto path = dir / "interactions.csv"; Exists(path)) {
    RETURN_IF_ERROR(ReadInteractionsCsv(path, /*known_items_only=*/true,
                                        given.has_users, &builder, malformed));
  }
  std::vector<uint32_t> item_order;
  std::vector<uint32_t> user_order;
  DataSet data = std::move(builder).Finish(&item_order, &user_order);
  data.item_popularity =
      Permute(popularity, popularity.empty() ? 0 : 1, item_order);
  for (size_t i = 0; i < given.spaces.size(); ++i) {
    const Matrix& users = given.users[i];
    data.spaces.push_back(
        {given.spaces[i], given.items[i].dim,
         Permute(given.items[i].values, given.items[i].dim, item_order),
         users.rows == 0 ? std::vector<float>()
                         : Permute(users.values, users.dim, user_order)});
  }
  return data;
}

}  // namespace tributary
