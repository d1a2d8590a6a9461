#include <cctype>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/data/data_readers.h"
#include "index/data/data_set_builder.h"
#include "index/data/delimited_file.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

// The order of the flags in u.item, from u.genre.
constexpr std::string_view kGenres[] = {
    "unknown",   "Action",   "Adventure",   "Animation", "Children's",
    "Comedy",    "Crime",    "Documentary", "Drama",     "Fantasy",
    "Film-Noir", "Horror",   "Musical",     "Mystery",   "Romance",
    "Sci-Fi",    "Thriller", "War",         "Western"};
constexpr size_t kFirstGenre = 5;

// A file of records without names for their fields, as most are here.
struct Table {
  std::filesystem::path path;
  DelimitedFile::Format format;
  bool header = false;
  size_t fields;
};

// Calls record(file) for each; what it returns is what is wrong with it.
absl::Status ReadRecords(
    const Table& table, MalformedLines* malformed,
    const std::function<std::string_view(const DelimitedFile&)>& record) {
  ASSIGN_OR_RETURN(DelimitedFile file,
                   DelimitedFile::Open(table.path, table.format, malformed));
  file.ExpectFields(table.fields);
  if (table.header) RETURN_IF_ERROR(file.ReadHeader());
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file.Next());
    if (!more) return absl::OkStatus();
    const std::string_view problem = record(file);
    if (!problem.empty()) RETURN_IF_ERROR(file.Malformed(problem));
  }
}

// user, item, rating, time.
absl::Status ReadRatings(const Table& table, DataSetBuilder* builder,
                         MalformedLines* malformed) {
  return ReadRecords(table, malformed, [&](const DelimitedFile& file) {
    return builder->AddInteraction(file.field(0), file.field(1), file.field(2),
                                   file.field(3));
  });
}

// Reads a file of items or users whose first field is the key: the columns of
// the other fields, then what `set` adds.
struct Feature {
  std::string_view name;
  Kind kind;
  size_t field;
  std::string_view separators = {};
};

absl::Status ReadFeatures(const Table& table,
                          std::initializer_list<Feature> features,
                          KeyNumbers* keys, FeatureTable* values,
                          MalformedLines* malformed) {
  std::vector<size_t> columns;
  for (const Feature& feature : features) {
    columns.push_back(values->AddColumn(feature.name, feature.kind));
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

// Adds the genres that are flagged in u.item.
absl::Status ReadGenreFlags(const Table& table, DataSetBuilder* builder,
                            MalformedLines* malformed) {
  const size_t column =
      builder->item_features.AddColumn("genres", Kind::kTokens);
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

// userId,movieId,tag,timestamp: what users wrote on the items.
absl::Status ReadTags(const Table& table, DataSetBuilder* builder,
                      MalformedLines* malformed) {
  const size_t column = builder->item_features.AddColumn("tags", Kind::kTokens);
  return ReadRecords(table, malformed, [&](const DelimitedFile& file) {
    const std::string_view problem = KeyProblem(file.field(1));
    if (!problem.empty()) return problem;
    std::string tag(file.field(2));
    for (char& c : tag) {
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    builder->item_features.AddToken(column, builder->items.Add(file.field(1)),
                                    tag);
    return std::string_view();
  });
}

absl::Status Read100k(const std::filesystem::path& dir, DataSetBuilder* builder,
                      MalformedLines* malformed) {
  RETURN_IF_ERROR(ReadRatings(
      {.path = dir / "u.data", .format = {.separator = "\t"}, .fields = 4},
      builder, malformed));
  const Table items{.path = dir / "u.item",
                    .format = {.separator = "|"},
                    .fields = kFirstGenre + std::size(kGenres)};
  if (Exists(items.path)) {
    RETURN_IF_ERROR(ReadFeatures(items, {{"title", Kind::kText, 1}},
                                 &builder->items, &builder->item_features,
                                 malformed));
    // The same lines again: what is wrong with them has been counted.
    MalformedLines counted(UINT32_MAX);
    RETURN_IF_ERROR(ReadGenreFlags(items, builder, &counted));
  }
  const Table users{
      .path = dir / "u.user", .format = {.separator = "|"}, .fields = 4};
  if (!Exists(users.path)) return absl::OkStatus();
  return ReadFeatures(users,
                      {{"age", Kind::kNumber, 1},
                       {"gender", Kind::kTokens, 2},
                       {"occupation", Kind::kTokens, 3}},
                      &builder->users, &builder->user_features, malformed);
}

absl::Status ReadDat(const std::filesystem::path& dir, DataSetBuilder* builder,
                     MalformedLines* malformed) {
  const DelimitedFile::Format format{.separator = "::"};
  RETURN_IF_ERROR(
      ReadRatings({.path = dir / "ratings.dat", .format = format, .fields = 4},
                  builder, malformed));
  const Table items{.path = dir / "movies.dat", .format = format, .fields = 3};
  if (Exists(items.path)) {
    RETURN_IF_ERROR(ReadFeatures(
        items, {{"title", Kind::kText, 1}, {"genres", Kind::kTokens, 2, "|"}},
        &builder->items, &builder->item_features, malformed));
  }
  const Table tags{.path = dir / "tags.dat", .format = format, .fields = 3};
  if (Exists(tags.path)) RETURN_IF_ERROR(ReadTags(tags, builder, malformed));
  const Table users{.path = dir / "users.dat", .format = format, .fields = 4};
  if (!Exists(users.path)) return absl::OkStatus();
  return ReadFeatures(users,
                      {{"gender", Kind::kTokens, 1},
                       {"age", Kind::kNumber, 2},
                       {"occupation", Kind::kTokens, 3}},
                      &builder->users, &builder->user_features, malformed);
}

absl::Status ReadCsvSet(const std::filesystem::path& dir,
                        DataSetBuilder* builder, MalformedLines* malformed) {
  const auto table = [&](std::string_view name, size_t fields) {
    return Table{.path = dir / name,
                 .format = {.separator = ",", .quoted = true},
                 .header = true,
                 .fields = fields};
  };
  RETURN_IF_ERROR(ReadRatings(table("ratings.csv", 4), builder, malformed));
  if (const Table items = table("movies.csv", 3); Exists(items.path)) {
    RETURN_IF_ERROR(ReadFeatures(
        items, {{"title", Kind::kText, 1}, {"genres", Kind::kTokens, 2, "|"}},
        &builder->items, &builder->item_features, malformed));
  }
  if (const Table tags = table("tags.csv", 3); Exists(tags.path)) {
    return ReadTags(tags, builder, malformed);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DataSet> ReadMovieLens(const std::filesystem::path& dir,
                                      MalformedLines* malformed) {
  DataSetBuilder builder;
  absl::Status status;
  if (Exists(dir / "u.data")) {
    status = Read100k(dir, &builder, malformed);
  } else if (Exists(dir / "ratings.dat")) {
    status = ReadDat(dir, &builder, malformed);
  } else if (Exists(dir / "ratings.csv")) {
    status = ReadCsvSet(dir, &builder, malformed);
  } else {
    status = absl::NotFoundError(
        fmt::format("{}: none of u.data, ratings.dat and ratings.csv is there",
                    dir.string()));
  }
  RETURN_IF_ERROR(status);
  return std::move(builder).Finish();
}

}  // namespace tributary
