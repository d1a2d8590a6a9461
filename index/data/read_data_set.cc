#include <algorithm>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/key_table.h"
#include "index/data/apply_changes.h"
#include "index/data/attribute_choice.h"
#include "index/data/column_kind.h"
#include "index/data/data_readers.h"
#include "index/data/data_set.h"
#include "index/data/feature_table.h"
#include "index/data/feedback.h"
#include "index/data/synthetic_data.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint64_t kSyntheticSeed = 1;
constexpr double kMaxMalformedShare = 0.5;
// Keys are expected to be numbers when nearly all are.
constexpr double kNumberShare = 0.95;

// What the readers of vectors add to a data set. Rows are numbers of keys.
struct Vectors {
  std::vector<GivenSpace> spaces;
  std::vector<float> popularity;
};

absl::StatusOr<DataSetBuilder> ReadKind(std::string_view kind,
                                        const std::string& where,
                                        bool has_where,
                                        const TableContext& context,
                                        Vectors* vectors) {
  if (kind == "debian" && has_where != where.empty()) {
    return ReadDebian(where, context.malformed);
  }
  if (!where.empty()) {
    if (kind == "recbole") return ReadRecBole(where, context);
    if (kind == "movielens") return ReadMovieLens(where, context);
    if (kind == "csv") return ReadCsv(where, context);
    if (kind == "vectors") {
      return ReadVectors(where, context, &vectors->spaces,
                         &vectors->popularity);
    }
  }
  const std::string data =
      fmt::format("{}{}{}", kind, has_where ? ":" : "", where);
  // A path alone does not say what is in it.
  std::error_code ignored;
  const bool is_path = std::filesystem::exists(data, ignored);
  return absl::InvalidArgumentError(fmt::format(
      "data: \"{}\", expected debian, recbole:DIR, movielens:DIR, csv:DIR, "
      "vectors:DIR or synthetic[:SEED]{}",
      data, is_path ? fmt::format("; did you mean csv:{}?", data) : ""));
}

absl::StatusOr<DataSet> ReadSynthetic(const std::string& where,
                                      bool has_where) {
  uint64_t seed = kSyntheticSeed;
  if (!has_where || ParseDecimalKey(where, &seed)) {
    return MakeSyntheticData(seed).data;
  }
  return absl::InvalidArgumentError(
      fmt::format("data: \"synthetic:{}\", expected a number as seed", where));
}

// The kind that keys shall have, if it is stated.
absl::StatusOr<std::optional<v1::KeyKind>> StatedKind(std::string_view field,
                                                      const std::string& stated,
                                                      const KeyNumbers& keys) {
  if (stated.empty() || stated == "auto") return std::nullopt;
  if (stated == "text") return v1::UTF8;
  if (stated != "number") {
    return absl::InvalidArgumentError(fmt::format(
        "{}: \"{}\", expected auto, number or text", field, stated));
  }
  const KeyNumbers::Kinds kinds = keys.CountKinds();
  if (kinds.others == 0) return v1::UINT64;
  return absl::InvalidArgumentError(fmt::format(
      "{}: number, but {} of {} keys are none, such as {}", field, kinds.others,
      keys.size(), QuotedExample(kinds.other_example)));
}

// A single "x12" among numbers turns all keys into text, and every client that
// sends numbers must change.
void WarnOfOddKeys(std::string_view what, const KeyNumbers& keys,
                   std::optional<v1::KeyKind> stated, InputReport* report) {
  const KeyNumbers::Kinds kinds = keys.CountKinds();
  const auto numbers = static_cast<double>(keys.size() - kinds.others);
  if (stated || kinds.others == 0 ||
      numbers < kNumberShare * static_cast<double>(keys.size())) {
    return;
  }
  report->Warn(fmt::format(
      "{}' keys are text because {} of {} are not decimal integers, such as "
      "{}; state --input.{}_keys text if that is meant, or number to be told",
      what, kinds.others, keys.size(), QuotedExample(kinds.other_example),
      what.substr(0, what.size() - 1)));
}

