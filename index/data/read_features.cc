#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/data/column_kind.h"
#include "index/data/input_table.h"
#include "index/data/parse_field.h"
#include "index/data/read_tables.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

// More interactions without their item in the table are worth a warning.
constexpr double kUnknownShare = 0.01;
constexpr size_t kRepeatsNamed = 3;

// Reads one table of features.
class FeatureReader {
 public:
  FeatureReader(InputTable* table, size_t key_column, Role role,
                const TableContext& context, KeyNumbers* keys,
                FeatureTable* features, FeatureRows rows)
      : table_(*table),
        key_column_(key_column),
        role_(role),
        context_(context),
        keys_(*keys),
        features_(*features),
        rows_(rows) {}

  absl::Status Read() {
    features_.SetSource(table_.name());
    for (size_t i = 0; i < table_.names().size(); ++i) {
      if (i != key_column_) RETURN_IF_ERROR(AddColumn(i));
    }
    RETURN_IF_ERROR(
        table_.ForEach([&](const DelimitedFile& file) { return Add(file); }));
    RETURN_IF_ERROR(features_.ApplyTimeFormat(*context_.input));
    table_.Describe(context_.report);
    context_.report->Say(
        fmt::format("  {}  {}", table_.names()[key_column_], RoleName(role_)));
    if (repeats_ == 0) return absl::OkStatus();
    context_.report->Warn(fmt::format(
        "{}: {} lines describe a key that an earlier line describes, and "
        "replace what it says: {}",
        table_.name(), repeats_, repeats_named_));
    return absl::OkStatus();
  }

  // Compares with the interactions' keys.
  absl::Status CompareWith(std::span<const uint64_t> counts) const {
    uint64_t all = 0;
    uint64_t unknown = 0;
    std::optional<uint32_t> example;
    for (uint32_t number = 0; number < counts.size(); ++number) {
      all += counts[number];
      if (number < listed_.size() && listed_[number]) continue;
      if (counts[number] > 0 && !example) example = number;
      unknown += counts[number];
    }
    if (unknown == 0) return absl::OkStatus();
    const std::string examples = fmt::format(
        "the interactions have {}, this table has {}",
        QuotedExample(keys_.key(*example)), QuotedExample(first_key_));
    if (unknown == all) {
      return absl::InvalidArgumentError(fmt::format(
          "{}: the column {} has none of the interactions' {}s: {}. Are keys "
          "written in two ways? (pandas writes 101 as 101.0 when a column has "
          "missing values; read keys with dtype=str)",
          table_.name(), table_.names()[key_column_], RoleName(role_),
          examples));
    }
    const double share =
        static_cast<double>(unknown) / static_cast<double>(all);
    const std::string text = fmt::format(
        "{}: {} of {} interactions ({:.2f} %) have {} {} that this table "
        "lacks, "
        "such as {}",
        table_.name(), unknown, all, 100 * share,
        role_ == Role::kItem ? "an" : "a", RoleName(role_),
        QuotedExample(keys_.key(*example)));
    if (share > kUnknownShare) {
      context_.report->Warn(text);
    } else {
      context_.report->Say("  " + text);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status AddColumn(size_t column) {
    const std::string& name = table_.names()[column];
    context_.feature_columns->push_back(name);
    const auto stated = context_.input->kinds().find(name);
    if (stated != context_.input->kinds().end()) {
      ASSIGN_OR_RETURN(const ColumnKind kind, ParseColumnKind(stated->second));
      columns_.push_back({column, features_.AddColumnOf(name, kind)});
      return absl::OkStatus();
    }
    if (table_.types().empty()) {
      columns_.push_back({column, features_.AddColumn(name, std::nullopt)});
      return absl::OkStatus();
    }
    // RecBole's types.
    const std::string& type = table_.types()[column];
    std::optional<Kind> kind;
    if (type == "token" || type == "token_seq") kind = Kind::kTokens;
    if (type == "float") kind = Kind::kNumber;
    if (!kind) {
      // Sequences of floats are other people's vectors, not features to count.
      context_.report->Warn(fmt::format(
          "{}: the column {} of type {} is ignored; vectors are read from "
          "arrays, see vectors:DIR",
          table_.name(), name, type));
      return absl::OkStatus();
    }
    columns_.push_back({column, features_.AddColumn(name, kind)});
    if (type == "token_seq") {
      features_.SetAttributeType(columns_.back().second, v1::TAGS);
    }
    return absl::OkStatus();
  }

  std::string_view Add(const DelimitedFile& file) {
    const std::string_view key = context_.input->trim_keys()
                                     ? Trim(file.field(key_column_))
                                     : file.verbatim(key_column_);
    if (const auto problem = KeyProblem(key); !problem.empty()) return problem;
    if (rows_ == FeatureRows::kKnown && !keys_.Find(key)) {
      return "an item without vector";
    }
    const uint32_t row = keys_.Add(key);
    if (first_key_.empty()) first_key_ = key;
    if (row >= listed_.size()) listed_.resize(row + 1);
    listed_[row] = true;
    if (const auto earlier = features_.SetLine(row, file.line())) {
      NameRepeat(file, key, *earlier);
    }
    for (const auto& [from, to] : columns_) {
      const std::string_view value = file.field(from);
      const bool sequence =
          !table_.types().empty() && table_.types()[from] == "token_seq";
      if (sequence) {
        features_.Set(to, row, SplitTokens(value, " "));
      } else {
        features_.Set(to, row, value);
      }
    }
    return "";
  }

  void NameRepeat(const DelimitedFile& file, std::string_view key,
                  uint64_t earlier) {
    if (++repeats_ > kRepeatsNamed) {
      if (repeats_ == kRepeatsNamed + 1) repeats_named_ += ", ...";
      return;
    }
    repeats_named_ +=
        fmt::format("{}{} on lines {} and {}", repeats_ > 1 ? ", " : "",
                    QuotedExample(key), earlier, file.line());
  }

  InputTable& table_;
  const size_t key_column_;
  const Role role_;
  const TableContext& context_;
  KeyNumbers& keys_;
  FeatureTable& features_;
  const FeatureRows rows_;
  // From columns of the table to columns of features.
  std::vector<std::pair<size_t, size_t>> columns_;
  // By the number of a key: whether the table has it.
  std::vector<bool> listed_;
  std::string first_key_;
  uint64_t repeats_ = 0;
  std::string repeats_named_;
};

}  // namespace

absl::Status ReadFeatures(std::span<const std::filesystem::path> files,
                          TableForm form, Role role,
                          std::span<const uint64_t> counts,
                          const TableContext& context, KeyNumbers* keys,
                          FeatureTable* features, FeatureRows rows) {
  ASSIGN_OR_RETURN(InputTable table, InputTable::Open(files, form, context));
  ASSIGN_OR_RETURN(
      const size_t key_column,
      FindKeyColumn(table.name(), role, table.names(), *context.input));
  FeatureReader reader(&table, key_column, role, context, keys, features, rows);
  RETURN_IF_ERROR(reader.Read());
  return reader.CompareWith(counts);
}

}  // namespace tributary
