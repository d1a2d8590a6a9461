#include "index/bundle/attribute_column.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <concepts>
#include <vector>

#include "absl/time/time.h"
#include "fmt/core.h"
#include "index/bundle/column_memory.h"
#include "index/bundle/row_set.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

bool HasTexts(v1::AttributeType type) {
  return type == v1::CATEGORY || type == v1::TAGS;
}

bool HasBitmaps(v1::AttributeType type) {
  return HasTexts(type) || type == v1::BOOLEAN;
}

absl::Status CheckShape(const NpyArray& array, const std::string& file,
                        Dtype dtype, uint64_t rows, uint64_t columns) {
  const NpyHeader& header = array.header();
  if (header.dtype == dtype && header.rows == rows &&
      header.columns == columns) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      fmt::format("{}: {} [{}, {}], but by the manifest it is {} [{}, {}]",
                  file, DtypeName(header.dtype), header.rows, header.columns,
                  DtypeName(dtype), rows, columns));
}

template <typename T>
uint32_t LowerBoundIn(std::span<const T> values, T value) {
  return static_cast<uint32_t>(
      std::lower_bound(values.begin(), values.end(), value) - values.begin());
}

// The first entry that is not above the one before, or is not finite.
template <typename T>
std::optional<size_t> FindDisorder(std::span<const T> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if constexpr (std::floating_point<T>) {
      if (!std::isfinite(values[i])) return i;
    }
    if (i > 0 && values[i - 1] >= values[i]) return i;
  }
  return std::nullopt;
}

}  // namespace

bool IsAttributeName(std::string_view name) {
  if (name.empty() || name.size() > kMaxAttributeNameBytes) return false;
  if (name.front() >= '0' && name.front() <= '9') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string_view AttributeTypeName(v1::AttributeType type) {
  switch (type) {
    case v1::BOOLEAN:
      return "bool";
    case v1::CATEGORY:
      return "category";
    case v1::TAGS:
      return "tags";
    case v1::INTEGER:
      return "integer";
    case v1::NUMBER:
      return "number";
    case v1::TIME:
      return "time";
    default:
      return "?";
  }
}

std::string AttributeValueText(v1::AttributeType type, int64_t value) {
  if (type != v1::TIME) return fmt::format("{}", value);
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", absl::FromUnixMillis(value),
                          absl::UTCTimeZone());
}

std::string AttributeValueText(double value) {
  return fmt::format("{}", value);
}

std::vector<std::string_view> AttributeFiles(const v1::Attribute& spec) {
  std::vector<std::string_view> files;
  if (HasTexts(spec.type())) {
    files = {"keys.utf8", "keys.offsets.npy"};
  } else if (spec.type() != v1::BOOLEAN) {
    files = {"values.npy"};
  }
  if (spec.type() == v1::TAGS) {
    files.insert(files.end(), {"items.npy", "items.offsets.npy"});
  } else {
    files.push_back("codes.npy");
  }
  if (spec.frequent() > 0) {
    files.insert(files.end(), {"frequent.npy", "bitmaps.npy"});
  }
  return files;
}

uint32_t CodeBytes(uint64_t values) {
  return std::max(1U, (static_cast<uint32_t>(std::bit_width(values)) + 7) / 8);
}

std::string AttributeColumn::FileName(std::string_view part) const {
  return fmt::format("attribute.{}.{}", name(), part);
}

AttributeColumn::AttributeColumn(const AttributeColumn& mapped,
                                 std::shared_ptr<const ColumnMemory> memory)
    : spec_(&memory->spec),
      n_items_(mapped.n_items_),
      code_bytes_(memory->code_bytes),
      codes_(memory->codes),
      frequent_(memory->frequent),
      memory_(std::move(memory)) {
  static std::atomic<uint64_t> last_serial{0};
  serial_ = ++last_serial;
  if (memory_->dictionary == nullptr) return;
  integers_ = memory_->dictionary->integers;
  doubles_ = memory_->dictionary->numbers;
  text_offsets_ = memory_->dictionary->offsets;
  chars_ = memory_->dictionary->chars.data();
}

absl::StatusOr<AttributeColumn> AttributeColumn::Open(
    const std::filesystem::path& dir, const v1::Attribute& spec,
    uint64_t n_items) {
  AttributeColumn column;
  column.spec_ = &spec;
  column.n_items_ = n_items;
  RETURN_IF_ERROR(column.OpenDictionary(dir));
  if (spec.type() == v1::TAGS) {
    RETURN_IF_ERROR(column.OpenTags(dir));
  } else {
    const std::string file = column.FileName("codes.npy");
    ASSIGN_OR_RETURN(column.codes_file_, NpyArray::Open(dir / file));
    RETURN_IF_ERROR(CheckShape(column.codes_file_, file, Dtype::kUint8,
                               CodeBytes(spec.values()), n_items));
    column.code_bytes_ =
        static_cast<uint32_t>(column.codes_file_.header().rows);
    column.codes_ = column.codes_file_.elements<uint8_t>();
  }
  if (spec.frequent() > 0) RETURN_IF_ERROR(column.OpenBitmaps(dir));
  return column;
}

