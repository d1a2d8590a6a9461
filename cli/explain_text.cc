#include "cli/explain_text.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/core.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// Longer than any sentence that a server makes of a request of usual size.
constexpr size_t kSentenceCharacters = 2000;
constexpr int kCapItemsShown = 10;

std::string VerdictText(const v1::ItemExplanation& item) {
  switch (item.verdict()) {
    case v1::IN_THE_LIST:
      return fmt::format("in the list, rank {}", item.rank());
    case v1::NOT_IN_THE_CATALOGUE:
      return "not in the catalogue";
    case v1::SEEN:
      return "seen";
    case v1::EXCLUDED:
      return "excluded";
    case v1::DOES_NOT_PASS:
      return "does not pass the filter";
    case v1::NOT_PROPOSED:
      return "not proposed";
    case v1::KEPT_OUT_BY_CAP:
      return "kept out by a cap";
    case v1::TAKEN_DOWN:
      return "taken down";
    case v1::EXPIRED:
      return "expired";
    case v1::BELOW_K:
      return "below k";
    default:
      return v1::Verdict_Name(item.verdict());
  }
}

std::string SourceText(const v1::SourceExplanation& source) {
  if (!source.had_query()) return "has nothing to search by";
  std::string text;
  if (source.exact_rank() > 0) {
    text = fmt::format("rank {}, score {:.6g}; ", source.exact_rank(),
                       source.exact_score());
  }
  if (source.proposed_rank() > 0) {
    return fmt::format("{}proposed at {} of {}, adds {:.6g}", text,
                       source.proposed_rank(), source.asked(),
                       source.contribution());
  }
  if (source.missed_by_index()) {
    return fmt::format("{}missed by the index among the {} asked for", text,
                       source.asked());
  }
  if (source.exact_rank() > 0) {
    return fmt::format("{}{} were asked for", text, source.asked());
  }
  return source.knows_item() ? "does not reach it by this request"
                             : "does not have it";
}

using Lines = std::vector<std::pair<std::string, std::string>>;

Lines LinesOf(const v1::ItemExplanation& item) {
  Lines lines;
  for (const v1::FailedTerm& term : item.failed_terms()) {
    lines.emplace_back(
        "fails",
        fmt::format("{}: it has {}",
                    Printable(term.term(), kSentenceCharacters),
                    term.value().empty()
                        ? "no value"
                        : Printable(term.value(), kSentenceCharacters)));
  }
  for (const v1::SourceExplanation& source : item.sources()) {
    lines.emplace_back(Printable(source.name()), SourceText(source));
  }
  if (item.fused_rank() > 0) {
    lines.emplace_back(
        "fused",
        fmt::format(
            "rank {}, score {:.6g}{}", item.fused_rank(), item.fused_score(),
            item.factor() == 1
                ? ""
                : fmt::format(", of it a factor of {:.4g}", item.factor())));
  }
  if (!item.cap_items().empty()) {
    std::string keys;
    for (int i = 0; i < item.cap_items_size() && i < kCapItemsShown; ++i) {
      keys += (keys.empty() ? "" : " ") + Printable(item.cap_items(i));
    }
    if (item.cap_items_size() > kCapItemsShown) keys += " ...";
    lines.emplace_back(
        "cap",
        fmt::format("{} is full: {}", Printable(item.cap_attribute()), keys));
  }
  return lines;
}

}  // namespace

std::string ExplainText(const v1::ExplainResponse& response) {
  std::string text;
  for (const v1::ItemExplanation& item : response.items()) {
    text += fmt::format("{}: {}\n  {}\n", Printable(item.item_key()),
                        VerdictText(item),
                        Printable(item.sentence(), kSentenceCharacters));
    const Lines lines = LinesOf(item);
    size_t width = 0;
    for (const auto& [name, what] : lines) width = std::max(width, name.size());
    for (size_t i = 0; i < lines.size(); ++i) {
      text += fmt::format("  {} {:<{}}  {}\n", i + 1 < lines.size() ? "├" : "└",
                          lines[i].first, width, lines[i].second);
    }
  }
  const std::string& label = response.bundle_label();
  return text + fmt::format("{} candidates, k {}, bundle version {}{}\n",
                            response.candidates(), response.k(),
                            response.bundle_version(),
                            label.empty() ? "" : fmt::format(" ({})", label));
}

}  // namespace tributary
