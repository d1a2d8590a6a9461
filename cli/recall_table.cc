#include "cli/recall_table.h"

#include <set>
#include <vector>

#include "fmt/core.h"

namespace tributary {

std::string RecallTable(const v1::MeasuredRecall& measured) {
  std::set<uint32_t> ks;
  std::vector<std::string> sources;
  for (const auto& point : measured.points()) {
    ks.insert(point.k());
    if (sources.empty() || sources.back() != point.source()) {
      sources.push_back(point.source());
    }
  }
  std::string table = fmt::format("{:<16}", "recall");
  for (const uint32_t k : ks) {
    table += fmt::format("{:>8}", fmt::format("@{}", k));
  }
  for (const std::string& source : sources) {
    table += fmt::format("\n{:<16}", source);
    for (const auto& point : measured.points()) {
      if (point.source() == source) {
        table += fmt::format("{:>8.4f}", point.recall());
      }
    }
  }
  return table + fmt::format("\n({} users, {} held-out interactions)\n",
                             measured.users(),
                             measured.held_out_interactions());
}

}  // namespace tributary
