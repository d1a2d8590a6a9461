#include "evaluation/report/item_titles.h"

#include <algorithm>
#include <string_view>

#include "index/data/feature_table.h"

namespace tributary {
namespace {

std::string LowerCase(std::string text) {
  for (char& c : text) {
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

constexpr int kNoTitle = 4;

// 0 for the column that is most probably of titles.
int TitleOrder(const FeatureColumn& column) {
  if (column.kind == FeatureColumn::Kind::kNumber) return kNoTitle;
  const std::string name = LowerCase(column.name);
  if (name == "title") return 0;
  if (name == "name") return 1;
  if (name.ends_with("title")) return 2;
  return name.ends_with("name") ? 3 : kNoTitle;
}

}  // namespace

std::string ItemTitles::Of(const Bundle& bundle, Row row) const {
  if (row < by_row.size() && !by_row[row].empty()) return by_row[row];
  return bundle.items().text(row);
}

ItemTitles TitlesFrom(const Bundle& bundle, const DataSet& data) {
  const auto& columns = data.item_features;
  const auto column =
      std::min_element(columns.begin(), columns.end(),
                       [](const FeatureColumn& a, const FeatureColumn& b) {
                         return TitleOrder(a) < TitleOrder(b);
                       });
  ItemTitles titles;
  if (column == columns.end() || TitleOrder(*column) == kNoTitle) return titles;
  titles.column = column->name;
  titles.by_row.resize(bundle.items().size());
  for (Row row = 0; row < data.items.size(); ++row) {
    const std::string key = data.items.text(row);
    const Row found = bundle.items().Find(std::string_view(key));
    if (found == kNoRow) continue;
    std::string& title = titles.by_row[found];
    title = column->text[row];
    // A title that was read as words.
    std::replace(title.begin(), title.end(), kTokenSeparator, ' ');
  }
  return titles;
}

}  // namespace tributary
