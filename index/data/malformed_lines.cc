#include "index/data/malformed_lines.h"

#include <utility>

#include "fmt/format.h"

namespace tributary {
namespace {

constexpr size_t kLinesNamed = 10;

}  // namespace

absl::Status MalformedLines::Add(const std::string& file, uint64_t line,
                                 std::string_view reason) {
  std::string named = fmt::format("{}:{}: {}", file, line, reason);
  OfFile& of_file = files_[file];
  if (++of_file.count == 1) of_file.first = named;
  if (++count_ <= kLinesNamed) first_.push_back(std::move(named));
  if (of_file.count <= limit_) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("{}: more than {} malformed lines, the first one: {}", file,
                  limit_, of_file.first));
}

absl::Status MalformedLines::CheckShare(const std::string& file,
                                        uint64_t records) const {
  const auto found = files_.find(file);
  if (found == files_.end()) return absl::OkStatus();
  const OfFile& of_file = found->second;
  if (static_cast<double>(of_file.count) <=
      limit_share_ * static_cast<double>(records)) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      fmt::format("{}: {} of {} records are malformed, the first one: {}", file,
                  of_file.count, records, of_file.first));
}

void MalformedLines::MoveTo(DataSet* data) {
  data->malformed = std::move(first_);
  data->malformed_lines = count_;
}

}  // namespace tributary
