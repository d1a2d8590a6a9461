#include "cli/trials_table.h"

#include "fmt/core.h"

namespace tributary {
namespace {

bool IsChosen(const v1::IndexCandidate& trial, const v1::IndexSpec& index) {
  return trial.kind() == index.kind() && trial.probes() == index.probes() &&
         trial.reranked() == index.reranked();
}

}  // namespace

std::string TrialsTable(const v1::IndexSpec& index) {
  if (index.candidates().empty()) return "";
  std::string table = fmt::format(
      "  {:<5} {:>7} {:>9} {:>11} {:>8}\n", "kind", "probes", "reranked",
      fmt::format("recall@{}", index.measured_n()), "us");
  for (const v1::IndexCandidate& trial : index.candidates()) {
    table += fmt::format("{} {:<5} {:>7} {:>9} {:>11.4f} {:>8.1f}\n",
                         IsChosen(trial, index) ? "*" : " ", trial.kind(),
                         trial.probes(), trial.reranked(), trial.recall(),
                         trial.us());
  }
  return table;
}

}  // namespace tributary
