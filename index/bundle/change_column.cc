// Codes ascend with values. So a value that is new, or that no item has any
// more, moves the codes of those above it: then all codes are translated, in
// blocks that stay in the cache, by a table of the old codes' new ones.
#include "index/bundle/change_column.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "index/bundle/column_memory.h"
#include "index/bundle/row_set.h"

namespace tributary {
namespace {

constexpr size_t kCodesPerBlock = 4096;
using CodeBlock = std::array<uint32_t, kCodesPerBlock>;

// Codes of items from `begin` on; a file that was not verified may have codes
// that do not exist.
void UnpackBlock(const AttributeColumn& column, uint64_t begin, size_t size,
                 CodeBlock* codes) {
  std::fill_n(codes->begin(), size, 0);
  for (uint32_t b = 0; b < column.code_bytes(); ++b) {
    const uint8_t* const bytes = column.CodeByte(b).data() + begin;
    for (size_t i = 0; i < size; ++i) {
      (*codes)[i] = (*codes)[i] << 8 | bytes[i];
    }
  }
  const uint32_t missing = column.values();
  for (size_t i = 0; i < size; ++i) {
    (*codes)[i] = std::min((*codes)[i], missing);
  }
}

// Calls `use(begin, size, codes)` for all items, block by block.
template <typename Use>
void ForEachBlock(const AttributeColumn& column, const Use& use) {
  CodeBlock codes;
  for (uint64_t begin = 0; begin < column.n_items(); begin += kCodesPerBlock) {
    const auto size = static_cast<size_t>(
        std::min<uint64_t>(kCodesPerBlock, column.n_items() - begin));
    UnpackBlock(column, begin, size, &codes);
    use(begin, size, codes);
  }
}

std::vector<uint32_t> CountUses(const AttributeColumn& column) {
  if (column.memory() != nullptr) return column.memory()->uses;
  std::vector<uint32_t> uses(size_t{column.values()} + 1);
  ForEachBlock(column, [&](uint64_t, size_t size, const CodeBlock& codes) {
    for (size_t i = 0; i < size; ++i) ++uses[codes[i]];
  });
  uses.pop_back();
  return uses;
}

// The dictionary of one type, as ChangeCodes and ChangeTags see it.
struct IntegerDictionary {
  using Value = int64_t;
  static Value At(const AttributeColumn& column, uint32_t code) {
    return column.integers()[code];
  }
  static void Add(Value value, ColumnDictionary* to) {
    to->integers.push_back(value);
  }
};

struct NumberDictionary {
  using Value = double;
  static Value At(const AttributeColumn& column, uint32_t code) {
    return column.numbers()[code];
  }
  static void Add(Value value, ColumnDictionary* to) {
    to->numbers.push_back(value);
  }
};

struct TextDictionary {
  using Value = std::string_view;
  static Value At(const AttributeColumn& column, uint32_t code) {
    return column.Text(code);
  }
  static void Add(Value value, ColumnDictionary* to) {
    if (to->offsets.empty()) to->offsets.push_back(0);
    to->chars.append(value);
    to->offsets.push_back(to->chars.size());
  }
};

// The old values that some item has yet, and the new ones.
struct Merged {
  std::shared_ptr<const ColumnDictionary> dictionary;
  uint32_t values = 0;
  // New codes of the old codes, kNoCode for those that are gone, and of
  // `added`.
  std::vector<uint32_t> code_of_old;
  std::vector<uint32_t> code_of_added;
};

constexpr uint32_t kNoCode = ~uint32_t{0};

// `added`: ascending, and none of them in the column. `is_gone(code)`: whether
// no item has the old value any more.
template <typename Dictionary, typename IsGone>
Merged MergeDictionary(const AttributeColumn& before,
                       std::span<const typename Dictionary::Value> added,
                       const IsGone& is_gone) {
  Merged merged;
  auto dictionary = std::make_shared<ColumnDictionary>();
  if constexpr (std::is_same_v<Dictionary, TextDictionary>) {
    dictionary->offsets.push_back(0);
  }
  merged.code_of_old.resize(before.values(), kNoCode);
  merged.code_of_added.resize(added.size());
  size_t next = 0;
  const auto add = [&](const typename Dictionary::Value& value) {
    Dictionary::Add(value, dictionary.get());
    return merged.values++;
  };
  for (uint32_t code = 0; code < before.values(); ++code) {
    if (is_gone(code)) continue;
    const auto value = Dictionary::At(before, code);
    for (; next < added.size() && added[next] < value; ++next) {
      merged.code_of_added[next] = add(added[next]);
    }
    merged.code_of_old[code] = add(value);
  }
  for (; next < added.size(); ++next) {
    merged.code_of_added[next] = add(added[next]);
  }
  merged.dictionary = std::move(dictionary);
  return merged;
}

// A copy of the dictionary, unless it is in memory already.
template <typename Dictionary>
std::shared_ptr<const ColumnDictionary> KeepDictionary(
    const AttributeColumn& before) {
  if (before.memory() != nullptr) return before.memory()->dictionary;
  return MergeDictionary<Dictionary>(before, {}, [](uint32_t) { return false; })
      .dictionary;
}

bool IsFrequent(uint64_t uses, uint64_t n_items) {
  return uses * kItemsPerFrequent >= n_items;
}

// Of all but TAGS.
class CodeChange {
 public:
  CodeChange(const AttributeColumn& before, std::vector<RowValue> changes)
      : before_(before), changes_(std::move(changes)) {
    memory_->spec = before.spec();
    memory_->uses = CountUses(before);
    old_codes_.reserve(changes_.size());
    for (const RowValue& change : changes_) {
      old_codes_.push_back(before.CodeOf(change.row));
      if (old_codes_.back() < before.values()) {
        --memory_->uses[old_codes_.back()];
      }
    }
    new_codes_.resize(changes_.size(), kNoCode);
  }

