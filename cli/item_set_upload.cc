#include "cli/item_set_upload.h"

#include <cstddef>
#include <cstdint>

#include "fmt/format.h"
#include "text/utf8.h"

namespace tributary {
namespace {

// Of keys in one message: well below what any server reads.
constexpr size_t kPartBytes = 1 << 16;

}  // namespace

absl::Status SendItemSet(
    std::istream& lines, const std::string& file, const std::string& name,
    absl::FunctionRef<bool(const v1::PutItemSetRequest&)> send) {
  v1::PutItemSetRequest part;
  part.set_name(name);
  bool is_first = true;
  size_t bytes = 0;
  std::string line;
  for (uint64_t number = 1; std::getline(lines, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (!IsUtf8(line)) {
      return absl::InvalidArgumentError(
          fmt::format("{}: line {} is not UTF-8, expected the key of an item",
                      file, number));
    }
    bytes += line.size();
    part.add_item_keys(line);
    if (bytes < kPartBytes) continue;
    if (!send(part)) return absl::OkStatus();
    part.Clear();
    is_first = false;
    bytes = 0;
  }
  if (lines.bad()) {
    return absl::DataLossError(fmt::format("{}: reading failed", file));
  }
  if (is_first || bytes > 0) send(part);
  return absl::OkStatus();
}

}  // namespace tributary