absl::Status AttributeColumn::OpenDictionary(const std::filesystem::path& dir) {
  if (type() == v1::BOOLEAN) return absl::OkStatus();
  if (HasTexts(type())) {
    v1::KeyTable keys;
    keys.set_kind(v1::UTF8);
    keys.set_count(spec_->values());
    ASSIGN_OR_RETURN(
        texts_, KeyTable::Open(dir, fmt::format("attribute.{}", name()), keys));
    return absl::OkStatus();
  }
  const std::string file = FileName("values.npy");
  ASSIGN_OR_RETURN(numbers_file_, NpyArray::Open(dir / file));
  RETURN_IF_ERROR(
      CheckShape(numbers_file_, file,
                 type() == v1::NUMBER ? Dtype::kFloat64 : Dtype::kInt64,
                 spec_->values(), 1));
  if (type() == v1::NUMBER) {
    doubles_ = numbers_file_.elements<double>();
  } else {
    integers_ = numbers_file_.elements<int64_t>();
  }
  return absl::OkStatus();
}

absl::Status AttributeColumn::OpenTags(const std::filesystem::path& dir) {
  const std::string offsets = FileName("items.offsets.npy");
  const std::string items = FileName("items.npy");
  ASSIGN_OR_RETURN(offsets_, NpyArray::Open(dir / offsets));
  RETURN_IF_ERROR(
      CheckShape(offsets_, offsets, Dtype::kUint64, spec_->values() + 1, 1));
  ASSIGN_OR_RETURN(items_, NpyArray::Open(dir / items));
  return CheckShape(items_, items, Dtype::kUint32, spec_->uses(), 1);
}

absl::Status AttributeColumn::OpenBitmaps(const std::filesystem::path& dir) {
  const std::string frequent = FileName("frequent.npy");
  const std::string bitmaps = FileName("bitmaps.npy");
  ASSIGN_OR_RETURN(frequent_file_, NpyArray::Open(dir / frequent));
  RETURN_IF_ERROR(CheckShape(frequent_file_, frequent, Dtype::kUint32,
                             spec_->frequent(), 1));
  frequent_ = frequent_file_.elements<uint32_t>();
  ASSIGN_OR_RETURN(bitmaps_, NpyArray::Open(dir / bitmaps));
  return CheckShape(bitmaps_, bitmaps, Dtype::kUint64, spec_->frequent(),
                    RowSet::Words(n_items_));
}