  std::shared_ptr<const ColumnMemory> Flags() && {
    for (size_t i = 0; i < changes_.size(); ++i) {
      const bool* const flag = std::get_if<bool>(&changes_[i].value);
      if (flag != nullptr) Use(i, *flag ? 1 : 0);
    }
    values_ = before_.values();
    CopyCodes();
    return Finish(/*bitmaps=*/true);
  }

  // Given is the type that has the values in ColumnValue.
  template <typename Dictionary, typename Given>
  std::shared_ptr<const ColumnMemory> Values(bool bitmaps) && {
    using Value = typename Dictionary::Value;
    std::vector<std::pair<Value, size_t>> unknown;
    for (size_t i = 0; i < changes_.size(); ++i) {
      const Given* const given = std::get_if<Given>(&changes_[i].value);
      if (given == nullptr) continue;
      const Value value(*given);
      const std::optional<uint32_t> code = before_.Find(value);
      if (code.has_value()) {
        Use(i, *code);
      } else {
        unknown.emplace_back(value, i);
      }
    }
    std::sort(unknown.begin(), unknown.end());
    std::vector<Value> added;
    for (const auto& [value, change] : unknown) {
      if (added.empty() || added.back() != value) added.push_back(value);
    }
    const bool any_gone = std::ranges::any_of(old_codes_, [&](uint32_t code) {
      return code < before_.values() && memory_->uses[code] == 0;
    });
    if (added.empty() && !any_gone) {
      values_ = before_.values();
      memory_->dictionary = KeepDictionary<Dictionary>(before_);
      CopyCodes();
      return Finish(bitmaps);
    }
    Merged merged = MergeDictionary<Dictionary>(
        before_, added,
        [&](uint32_t code) { return memory_->uses[code] == 0; });
    values_ = merged.values;
    memory_->dictionary = std::move(merged.dictionary);
    code_of_old_ = std::move(merged.code_of_old);
    std::vector<uint32_t> uses(values_);
    for (uint32_t code = 0; code < before_.values(); ++code) {
      if (code_of_old_[code] != kNoCode) {
        uses[code_of_old_[code]] = memory_->uses[code];
      }
    }
    for (uint32_t& code : new_codes_) {
      if (code != kNoCode) code = code_of_old_[code];
    }
    size_t next = 0;
    for (const auto& [value, change] : unknown) {
      if (added[next] != value) ++next;
      new_codes_[change] = merged.code_of_added[next];
      ++uses[new_codes_[change]];
    }
    memory_->uses = std::move(uses);
    TranslateCodes();
    return Finish(bitmaps);
  }

