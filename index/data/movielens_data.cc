#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/data/data_readers.h"
#include "index/data/data_set_builder.h"
#include "index/data/delimited_file.h"
#include "index/data/input_files.h"
#include "index/data/input_table.h"
#include "index/data/parse_field.h"
#include "index/data/time_reading.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

// The genres in the order of the flags in u.item (see u.genre).
constexpr std::string_view kGenres[] = {
    "unknown",   "Action",   "Adventure",   "Animation", "Children's",
    "Comedy",    "Crime",    "Documentary", "Drama",     "Fantasy",
    "Film-Noir", "Horror",   "Musical",     "Mystery",   "Romance",
    "Sci-Fi",    "Thriller", "War",         "Western"};
constexpr size_t kFirstGenre = 5;

// A file without a header, as most MovieLens sets have. GroupLens' READMEs say
// which field is what.
struct Table {
  std::filesystem::path path;
  DelimitedFile::Format format;
  size_t fields;
};

// Calls record(file) for each record. It returns what is wrong with it, or "".
absl::Status ReadRecords(
    const Table& table, MalformedLines* malformed,
    const std::function<std::string_view(const DelimitedFile&)>& record) {
  ASSIGN_OR_RETURN(DelimitedFile file,
                   DelimitedFile::Open(table.path, table.format, malformed));
  file.ExpectFields(table.fields);
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file.Next());
    if (!more) return absl::OkStatus();
    const std::string_view problem = record(file);
    if (!problem.empty()) RETURN_IF_ERROR(file.Malformed(problem));
  }
}

// Fields: user, item, rating, time in seconds since 1970.
absl::Status ReadRatings(const Table& table, const TableContext& context,
                         DataSetBuilder* builder) {
  builder->value_name = "rating";
  TimeReading seconds(TimeReading::Form::kSeconds);
  uint64_t ratings = 0;
  RETURN_IF_ERROR(ReadRecords(
      table, context.malformed,
      [&](const DelimitedFile& file) -> std::string_view {
        for (const size_t key : {0, 1}) {
          const auto problem = KeyProblem(file.field(key));
          if (!problem.empty()) return problem;
        }
        const std::optional<double> rating = ParseNumber(file.field(2));
        const std::optional<int64_t> time_s = seconds.Parse(file.field(3));
        if (!rating || !std::isfinite(static_cast<float>(*rating))) {
          return "the value is not a finite number";
        }
        if (!time_s) return "the time is not a number of seconds";
        ++ratings;
        return builder->AddInteraction(builder->users.Add(file.field(0)),
                                       builder->items.Add(file.field(1)),
                                       static_cast<float>(*rating), *time_s);
      }));
  context.report->Say(
      fmt::format("{}: {} ratings, columns as GroupLens' README has them",
                  table.path.string(), ratings));
  return absl::OkStatus();
}

// Reads a file of items or users whose first field is the key. Adds the columns
// of the other fields, then what `set` adds.
struct Feature {
  std::string_view name;
  Kind kind;
  size_t field;
  std::string_view separators = {};
};

absl::Status ReadFields(const Table& table,
                        std::initializer_list<Feature> features,
                        KeyNumbers* keys, FeatureTable* values,
                        MalformedLines* malformed) {
  std::vector<size_t> columns;
  for (const Feature& feature : features) {
    columns.push_back(values->AddColumn(feature.name, feature.kind));
    if (!feature.separators.empty()) {
      values->SetAttributeType(columns.back(), v1::TAGS);
    }
  }
  return ReadRecords(table, malformed, [&](const DelimitedFile& file) {
    const std::string_view problem = KeyProblem(file.field(0));
    if (!problem.empty()) return problem;
    const uint32_t row = keys->Add(file.field(0));
    const size_t* column = columns.data();
    for (const Feature& feature : features) {
      const std::string_view value = file.field(feature.field);
      values->Set(*column++, row,
                  feature.separators.empty()
                      ? std::string(value)
                      : SplitTokens(value, feature.separators));
    }
    return std::string_view();
  });
}