// Replaces the numbers of keys by rows, in ascending order.
void SortByRow(const std::vector<Row>& row_of_number, uint32_t dim,
               GivenVectors* vectors) {
  std::vector<uint32_t> order(vectors->rows.size());
  std::iota(order.begin(), order.end(), 0);
  const auto row = [&](uint32_t i) { return row_of_number[vectors->rows[i]]; };
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return row(a) < row(b); });
  GivenVectors sorted;
  sorted.rows.reserve(order.size());
  sorted.values.reserve(vectors->values.size());
  for (const uint32_t i : order) {
    sorted.rows.push_back(row(i));
    const auto from = vectors->values.begin() + static_cast<ptrdiff_t>(i) * dim;
    sorted.values.insert(sorted.values.end(), from, from + dim);
  }
  *vectors = std::move(sorted);
}

void AddVectors(Vectors vectors, const std::vector<uint32_t>& item_order,
                const std::vector<uint32_t>& user_order, DataSet* data) {
  const std::vector<Row> item_rows = RowsOfNumbers(item_order);
  const std::vector<Row> user_rows = RowsOfNumbers(user_order);
  for (GivenSpace& space : vectors.spaces) {
    SortByRow(item_rows, space.dim, &space.items);
    SortByRow(user_rows, space.dim, &space.users);
    data->spaces.push_back(std::move(space));
  }
  if (vectors.popularity.empty()) return;
  vectors.popularity.resize(data->items.size());
  for (const uint32_t number : item_order) {
    data->item_popularity.push_back(vectors.popularity[number]);
  }
}

absl::Status CheckKinds(const v1::Input& input,
                        const std::vector<std::string>& columns) {
  for (const auto& [name, kind] : input.kinds()) {
    if (std::count(columns.begin(), columns.end(), name) > 0) continue;
    return absl::InvalidArgumentError(fmt::format(
        "kinds: no table of items or users has a column \"{}\"; there are {}",
        name,
        columns.empty() ? "none"
                        : fmt::format("{}", fmt::join(columns, ", "))));
  }
  return absl::OkStatus();
}

const char* KeyKindName(v1::KeyKind kind) {
  return kind == v1::UINT64 ? "numbers" : "text";
}

void SayFeatures(std::string_view of, const std::vector<ColumnReport>& columns,
                 InputReport* report) {
  if (columns.empty()) return;
  report->Say(fmt::format("features of {}:", of));
  std::vector<ColumnFact> facts;
  for (const ColumnReport& column : columns) {
    std::string example = column.example;
    std::replace(example.begin(), example.end(), kTokenSeparator, '|');
    ColumnFact& fact = facts.emplace_back(
        ColumnFact{.name = column.name,
                   .is = std::string(ColumnKindName(column.kind)),
                   .example = QuotedExample(example),
                   .note = column.note});
    if (column.kind == ColumnKind::kIgnored) fact.is = "ignored";
    if (column.missing == 0) continue;
    if (!fact.note.empty()) fact.note += "; ";
    fact.note += fmt::format("{} of {} without", column.missing,
                             column.missing + column.present);
  }
  SayColumns(facts, report);
}

void SayAttributes(const DataSet& data, InputReport* report) {
  if (data.attributes.empty()) return;
  report->Say(
      "attributes of items, which filters can ask for (--input.attributes "
      "states their types):");
  std::vector<ColumnFact> facts;
  for (const auto& attribute : data.attributes) {
    const v1::Attribute& spec = attribute->spec;
    ColumnFact& fact = facts.emplace_back(
        ColumnFact{.name = spec.name(),
                   .is = std::string(AttributeTypeName(spec.type())),
                   .example = Describe(*attribute, data.items.size()),
                   .note = ""});
    if (spec.name() != spec.column()) {
      fact.note = fmt::format("the column {}", QuotedExample(spec.column()));
    }
  }
  SayColumns(facts, report);
}

void SayTotals(const DataSet& data, InputReport* report) {
  uint64_t pairs = 0;
  std::vector<Row> items;
  const std::vector<Interaction>& all = data.interactions;
  for (size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    items.clear();
    for (; end < all.size() && all[end].user == all[begin].user; ++end) {
      items.push_back(all[end].item);
    }
    std::sort(items.begin(), items.end());
    pairs += std::unique(items.begin(), items.end()) - items.begin();
  }
  report->Say(fmt::format(
      "{} users (keys are {}), {} items (keys are {}), {} interactions: {} "
      "pairs of user and item, {} repeats",
      data.users.size(), KeyKindName(data.users.kind), data.items.size(),
      KeyKindName(data.items.kind), all.size(), pairs, all.size() - pairs));
}

}  // namespace

