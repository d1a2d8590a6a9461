// The gate decides whether a new version is fit to take the place of the active
// one. MeasureGate measures both on queries that both can answer, and Decide
// compares the measurements with thresholds.
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

// A sample of the vectors of a space's items or users.
struct NormMeasurement {
  // "behavior items" or "behavior users".
  std::string name;
  // The mean l2 norm of the vectors whose norm is positive and finite.
  double mean = 0;
  // The share of the other vectors.
  double zero_share = 0;
};

struct SpaceMeasurement {
  std::string name;
  std::string fingerprint;
  std::vector<NormMeasurement> norms;
};

struct SourceMeasurement {
  std::string name;
  // Over all queries. A query without an answer counts as length 0.
  double mean_length = 0;
  // The share of the exact search's n results that the source returns. Absent
  // for exact sources, and for sources that answered no query.
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
  // Whether keys are numbers or text. Those of users count if there are users.
  v1::KeyKind item_keys = v1::KEY_KIND_UNSPECIFIED;
  v1::KeyKind user_keys = v1::KEY_KIND_UNSPECIFIED;
  // Share of the items that no source can propose; an upper bound when
  // `silent_sources`, which do not say what they can propose, is not empty.
  double unreachable = 0;
  std::vector<std::string> silent_sources;
  // The number of different items in all lists of all sources.
  uint64_t covered_items = 0;
  std::vector<SpaceMeasurement> spaces;
  std::vector<SourceMeasurement> sources;
  // The sources that could not be made or asked, and so were not measured.
  std::vector<FailedSource> failed_sources;
};

// How much a source's lists of two versions have in common: means over queries
// of |both lists| / length of the longer list.
struct OverlapMeasurement {
  std::string source;
  // A query's old list and its new list.
  double overlap = 0;
  // A query's old list and another query's new list: the overlap that remains
  // when users are mixed up.
  double with_others = 0;
  // A query's old list and another query's old list. Near 1 when a source
  // proposes the same items to everybody.
  double old_with_others = 0;
  // Two lists that are drawn at random from the catalogue.
  double by_chance = 0;
};

struct GateMeasurements {
  VersionMeasurement new_version;
  std::optional<VersionMeasurement> old_version;
  // One for each source that both versions have and that answered in either.
  // Empty without an old version.
  std::vector<OverlapMeasurement> overlaps;
  // The share of a sample of the new version's items that the old version has.
  // 1 without an old version.
  double known_items = 1;
  uint32_t queries = 0;
  // What the queries are made from: "users" or "items".
  std::string asked_for;
};

// Receives the name of each step before it begins.
using Announce = std::function<void(std::string_view)>;

// Asks every source of both versions for its n best items. The queries are
// users whom both versions know, evenly spread over the key table, or, when
// there are none, histories of one item that both know. Items that a user has
// seen are excluded, as they are when serving. The new version's sources are
// also asked a few queries for 2000 items, a server's default limits.max_k, or
// for all. What they propose must be what Retriever promises. Recall is
// measured on a few of these queries, or on golden queries for a source that
// answers none of them. The work is bounded by sample_users times sources, and
// a few exact searches. `old_bundle` may be null. `gate` is complete. A source
// of the new version whose kind the registry does not know is in
// failed_sources; errors are those of making and asking the other retrievers of
// the new version. A source of the old version that cannot be made or asked is
// in failed_sources, whatever the reason: that is no fault of the new version.
absl::StatusOr<GateMeasurements> MeasureGate(const Bundle* old_bundle,
                                             const Bundle& new_bundle,
                                             const RetrieverRegistry& registry,
                                             const v1::Gate& gate,
                                             const Announce& announce);

// The verdict, a pure function of its arguments. The order of the checks is
// fixed: those of the new version alone come first.
v1::GateReport Decide(const GateMeasurements& measured, const v1::Gate& gate);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_GATE_H_
