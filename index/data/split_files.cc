#include "index/data/split_files.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "fmt/format.h"
#include "index/data/feature_table.h"
#include "index/data/inter_file.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

constexpr std::string_view kBlanks = " \t\r\n\v\f";

// Values and names without what separates fields.
std::string OneField(std::string_view text) {
  std::string field(text);
  for (char& c : field) {
    if (kBlanks.find(c) != std::string_view::npos) c = ' ';
  }
  return field;
}

std::string Categories(std::string_view tokens) {
  std::string field = OneField(tokens);
  std::replace(field.begin(), field.end(), ' ', '_');
  std::replace(field.begin(), field.end(), kTokenSeparator, ' ');
  return field;
}

bool HasSeveral(const std::string& tokens) {
  return tokens.find(kTokenSeparator) != std::string::npos;
}

// A column's type and its fields.
struct TypedColumn {
  std::string_view type;
  std::vector<std::string> fields;
};

TypedColumn TypeColumn(const FeatureColumn& column) {
  TypedColumn typed;
  if (column.kind == Kind::kNumber) {
    typed.type = "float";
    for (const float number : column.numbers) {
      typed.fields.push_back(std::isnan(number) ? "" : fmt::to_string(number));
    }
    return typed;
  }
  const bool one_each =
      column.kind == Kind::kTokens &&
      std::none_of(column.text.begin(), column.text.end(), HasSeveral);
  typed.type = one_each ? "token" : "token_seq";
  for (const std::string& value : column.text) {
    typed.fields.push_back(column.kind == Kind::kText || one_each
                               ? OneField(value)
                               : Categories(value));
  }
  return typed;
}

absl::Status WriteFeatures(const std::filesystem::path& path,
                           std::string_view key_name, const KeyList& keys,
                           const std::vector<FeatureColumn>& features) {
  std::string text = fmt::format("{}:token", key_name);
  std::vector<TypedColumn> columns;
  for (const FeatureColumn& feature : features) {
    const TypedColumn& column = columns.emplace_back(TypeColumn(feature));
    text += fmt::format("\t{}:{}", OneField(feature.name), column.type);
  }
  text += '\n';
  for (Row row = 0; row < keys.size(); ++row) {
    ASSIGN_OR_RETURN(const std::string key, InterField(keys, row));
    text += key;
    for (const TypedColumn& column : columns) {
      text += '\t';
      text += column.fields[row];
    }
    text += '\n';
  }
  return WriteTextFile(path, text);
}

}  // namespace

absl::Status WriteSplitFiles(const std::filesystem::path& dir,
                             const DataSet& data,
                             std::span<const Interaction> held_out) {
  std::error_code error;
  std::filesystem::create_directories(dir / "test", error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), (dir / "test").string());
  }
  RETURN_IF_ERROR(WriteInterFile(dir / "train.inter", data, data.interactions));
  RETURN_IF_ERROR(WriteFeatures(dir / "train.item", "item_id", data.items,
                                data.item_features));
  RETURN_IF_ERROR(WriteFeatures(dir / "train.user", "user_id", data.users,
                                data.user_features));
  return WriteInterFile(dir / "test" / "test.inter", data, held_out);
}

}  // namespace tributary
