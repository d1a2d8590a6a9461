#include "index/assemble/check_lengths.h"

#include <cmath>
#include <span>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::Status CheckTableLengths(const GivenSpace& space, std::string_view table,
                               std::string_view one,
                               const GivenVectors& vectors,
                               const KeyList& keys) {
  for (size_t i = 0; i < vectors.rows.size(); ++i) {
    const auto vector =
        std::span(vectors.values).subspan(i * space.dim, space.dim);
    double square = 0;
    for (const double x : vector) square += x * x;
    const double length = std::sqrt(square);
    if (length <= kLongestVector) continue;
    return absl::InvalidArgumentError(fmt::format(
        "{}.{}.npy: the vector of {} \"{}\" has length {:.3g}, expected at "
        "most {:g}: scores would overflow; scale the vectors",
        space.name, table, one, keys.text(vectors.rows[i]), length,
        kLongestVector));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckLengths(const DataSet& data, const GivenSpace& space) {
  RETURN_IF_ERROR(
      CheckTableLengths(space, "items", "item", space.items, data.items));
  return CheckTableLengths(space, "users", "user", space.users, data.users);
}

}  // namespace tributary
