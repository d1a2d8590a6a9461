#include "index/bundle/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "fmt/core.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
// The data of a file that we write begin at a multiple of this offset, so that
// mapped vectors are aligned to cache lines.
constexpr size_t kAlignment = 64;

constexpr std::array<std::pair<Dtype, std::string_view>, 8> kDtypeNames = {{
    {Dtype::kUint8, "|u1"},
    {Dtype::kUint16, "<u2"},
    {Dtype::kUint32, "<u4"},
    {Dtype::kUint64, "<u8"},
    {Dtype::kInt64, "<i8"},
    {Dtype::kFloat16, "<f2"},
    {Dtype::kFloat32, "<f4"},
    {Dtype::kFloat64, "<f8"},
}};

// Parses a header's text: a Python dictionary literal with three known keys in
// any order, as numpy.lib.format writes it.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  // Returns false unless the text is such a literal.
  bool Read() {
    if (!Take('{')) return false;
    while (!Take('}')) {
      std::string_view key;
      if (!ReadString(&key) || !Take(':') || !ReadValue(key)) return false;
      if (!Take(',') && Peek() != '}') return false;
    }
    SkipSpace();
    return text_.empty() && keys_read_ == kAllKeys;
  }

  std::string_view descr() const { return descr_; }
  bool fortran_order() const { return fortran_order_; }
  // At most two extents.
  const std::vector<uint64_t>& shape() const { return shape_; }

 private:
  enum Key { kDescr = 1, kFortranOrder = 2, kShape = 4, kAllKeys = 7 };

  void SkipSpace() {
    const size_t first = text_.find_first_not_of(" \n");
    text_.remove_prefix(std::min(first, text_.size()));
  }
  char Peek() {
    SkipSpace();
    return text_.empty() ? '\0' : text_.front();
  }
  bool Take(char c) {
    if (Peek() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  bool ReadString(std::string_view* value) {
    const char quote = Peek();
    if ((quote != '\'' && quote != '"') || !Take(quote)) return false;
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos) return false;
    *value = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return true;
  }
  bool ReadValue(std::string_view key) {
    if (key == "descr") {
      keys_read_ |= kDescr;
      return ReadString(&descr_);
    }
    if (key == "fortran_order") {
      keys_read_ |= kFortranOrder;
      fortran_order_ = TakeWord("True");
      return fortran_order_ || TakeWord("False");
    }
    keys_read_ |= kShape;
    return key == "shape" && ReadShape();
  }
  bool ReadShape() {
    shape_.clear();
    if (!Take('(')) return false;
    while (!Take(')')) {
      SkipSpace();
      uint64_t extent = 0;
      const auto [end, error] =
          std::from_chars(text_.data(), text_.data() + text_.size(), extent);
      if (error != std::errc() || shape_.size() == 2) return false;
      shape_.push_back(extent);
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      if (!Take(',') && Peek() != ')') return false;
    }
    return true;
  }

  std::string_view text_;
  int keys_read_ = 0;
  std::string_view descr_;
  bool fortran_order_ = false;
  std::vector<uint64_t> shape_;
};

// A header's text, and the offset at which the data begin.
struct HeaderText {
  std::string_view text;
  uint64_t data_offset;
};