 private:
  void Use(size_t change, uint32_t code) {
    new_codes_[change] = code;
    ++memory_->uses[code];
  }

  void CopyCodes() {
    memory_->code_bytes = before_.code_bytes();
    memory_->codes.reserve(before_.n_items() * before_.code_bytes());
    for (uint32_t b = 0; b < before_.code_bytes(); ++b) {
      const auto bytes = before_.CodeByte(b);
      memory_->codes.insert(memory_->codes.end(), bytes.begin(), bytes.end());
    }
  }

  void TranslateCodes() {
    const uint64_t n_items = before_.n_items();
    const uint32_t width = CodeBytes(values_);
    memory_->code_bytes = width;
    memory_->codes.resize(n_items * width);
    std::vector<uint32_t> table = code_of_old_;
    table.push_back(values_);
    ForEachBlock(
        before_, [&](uint64_t begin, size_t size, const CodeBlock& old) {
          CodeBlock codes;
          for (size_t i = 0; i < size; ++i) codes[i] = table[old[i]];
          for (uint32_t b = 0; b < width; ++b) {
            uint8_t* const bytes = memory_->codes.data() + b * n_items + begin;
            const uint32_t shift = 8 * (width - 1 - b);
            for (size_t i = 0; i < size; ++i) {
              bytes[i] = static_cast<uint8_t>(codes[i] >> shift);
            }
          }
        });
  }

  void SetCode(Row row, uint32_t code) {
    for (uint32_t b = memory_->code_bytes; b-- > 0; code >>= 8) {
      memory_->codes[b * before_.n_items() + row] = static_cast<uint8_t>(code);
    }
  }

  std::shared_ptr<const ColumnMemory> Finish(bool bitmaps) {
    uint64_t present = 0;
    for (const uint32_t uses : memory_->uses) present += uses;
    for (size_t i = 0; i < changes_.size(); ++i) {
      if (new_codes_[i] == kNoCode) new_codes_[i] = values_;
      SetCode(changes_[i].row, new_codes_[i]);
    }
    if (bitmaps) MakeBitmaps();
    memory_->spec.set_values(values_);
    memory_->spec.set_present(present);
    memory_->spec.set_uses(present);
    memory_->spec.set_frequent(static_cast<uint32_t>(memory_->frequent.size()));
    return std::move(memory_);
  }

  void MakeBitmaps() {
    // Those that were frequent before, by their codes now.
    std::map<uint32_t, uint32_t> old_code_of;
    for (uint32_t code = 0; code < before_.values(); ++code) {
      if (before_.Bitmap(code).empty()) continue;
      const uint32_t now = code_of_old_.empty() ? code : code_of_old_[code];
      if (now != kNoCode) old_code_of[now] = code;
    }
    for (uint32_t code = 0; code < values_; ++code) {
      if (!IsFrequent(memory_->uses[code], before_.n_items())) continue;
      const auto old = old_code_of.find(code);
      memory_->frequent.push_back(code);
      memory_->bitmaps.push_back(
          old == old_code_of.end() ? ScanFor(code) : Patch(old->second, code));
    }
  }

  ValueBitmap ScanFor(uint32_t code) const {
    auto words = std::make_shared<std::vector<uint64_t>>(
        RowSet::Words(before_.n_items()));
    for (uint64_t row = 0; row < before_.n_items(); ++row) {
      uint32_t of_row = 0;
      for (uint32_t b = 0; b < memory_->code_bytes; ++b) {
        of_row = of_row << 8 | memory_->codes[b * before_.n_items() + row];
      }
      if (of_row == code) (*words)[row / 64] |= uint64_t{1} << (row % 64);
    }
    return {*words, words};
  }

  ValueBitmap Patch(uint32_t old_code, uint32_t code) const {
    bool differs = false;
    for (size_t i = 0; i < changes_.size() && !differs; ++i) {
      differs = (old_codes_[i] == old_code) != (new_codes_[i] == code);
    }
    if (!differs) return KeepBitmap(before_, old_code);
    const auto old = before_.Bitmap(old_code);
    auto words =
        std::make_shared<std::vector<uint64_t>>(old.begin(), old.end());
    for (size_t i = 0; i < changes_.size(); ++i) {
      const Row row = changes_[i].row;
      const uint64_t bit = uint64_t{1} << (row % 64);
      uint64_t& word = (*words)[row / 64];
      word = new_codes_[i] == code ? word | bit : word & ~bit;
    }
    return {*words, words};
  }

