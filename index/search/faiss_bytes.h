#ifndef TRIBUTARY_INDEX_SEARCH_FAISS_BYTES_H_
#define TRIBUTARY_INDEX_SEARCH_FAISS_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "fmt/core.h"

namespace tributary {

// Elements that lie end to end in a file, at any alignment. A view.
template <typename T>
class FileVector {
 public:
  FileVector() = default;
  explicit FileVector(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t size() const { return bytes_.size() / sizeof(T); }
  T operator[](size_t i) const {
    T value;
    std::memcpy(&value, bytes_.data() + i * sizeof(T), sizeof(T));
    return value;
  }
  T back() const { return (*this)[size() - 1]; }
  // The same bytes as elements of another type.
  template <typename U>
  FileVector<U> as() const {
    return FileVector<U>(bytes_);
  }

 private:
  std::span<const std::byte> bytes_;
};

// Takes values from a file of FAISS in their order, and never reads beyond its
// end. The first error is kept; from then on every value is 0 and every vector
// is empty, so that callers need to look only before a loop, and at the end.
// A view of the bytes. Not thread-safe.
class FaissBytes {
 public:
  // `file` is what errors begin with.
  FaissBytes(std::span<const std::byte> bytes, std::string_view file)
      : left_(bytes), file_(file) {}

  bool ok() const { return status_.ok(); }
  // DATA_LOSS, naming the file, the part of the index, and the value.
  const absl::Status& status() const { return status_; }
  size_t left() const { return left_.size(); }

  // A scalar. `what` is its name in FAISS, for errors.
  template <typename T>
  T Take(std::string_view what) {
    T value{};
    const std::span<const std::byte> bytes = TakeBytes(1, sizeof(T), what);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  // A bool, whose byte must be 0 or 1.
  bool TakeBool(std::string_view what) {
    const auto byte = Take<uint8_t>(what);
    Expect(byte <= 1, "{} is {}, expected 0 or 1", what, byte);
    return byte == 1;
  }
  // `size` elements. An error when the file holds fewer.
  template <typename T>
  FileVector<T> TakeArray(uint64_t size, std::string_view what) {
    return FileVector<T>(TakeBytes(size, sizeof(T), what));
  }
  // Elements that follow their number.
  template <typename T>
  FileVector<T> TakeVector(std::string_view what) {
    return TakeArray<T>(Take<uint64_t>(what), what);
  }

  // Makes what the format says the error, unless the condition holds or there
  // is an error already. Returns ok().
  template <typename... Args>
  bool Expect(bool condition, fmt::format_string<Args...> format,
              Args&&... args) {
    if (!condition && ok()) {
      Fail(fmt::format(format, std::forward<Args>(args)...));
    }
    return ok();
  }

  // While it lives, errors name this part of the index.
  class Part {
   public:
    Part(FaissBytes* bytes, std::string_view name);
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part() { bytes_->path_.resize(size_before_); }

   private:
    FaissBytes* const bytes_;
    const size_t size_before_;
  };

 private:
  std::span<const std::byte> TakeBytes(uint64_t count, size_t size,
                                       std::string_view what);
  void Fail(std::string_view problem);

  std::span<const std::byte> left_;
  const std::string file_;
  std::string path_;
  absl::Status status_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FAISS_BYTES_H_
