#include "index/data/attribute_data.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "index/bundle/attribute_column.h"
#include "index/bundle/attribute_summary.h"
#include "index/data/attribute_value.h"
#include "index/data/column_kind.h"
#include "index/data/feature_table.h"
#include "index/data/parse_field.h"
#include "index/data/time_reading.h"

namespace tributary {
namespace {

// Numbers strings in the order of their first use.
class TextNumbers {
 public:
  uint32_t Add(std::string_view text) {
    const auto next = static_cast<uint32_t>(numbers_.size());
    return numbers_.try_emplace(std::string(text), next).first->second;
  }

  // The strings in byte order. Sets (*codes)[number] to a string's place there.
  std::vector<std::string> Sort(std::vector<uint32_t>* codes) && {
    std::vector<std::pair<std::string, uint32_t>> all;
    all.reserve(numbers_.size());
    while (!numbers_.empty()) {
      auto node = numbers_.extract(numbers_.begin());
      all.emplace_back(std::move(node.key()), node.mapped());
    }
    std::sort(all.begin(), all.end());
    codes->resize(all.size());
    std::vector<std::string> sorted;
    sorted.reserve(all.size());
    for (auto& [text, number] : all) {
      (*codes)[number] = static_cast<uint32_t>(sorted.size());
      sorted.push_back(std::move(text));
    }
    return sorted;
  }

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
};

class AttributeEncoder {
 public:
  AttributeEncoder(const AttributeForm& form, uint64_t n_items,
                   const std::function<std::string_view(Row)>& value,
                   Misfits* misfits)
      : form_(form), n_items_(n_items), value_(value), misfits_(*misfits) {
    out_.spec.set_type(form.type);
  }

  AttributeData Run() && {
    switch (form_.type) {
      case v1::BOOLEAN:
        EncodeFlags();
        break;
      case v1::INTEGER:
        EncodeNumbers<int64_t>(ParseInteger, &out_.integers);
        break;
      case v1::TIME:
        EncodeNumbers<int64_t>(ParseTimeMs, &out_.integers);
        break;
      case v1::NUMBER:
        EncodeNumbers<double>(ParseFiniteNumber, &out_.numbers);
        break;
      case v1::TAGS:
        EncodeTags();
        break;
      default:
        EncodeCategories();
    }
    return std::move(out_);
  }

 private:
  // Whether the row has no value, so that there is nothing to parse.
  bool Missing(std::string_view value) const {
    return form_.as_they_are &&
                   (form_.type == v1::CATEGORY || form_.type == v1::TAGS)
               ? value.empty()
               : IsMissingAttribute(form_.type, value);
  }

  void AddMisfit(Row row, std::string_view value) {
    if (misfits_.count++ > 0) return;
    misfits_.value = value;
    misfits_.row = row;
  }

  // Calls visit(row, value) for each value that is there and can be parsed.
  template <typename Parse, typename Visit>
  void ForEach(const Parse& parse, const Visit& visit) {
    for (uint64_t i = 0; i < n_items_; ++i) {
      const Row row = static_cast<Row>(i);
      const std::string_view text = value_(row);
      if (Missing(text)) continue;
      if (const auto value = parse(Trim(text))) {
        visit(row, *value);
      } else {
        AddMisfit(row, text);
      }
    }
  }

  void EncodeFlags() {
    std::vector<uint32_t> codes(n_items_, 2);
    ForEach(ParseFlag, [&](Row row, bool flag) { codes[row] = flag ? 1 : 0; });
    FinishCodes(codes, 2);
  }

  template <typename Number>
  void EncodeNumbers(std::optional<Number> (*parse)(std::string_view),
                     std::vector<Number>* dictionary) {
    std::vector<Number> values;
    std::vector<bool> present(n_items_);
    ForEach(parse, [&](Row row, Number number) {
      values.push_back(number);
      present[row] = true;
    });
    *dictionary = values;
    std::sort(dictionary->begin(), dictionary->end());
    dictionary->erase(std::unique(dictionary->begin(), dictionary->end()),
                      dictionary->end());
    dictionary->shrink_to_fit();
    const auto n_values = static_cast<uint32_t>(dictionary->size());
    std::vector<uint32_t> codes(n_items_, n_values);
    size_t next = 0;
    for (uint64_t row = 0; row < n_items_; ++row) {
      if (!present[row]) continue;
      codes[row] = static_cast<uint32_t>(std::lower_bound(dictionary->begin(),
                                                          dictionary->end(),
                                                          values[next++]) -
                                         dictionary->begin());
    }
    FinishCodes(codes, n_values);
  }

  void EncodeCategories() {
    TextNumbers numbers;
    std::vector<uint32_t> codes(n_items_, kNoRow);
    for (uint64_t row = 0; row < n_items_; ++row) {
      const std::string_view value = value_(static_cast<Row>(row));
      if (!Missing(value)) codes[row] = numbers.Add(value);
    }
    std::vector<uint32_t> sorted;
    out_.texts = std::move(numbers).Sort(&sorted);
    const auto n_values = static_cast<uint32_t>(out_.texts.size());
    for (uint32_t& code : codes) {
      code = code == kNoRow ? n_values : sorted[code];
    }
    FinishCodes(codes, n_values);
  }

