#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/core.h"
#include "fmt/ranges.h"
#include "server/gate/gate.h"

namespace tributary {
namespace {

// A source whose lists for different queries overlap by more than this does not
// distinguish users.
constexpr double kMaxDistinctOverlap = 0.5;

class Checks {
 public:
  explicit Checks(v1::GateReport* report) : report_(report) {}

  // Adds a check, which has passed unless it is compared with a bound.
  v1::GateCheck& Add(std::string_view name, std::string_view subject) {
    v1::GateCheck& check = *report_->add_checks();
    check.set_name(std::string(name));
    check.set_subject(std::string(subject));
    check.set_verdict(v1::GateCheck::PASSED);
    return check;
  }
  void Note(std::string_view name, std::string_view subject, std::string note) {
    v1::GateCheck& check = Add(name, subject);
    check.set_verdict(v1::GateCheck::NOTED);
    check.set_note(std::move(note));
  }
  void Fail(std::string_view name, std::string_view subject, std::string note) {
    v1::GateCheck& check = Add(name, subject);
    check.set_verdict(v1::GateCheck::FAILED);
    check.set_note(std::move(note));
  }

 private:
  v1::GateReport* const report_;
};

// Written so that NaN fails.
void CheckAtLeast(double value, double at_least, v1::GateCheck* check) {
  check->set_value(value);
  check->set_at_least(at_least);
  if (!(value >= at_least)) check->set_verdict(v1::GateCheck::FAILED);
}

void CheckAtMost(double value, double at_most, v1::GateCheck* check) {
  check->set_value(value);
  check->set_at_most(at_most);
  if (!(value <= at_most)) check->set_verdict(v1::GateCheck::FAILED);
}

// Compares new / old with a bound. Without an old value there is no ratio, and
// the check is only noted.
void CheckRatio(double old_value, double new_value, double at_least,
                v1::GateCheck* check) {
  check->set_old(old_value);
  check->set_new_(new_value);
  if (old_value <= 0) {
    check->set_verdict(v1::GateCheck::NOTED);
  } else {
    CheckAtLeast(new_value / old_value, at_least, check);
  }
}

// As CheckRatio, and at most 1 / at_least.
void CheckRatioBothWays(double old_value, double new_value, double at_least,
                        v1::GateCheck* check) {
  CheckRatio(old_value, new_value, at_least, check);
  if (!check->has_value() || at_least <= 0) return;
  check->set_at_most(1 / at_least);
  if (!(check->value() <= check->at_most()))
    check->set_verdict(v1::GateCheck::FAILED);
}

template <typename Named>
const Named* Find(const std::vector<Named>& all, std::string_view name) {
  for (const Named& one : all) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

void CheckRecall(const GateMeasurements& measured, const v1::Gate& gate,
                 Checks checks) {
  for (const SourceMeasurement& source : measured.new_version.sources) {
    if (!source.recall) continue;
    v1::GateCheck& check = checks.Add("recall", source.name);
    check.set_new_(*source.recall);
    CheckAtLeast(*source.recall, gate.min_recall(), &check);
    if (!measured.old_version) continue;
    const auto* old = Find(measured.old_version->sources, source.name);
    if (old != nullptr && old->recall) check.set_old(*old->recall);
  }
}

void CheckReach(const GateMeasurements& measured, const v1::Gate& gate,
                Checks checks) {
  v1::GateCheck& check = checks.Add("unreachable", "items");
  check.set_new_(measured.new_version.unreachable);
  if (measured.old_version) check.set_old(measured.old_version->unreachable);
  CheckAtMost(measured.new_version.unreachable, gate.max_unreachable(), &check);
  const std::vector<std::string>& silent = measured.new_version.silent_sources;
  if (silent.empty()) return;
  check.set_note(
      fmt::format("at most: {} cannot say which items it can propose",
                  fmt::join(silent, ", ")));
  // An upper bound that is too high proves nothing.
  if (check.verdict() == v1::GateCheck::FAILED) {
    check.set_verdict(v1::GateCheck::NOTED);
  }
}

void CheckSources(const VersionMeasurement& version, Checks checks) {
  for (const FailedSource& source : version.failed_sources) {
    checks.Fail("source", source.name, source.reason);
  }
}

void CheckZeros(const VersionMeasurement& version, const v1::Gate& gate,
                Checks checks) {
  for (const SpaceMeasurement& space : version.spaces) {
    for (const NormMeasurement& norm : space.norms) {
      if (norm.zero_share == 0) continue;
      v1::GateCheck& check = checks.Add("zeros", norm.name);
      check.set_new_(norm.zero_share);
      // As an item without a vector: no search finds it.
      CheckAtMost(norm.zero_share, gate.max_unreachable(), &check);
    }
  }
}

void CheckCounts(const VersionMeasurement& before,
                 const VersionMeasurement& after, const v1::Gate& gate,
                 Checks checks) {
  CheckRatioBothWays(static_cast<double>(before.items),
                     static_cast<double>(after.items), gate.min_count_ratio(),
                     &checks.Add("count", "items"));
  if (before.users == 0 && after.users == 0) return;
  CheckRatioBothWays(static_cast<double>(before.users),
                     static_cast<double>(after.users), gate.min_count_ratio(),
                     &checks.Add("count", "users"));
}

void CheckLengths(const VersionMeasurement& before,
                  const VersionMeasurement& after, const v1::Gate& gate,
                  Checks checks) {
  for (const SourceMeasurement& old : before.sources) {
    const SourceMeasurement* source = Find(after.sources, old.name);
    if (source == nullptr) {
      // One that failed has a check of its own.
      if (Find(after.failed_sources, old.name) == nullptr) {
        checks.Fail("source", old.name, "the new version does not have it");
      }
      continue;
    }
    if (old.mean_length == 0 && source->mean_length == 0) continue;
    CheckRatio(old.mean_length, source->mean_length, gate.min_length_ratio(),
               &checks.Add("length", old.name));
  }
  for (const FailedSource& failed : before.failed_sources) {
    checks.Note("source", failed.name,
                "not compared with the old version: " + failed.reason);
  }
  for (const SourceMeasurement& source : after.sources) {
    if (Find(before.sources, source.name) == nullptr &&
        Find(before.failed_sources, source.name) == nullptr) {
      checks.Note("source", source.name, "the old version does not have it");
    }
  }
}

// The overlap that a source's lists would still have if its users or items were
// mixed up. A source that answers all queries alike shows only mixed-up items.
double ExpectedOverlap(const OverlapMeasurement& measured) {
  return measured.old_with_others < kMaxDistinctOverlap
             ? std::max(measured.by_chance, measured.with_others)
             : measured.by_chance;
}

// Checks the overlap beyond the expected one, as a fraction of the largest
// possible: (overlap - expected) / (1 - expected), Cohen's kappa.
void CheckOverlaps(const GateMeasurements& measured, const v1::Gate& gate,
                   Checks checks) {
  v1::GateCheck& known = checks.Add("overlap", "items");
  known.set_note("share of the new version's items that the old one has");
  CheckAtLeast(measured.known_items, gate.min_overlap(), &known);
  for (const OverlapMeasurement& source : measured.overlaps) {
    const double expected = ExpectedOverlap(source);
    // Lists of the whole catalogue always overlap.
    if (expected >= 1) continue;
    v1::GateCheck& check = checks.Add("overlap", source.source);
    check.set_note(fmt::format("{:.3f}, of which {:.3f} by chance",
                               source.overlap, expected));
    CheckAtLeast(std::max(0.0, (source.overlap - expected) / (1 - expected)),
                 gate.min_overlap(), &check);
  }
}

void CheckNorms(const SpaceMeasurement& before, const SpaceMeasurement& after,
                const v1::Gate& gate, Checks checks) {
  for (const NormMeasurement& old : before.norms) {
    const NormMeasurement* norm = Find(after.norms, old.name);
    // Missing vectors shorten lists, which has a check of its own.
    if (norm == nullptr) continue;
    CheckRatioBothWays(old.mean, norm->mean, gate.min_norm_ratio(),
                       &checks.Add("norm", old.name));
  }
  if (before.fingerprint != after.fingerprint) {
    checks.Note(
        "fingerprint", after.name,
        "the model changed: callers must not send vectors of the old one");
  }
}

// Numbers and text are different fields of requests and replies: after a
// change, callers find the items nowhere.
void CheckKeyKind(v1::KeyKind before, v1::KeyKind after, std::string_view table,
                  Checks checks) {
  if (before == after) return;
  const auto text = [](v1::KeyKind kind) {
    return kind == v1::UINT64 ? "numbers" : "text";
  };
  checks.Fail("keys", table,
              fmt::format("they are {} in the new version and were {}: callers "
                          "would have to send and read other fields; one key "
                          "that is no number makes all of them text",
                          text(after), text(before)));
}

void CompareVersions(const GateMeasurements& measured, const v1::Gate& gate,
                     Checks checks) {
  const VersionMeasurement& before = *measured.old_version;
  const VersionMeasurement& after = measured.new_version;
  CheckKeyKind(before.item_keys, after.item_keys, "items", checks);
  if (before.users > 0 && after.users > 0) {
    CheckKeyKind(before.user_keys, after.user_keys, "users", checks);
  }
  CheckCounts(before, after, gate, checks);
  CheckRatio(static_cast<double>(before.covered_items),
             static_cast<double>(after.covered_items),
             gate.min_coverage_ratio(),
             &checks.Add("coverage", "items in lists"));
  CheckLengths(before, after, gate, checks);
  CheckOverlaps(measured, gate, checks);
  for (const SpaceMeasurement& space : before.spaces) {
    const SpaceMeasurement* now = Find(after.spaces, space.name);
    if (now == nullptr) {
      checks.Note("fingerprint", space.name,
                  "the new version does not have the space");
    } else {
      CheckNorms(space, *now, gate, checks);
    }
  }
}

}  // namespace

v1::GateReport Decide(const GateMeasurements& measured, const v1::Gate& gate) {
  v1::GateReport report;
  report.set_version(measured.new_version.version);
  if (measured.old_version) {
    report.set_old_version(measured.old_version->version);
  }
  report.set_queries(measured.queries);
  report.set_asked_for(measured.asked_for);
  *report.mutable_thresholds() = gate;
  const Checks checks(&report);
  CheckSources(measured.new_version, checks);
  CheckReach(measured, gate, checks);
  CheckZeros(measured.new_version, gate, checks);
  CheckRecall(measured, gate, checks);
  if (measured.old_version) CompareVersions(measured, gate, checks);
  report.set_passed(std::none_of(
      report.checks().begin(), report.checks().end(), [](const auto& check) {
        return check.verdict() == v1::GateCheck::FAILED;
      }));
  return report;
}

}  // namespace tributary
