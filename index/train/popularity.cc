#include "index/train/popularity.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/data/feature_table.h"
#include "index/train/trending.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr size_t kMaxSegments = 65535;
constexpr size_t kMaxNameBytes = 512;

CountedList CountAll(const DataSet& data) {
  std::vector<double> scores(data.item_popularity.begin(),
                             data.item_popularity.end());
  if (scores.empty()) {
    scores.resize(data.items.size());
    for (const Interaction& interaction : data.interactions) {
      if (interaction.weight > 0) {
        scores[interaction.item] += interaction.weight;
      }
    }
  }
  return MakeCountedList(kAllTimeList, scores, /*all=*/true);
}

CountedList CountTrending(const DataSet& data, double half_life_days) {
  int64_t newest_s = 0;
  for (const Interaction& interaction : data.interactions) {
    newest_s = std::max(newest_s, interaction.time_s);
  }
  return MakeCountedList(kTrendingList,
                         TrendingScores(data.interactions, data.items.size(),
                                        newest_s, half_life_days),
                         /*all=*/false);
}

// The name of the user's segment by this column, "" for none.
std::string SegmentName(const FeatureColumn& column, Row user) {
  if (column.kind == FeatureColumn::Kind::kNumber) {
    if (std::isnan(column.numbers[user])) return "";
    return ListName(fmt::format("{}={}", column.name, column.numbers[user]));
  }
  const std::string_view text = column.text[user];
  const std::string_view first = text.substr(0, text.find(kTokenSeparator));
  if (first.empty()) return "";
  return ListName(fmt::format("{}={}", column.name, first));
}

absl::StatusOr<std::vector<const FeatureColumn*>> SegmentColumns(
    const DataSet& data, const v1::Popularity& settings) {
  std::vector<const FeatureColumn*> columns;
  const auto find = [&](std::string_view name) {
    for (const FeatureColumn& column : data.user_features) {
      if (column.name == name) columns.push_back(&column);
    }
  };
  if (settings.segment_columns().empty()) find("segment");
  for (const std::string& name : settings.segment_columns()) {
    const size_t before = columns.size();
    find(name);
    if (columns.size() == before) {
      return absl::InvalidArgumentError(fmt::format(
          "popularity.segment_columns: users have no column {}", name));
    }
  }
  return columns;
}

// The name of each user's first segment that is large enough.
std::vector<std::string> ChooseSegments(
    const DataSet& data, const std::vector<const FeatureColumn*>& columns,
    uint64_t min_interactions) {
  std::map<std::string, uint64_t> sizes;
  std::vector<uint64_t> activity(data.users.size());
  for (const Interaction& interaction : data.interactions) {
    if (interaction.weight > 0) ++activity[interaction.user];
  }
  for (const FeatureColumn* column : columns) {
    for (Row user = 0; user < data.users.size(); ++user) {
      sizes[SegmentName(*column, user)] += activity[user];
    }
  }
  std::vector<std::string> chosen(data.users.size());
  for (const FeatureColumn* column : columns) {
    for (Row user = 0; user < data.users.size(); ++user) {
      std::string name = SegmentName(*column, user);
      if (chosen[user].empty() && sizes[name] >= min_interactions) {
        chosen[user] = std::move(name);
      }
    }
  }
  return chosen;
}

absl::Status CountSegments(const DataSet& data, const v1::Popularity& settings,
                           CountedPopularity* counted) {
  ASSIGN_OR_RETURN(const std::vector<const FeatureColumn*> columns,
                   SegmentColumns(data, settings));
  const std::vector<std::string> chosen =
      ChooseSegments(data, columns, settings.min_segment_interactions());
  std::map<std::string, std::vector<double>> scores;
  for (const Interaction& interaction : data.interactions) {
    const std::string& name = chosen[interaction.user];
    if (name.empty() || interaction.weight <= 0) continue;
    std::vector<double>& of_segment = scores[name];
    of_segment.resize(data.items.size());
    of_segment[interaction.item] += interaction.weight;
  }
  if (scores.empty()) return absl::OkStatus();
  if (scores.size() > kMaxSegments) {
    return absl::InvalidArgumentError(
        fmt::format("popularity.segment_columns: {} segments, expected at most "
                    "{}",
                    scores.size(), kMaxSegments));
  }
  std::map<std::string, uint16_t> numbers;
  for (const auto& [name, of_segment] : scores) {
    CountedList& list = counted->lists.emplace_back(
        MakeCountedList(name, of_segment, /*all=*/false));
    list.segment = numbers[name] = static_cast<uint16_t>(numbers.size() + 1);
  }
  for (const std::string& name : chosen) {
    const auto found = numbers.find(name);
    counted->user_segments.push_back(found == numbers.end() ? 0
                                                            : found->second);
  }
  return absl::OkStatus();
}

}  // namespace

CountedList MakeCountedList(std::string name, const std::vector<double>& scores,
                            bool all) {
  CountedList list{.name = std::move(name), .rows = {}, .scores = {}};
  for (Row item = 0; item < scores.size(); ++item) {
    // Compared as it is stored: a score may round to 0.
    if (all || static_cast<float>(scores[item]) > 0) list.rows.push_back(item);
  }
  std::stable_sort(list.rows.begin(), list.rows.end(), [&](Row a, Row b) {
    return static_cast<float>(scores[a]) > static_cast<float>(scores[b]);
  });
  for (const Row item : list.rows) {
    list.scores.push_back(static_cast<float>(scores[item]));
  }
  return list;
}

std::string ListName(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  if (text.size() > kMaxNameBytes) {
    size_t end = kMaxNameBytes;
    // Bytes that continue a character are 10xxxxxx.
    while (end > 0 && (byte(end) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    // U+0080 to U+009F are two bytes.
    const bool high =
        byte(i) == 0xC2 && i + 1 < text.size() && byte(i + 1) < 0xA0;
    const bool control = byte(i) < 0x20 || byte(i) == 0x7F || high;
    name += control ? ' ' : text[i];
    if (high) ++i;
  }
  return name;
}

absl::StatusOr<CountedPopularity> CountPopularity(
    const DataSet& data, const v1::Popularity& settings) {
  CountedPopularity counted;
  const bool any = std::any_of(
      data.interactions.begin(), data.interactions.end(),
      [](const Interaction& interaction) { return interaction.weight > 0; });
  if (any || !data.item_popularity.empty()) {
    counted.lists.push_back(CountAll(data));
  }
  if (any && data.has_times) {
    counted.half_life_days = settings.half_life_days() > 0
                                 ? settings.half_life_days()
                                 : ChooseHalfLifeDays(data);
    CountedList trending = CountTrending(data, counted.half_life_days);
    if (!trending.rows.empty()) counted.lists.push_back(std::move(trending));
  }
  RETURN_IF_ERROR(CountSegments(data, settings, &counted));
  RETURN_IF_ERROR(CountCategories(data, settings, &counted));
  return counted;
}

}  // namespace tributary