std::optional<HeaderText> FindHeaderText(std::string_view file) {
  if (!file.starts_with(kMagic) || file.size() < 10) return std::nullopt;
  const auto byte = [&](size_t i) {
    return static_cast<size_t>(static_cast<unsigned char>(file[i]));
  };
  const size_t major = byte(6);
  if (major < 1 || major > 3) return std::nullopt;
  const size_t start = major == 1 ? 10 : 12;
  if (file.size() < start) return std::nullopt;
  size_t length = byte(8) | byte(9) << 8;
  if (major > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (file.size() - start < length) return std::nullopt;
  return HeaderText{file.substr(start, length), start + length};
}

absl::Status CheckSize(const NpyHeader& header, uint64_t file_bytes,
                       std::string_view name) {
  uint64_t elements = 0;
  uint64_t bytes = 0;
  const bool overflow =
      __builtin_mul_overflow(header.rows, header.columns, &elements) ||
      __builtin_mul_overflow(elements, DtypeSize(header.dtype), &bytes);
  const uint64_t held = file_bytes - header.data_offset;
  if (!overflow && bytes == held) return absl::OkStatus();
  return absl::DataLossError(fmt::format(
      "{}: shape ({}, {}) of {} needs {} bytes after the header, "
      "the file holds {}",
      name, header.rows, header.columns, DtypeName(header.dtype),
      overflow ? "more than 2^64" : fmt::format("{}", bytes), held));
}

}  // namespace

std::string_view DtypeName(Dtype dtype) {
  for (const auto& [known, name] : kDtypeNames) {
    if (known == dtype) return name;
  }
  return "?";
}

size_t DtypeSize(Dtype dtype) {
  // The digit of "<f4".
  return static_cast<size_t>(DtypeName(dtype)[2] - '0');
}

absl::StatusOr<NpyDescription> DescribeNpy(std::span<const std::byte> file,
                                           std::string_view name) {
  const std::string_view chars(reinterpret_cast<const char*>(file.data()),
                               file.size());
  const std::optional<HeaderText> found = FindHeaderText(chars);
  if (!found) {
    return absl::DataLossError(fmt::format(
        "{}: not a .npy file of format 1 to 3, or truncated", name));
  }
  HeaderReader reader(found->text);
  if (!reader.Read()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: the .npy header does not describe an array of one or two "
        "dimensions: {}",
        name, Quoted(found->text, 100)));
  }
  return NpyDescription{std::string(reader.descr()), reader.fortran_order(),
                        reader.shape(), found->data_offset};
}

absl::StatusOr<NpyHeader> ParseNpyHeader(std::span<const std::byte> file,
                                         std::string_view name) {
  ASSIGN_OR_RETURN(const NpyDescription array, DescribeNpy(file, name));
  const std::vector<uint64_t>& shape = array.shape;
  for (const auto& [dtype, descr] : kDtypeNames) {
    if (descr != array.descr) continue;
    if (array.fortran_order && shape.size() > 1) break;
    if (shape.empty()) break;
    const NpyHeader header{dtype, shape[0], shape.size() == 2 ? shape[1] : 1,
                           static_cast<int>(shape.size()), array.data_offset};
    RETURN_IF_ERROR(CheckSize(header, file.size(), name));
    return header;
  }
  return absl::InvalidArgumentError(fmt::format(
      "{}: dtype {} in {} order; expected |u1, <u2, <u4, <u8, <i8, <f2, "
      "<f4 or <f8 in C order",
      name, array.descr, array.fortran_order ? "Fortran" : "C"));
}

std::string FormatNpyHeader(Dtype dtype, int dimensions, uint64_t rows,
                            uint64_t columns) {
  std::string text = fmt::format(
      "{{'descr': '{}', 'fortran_order': False, 'shape': ({},{}), }}",
      DtypeName(dtype), rows,
      dimensions == 2 ? fmt::format(" {}", columns) : std::string());
  const size_t prefix = kMagic.size() + 4;
  const size_t unpadded = prefix + text.size() + 1;
  text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  text.push_back('\n');
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(text.size() & 0xff),
             static_cast<char>(text.size() >> 8)};
  return header + text;
}

absl::StatusOr<NpyArray> NpyArray::Open(const std::filesystem::path& path) {
  NpyArray array;
  ASSIGN_OR_RETURN(array.file_, MappedFile::Open(path));
  ASSIGN_OR_RETURN(array.header_, ParseNpyHeader(array.file_.bytes(),
                                                 path.filename().string()));
  return array;
}

}  // namespace tributary