uint32_t AttributeColumn::LowerBound(std::string_view text) const {
  uint32_t low = 0;
  uint32_t high = values();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (Text(middle) < text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

uint32_t AttributeColumn::LowerBound(int64_t integer) const {
  return LowerBoundIn(integers_, integer);
}

uint32_t AttributeColumn::LowerBound(double number) const {
  return LowerBoundIn(doubles_, number);
}

std::optional<uint32_t> AttributeColumn::Find(std::string_view text) const {
  const uint32_t code = LowerBound(text);
  if (code == values() || Text(code) != text) return std::nullopt;
  return code;
}

std::optional<uint32_t> AttributeColumn::Find(int64_t integer) const {
  const uint32_t code = LowerBound(integer);
  if (code == values() || integers_[code] != integer) {
    return std::nullopt;
  }
  return code;
}

std::optional<uint32_t> AttributeColumn::Find(double number) const {
  const uint32_t code = LowerBound(number);
  if (code == values() || doubles_[code] != number) {
    return std::nullopt;
  }
  return code;
}

std::string AttributeColumn::ValueText(uint32_t code) const {
  switch (type()) {
    case v1::BOOLEAN:
      return code == 1 ? "true" : "false";
    case v1::INTEGER:
    case v1::TIME:
      return AttributeValueText(type(), integers_[code]);
    case v1::NUMBER:
      return AttributeValueText(doubles_[code]);
    default:
      return std::string(Text(code));
  }
}

double AttributeColumn::Number(uint32_t code) const {
  return type() == v1::NUMBER ? doubles_[code]
                              : static_cast<double>(integers_[code]);
}

uint32_t AttributeColumn::CodeOf(Row item) const {
  uint32_t code = 0;
  for (uint64_t b = 0; b < code_bytes_; ++b) {
    code = code << 8 | codes_[b * n_items_ + item];
  }
  // A file that was not verified may have codes that do not exist.
  return std::min(code, values());
}

std::span<const Row> AttributeColumn::ItemsWith(uint32_t code) const {
  if (memory_ != nullptr) return memory_->items[code].rows;
  const auto items = items_.elements<Row>();
  const auto offsets = offsets_.elements<uint64_t>();
  // The offsets in a file that was not verified may be wrong; clamped, they
  // cannot lead outside of the file.
  const uint64_t begin = std::min<uint64_t>(offsets[code], items.size());
  const uint64_t end =
      std::clamp<uint64_t>(offsets[code + 1], begin, items.size());
  return items.subspan(begin, end - begin);
}

std::span<const uint64_t> AttributeColumn::Bitmap(uint32_t code) const {
  const auto found = std::lower_bound(frequent_.begin(), frequent_.end(), code);
  if (found == frequent_.end() || *found != code) return {};
  const auto place = static_cast<size_t>(found - frequent_.begin());
  if (memory_ != nullptr) return memory_->bitmaps[place].words;
  const size_t words = RowSet::Words(n_items_);
  return bitmaps_.elements<uint64_t>().subspan(place * words, words);
}

absl::Status AttributeColumn::CheckValues() const {
  RETURN_IF_ERROR(CheckDictionary());
  RETURN_IF_ERROR(type() == v1::TAGS ? CheckTags() : CheckCodes());
  return HasBitmaps(type()) ? CheckBitmaps() : absl::OkStatus();
}

absl::Status AttributeColumn::CheckDictionary() const {
  if (type() == v1::BOOLEAN) return absl::OkStatus();
  if (HasTexts(type())) return texts_.CheckKeys();
  const auto wrong =
      type() == v1::NUMBER ? FindDisorder(doubles_) : FindDisorder(integers_);
  if (!wrong.has_value()) return absl::OkStatus();
  return absl::DataLossError(fmt::format(
      "{}: value {} is {}: values must be finite, unique and ascending",
      FileName("values.npy"), *wrong, Number(static_cast<uint32_t>(*wrong))));
}

absl::Status AttributeColumn::CheckCodes() const {
  uint64_t present = 0;
  for (uint64_t item = 0; item < n_items_; ++item) {
    uint32_t code = 0;
    for (uint32_t b = 0; b < code_bytes(); ++b) {
      code = code << 8 | CodeByte(b)[item];
    }
    if (code > values()) {
      return absl::DataLossError(
          fmt::format("{}: item {} has the code {}, expected 0 to {}",
                      FileName("codes.npy"), item, code, values()));
    }
    present += code < values() ? 1 : 0;
  }
  if (present == spec_->present() && present == spec_->uses()) {
    return absl::OkStatus();
  }
  return absl::DataLossError(fmt::format(
      "{}: {} items have a value, but by the manifest {} have {}",
      FileName("codes.npy"), present, spec_->present(), spec_->uses()));
}

absl::Status AttributeColumn::CheckTags() const {
  const auto offsets = offsets_.elements<uint64_t>();
  const auto items = items_.elements<Row>();
  RowSet seen(n_items_);
  if (offsets.front() != 0 || offsets.back() != items.size()) {
    return absl::DataLossError(
        fmt::format("{}: the offsets run from {} to {}, but {} has {} entries",
                    FileName("items.offsets.npy"), offsets.front(),
                    offsets.back(), FileName("items.npy"), items.size()));
  }
  for (uint32_t code = 0; code < values(); ++code) {
    if (offsets[code] >= offsets[code + 1] ||
        offsets[code + 1] > items.size()) {
      return absl::DataLossError(fmt::format(
          "{}: value {} ends at {}, not after its beginning at {} and at most "
          "at {}",
          FileName("items.offsets.npy"), code, offsets[code + 1], offsets[code],
          items.size()));
    }
    for (uint64_t i = offsets[code]; i < offsets[code + 1]; ++i) {
      if (items[i] >= n_items_ ||
          (i > offsets[code] && items[i - 1] >= items[i])) {
        return absl::DataLossError(
            fmt::format("{}: entry {} is {}, expected ascending rows below {}",
                        FileName("items.npy"), i, items[i], n_items_));
      }
      seen.Add(items[i]);
    }
  }
  if (seen.Count() == spec_->present()) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("{}: {} items have a value, but by the manifest {} have one",
                  FileName("items.npy"), seen.Count(), spec_->present()));
}

absl::Status AttributeColumn::CheckBitmaps() const {
  const auto frequent = frequent_;
  for (size_t i = 0; i < frequent.size(); ++i) {
    const uint32_t code = frequent[i];
    if (code >= values() || (i > 0 && frequent[i - 1] >= code)) {
      return absl::DataLossError(
          fmt::format("{}: entry {} is {}, expected ascending codes below {}",
                      FileName("frequent.npy"), i, code, values()));
    }
    RowSet expected(n_items_);
    if (type() == v1::TAGS) {
      for (const Row row : ItemsWith(code)) expected.Add(row);
    } else {
      for (uint64_t item = 0; item < n_items_; ++item) {
        const Row row = static_cast<Row>(item);
        if (CodeOf(row) == code) expected.Add(row);
      }
    }
    if (std::ranges::equal(expected.words(), Bitmap(code))) continue;
    return absl::DataLossError(
        fmt::format("{}: the bitmap of value {} differs from the items' values",
                    FileName("bitmaps.npy"), code));
  }
  return absl::OkStatus();
}

}  // namespace tributary
