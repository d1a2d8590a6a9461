#include "index/data/npy_input.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <iterator>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/bundle.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/npy.h"
#include "index/bundle/row.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// A mapped array: its elements are `size` bytes each.
struct NpyInput {
  MappedFile file;
  NpyDescription array;
  std::string name;
  char kind = '\0';
  size_t size = 0;
  bool big_endian = false;
  // Of datetime64: "ms" of "<M8[ms]".
  std::string unit;

  const std::byte* element(uint64_t i) const {
    return file.bytes().data() + array.data_offset + i * size;
  }
};

// The value at `from`, whose bytes are reversed if need be.
template <typename T>
T Load(const std::byte* from, bool big_endian) {
  std::byte bytes[sizeof(T)];
  std::memcpy(bytes, from, sizeof(T));
  if (big_endian) std::reverse(bytes, bytes + sizeof(T));
  return std::bit_cast<T>(bytes);
}

// The number of NumPy's kind and size as float; NaN when it is not finite.
using Reader = float (*)(const std::byte*, bool);
template <typename T>
float ReadAs(const std::byte* from, bool big_endian) {
  return static_cast<float>(Load<T>(from, big_endian));
}
float ReadHalf(const std::byte* from, bool big_endian) {
  const Half half{Load<uint16_t>(from, big_endian)};
  return IsFinite(half) ? ToFloat(half)
                        : std::numeric_limits<float>::quiet_NaN();
}

Reader ReaderOf(char kind, size_t size) {
  const std::string key = fmt::format("{}{}", kind, size);
  if (key == "f2") return ReadHalf;
  if (key == "f4") return ReadAs<float>;
  if (key == "f8") return ReadAs<double>;
  if (key == "i1") return ReadAs<int8_t>;
  if (key == "i2") return ReadAs<int16_t>;
  if (key == "i4") return ReadAs<int32_t>;
  if (key == "i8") return ReadAs<int64_t>;
  if (key == "u1" || key == "b1") return ReadAs<uint8_t>;
  if (key == "u2") return ReadAs<uint16_t>;
  if (key == "u4") return ReadAs<uint32_t>;
  if (key == "u8") return ReadAs<uint64_t>;
  return nullptr;
}

absl::Status Refuse(const NpyInput& input, std::string_view what,
                    std::string_view remedy) {
  return absl::InvalidArgumentError(
      fmt::format("{}: {}; mend it in Python: np.save({}, {})", input.name,
                  what, fmt::format("\"{}\"", input.name), remedy));
}

absl::StatusOr<NpyInput> OpenNpy(const std::filesystem::path& path) {
  NpyInput input;
  input.name = path.string();
  ASSIGN_OR_RETURN(input.file, MappedFile::Open(path));
  ASSIGN_OR_RETURN(input.array, DescribeNpy(input.file.bytes(), input.name));
  const std::string& descr = input.array.descr;
  // "<f4": byte order, kind, size; "<M8[ms]": and unit.
  const size_t bracket = std::min(descr.find('['), descr.size());
  const char* const end = descr.data() + bracket;
  if (bracket < descr.size() && descr.ends_with(']')) {
    input.unit = descr.substr(bracket + 1, descr.size() - bracket - 2);
  }
  const bool known =
      bracket >= 3 && (bracket == descr.size() || !input.unit.empty()) &&
      std::from_chars(descr.data() + 2, end, input.size).ptr == end &&
      std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
  if (!known || descr[1] == 'O' || descr[1] == 'V') {
    return Refuse(input,
                  fmt::format("the type {} is not read: Python objects and "
                              "structures have no numbers of their own",
                              descr),
                  "x.astype(np.float32)");
  }
  input.kind = descr[1];
  // Of 'U', the number counts characters of four bytes.
  if (input.kind == 'U') input.size *= 4;
  input.big_endian = descr[0] == '>';
  uint64_t elements = 1;
  uint64_t bytes = 0;
  bool overflow = false;
  for (const uint64_t extent : input.array.shape) {
    overflow |= __builtin_mul_overflow(elements, extent, &elements);
  }
  overflow |= __builtin_mul_overflow(elements, input.size, &bytes);
  const uint64_t held = input.file.bytes().size() - input.array.data_offset;
  if (overflow || bytes != held) {
    return absl::DataLossError(fmt::format(
        "{}: shape ({}) of {} needs {} bytes after the header, the file holds "
        "{}: it was cut short, or written by something else",
        input.name, fmt::join(input.array.shape, ", "), descr,
        overflow ? "more than 2^64" : fmt::to_string(bytes), held));
  }
  return input;
}