  std::string TagsOf(std::string_view value) const {
    return form_.as_they_are ? std::string(value)
                             : ReadTags(value, form_.commas);
  }

  void EncodeTags() {
    TextNumbers numbers;
    // The number of a tag, and the row of an item that has it.
    std::vector<std::pair<uint32_t, Row>> uses;
    uint64_t present = 0;
    for (uint64_t i = 0; i < n_items_; ++i) {
      const Row row = static_cast<Row>(i);
      const std::string_view value = value_(row);
      if (Missing(value)) continue;
      const size_t before = uses.size();
      const std::string tags = TagsOf(value);
      for (std::string_view rest = tags; !rest.empty();) {
        const size_t end = std::min(rest.find(kTokenSeparator), rest.size());
        if (end > 0) uses.emplace_back(numbers.Add(rest.substr(0, end)), row);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      const auto begin = uses.begin() + static_cast<ptrdiff_t>(before);
      std::sort(begin, uses.end());
      uses.erase(std::unique(begin, uses.end()), uses.end());
      present += uses.size() > before ? 1 : 0;
    }
    std::vector<uint32_t> codes;
    out_.texts = std::move(numbers).Sort(&codes);
    // Counted by tag; rows are in ascending order already.
    out_.offsets.assign(codes.size() + 1, 0);
    for (const auto& [number, row] : uses) ++out_.offsets[codes[number] + 1];
    std::partial_sum(out_.offsets.begin(), out_.offsets.end(),
                     out_.offsets.begin());
    std::vector<uint64_t> next(out_.offsets.begin(), out_.offsets.end() - 1);
    out_.items.resize(uses.size());
    for (const auto& [number, row] : uses) {
      out_.items[next[codes[number]]++] = row;
    }
    SetCounts(codes.size(), present, uses.size());
  }

  void FinishCodes(const std::vector<uint32_t>& codes, uint32_t n_values) {
    const auto missing = std::count(codes.begin(), codes.end(), n_values);
    const uint64_t present = n_items_ - static_cast<uint64_t>(missing);
    out_.codes = PackCodes(codes, n_values);
    SetCounts(n_values, present, present);
  }

  void SetCounts(uint64_t n_values, uint64_t present, uint64_t uses) {
    out_.spec.set_values(n_values);
    out_.spec.set_present(present);
    out_.spec.set_uses(uses);
  }

  const AttributeForm& form_;
  const uint64_t n_items_;
  const std::function<std::string_view(Row)>& value_;
  Misfits& misfits_;
  AttributeData out_;
};

}  // namespace

AttributeData EncodeAttribute(const AttributeForm& form, uint64_t n_items,
                              const std::function<std::string_view(Row)>& value,
                              Misfits* misfits) {
  return AttributeEncoder(form, n_items, value, misfits).Run();
}

std::string Describe(const AttributeData& attribute, uint64_t n_items) {
  const v1::Attribute& spec = attribute.spec;
  std::vector<uint64_t> uses;
  if (spec.type() == v1::TAGS) {
    for (size_t i = 1; i < attribute.offsets.size(); ++i) {
      uses.push_back(attribute.offsets[i] - attribute.offsets[i - 1]);
    }
  } else if (spec.type() < v1::TAGS) {
    uses = CountCodes(attribute, n_items);
  }
  return DescribeAttribute(
      spec, n_items, uses, [&](uint32_t code) -> std::string {
        switch (spec.type()) {
          case v1::BOOLEAN:
            return code == 1 ? "true" : "false";
          case v1::INTEGER:
          case v1::TIME:
            return AttributeValueText(spec.type(), attribute.integers[code]);
          case v1::NUMBER:
            return AttributeValueText(attribute.numbers[code]);
          default:
            return attribute.texts[code];
        }
      });
}

uint32_t CodeOf(const AttributeData& attribute, uint64_t n_items, Row item) {
  uint32_t code = 0;
  for (size_t at = item; at < attribute.codes.size(); at += n_items) {
    code = code << 8 | attribute.codes[at];
  }
  return code;
}

std::vector<uint64_t> CountCodes(const AttributeData& attribute,
                                 uint64_t n_items) {
  std::vector<uint64_t> uses(attribute.spec.values() + 1);
  for (uint64_t item = 0; item < n_items; ++item) {
    ++uses[CodeOf(attribute, n_items, static_cast<Row>(item))];
  }
  uses.pop_back();
  return uses;
}

std::vector<uint8_t> PackCodes(std::span<const uint32_t> codes,
                               uint64_t values) {
  const uint32_t bytes = CodeBytes(values);
  std::vector<uint8_t> packed(bytes * codes.size());
  for (uint32_t b = 0; b < bytes; ++b) {
    const uint32_t shift = 8 * (bytes - 1 - b);
    uint8_t* const plane = packed.data() + b * codes.size();
    for (size_t i = 0; i < codes.size(); ++i) {
      plane[i] = static_cast<uint8_t>(codes[i] >> shift);
    }
  }
  return packed;
}

}  // namespace tributary
