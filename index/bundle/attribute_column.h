#ifndef TRIBUTARY_INDEX_BUNDLE_ATTRIBUTE_COLUMN_H_
#define TRIBUTARY_INDEX_BUNDLE_ATTRIBUTE_COLUMN_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/key_table.h"
#include "index/bundle/npy.h"
#include "index/bundle/row.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

inline constexpr uint32_t kMaxAttributes = 256;
inline constexpr size_t kMaxAttributeNameBytes = 64;
// The attribute that says what people call an item; of CATEGORY.
inline constexpr char kTitleAttribute[] = "title";
// A value of BOOLEAN, CATEGORY and TAGS has a bitmap if at least one of this
// many items has it.
inline constexpr uint64_t kItemsPerFrequent = 32;

// Whether `name` may name an attribute: see v1::Attribute.
bool IsAttributeName(std::string_view name);
// The type as people write it: bool, category, tags, integer, number or time.
std::string_view AttributeTypeName(v1::AttributeType type);
// A value as people write it: 12, 49.9, 2026-11-30T12:00:00Z.
std::string AttributeValueText(v1::AttributeType type, int64_t value);
std::string AttributeValueText(double value);
// The files of an attribute, each without its "attribute.<name>.".
std::vector<std::string_view> AttributeFiles(const v1::Attribute& spec);
// How many bytes a code of an attribute with that many values has: 1 to 4.
uint32_t CodeBytes(uint64_t values);

struct ColumnMemory;

// The values of an attribute, for all items: v1::Attribute describes the files.
// Values are named by their codes, which ascend with them. Mapped, or made of
// another column (change_column.h) and then in memory. Immutable and
// thread-safe. Views are valid as long as the column.
class AttributeColumn {
 public:
  AttributeColumn() = default;
  // A column in memory, which may still use `mapped`, the bundle's: that must
  // outlive it. REQUIRES: what `memory` has fits together.
  AttributeColumn(const AttributeColumn& mapped,
                  std::shared_ptr<const ColumnMemory> memory);

  // Maps the attribute's files. `spec` must outlive the column. Does not read
  // the values: see CheckValues. DATA_LOSS, naming the file and what was
  // expected; errors of NpyArray::Open and KeyTable::Open.
  static absl::StatusOr<AttributeColumn> Open(const std::filesystem::path& dir,
                                              const v1::Attribute& spec,
                                              uint64_t n_items);

  const v1::Attribute& spec() const { return *spec_; }
  const std::string& name() const { return spec_->name(); }
  v1::AttributeType type() const { return spec_->type(); }
  uint64_t n_items() const { return n_items_; }
  // 0 for a mapped column; else a number that no other column of this process
  // has or had.
  uint64_t serial() const { return serial_; }
  // Null for a mapped column.
  const ColumnMemory* memory() const { return memory_.get(); }
  // How many distinct values there are. Codes are below it; that of an item
  // without a value is equal to it.
  uint32_t values() const { return static_cast<uint32_t>(spec_->values()); }

  // The code of the first value that is not less than the given one; values()
  // if there is none. For CATEGORY and TAGS; INTEGER and TIME; NUMBER.
  uint32_t LowerBound(std::string_view text) const;
  uint32_t LowerBound(int64_t integer) const;
  uint32_t LowerBound(double number) const;
  // The code of a value, if some item may have it.
  std::optional<uint32_t> Find(std::string_view text) const;
  std::optional<uint32_t> Find(int64_t integer) const;
  std::optional<uint32_t> Find(double number) const;

  // The value as people write it: true, 12, 49.9, 2026-11-30T12:00:00Z.
  // REQUIRES: code < values().
  std::string ValueText(uint32_t code) const;
  // REQUIRES: code < values(); the type is INTEGER, NUMBER or TIME, whose unit
  // is milliseconds.
  double Number(uint32_t code) const;

  // The value itself. REQUIRES: code < values(); CATEGORY or TAGS.
  std::string_view Text(uint32_t code) const {
    if (text_offsets_.empty()) return texts_.string(code);
    return {chars_ + text_offsets_[code],
            text_offsets_[code + 1] - text_offsets_[code]};
  }
  // The dictionary. REQUIRES: INTEGER or TIME; NUMBER.
  std::span<const int64_t> integers() const { return integers_; }
  std::span<const double> numbers() const { return doubles_; }

  // The item's code, or values(). REQUIRES: item < n_items(); not TAGS.
  uint32_t CodeOf(Row item) const;
  // How many bytes a code has, and byte b of every item's, 0 being the most
  // significant. REQUIRES: not TAGS; b < code_bytes().
  uint32_t code_bytes() const { return code_bytes_; }
  std::span<const uint8_t> CodeByte(uint32_t b) const {
    return codes_.subspan(b * n_items_, n_items_);
  }

  // The rows of the items that have the tag, ascending. A file that was not
  // verified may name items that do not exist. REQUIRES: TAGS; code < values().
  std::span<const Row> ItemsWith(uint32_t code) const;
  // The value's bitmap over items, or empty if it has none.
  std::span<const uint64_t> Bitmap(uint32_t code) const;

  // Reads everything. DATA_LOSS, naming file and entry, for a dictionary that
  // does not ascend, numbers that are not finite, codes and rows out of range,
  // counts that differ from the manifest, and bitmaps that differ from the
  // values. REQUIRES: a mapped column.
  absl::Status CheckValues() const;

 private:
  absl::Status OpenDictionary(const std::filesystem::path& dir);
  absl::Status OpenTags(const std::filesystem::path& dir);
  absl::Status OpenBitmaps(const std::filesystem::path& dir);
  std::string FileName(std::string_view part) const;
  absl::Status CheckDictionary() const;
  absl::Status CheckCodes() const;
  absl::Status CheckTags() const;
  absl::Status CheckBitmaps() const;

  const v1::Attribute* spec_ = nullptr;
  uint64_t n_items_ = 0;
  uint64_t serial_ = 0;
  // Views of what is mapped, or of memory_. The dictionary: one of these, or
  // none for BOOLEAN. Texts that are mapped have no offsets here.
  std::span<const int64_t> integers_;
  std::span<const double> doubles_;
  std::span<const uint64_t> text_offsets_;
  const char* chars_ = nullptr;
  uint32_t code_bytes_ = 0;
  std::span<const uint8_t> codes_;
  std::span<const uint32_t> frequent_;
  // What is mapped.
  KeyTable texts_;
  NpyArray numbers_file_;
  NpyArray codes_file_;
  NpyArray items_;
  NpyArray offsets_;
  NpyArray frequent_file_;
  NpyArray bitmaps_;
  std::shared_ptr<const ColumnMemory> memory_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_ATTRIBUTE_COLUMN_H_