 public:
  static ValueBitmap KeepBitmap(const AttributeColumn& column, uint32_t code) {
    if (column.memory() == nullptr) return {column.Bitmap(code), nullptr};
    const auto& frequent = column.memory()->frequent;
    const auto found = std::lower_bound(frequent.begin(), frequent.end(), code);
    return column.memory()
        ->bitmaps[static_cast<size_t>(found - frequent.begin())];
  }

 private:
  const AttributeColumn& before_;
  const std::vector<RowValue> changes_;
  // By change; of one without a value, values().
  std::vector<uint32_t> old_codes_;
  // The same afterwards; kNoCode for none until Finish.
  std::vector<uint32_t> new_codes_;
  uint32_t values_ = 0;
  // Empty while codes stay.
  std::vector<uint32_t> code_of_old_;
  std::shared_ptr<ColumnMemory> memory_ = std::make_shared<ColumnMemory>();
};

// Of TAGS.
class TagChange {
 public:
  TagChange(const AttributeColumn& before, std::vector<RowValue> changes)
      : before_(before), changed_(before.n_items()), had_(before.n_items()) {
    // Rows ascend in each list.
    std::sort(
        changes.begin(), changes.end(),
        [](const RowValue& a, const RowValue& b) { return a.row < b.row; });
    for (RowValue& change : changes) {
      changed_.Add(change.row);
      auto* const tags = std::get_if<std::vector<std::string>>(&change.value);
      if (tags == nullptr || tags->empty()) continue;
      ++have_now_;
      for (std::string& tag : *tags) {
        std::vector<Row>& rows = fresh_[std::move(tag)];
        if (rows.empty() || rows.back() != change.row) {
          rows.push_back(change.row);
        }
      }
    }
  }

  std::shared_ptr<const ColumnMemory> Run() && {
    std::vector<TaggedItems> lists = OldLists();
    std::vector<std::string_view> added;
    for (const auto& [tag, rows] : fresh_) {
      if (!before_.Find(std::string_view(tag)).has_value()) {
        added.push_back(tag);
      }
    }
    const auto is_gone = [&](uint32_t code) {
      return lists[code].rows.empty();
    };
    bool any_gone = false;
    for (uint32_t code = 0; code < before_.values() && !any_gone; ++code) {
      any_gone = is_gone(code);
    }
    memory_->spec = before_.spec();
    if (added.empty() && !any_gone) {
      memory_->dictionary = KeepDictionary<TextDictionary>(before_);
      memory_->items = std::move(lists);
    } else {
      Merged merged = MergeDictionary<TextDictionary>(before_, added, is_gone);
      memory_->dictionary = std::move(merged.dictionary);
      memory_->items.resize(merged.values);
      code_of_old_ = std::move(merged.code_of_old);
      for (uint32_t code = 0; code < before_.values(); ++code) {
        if (code_of_old_[code] == kNoCode) continue;
        memory_->items[code_of_old_[code]] = std::move(lists[code]);
      }
      for (size_t i = 0; i < added.size(); ++i) {
        memory_->items[merged.code_of_added[i]] =
            Own(std::move(fresh_.find(added[i])->second));
      }
    }
    MakeBitmaps();
    uint64_t uses = 0;
    for (const TaggedItems& list : memory_->items) uses += list.rows.size();
    memory_->spec.set_values(memory_->items.size());
    memory_->spec.set_present(before_.spec().present() - had_.Count() +
                              have_now_);
    memory_->spec.set_uses(uses);
    memory_->spec.set_frequent(static_cast<uint32_t>(memory_->frequent.size()));
    return std::move(memory_);
  }

 private:
  static TaggedItems Own(std::vector<Row> rows) {
    auto owner = std::make_shared<const std::vector<Row>>(std::move(rows));
    return {*owner, owner};
  }

