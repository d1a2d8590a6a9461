#include "index/assemble/new_items.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "fmt/format.h"
#include "index/bundle/attribute_column.h"
#include "index/data/attribute_choice.h"
#include "index/data/attribute_value.h"
#include "index/data/column_kind.h"
#include "index/data/data_set_builder.h"
#include "index/data/feature_table.h"
#include "index/data/input_table.h"
#include "index/data/malformed_lines.h"
#include "index/data/read_tables.h"
#include "status/status_macros.h"
#include "text/quoted.h"
#include "text/utf8.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

Kind KindOf(v1::FeatureColumn::Kind kind) {
  if (kind == v1::FeatureColumn::NUMBER) return Kind::kNumber;
  return kind == v1::FeatureColumn::TOKENS ? Kind::kTokens : Kind::kText;
}

// A column that the bundle uses.
struct KnownColumn {
  std::string name;
  Kind kind;
  // Whether commas separate categories.
  bool commas = false;
};

bool operator==(const KnownColumn& a, const KnownColumn& b) {
  return a.name == b.name && a.kind == b.kind;
}

// Whether a category of the column has a comma in it, so that commas do not
// separate the column's categories.
bool HasCommas(const KeyTable& terms, std::string_view column) {
  const std::string prefix = std::string(column) + "=";
  for (Row row = 0; row < terms.size(); ++row) {
    const std::string_view term = terms.string(row);
    if (term.starts_with(prefix) &&
        term.find(',', prefix.size()) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// An attribute of the bundle, and its column in the file.
struct KnownAttribute {
  const AttributeColumn* column;
  AttributeForm form;
  std::optional<size_t> from;
  // By position of the item.
  std::vector<std::string> values;
};

// As HasCommas, of tags.
bool HasCommas(const AttributeColumn& tags) {
  for (uint32_t code = 0; code < tags.values(); ++code) {
    if (tags.Text(code).find(',') != std::string_view::npos) return true;
  }
  return false;
}

// In the order of NewItems::columns.
std::vector<KnownColumn> KnownColumns(const Bundle& bundle) {
  std::vector<KnownColumn> known;
  if (const EmbeddingSpace* space = FindEncodedSpace(bundle)) {
    for (const auto& column : space->spec->feature_encoder().columns()) {
      const Kind kind = KindOf(column.kind());
      known.push_back({column.name(), kind,
                       kind == Kind::kTokens &&
                           !HasCommas(space->features.terms, column.name())});
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
                             : Kind::kTokens,
                         /*commas=*/false};
      if (std::find(known.begin(), known.end(), column) == known.end()) {
        known.push_back(std::move(column));
      }
    }
  }
  return known;
}

class Reader {
 public:
  Reader(InputTable* table, size_t key_column, const Bundle& bundle)
      : table_(*table),
        key_column_(key_column),
        catalogue_(bundle.items()),
        known_(KnownColumns(bundle)) {
    for (const AttributeColumn& column : bundle.attributes()) {
      // RecBole separates sequences by blanks: see AttributeText.
      const bool typed = !table_.types().empty();
      attributes_.push_back(
          {.column = &column,
           .form = {.type = column.type(),
                    .as_they_are = typed,
                    .commas = column.type() == v1::TAGS && !HasCommas(column)},
           .from = std::nullopt,
           .values = {}});
    }
  }

  absl::StatusOr<NewItems> Read() {
    MatchColumns();
    const absl::Status read = table_.ForEach(
        [&](const DelimitedFile& file) { return ReadItem(file); });
    RETURN_IF_ERROR(exists_);
    RETURN_IF_ERROR(read);
    return Finish();
  }

 private:
  // Maps the file's columns to the known ones. When several have one name, the
  // first of the file is the first of the known.
  void MatchColumns() {
    const std::vector<std::string>& names = table_.names();
    std::vector<bool> used(names.size());
    used[key_column_] = true;
    for (const KnownColumn& column : known_) {
      table_columns_.AddColumn(column.name, column.kind);
      size_t from = 0;
      while (from < used.size() && (used[from] || names[from] != column.name)) {
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
    for (KnownAttribute& attribute : attributes_) {
      attribute.from = FindAttributeColumn(*attribute.column);
      if (attribute.from.has_value()) {
        used[*attribute.from] = true;
        continue;
      }
      const std::string& column = attribute.column->spec().column();
      const std::string& name =
          column.empty() ? attribute.column->name() : column;
      if (std::ranges::count(items_.missing, name) == 0) {
        items_.missing.push_back(name);
      }
    }
    for (size_t i = 0; i < used.size(); ++i) {
      if (!used[i]) items_.ignored.push_back(names[i]);
    }
  }

  // The column that the attribute was made of; in a bundle that does not say,
  // the one whose name gives the attribute's.
  std::optional<size_t> FindAttributeColumn(
      const AttributeColumn& attribute) const {
    const std::vector<std::string>& names = table_.names();
    for (size_t i = 0; i < names.size(); ++i) {
      if (i != key_column_ && names[i] == attribute.spec().column()) return i;
    }
    for (size_t i = 0; i < names.size(); ++i) {
      if (i != key_column_ &&
          AttributeNameOf(names[i], i) == attribute.name()) {
        return i;
      }
    }
    return std::nullopt;
  }

  // What is wrong with the item's attributes, or "".
  std::string ReadAttributes(const DelimitedFile& file,
                             const std::string& key) {
    for (KnownAttribute& attribute : attributes_) {
      std::string& value = attribute.values.emplace_back();
      if (!attribute.from.has_value()) continue;
      value = ToUtf8(file.field(attribute.from));
      const v1::AttributeType type = attribute.form.type;
      if (!FitsAttribute(type, value)) {
        return fmt::format(
            "item \"{}\": column {}: {} is not of the type {} that the "
            "attribute {} has in the bundle",
            key, table_.names()[*attribute.from], Quoted(value),
            AttributeTypeName(type), attribute.column->name());
      }
      if (!table_.types().empty() &&
          table_.types()[*attribute.from] == "token_seq") {
        value = SplitTokens(value, " ");
      }
    }
    return "";
  }

  // What is wrong with the key, or "".
  std::string KeyProblemOf(const DelimitedFile& file, std::string_view key) {
    if (const auto problem = KeyProblem(key); !problem.empty()) {
      return std::string(problem);
    }
    uint64_t id = 0;
    if (catalogue_.kind() == v1::UINT64 && !ParseDecimalKey(key, &id)) {
      return fmt::format(
          "item \"{}\": the catalogue's keys are decimal integers", key);
    }
    if (catalogue_.Find(key) != kNoRow) {
      exists_ = absl::AlreadyExistsError(
          fmt::format("{}:{}: item \"{}\": the catalogue has it already",
                      file.name(), file.line(), key));
      return "the catalogue has it already";
    }
    const auto [other, fresh] = lines_.emplace(std::string(key), file.line());
    return fresh ? ""
                 : fmt::format("item \"{}\": it is in line {} already", key,
                               other->second);
  }

  // The categories of a field, which are read as the build would have. RecBole
  // separates sequences by blanks.
  std::string Categories(const KnownColumn& column, std::string_view value,
                         size_t from) const {
    if (!table_.types().empty()) {
      return table_.types()[from] == "token_seq" ? SplitTokens(value, " ")
                                                 : std::string(value);
    }
    if (IsMissing(value, /*of_numbers=*/false)) return "";
    return ReadTags(value, column.commas);
  }

  std::string_view ReadItem(const DelimitedFile& file) {
    const std::string key(file.verbatim(key_column_));
    problem_ = KeyProblemOf(file, key);
    if (!problem_.empty()) return problem_;
    problem_ = ReadAttributes(file, key);
    if (!problem_.empty()) return problem_;
    const auto row = static_cast<uint32_t>(keys_.size());
    keys_.push_back(key);
    for (size_t i = 0; i < from_.size(); ++i) {
      if (!from_[i]) continue;
      const std::string_view value = file.field(from_[i]);
      const KnownColumn& column = known_[i];
      if (column.kind == Kind::kNumber && !ReadNumber(value)) {
        problem_ = fmt::format("item \"{}\": column {}: \"{}\" is not a number",
                               key, column.name, value);
        return problem_;
      }
      table_columns_.Set(i, row,
                         column.kind == Kind::kTokens
                             ? Categories(column, value, *from_[i])
                             : std::string(value));
    }
    return "";
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
    items_.columns = std::move(table_columns_).Finish(order);
    for (const KnownAttribute& attribute : attributes_) {
      Misfits none;
      items_.attributes.push_back(EncodeAttribute(
          attribute.form, order.size(),
          [&](Row row) -> std::string_view {
            return attribute.values[order[row]];
          },
          &none));
    }
    return std::move(items_);
  }

  InputTable& table_;
  const size_t key_column_;
  const KeyTable& catalogue_;
  const std::vector<KnownColumn> known_;
  // The file's column by known column.
  std::vector<std::optional<size_t>> from_;
  FeatureTable table_columns_;
  std::vector<KnownAttribute> attributes_;
  std::vector<std::string> keys_;
  // The position of each key.
  std::unordered_map<std::string, uint64_t> lines_;
  NewItems items_;
  // What is wrong with the current record.
  std::string problem_;
  // The error of a key that the catalogue has.
  absl::Status exists_;
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
  ASSIGN_OR_RETURN(InputTable table, InputTable::OpenFile(path, &malformed));
  ASSIGN_OR_RETURN(
      const size_t key_column,
      FindKeyColumn(table.name(), Role::kItem, table.names(), v1::Input()));
  return Reader(&table, key_column, bundle).Read();
}

}  // namespace tributary
