#include <string>
#include <system_error>
#include <string_view>

#include "fmt/format.h"
#include "index/bundle/key_table.h"
#include "index/data/data_readers.h"
#include "index/data/data_set.h"
#include "index/data/synthetic_data.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint64_t kSyntheticSeed = 1;

absl::StatusOr<DataSet> Read(std::string_view kind, const std::string& where,
                             bool has_where, MalformedLines* malformed) {
  if (kind == "debian" && has_where != where.empty()) {
    return ReadDebian(where, malformed);
  }
  if (kind == "synthetic") {
    uint64_t seed = kSyntheticSeed;
    if (!has_where || ParseDecimalKey(where, &seed)) {
      return MakeSyntheticData(seed).data;
    }
    return absl::InvalidArgumentError(fmt::format(
        "data: \"synthetic:{}\", expected a number as seed", where));
  }
  if (!where.empty()) {
    if (kind == "recbole") return ReadRecBole(where, malformed);
    if (kind == "movielens") return ReadMovieLens(where, malformed);
    if (kind == "csv") return ReadCsv(where, malformed);
    if (kind == "vectors") return ReadVectors(where, malformed);
  }
  return absl::InvalidArgumentError(fmt::format(
      "data: \"{}{}{}\", expected debian, recbole:DIR, movielens:DIR, csv:DIR, "
      "vectors:DIR or synthetic[:SEED]",
      kind, has_where ? ":" : "", where));
}

}  // namespace

absl::StatusOr<DataSet> ReadDataSet(std::string_view data,
                                    uint32_t max_malformed_lines) {
  MalformedLines malformed(max_malformed_lines);
  const size_t colon = data.find(':');
  const bool has_where = colon != std::string_view::npos;
  const std::string where(has_where ? data.substr(colon + 1) : "");
  ASSIGN_OR_RETURN(DataSet read,
                   Read(data.substr(0, colon), where, has_where, &malformed));
  malformed.MoveTo(&read);
  return read;
}

bool Exists(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace tributary
