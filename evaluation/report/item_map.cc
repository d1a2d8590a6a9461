#include "evaluation/report/item_map.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "evaluation/report/markup.h"
#include "evaluation/report/scatter.h"
#include "evaluation/report/tsne.h"
#include "fmt/format.h"
#include "index/data/feature_table.h"

namespace tributary {
namespace {

// The size of the sample: t-SNE is quadratic in it.
constexpr uint64_t kMaxMappedItems = 1000;
constexpr size_t kMaxGroups = 8;

std::string_view FirstCategory(std::string_view tokens) {
  return tokens.substr(0, tokens.find(kTokenSeparator));
}

std::map<std::string_view, size_t> CountFirst(const FeatureColumn& column) {
  std::map<std::string_view, size_t> counts;
  for (const std::string& tokens : column.text) {
    if (!tokens.empty()) ++counts[FirstCategory(tokens)];
  }
  return counts;
}

const FeatureColumn* FindColumn(const DataSet& data, const std::string& name) {
  const FeatureColumn* best = nullptr;
  size_t fewest = 0;
  for (const FeatureColumn& column : data.item_features) {
    if (column.kind != FeatureColumn::Kind::kTokens) continue;
    if (!name.empty()) {
      if (column.name == name) return &column;
      continue;
    }
    const size_t different = CountFirst(column).size();
    if (different < 2 || (best != nullptr && different >= fewest)) continue;
    best = &column;
    fewest = different;
  }
  return best;
}

// The names of the groups: the most frequent categories.
std::vector<std::string> MostFrequent(
    const std::map<std::string_view, size_t>& counts) {
  std::vector<std::pair<size_t, std::string_view>> order;
  order.reserve(counts.size());
  for (const auto& [name, count] : counts) order.push_back({count, name});
  std::stable_sort(
      order.begin(), order.end(),
      [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> names;
  for (const auto& [count, name] : order) {
    if (names.size() == kMaxGroups - 1) break;
    names.emplace_back(name);
  }
  return names;
}

// The unit vectors of an even sample of items, and their rows.
struct Sample {
  std::vector<Row> rows;
  std::vector<float> vectors;
};

Sample SampleItems(const VectorTable& items) {
  Sample sample;
  const uint64_t n = std::min(kMaxMappedItems, items.size());
  std::vector<float> vector(items.dim());
  for (uint64_t i = 0; i < n; ++i) {
    const uint64_t position = i * items.size() / n;
    items.Read(position, vector);
    double square = 0;
    for (const float value : vector) square += value * value;
    if (square == 0) continue;
    for (float& value : vector) {
      value = static_cast<float>(value / std::sqrt(square));
    }
    sample.rows.push_back(items.row(position));
    sample.vectors.insert(sample.vectors.end(), vector.begin(), vector.end());
  }
  return sample;
}

}  // namespace

ItemGroups GroupsBySegment(const ItemSegments& segments) {
  ItemGroups groups;
  groups.of = "popularity";
  groups.names.assign(kItemSegments.begin(), kItemSegments.end());
  groups.by_row = segments.segment;
  return groups;
}

absl::StatusOr<ItemGroups> GroupsByCategory(const Bundle& bundle,
                                            const DataSet& data,
                                            const std::string& column_name) {
  const FeatureColumn* column = FindColumn(data, column_name);
  if (column == nullptr) {
    return absl::NotFoundError(
        column_name.empty()
            ? std::string("the data have no column of item categories")
            : fmt::format("the data have no column of item categories \"{}\"",
                          column_name));
  }
  ItemGroups groups;
  groups.of = column->name;
  groups.names = MostFrequent(CountFirst(*column));
  const auto other = static_cast<uint8_t>(groups.names.size());
  groups.by_row.assign(bundle.items().size(), other);
  for (Row row = 0; row < data.items.size(); ++row) {
    const std::string key = data.items.text(row);
    const Row found = bundle.items().Find(std::string_view(key));
    if (found == kNoRow) continue;
    groups.by_row[found] =
        static_cast<uint8_t>(std::find(groups.names.begin(), groups.names.end(),
                                       FirstCategory(column->text[row])) -
                             groups.names.begin());
  }
  groups.names.push_back("other");
  return groups;
}

std::string ItemMaps(const Bundle& bundle, const EmbeddingSpace& space,
                     const ItemGroups& groups, uint32_t threads) {
  const Sample sample = SampleItems(space.items);
  if (sample.rows.size() < 3) return "";
  std::vector<uint8_t> group_of;
  std::vector<std::string> names;
  for (const Row row : sample.rows) {
    group_of.push_back(groups.by_row[row]);
    names.push_back(fmt::format("{}\n{}", bundle.items().text(row),
                                groups.names[groups.by_row[row]]));
  }
  const std::string& name = space.spec->name();
  const size_t dim = space.items.dim();
  const PrincipalPlane plane = ProjectOnPlane(sample.vectors, dim);
  const auto axis = [&](size_t i) {
    return fmt::format("component {} ({:.1f}% of the variance)", i + 1,
                       100 * plane.variance_share[i]);
  };
  std::vector<LegendEntry> entries;
  for (size_t i = 0; i < groups.names.size(); ++i) {
    entries.push_back({groups.names[i], fmt::format("g{}", i)});
  }
  const std::string legend = LegendMarkup(entries);
  return FigureMarkup(
             "pca-" + name,
             fmt::format("{}: principal plane of {} items by {}", name,
                         sample.rows.size(), groups.of),
             ScatterPlot(plane.points, group_of, names, axis(0), axis(1)) +
                 legend) +
         FigureMarkup(
             "tsne-" + name,
             fmt::format("{}: t-SNE of the same items; distances between "
                         "far-off groups mean little",
                         name),
             ScatterPlot(EmbedByTsne(sample.vectors, dim, threads), group_of,
                         names, "t-SNE 1", "t-SNE 2") +
                 legend);
}

}  // namespace tributary