absl::Status CheckFinite(const NpyInput& input, const InputMatrix& matrix) {
  for (uint64_t row = 0; row < matrix.rows; ++row) {
    const std::span<const float> values(&matrix.values[row * matrix.dim],
                                        matrix.dim);
    if (std::all_of(values.begin(), values.end(),
                    [](float x) { return std::isfinite(x); })) {
      continue;
    }
    return absl::InvalidArgumentError(
        fmt::format("{}: row {} has NaN or infinity, or a value beyond float32",
                    input.name, row));
  }
  return absl::OkStatus();
}

// A string of NumPy's 'U' (UCS-4) as UTF-8, without the zeros at its end.
std::string TextOf(const NpyInput& input, uint64_t i) {
  const std::byte* const from = input.element(i);
  std::string text;
  if (input.kind == 'S') {
    text.assign(reinterpret_cast<const char*>(from), input.size);
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
  }
  for (size_t at = 0; at + 4 <= input.size; at += 4) {
    const auto c = Load<uint32_t>(from + at, input.big_endian);
    if (c == 0) break;
    if (c < 0x80) {
      text += static_cast<char>(c);
      continue;
    }
    if (c >= 0x10000) {
      text += static_cast<char>(0xF0 | (c >> 18));
      text += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    } else if (c >= 0x800) {
      text += static_cast<char>(0xE0 | (c >> 12));
    }
    if (c >= 0x800) {
      text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    } else {
      text += static_cast<char>(0xC0 | (c >> 6));
    }
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
  return text;
}

bool IsOneColumn(const NpyInput& input) {
  const std::vector<uint64_t>& shape = input.array.shape;
  return shape.size() == 1 || (shape.size() == 2 && shape[1] == 1);
}

// An integer of any size, widened. REQUIRES: its kind is i, u, b or M, and its
// size at most 8.
int64_t IntegerOf(const NpyInput& input, uint64_t i) {
  std::byte bytes[8];
  std::memcpy(bytes, input.element(i), input.size);
  if (input.big_endian) std::reverse(bytes, bytes + input.size);
  const bool negative = input.kind != 'u' && (bytes[input.size - 1] &
                                              std::byte{0x80}) != std::byte{0};
  std::fill(bytes + input.size, bytes + 8,
            negative ? std::byte{0xFF} : std::byte{0});
  return std::bit_cast<int64_t>(bytes);
}

// An integer as the value of an attribute; nothing when there is none.
std::string IntegerText(const NpyInput& input, uint64_t i) {
  const int64_t integer = IntegerOf(input, i);
  return input.kind == 'u' && input.size == 8
             ? fmt::to_string(static_cast<uint64_t>(integer))
             : fmt::to_string(integer);
}

std::string NumberText(const NpyInput& input, uint64_t i) {
  const std::byte* const from = input.element(i);
  if (input.size == 8) {
    const auto number = Load<double>(from, input.big_endian);
    return std::isfinite(number) ? fmt::format("{}", number) : "";
  }
  const float number = ReaderOf('f', input.size)(from, input.big_endian);
  return std::isfinite(number) ? fmt::format("{}", number) : "";
}

// How many milliseconds the unit has, or how many of it a millisecond has.
struct TimeUnit {
  std::string_view name;
  int64_t ms = 1;
  int64_t per_ms = 1;
};
constexpr TimeUnit kNumpyTimeUnits[] = {{"D", 86'400'000, 1},
                                        {"s", 1000, 1},
                                        {"ms", 1, 1},
                                        {"us", 1, 1000},
                                        {"ns", 1, 1'000'000}};

std::string TimeText(const NpyInput& input, const TimeUnit& unit, uint64_t i) {
  const int64_t count = IntegerOf(input, i);
  // NaT.
  if (count == std::numeric_limits<int64_t>::min()) return "";
  int64_t ms = count / unit.per_ms - (count % unit.per_ms < 0 ? 1 : 0);
  if (__builtin_mul_overflow(ms, unit.ms, &ms)) return "";
  return AttributeValueText(v1::TIME, ms);
}

}  // namespace