absl::StatusOr<DataSet> ReadDataSet(std::string_view data,
                                    const ReadOptions& options) {
  return ReadDataSet(data, options, DataChanges());
}

absl::StatusOr<DataSet> ReadDataSet(std::string_view data,
                                    const ReadOptions& options,
                                    const DataChanges& changes) {
  const v1::Input& input = options.input;
  const double max_malformed_share = input.has_max_malformed_share()
                                         ? input.max_malformed_share()
                                         : kMaxMalformedShare;
  MalformedLines malformed(options.max_malformed_lines, max_malformed_share);
  InputReport report;
  std::vector<std::string> columns;
  const TableContext context{.input = &input,
                             .malformed = &malformed,
                             .report = &report,
                             .now_s = absl::ToUnixSeconds(absl::Now()),
                             .feature_columns = &columns};
  const size_t colon = data.find(':');
  const bool has_where = colon != std::string_view::npos;
  const std::string where(has_where ? data.substr(colon + 1) : "");
  const std::string_view kind = data.substr(0, colon);
  if (kind == "synthetic") {
    if (!changes.changes.empty()) {
      return absl::InvalidArgumentError(
          "changes: synthetic data have no items that live changes could be "
          "about");
    }
    ASSIGN_OR_RETURN(DataSet synthetic, ReadSynthetic(where, has_where));
    RETURN_IF_ERROR(ApplyFeedback(options.feedback, &synthetic));
    return synthetic;
  }

  ASSIGN_OR_RETURN(AttributeChoice attributes,
                   StatedAttributes(input, options.max_malformed_lines,
                                    max_malformed_share));
  attributes.earlier = options.earlier_attributes;

  Vectors vectors;
  ASSIGN_OR_RETURN(DataSetBuilder builder,
                   ReadKind(kind, where, has_where, context, &vectors));
  if (!input.vectors().empty()) {
    if (kind == "vectors") {
      return absl::InvalidArgumentError(
          "vectors: the data are vectors already; put all spaces into one "
          "directory");
    }
    RETURN_IF_ERROR(ReadVectorSpaces(input.vectors(),
                                     /*rows_may_be_keys=*/false, context,
                                     &builder, &vectors.spaces));
  }
  ApplyChanges(changes, &builder, &vectors.spaces, &report);
  RETURN_IF_ERROR(CheckKinds(input, columns));
  ASSIGN_OR_RETURN(const std::optional<v1::KeyKind> item_kind,
                   StatedKind("item_keys", input.item_keys(), builder.items));
  ASSIGN_OR_RETURN(const std::optional<v1::KeyKind> user_kind,
                   StatedKind("user_keys", input.user_keys(), builder.users));
  WarnOfOddKeys("items", builder.items, item_kind, &report);
  WarnOfOddKeys("users", builder.users, user_kind, &report);
  std::vector<uint32_t> item_order;
  std::vector<uint32_t> user_order;
  ASSIGN_OR_RETURN(DataSet read, std::move(builder).Finish(
                                     item_kind, user_kind,
                                     options.attributes ? &attributes : nullptr,
                                     &item_order, &user_order, &report));
  AddVectors(std::move(vectors), item_order, user_order, &read);
  read.trains = kind != "vectors";
  if (!read.trains) {
    // Nothing is trained on them; they are there for attributes.
    read.item_features.clear();
    read.item_columns.clear();
  }
  malformed.MoveTo(&read);
  RETURN_IF_ERROR(ApplyFeedback(options.feedback, &read));
  SayFeatures("items", read.item_columns, &report);
  SayFeatures("users", read.user_columns, &report);
  SayAttributes(read, &report);
  SayTotals(read, &report);
  if (!read.interactions.empty()) {
    for (std::string& line : Describe(read.feedback)) {
      report.Say(std::move(line));
    }
  }
  read.report = std::move(report);
  return read;
}

absl::StatusOr<DataSet> ReadDataSet(std::string_view data,
                                    uint32_t max_malformed_lines) {
  ReadOptions options;
  options.max_malformed_lines = max_malformed_lines;
  return ReadDataSet(data, options);
}

}  // namespace tributary
