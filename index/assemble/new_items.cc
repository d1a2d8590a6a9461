#include "index/assemble/new_items.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "fmt/format.h"
#include "index/data/data_readers.h"
#include "index/data/data_set_builder.h"
#include "index/data/delimited_file.h"
#include "index/data/feature_table.h"
#include "index/data/inter_file.h"
#include "index/data/malformed_lines.h"
#include "index/data/parse_field.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

// A file of items, whatever its format.
struct ItemFile {
  DelimitedFile file;
  size_t key_column;
  std::vector<std::string> names;
  // The separator of the categories within a field, by column.
  std::vector<std::string_view> separators;
};

absl::StatusOr<ItemFile> OpenItemFile(const std::filesystem::path& path,
                                      MalformedLines* malformed) {
  if (path.extension() == ".item") {
    ASSIGN_OR_RETURN(RecBoleFile typed, OpenRecBoleFile(path, malformed));
    ASSIGN_OR_RETURN(const size_t key, typed.KeyColumn("item"));
    std::vector<std::string_view> separators;
    for (const std::string& type : typed.types) {
      separators.push_back(type == "token_seq" ? " " : "");
    }
    return ItemFile{std::move(typed.file), key, std::move(typed.names),
                    std::move(separators)};
  }
  ASSIGN_OR_RETURN(
      DelimitedFile file,
      DelimitedFile::Open(path, {.separator = ",", .quoted = true}, malformed));
  RETURN_IF_ERROR(file.ReadHeader());
  ASSIGN_OR_RETURN(const size_t key, file.NeedColumn(kItemKeyColumns));
  std::vector<std::string> names = file.header();
  const std::vector<std::string_view> separators(names.size(), kListSeparators);
  return ItemFile{std::move(file), key, std::move(names), separators};
}

Kind KindOf(v1::FeatureColumn::Kind kind) {
  if (kind == v1::FeatureColumn::NUMBER) return Kind::kNumber;
  return kind == v1::FeatureColumn::TOKENS ? Kind::kTokens : Kind::kText;
}

// A column that the bundle uses.
struct KnownColumn {
  std::string name;
  Kind kind;
};

bool operator==(const KnownColumn& a, const KnownColumn& b) {
  return a.name == b.name && a.kind == b.kind;
}

// In the order of NewItems::columns.
std::vector<KnownColumn> KnownColumns(const Bundle& bundle) {
  std::vector<KnownColumn> known;
  if (const EmbeddingSpace* space = FindEncodedSpace(bundle)) {
    for (const auto& column : space->spec->feature_encoder().columns()) {
      known.push_back({column.name(), KindOf(column.kind())});
    }
  }
  for (const EmbeddingSpace& space : bundle.spaces()) {
    for (const auto& input : space.spec->item_tower().features()) {
      if (input.kind() == v1::FeatureInput::SPACE_VECTOR) continue;
      // A new item's id is unknown to the tower.
      if (input.column().empty()) continue;
      KnownColumn column{input.column(),
                         input.kind() == v1::FeatureInput::NUMBER
                             ? Kind::kNumber
                             : Kind::kTokens};
      if (std::find(known.begin(), known.end(), column) == known.end()) {
        known.push_back(std::move(column));
      }
    }
  }
  return known;
}

class Reader {
 public:
  Reader(ItemFile file, const Bundle& bundle)
      : file_(std::move(file)),
        catalogue_(bundle.items()),
        known_(KnownColumns(bundle)) {}