// Adds the genres whose flags are set in u.item.
absl::Status ReadGenreFlags(const Table& table, DataSetBuilder* builder,
                            MalformedLines* malformed) {
  const size_t column =
      builder->item_features.AddColumn("genres", Kind::kTokens);
  builder->item_features.SetAttributeType(column, v1::TAGS);
  return ReadRecords(table, malformed, [&](const DelimitedFile& file) {
    const auto row = builder->items.Find(file.field(0));
    for (size_t i = 0; row && i < std::size(kGenres); ++i) {
      if (file.field(kFirstGenre + i) == "1") {
        builder->item_features.AddToken(column, *row, kGenres[i]);
      }
    }
    return std::string_view();
  });
}

std::string_view AddTag(std::string_view item, std::string_view text,
                        size_t column, DataSetBuilder* builder) {
  if (const auto problem = KeyProblem(item); !problem.empty()) return problem;
  std::string tag(text);
  for (char& c : tag) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  builder->item_features.AddToken(column, builder->items.Add(item), tag);
  return "";
}

// Fields: user, item, tag, time.
absl::Status ReadTags(const Table& table, DataSetBuilder* builder,
                      MalformedLines* malformed) {
  const size_t column = builder->item_features.AddColumn("tags", Kind::kTokens);
  builder->item_features.SetAttributeType(column, v1::TAGS);
  return ReadRecords(table, malformed, [&](const DelimitedFile& file) {
    return AddTag(file.field(1), file.field(2), column, builder);
  });
}

absl::Status Read100k(const std::filesystem::path& dir,
                      const TableContext& context, DataSetBuilder* builder) {
  MalformedLines* const malformed = context.malformed;
  RETURN_IF_ERROR(ReadRatings(
      {.path = dir / "u.data", .format = {.separator = "\t"}, .fields = 4},
      context, builder));
  const Table items{.path = dir / "u.item",
                    .format = {.separator = "|"},
                    .fields = kFirstGenre + std::size(kGenres)};
  ASSIGN_OR_RETURN(const bool has_items, FileExists(items.path));
  if (has_items) {
    RETURN_IF_ERROR(ReadFields(items, {{"title", Kind::kText, 1}},
                               &builder->items, &builder->item_features,
                               malformed));
    // These lines are read a second time; malformed ones are counted already.
    MalformedLines counted(UINT32_MAX);
    RETURN_IF_ERROR(ReadGenreFlags(items, builder, &counted));
  }
  const Table users{
      .path = dir / "u.user", .format = {.separator = "|"}, .fields = 4};
  ASSIGN_OR_RETURN(const bool has_users, FileExists(users.path));
  if (!has_users) return absl::OkStatus();
  return ReadFields(users,
                    {{"age", Kind::kNumber, 1},
                     {"gender", Kind::kTokens, 2},
                     {"occupation", Kind::kTokens, 3}},
                    &builder->users, &builder->user_features, malformed);
}

absl::Status ReadDat(const std::filesystem::path& dir,
                     const TableContext& context, DataSetBuilder* builder) {
  MalformedLines* const malformed = context.malformed;
  const DelimitedFile::Format format{.separator = "::"};
  RETURN_IF_ERROR(
      ReadRatings({.path = dir / "ratings.dat", .format = format, .fields = 4},
                  context, builder));
  const Table items{.path = dir / "movies.dat", .format = format, .fields = 3};
  ASSIGN_OR_RETURN(const bool has_items, FileExists(items.path));
  if (has_items) {
    RETURN_IF_ERROR(ReadFields(
        items, {{"title", Kind::kText, 1}, {"genres", Kind::kTokens, 2, "|"}},
        &builder->items, &builder->item_features, malformed));
  }
  const Table tags{.path = dir / "tags.dat", .format = format, .fields = 3};
  ASSIGN_OR_RETURN(const bool has_tags, FileExists(tags.path));
  if (has_tags) RETURN_IF_ERROR(ReadTags(tags, builder, malformed));
  const Table users{.path = dir / "users.dat", .format = format, .fields = 4};
  ASSIGN_OR_RETURN(const bool has_users, FileExists(users.path));
  if (!has_users) return absl::OkStatus();
  return ReadFields(users,
                    {{"gender", Kind::kTokens, 1},
                     {"age", Kind::kNumber, 2},
                     {"occupation", Kind::kTokens, 3}},
                    &builder->users, &builder->user_features, malformed);
}

