#include "server/versions/live_item_encoder.h"

#include <algorithm>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "index/filter/item_values.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

// What separates categories in a field of items.csv.
constexpr std::string_view kFieldSeparators = "|;";
constexpr std::string_view kFieldSeparatorsAndComma = "|;,";
constexpr std::string_view kBlanks = " \t\r\n";

const Value* FindFeature(const Struct& features, const std::string& column) {
  const auto found = features.fields().find(column);
  return found == features.fields().end() ? nullptr : &found->second;
}

// The value as one text; "" for none.
std::string OneText(const Value& value) {
  const std::optional<ItemValue> read = ReadItemValue(v1::CATEGORY, value);
  return read.has_value() && read->exists ? read->texts.front() : "";
}

void AppendCategory(std::string_view category, std::string* categories) {
  const size_t begin = category.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return;
  const size_t end = category.find_last_not_of(kBlanks);
  if (!categories->empty()) *categories += kCategorySeparator;
  categories->append(category.substr(begin, end - begin + 1));
}

// The categories, separated by kCategorySeparator: those of a list, or those
// that a text has between separators.
std::string CategoriesOf(const Value& value, bool commas) {
  std::string categories;
  if (value.has_list_value()) {
    for (const Value& one : value.list_value().values()) {
      AppendCategory(OneText(one), &categories);
    }
    return categories;
  }
  const std::string text = OneText(value);
  const std::string_view separators =
      commas ? kFieldSeparatorsAndComma : kFieldSeparators;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end =
        std::min(text.find_first_of(separators, begin), text.size());
    AppendCategory(std::string_view(text).substr(begin, end - begin),
                   &categories);
    begin = end + 1;
  }
  return categories;
}

// Of a column of text, the text; of lists, their words.
std::string WordsOf(const Value& value) {
  if (!value.has_list_value()) return OneText(value);
  std::string words;
  for (const Value& one : value.list_value().values()) {
    words += OneText(one);
    words += ' ';
  }
  return words;
}

float NumberOf(const Value& value) {
  const std::optional<ItemValue> read = ReadItemValue(v1::NUMBER, value);
  return read.has_value() && read->exists
             ? static_cast<float>(read->number)
             : std::numeric_limits<float>::quiet_NaN();
}

// Whether a category of the column has a comma in it, so that commas do not
// separate the column's categories.
bool HasCommaIn(const KeyTable& terms, const std::string& column) {
  const std::string prefix = column + "=";
  for (Row row = 0; row < terms.size(); ++row) {
    const std::string_view term = terms.string(row);
    if (term.starts_with(prefix) &&
        term.find(',', prefix.size()) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// Whether the tower can be given all that it reads.
bool CanBeFed(const v1::Tower& tower, const EmbeddingSpace* content) {
  return std::ranges::all_of(tower.features(), [&](const auto& input) {
    return input.kind() != v1::FeatureInput::SPACE_VECTOR ||
           (content != nullptr && input.column() == content->spec->name() &&
            input.dim() == content->spec->dim());
  });
}

}  // namespace

LiveItemEncoder::LiveItemEncoder(const Bundle& bundle) : bundle_(bundle) {
  const std::span<const EmbeddingSpace> spaces = bundle.spaces();
  for (size_t s = 0; s < spaces.size() && content_ == nullptr; ++s) {
    if (!spaces[s].spec->has_feature_encoder()) continue;
    content_ = std::make_unique<const ContentEncoder>(spaces[s]);
    content_space_ = s;
    for (const v1::FeatureColumn& column : content_->spec().columns()) {
      commas_.push_back(column.kind() == v1::FeatureColumn::TOKENS &&
                        !HasCommaIn(spaces[s].features.terms, column.name()));
    }
  }
  const EmbeddingSpace* const content =
      content_ == nullptr ? nullptr : &spaces[content_space_];
  towers_.resize(spaces.size());
  for (size_t s = 0; s < spaces.size(); ++s) {
    const v1::EmbeddingSpace& spec = *spaces[s].spec;
    if (!spec.has_item_tower() || !CanBeFed(spec.item_tower(), content)) {
      continue;
    }
    auto tower = ItemTower::Open(bundle, spaces[s]);
    if (tower.ok()) {
      towers_[s] = *std::move(tower);
    } else {
      spdlog::error(
          "event=item_tower_not_opened version={} space={} error={:?}",
          bundle.version(), spec.name(), tower.status().ToString());
    }
  }
}

void LiveItemEncoder::Encode(const Struct& features,
                             std::vector<std::vector<float>>* vectors) const {
  std::vector<float>* const content =
      content_ == nullptr ? nullptr : &(*vectors)[content_space_];
  if (content != nullptr && content->empty()) {
    std::vector<FeatureValue> values(commas_.size());
    std::vector<std::string> texts(commas_.size());
    for (size_t i = 0; i < values.size(); ++i) {
      const v1::FeatureColumn& column =
          content_->spec().columns(static_cast<int>(i));
      const Value* const given = FindFeature(features, column.name());
      if (given == nullptr) continue;
      if (column.kind() == v1::FeatureColumn::NUMBER) {
        values[i].number = NumberOf(*given);
        continue;
      }
      texts[i] = column.kind() == v1::FeatureColumn::TEXT
                     ? WordsOf(*given)
                     : CategoriesOf(*given, commas_[i]);
      values[i].categories = texts[i];
    }
    content->resize(bundle_.spaces()[content_space_].spec->dim());
    if (!content_->Encode(values, *content)) content->clear();
  }
  for (size_t s = 0; s < towers_.size(); ++s) {
    std::vector<float>& vector = (*vectors)[s];
    if (towers_[s] == nullptr || !vector.empty()) continue;
    const auto inputs = towers_[s]->inputs();
    std::vector<FeatureValue> values(inputs.size());
    std::vector<std::string> texts(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i]->kind() == v1::FeatureInput::SPACE_VECTOR) {
        values[i].vector = *content;
        continue;
      }
      // A new item's id is unknown to the tower.
      if (inputs[i]->column().empty()) continue;
      const Value* const given = FindFeature(features, inputs[i]->column());
      if (given == nullptr) continue;
      if (inputs[i]->kind() == v1::FeatureInput::NUMBER) {
        values[i].number = NumberOf(*given);
      } else {
        texts[i] = CategoriesOf(*given, /*commas=*/false);
        values[i].categories = texts[i];
      }
    }
    if (!towers_[s]->Encode(values, &vector)) vector.clear();
  }
}

}  // namespace tributary