  absl::StatusOr<NewItems> Read() {
    MatchColumns();
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, file_.file.Next());
      if (!more) break;
      RETURN_IF_ERROR(ReadItem());
    }
    return Finish();
  }

 private:
  // Maps the file's columns to the known ones. When several have one name, the
  // first of the file is the first of the known.
  void MatchColumns() {
    std::vector<bool> used(file_.names.size());
    used[file_.key_column] = true;
    for (const KnownColumn& column : known_) {
      table_.AddColumn(column.name, column.kind);
      size_t from = 0;
      while (from < used.size() &&
             (used[from] || file_.names[from] != column.name)) {
        ++from;
      }
      if (from == used.size()) {
        from_.push_back(std::nullopt);
        items_.missing.push_back(column.name);
      } else {
        from_.push_back(from);
        used[from] = true;
      }
    }
    for (size_t i = 0; i < used.size(); ++i) {
      if (!used[i]) items_.ignored.push_back(file_.names[i]);
    }
  }

  absl::Status Malformed(std::string_view key, std::string_view what) {
    return file_.file.Malformed(fmt::format("item \"{}\": {}", key, what));
  }

  absl::Status CheckKey(std::string_view key) {
    if (const auto problem = KeyProblem(key); !problem.empty()) {
      return file_.file.Malformed(problem);
    }
    uint64_t id = 0;
    if (catalogue_.kind() == v1::UINT64 && !ParseDecimalKey(key, &id)) {
      return Malformed(key, "the catalogue's keys are decimal integers");
    }
    if (catalogue_.Find(key) != kNoRow) {
      return absl::AlreadyExistsError(
          fmt::format("{}:{}: item \"{}\": the catalogue has it already",
                      file_.file.name(), file_.file.line(), key));
    }
    const auto [other, fresh] =
        lines_.emplace(std::string(key), file_.file.line());
    if (fresh) return absl::OkStatus();
    return Malformed(key,
                     fmt::format("it is in line {} already", other->second));
  }

  absl::Status ReadItem() {
    const std::string key(file_.file.field(file_.key_column));
    RETURN_IF_ERROR(CheckKey(key));
    const auto row = static_cast<uint32_t>(keys_.size());
    keys_.push_back(key);
    for (size_t i = 0; i < from_.size(); ++i) {
      if (!from_[i]) continue;
      const std::string_view value = file_.file.field(from_[i]);
      const KnownColumn& column = known_[i];
      const std::string_view separators = file_.separators[*from_[i]];
      if (column.kind == Kind::kNumber && !value.empty() &&
          !ParseNumber(value)) {
        return Malformed(key, fmt::format("column {}: \"{}\" is not a number",
                                          column.name, value));
      }
      table_.Set(i, row,
                 column.kind == Kind::kTokens ? SplitTokens(value, separators)
                                              : std::string(value));
    }
    return absl::OkStatus();
  }

  NewItems Finish() {
    const bool integers = catalogue_.kind() == v1::UINT64;
    std::vector<uint64_t> ids(keys_.size());
    for (size_t i = 0; integers && i < ids.size(); ++i) {
      ParseDecimalKey(keys_[i], &ids[i]);
    }
    std::vector<uint32_t> order(keys_.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return integers ? ids[a] < ids[b] : keys_[a] < keys_[b];
    });
    items_.keys.kind = catalogue_.kind();
    for (const uint32_t i : order) {
      if (integers) {
        items_.keys.ids.push_back(ids[i]);
      } else {
        items_.keys.strings.push_back(keys_[i]);
      }
    }
    items_.columns = std::move(table_).Finish(order);
    return std::move(items_);
  }

  ItemFile file_;
  const KeyTable& catalogue_;
  const std::vector<KnownColumn> known_;
  // The file's column by known column.
  std::vector<std::optional<size_t>> from_;
  FeatureTable table_;
  std::vector<std::string> keys_;
  // The position of each key.
  std::unordered_map<std::string, uint64_t> lines_;
  NewItems items_;
};

}  // namespace

const EmbeddingSpace* FindEncodedSpace(const Bundle& bundle) {
  const auto found = std::find_if(
      bundle.spaces().begin(), bundle.spaces().end(),
      [](const auto& space) { return space.spec->has_feature_encoder(); });
  return found == bundle.spaces().end() ? nullptr : &*found;
}

absl::StatusOr<NewItems> ReadNewItems(const std::filesystem::path& path,
                                      const Bundle& bundle) {
  // A malformed line is an error at once.
  MalformedLines malformed(0);
  ASSIGN_OR_RETURN(ItemFile file, OpenItemFile(path, &malformed));
  return Reader(std::move(file), bundle).Read();
}

}  // namespace tributary