absl::StatusOr<InputMatrix> ReadNpyMatrix(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const NpyInput input, OpenNpy(path));
  const Reader read = ReaderOf(input.kind, input.size);
  if (read == nullptr) {
    return Refuse(input,
                  fmt::format("the type {} is not read; floating-point numbers "
                              "and integers are",
                              input.array.descr),
                  "x.astype(np.float32)");
  }
  const std::vector<uint64_t>& shape = input.array.shape;
  if (shape.size() != 2 || shape[1] == 0 || shape[1] > kMaxDim ||
      shape[0] >= kNoRow) {
    return Refuse(input,
                  fmt::format("the shape is ({}), expected (rows, dimensions) "
                              "with 1 to {} dimensions",
                              fmt::join(shape, ", "), kMaxDim),
                  "x.reshape(rows, dimensions)");
  }
  InputMatrix matrix{shape[0], static_cast<uint32_t>(shape[1]), {}, ""};
  const uint64_t rows = matrix.rows;
  const uint64_t dim = matrix.dim;
  matrix.values.resize(rows * dim);
  const bool fortran = input.array.fortran_order;
  for (uint64_t row = 0; row < rows; ++row) {
    for (uint64_t j = 0; j < dim; ++j) {
      const uint64_t from = fortran ? j * rows + row : row * dim + j;
      matrix.values[row * dim + j] =
          read(input.element(from), input.big_endian);
    }
  }
  RETURN_IF_ERROR(CheckFinite(input, matrix));
  const bool as_it_is = input.array.descr == "<f4" && !fortran;
  if (!as_it_is) {
    matrix.converted_from = fmt::format("{} in {} order", input.array.descr,
                                        fortran ? "Fortran" : "C");
  }
  return matrix;
}

absl::StatusOr<std::vector<std::string>> ReadNpyKeys(
    const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const NpyInput input, OpenNpy(path));
  if (!IsOneColumn(input)) {
    return Refuse(input,
                  fmt::format("the shape is ({}), expected one key a row",
                              fmt::join(input.array.shape, ", ")),
                  "ids.reshape(-1)");
  }
  const bool text = input.kind == 'U' || input.kind == 'S';
  const bool integer =
      (input.kind == 'i' || input.kind == 'u') && input.size <= 8;
  if (!text && !integer) {
    return Refuse(input,
                  fmt::format("the type {} is no type of keys: integers and "
                              "strings are",
                              input.array.descr),
                  "ids.astype(np.str_)");
  }
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < input.array.shape[0]; ++i) {
    if (text) {
      keys.push_back(TextOf(input, i));
      continue;
    }
    if (input.kind == 'i' && IntegerOf(input, i) < 0) {
      return absl::InvalidArgumentError(
          fmt::format("{}: row {}: a key is negative", input.name, i));
    }
    keys.push_back(IntegerText(input, i));
  }
  return keys;
}

absl::StatusOr<InputColumn> ReadNpyColumn(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const NpyInput input, OpenNpy(path));
  if (!IsOneColumn(input)) {
    return Refuse(input,
                  fmt::format("the shape is ({}), expected one value an item",
                              fmt::join(input.array.shape, ", ")),
                  "x.reshape(-1)");
  }
  const bool integer = (input.kind == 'i' || input.kind == 'u' ||
                        input.kind == 'b' || input.kind == 'M') &&
                       input.size <= 8;
  const auto* const unit =
      std::ranges::find(kNumpyTimeUnits, input.unit, &TimeUnit::name);
  InputColumn column;
  std::function<std::string(uint64_t)> text;
  if (input.kind == 'U' || input.kind == 'S') {
    text = [&](uint64_t i) { return TextOf(input, i); };
  } else if (input.kind == 'f' && ReaderOf('f', input.size) != nullptr) {
    column.type = v1::NUMBER;
    text = [&](uint64_t i) { return NumberText(input, i); };
  } else if (input.kind == 'M' && integer &&
             unit != std::end(kNumpyTimeUnits)) {
    column.type = v1::TIME;
    text = [&](uint64_t i) { return TimeText(input, *unit, i); };
  } else if (integer && input.kind != 'M') {
    column.type = input.kind == 'b' ? v1::BOOLEAN : v1::INTEGER;
    text = [&](uint64_t i) { return IntegerText(input, i); };
  } else {
    return Refuse(input,
                  fmt::format("the type {} is no type of attributes: booleans, "
                              "integers, float16 to float64, strings and "
                              "datetime64 of D, s, ms, us or ns are",
                              input.array.descr),
                  "x.astype(np.str_)");
  }
  bool flags = input.kind == 'u' && input.size == 1;
  for (uint64_t i = 0; i < input.array.shape[0]; ++i) {
    column.values.push_back(text(i));
    flags = flags && (column.values[i] == "0" || column.values[i] == "1");
  }
  if (flags) column.type = v1::BOOLEAN;
  return column;
}

}  // namespace tributary
