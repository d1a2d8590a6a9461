#include "evaluation/report/series_colors.h"

#include <algorithm>

#include "fmt/format.h"

namespace tributary {

SeriesColors::SeriesColors(const Evaluation& evaluation, const Bundle& bundle,
                           std::span<const Rival> rivals) {
  for (const ListFigures& list : evaluation.lists) names_.push_back(list.name);
  for (const Rival& rival : rivals) names_.push_back(rival.name);
  for (const EmbeddingSpace& space : bundle.spaces()) {
    const std::string& name = space.spec->name();
    const auto& retrievers = bundle.manifest().retrievers();
    const auto source = std::find_if(
        retrievers.begin(), retrievers.end(),
        [&](const v1::RetrieverSpec& spec) { return spec.space() == name; });
    // No list is called so, because a name has no line break.
    const std::string series =
        source == retrievers.end() ? name + "\n" : source->name();
    spaces_.emplace_back(name, series);
    if (source == retrievers.end()) names_.push_back(series);
  }
}

std::string SeriesColors::ClassOf(size_t index) const {
  return fmt::format("c{}{}", index % kSeriesColors,
                     index / kSeriesColors % 2 == 1 ? " dashed" : "");
}

std::string SeriesColors::Of(std::string_view name) const {
  return ClassOf(static_cast<size_t>(
      std::find(names_.begin(), names_.end(), name) - names_.begin()));
}

std::string SeriesColors::OfSpace(std::string_view space) const {
  for (const auto& [name, series] : spaces_) {
    if (name == space) return Of(series);
  }
  return Of(space);
}

}  // namespace tributary
