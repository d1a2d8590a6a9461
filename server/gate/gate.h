// The gate: is a new version any good beside the one that serves? First both
// are measured, on queries that both can answer; then Decide holds the figures
// against thresholds.
#ifndef TRIBUTARY_SERVER_GATE_GATE_H_
#define TRIBUTARY_SERVER_GATE_GATE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "server/retrieval/retriever.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/gate.pb.h"

namespace tributary {

// The vectors of one side of a space.
struct NormMeasurement {
  // "behavior items", "behavior users".
  std::string name;
  // Of a sample: the mean l2 norm, and the share of vectors whose norm is zero
  // or not finite; these do not count for the mean.
  double mean = 0;
  double zero_share = 0;
};

struct SpaceMeasurement {
  std::string name;
  std::string fingerprint;
  std::vector<NormMeasurement> norms;
};

struct SourceMeasurement {
  std::string name;
  // Over all queries; one that the source has no answer for counts 0.
  double mean_length = 0;
  // The share of what exact search finds among n; absent for sources that are
  // exact, or without a query that they answer.
  std::optional<double> recall;
};

// A source that cannot answer, and why.
struct FailedSource {
  std::string name;
  std::string reason;
};

struct VersionMeasurement {
  uint64_t version = 0;
  uint64_t items = 0;
  uint64_t users = 0;
  // Share of the items that no source can propose; an upper bound when
  // `silent_sources`, which do not say what they can propose, is not empty.
  double unreachable = 0;
  std::vector<std::string> silent_sources;
  // How many different items all lists of all sources hold.
  uint64_t covered_items = 0;
  std::vector<SpaceMeasurement> spaces;
  std::vector<SourceMeasurement> sources;
  // The sources that could not be made or asked, and so were not measured.
  std::vector<FailedSource> failed_sources;
};

// A source's lists of both versions, for the same queries: means of |in both| /
// the longer list's length.
struct OverlapMeasurement {
  std::string source;
  double overlap = 0;
  // Of a query's old list and another query's new one: what would be left if
  // users were mixed up.
  double with_others = 0;
  // Of a query's old list and another query's old one: near 1 where a source
  // tells everybody the same.
  double old_with_others = 0;
  // Of lists drawn from the catalogue.
  double by_chance = 0;
};

struct GateMeasurements {
  VersionMeasurement new_version;
  std::optional<VersionMeasurement> old_version;
  // Of sources that both versions have and that answered; empty without an old
  // version.
  std::vector<OverlapMeasurement> overlaps;
  // Share of the new version's items that the old one has, of a sample; 1
  // without an old version.
  double known_items = 1;
  uint32_t queries = 0;
  std::string asked_for;
};

// Is told what is done next, for who watches.
using Announce = std::function<void(std::string_view)>;

// Asks every source of both versions for its n best: for users that both know,
// evenly over the key table; where there are none, for histories of one item.
// Excluded is what the user has seen, as when serving. Recall is measured on a
// few of them, and on golden queries where a source answers none. The work is
// bounded by sample_users times sources, and a few exact searches. `old_bundle`
// may be null. `gate` is complete. A source of the new version whose kind the
// registry does not know is in failed_sources; errors are those of making and
// asking the other retrievers of the new version. A source of the old version
// that cannot be made or asked is in failed_sources, whatever the reason: that
// is no fault of the new version.
absl::StatusOr<GateMeasurements> MeasureGate(const Bundle* old_bundle,
                                             const Bundle& new_bundle,
                                             const RetrieverRegistry& registry,
                                             const v1::Gate& gate,
                                             const Announce& announce);

// The verdict: a pure function. Checks come in a fixed order, what is said of
// the whole version first.
v1::GateReport Decide(const GateMeasurements& measured, const v1::Gate& gate);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_GATE_H_
