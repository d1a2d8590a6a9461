#include "index/search/faiss_bytes.h"

namespace tributary {

std::span<const std::byte> FaissBytes::TakeBytes(uint64_t count, size_t size,
                                                 std::string_view what) {
  if (!ok()) return {};
  // Written so that the product cannot overflow.
  if (count > left_.size() / size) {
    Fail(
        fmt::format("{} has {} elements of {} bytes, but the file has only "
                    "{} bytes more",
                    what, count, size, left_.size()));
    return {};
  }
  const auto taken = left_.first(count * size);
  left_ = left_.subspan(count * size);
  return taken;
}

void FaissBytes::Fail(std::string_view problem) {
  status_ = absl::DataLossError(
      path_.empty() ? fmt::format("{}: {}", file_, problem)
                    : fmt::format("{}: {}: {}", file_, path_, problem));
}

FaissBytes::Part::Part(FaissBytes* bytes, std::string_view name)
    : bytes_(bytes), size_before_(bytes->path_.size()) {
  if (!bytes_->path_.empty()) bytes_->path_ += '.';
  bytes_->path_ += name;
}

}  // namespace tributary