// Tags are what users wrote on items.
absl::Status ReadTagTable(const std::filesystem::path& path,
                          const TableContext& context,
                          DataSetBuilder* builder) {
  ASSIGN_OR_RETURN(InputTable table, InputTable::Open({&path, 1}, {}, context));
  const Role wanted[] = {Role::kItem};
  ASSIGN_OR_RETURN(
      const ColumnRoles roles,
      FindRoles(table.name(), table.names(), wanted, *context.input));
  if (!roles[Role::kItem]) {
    return MissingRole(table.name(), Role::kItem, table.names());
  }
  const auto tag = std::find(table.names().begin(), table.names().end(), "tag");
  if (tag == table.names().end()) {
    return absl::NotFoundError(
        fmt::format("{}: no column tag in the header", table.name()));
  }
  const size_t column = builder->item_features.AddColumn("tags", Kind::kTokens);
  builder->item_features.SetAttributeType(column, v1::TAGS);
  RETURN_IF_ERROR(table.ForEach([&](const DelimitedFile& file) {
    return AddTag(file.field(roles[Role::kItem]),
                  file.field(tag - table.names().begin()), column, builder);
  }));
  table.Describe(context.report);
  return absl::OkStatus();
}

absl::Status ReadCsvSet(const std::filesystem::path& dir,
                        const std::filesystem::path& ratings,
                        const TableContext& context, DataSetBuilder* builder) {
  // Known of these tables; what is stated counts all the same.
  v1::Input input = *context.input;
  input.mutable_kinds()->insert({"title", "text"});
  input.mutable_kinds()->insert({"genres", "tags"});
  TableContext known = context;
  known.input = &input;
  InteractionCounts counts;
  RETURN_IF_ERROR(
      ReadInteractions({&ratings, 1}, {}, {}, known, builder, &counts));
  ASSIGN_OR_RETURN(const auto items, FindCompressed(dir / "movies.csv"));
  ASSIGN_OR_RETURN(const bool has_items, FileExists(items));
  if (has_items) {
    RETURN_IF_ERROR(ReadFeatures({&items, 1}, {}, Role::kItem, counts.of_items,
                                 known, &builder->items,
                                 &builder->item_features));
  }
  ASSIGN_OR_RETURN(const auto tags, FindCompressed(dir / "tags.csv"));
  ASSIGN_OR_RETURN(const bool has_tags, FileExists(tags));
  return has_tags ? ReadTagTable(tags, context, builder) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<DataSetBuilder> ReadMovieLens(const std::filesystem::path& dir,
                                             const TableContext& context) {
  DataSetBuilder builder;
  ASSIGN_OR_RETURN(const bool is_100k, FileExists(dir / "u.data"));
  ASSIGN_OR_RETURN(const bool is_dat, FileExists(dir / "ratings.dat"));
  ASSIGN_OR_RETURN(const auto ratings, FindCompressed(dir / "ratings.csv"));
  ASSIGN_OR_RETURN(const bool is_csv, FileExists(ratings));
  absl::Status status;
  if (is_100k) {
    status = Read100k(dir, context, &builder);
  } else if (is_dat) {
    status = ReadDat(dir, context, &builder);
  } else if (is_csv) {
    status = ReadCsvSet(dir, ratings, context, &builder);
  } else {
    status = absl::NotFoundError(
        fmt::format("{}: none of u.data, ratings.dat and ratings.csv exists",
                    dir.string()));
  }
  RETURN_IF_ERROR(status);
  return builder;
}

}  // namespace tributary
