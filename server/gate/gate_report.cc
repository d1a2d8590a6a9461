#include "server/gate/gate_report.h"

#include <cmath>

#include "fmt/core.h"

namespace tributary {
namespace {

std::string Number(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15
             ? fmt::format("{:.0f}", value)
             : fmt::format("{:.4g}", value);
}

std::string Cell(bool present, double value) {
  return fmt::format("{:>11}", present ? Number(value) : "");
}

std::string Bounds(const v1::GateCheck& check) {
  if (check.has_at_least() && check.has_at_most()) {
    return fmt::format("{} to {}", Number(check.at_least()),
                       Number(check.at_most()));
  }
  if (check.has_at_least()) return ">= " + Number(check.at_least());
  return check.has_at_most() ? "<= " + Number(check.at_most()) : "";
}

std::string VerdictText(v1::GateCheck::Verdict verdict) {
  if (verdict == v1::GateCheck::FAILED) return "FAILED";
  return verdict == v1::GateCheck::NOTED ? "note" : "ok";
}

std::string Line(const v1::GateCheck& check) {
  std::string line = fmt::format(
      "{:<12}{:<18}{}{}{}{:>14}  {}", check.name(), check.subject(),
      Cell(check.has_old(), check.old()), Cell(check.has_new_(), check.new_()),
      Cell(check.has_value(), check.value()), Bounds(check),
      VerdictText(check.verdict()));
  if (!check.note().empty()) line += fmt::format(" ({})", check.note());
  return line + '\n';
}

std::string Reason(const v1::GateCheck& check) {
  std::string reason = fmt::format("{} of {}", check.name(), check.subject());
  if (!check.has_value()) return reason + ": " + check.note();
  reason += fmt::format(" is {}", Number(check.value()));
  if (check.has_old() && check.has_new_()) {
    reason +=
        fmt::format(" ({} / {})", Number(check.new_()), Number(check.old()));
  }
  if (check.has_at_least() && check.value() < check.at_least()) {
    return reason + ", expected at least " + Number(check.at_least());
  }
  return reason + ", expected at most " + Number(check.at_most());
}

}  // namespace

std::string GateTable(const v1::GateReport& report) {
  std::string table = fmt::format(
      "version {}{}, {} queries for {}\n{:<12}{:<18}{:>11}{:>11}{:>11}{:>14}  "
      "verdict\n",
      report.version(),
      report.old_version() == 0
          ? ""
          : fmt::format(" against {}", report.old_version()),
      report.queries(), report.asked_for(), "check", "of", "old", "new",
      "value", "threshold");
  for (const v1::GateCheck& check : report.checks()) table += Line(check);
  return table + (report.passed() ? "passed\n"
                                  : "FAILED: " + GateReasons(report) + '\n');
}

std::string GateReasons(const v1::GateReport& report) {
  std::string reasons;
  for (const v1::GateCheck& check : report.checks()) {
    if (check.verdict() != v1::GateCheck::FAILED) continue;
    if (!reasons.empty()) reasons += "; ";
    reasons += Reason(check);
  }
  return reasons;
}

}  // namespace tributary