  // The lists of the old tags, changed.
  std::vector<TaggedItems> OldLists() {
    std::vector<TaggedItems> lists(before_.values());
    kept_.resize(before_.values());
    for (uint32_t code = 0; code < before_.values(); ++code) {
      const std::span<const Row> old = before_.ItemsWith(code);
      bool loses = false;
      for (const Row row : old) {
        // A file that was not verified may name items that do not exist.
        if (row >= before_.n_items()) continue;
        if (!changed_.Has(row)) continue;
        loses = true;
        had_.Add(row);
      }
      const auto fresh = fresh_.find(before_.Text(code));
      kept_[code] = !loses && fresh == fresh_.end();
      if (kept_[code]) {
        lists[code] = before_.memory() == nullptr
                          ? TaggedItems{old, nullptr}
                          : before_.memory()->items[code];
        continue;
      }
      std::vector<Row> rows;
      for (const Row row : old) {
        if (row < before_.n_items() && !changed_.Has(row)) rows.push_back(row);
      }
      if (fresh != fresh_.end()) {
        const auto middle = static_cast<std::ptrdiff_t>(rows.size());
        rows.insert(rows.end(), fresh->second.begin(), fresh->second.end());
        std::inplace_merge(rows.begin(), rows.begin() + middle, rows.end());
      }
      lists[code] = Own(std::move(rows));
    }
    return lists;
  }

  void MakeBitmaps() {
    std::vector<uint32_t> old_code_of(memory_->items.size(), kNoCode);
    for (uint32_t code = 0; code < before_.values(); ++code) {
      if (!kept_[code] || before_.Bitmap(code).empty()) continue;
      const uint32_t now = code_of_old_.empty() ? code : code_of_old_[code];
      if (now != kNoCode) old_code_of[now] = code;
    }
    for (uint32_t code = 0; code < memory_->items.size(); ++code) {
      const std::span<const Row> rows = memory_->items[code].rows;
      if (!IsFrequent(rows.size(), before_.n_items())) continue;
      memory_->frequent.push_back(code);
      if (old_code_of[code] != kNoCode) {
        memory_->bitmaps.push_back(
            CodeChange::KeepBitmap(before_, old_code_of[code]));
        continue;
      }
      auto words = std::make_shared<std::vector<uint64_t>>(
          RowSet::Words(before_.n_items()));
      for (const Row row : rows) {
        if (row >= before_.n_items()) continue;
        (*words)[row / 64] |= uint64_t{1} << (row % 64);
      }
      memory_->bitmaps.push_back({*words, words});
    }
  }

  const AttributeColumn& before_;
  RowSet changed_;
  // Of those, the items that had a tag before; how many have one now.
  RowSet had_;
  uint64_t have_now_ = 0;
  // The changed items of each tag. Compares without copying keys.
  std::map<std::string, std::vector<Row>, std::less<>> fresh_;
  // Whether the list of an old code is as it was.
  std::vector<bool> kept_;
  // Empty while codes stay.
  std::vector<uint32_t> code_of_old_;
  std::shared_ptr<ColumnMemory> memory_ = std::make_shared<ColumnMemory>();
};

std::shared_ptr<const ColumnMemory> ChangeMemory(
    const AttributeColumn& before, std::vector<RowValue> changes) {
  switch (before.type()) {
    case v1::BOOLEAN:
      return CodeChange(before, std::move(changes)).Flags();
    case v1::TAGS:
      return TagChange(before, std::move(changes)).Run();
    case v1::INTEGER:
    case v1::TIME:
      return CodeChange(before, std::move(changes))
          .Values<IntegerDictionary, int64_t>(/*bitmaps=*/false);
    case v1::NUMBER:
      return CodeChange(before, std::move(changes))
          .Values<NumberDictionary, double>(/*bitmaps=*/false);
    default:
      return CodeChange(before, std::move(changes))
          .Values<TextDictionary, std::string>(/*bitmaps=*/true);
  }
}

}  // namespace

AttributeColumn ChangeColumn(const AttributeColumn& mapped,
                             const AttributeColumn& before,
                             std::vector<RowValue> changes) {
  return AttributeColumn(mapped, ChangeMemory(before, std::move(changes)));
}

}  // namespace tributary
