// What a deployment needs: memory, cores, replicas, disk and time, each with
// the arithmetic that it comes from. docs/sizing.md explains the constants.
#ifndef TRIBUTARY_CLI_PLAN_ESTIMATE_H_
#define TRIBUTARY_CLI_PLAN_ESTIMATE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What a bundle will hold that is not built yet.
struct PlannedBundle {
  double items = 0;
  double users = 0;
  // Values of a vector, alike in all spaces.
  double dim = 64;
  double spaces = 2;
  // Of these, how many store a vector for each user.
  double stored_user_spaces = 1;
  // Items of a user that are kept, on average.
  double history = 0;
  // Tables of neighbours, and how many each item has.
  double tables = 1;
  double neighbors = 200;
  // Bytes of a key; 0: keys are integers, of 8 bytes.
  double item_key_bytes = 0;
  double user_key_bytes = 0;
};

// The load, and the machines.
struct PlannedLoad {
  double qps = 0;
  double k = 500;
  // Values of a vector, and vector searches of a request.
  double dim = 64;
  double searches = 2;
  double items = 0;
  // The share of a core's time that requests may take.
  double utilisation = 0.5;
  // Cores of a replica.
  double cores = 16;
  // Labels whose versions are resident beside the active one.
  double labels = 0;
  // From the store to a replica, in bytes a second.
  double bandwidth = 1e8;
};

// A figure with the arithmetic.
struct PlanLine {
  // Stable, for programs: "item_vectors".
  std::string name = {};
  // What it is, for people.
  std::string what = {};
  std::string formula = {};
  double value = 0;
};

struct DeploymentPlan {
  // The parts of a version, in bytes, and the last line, "version", their sum.
  std::vector<PlanLine> version;
  // Of one server, in bytes; the last line, "memory", is their sum.
  std::vector<PlanLine> memory;
  // "cpu_us" and "cores", and the number of "replicas"; empty without a rate.
  std::vector<PlanLine> load;
  // "disk" in bytes, and "download" in seconds.
  std::vector<PlanLine> disk;

  // The value of a line by its name. REQUIRES: there is one.
  double ValueOf(std::string_view name) const;
};

// The parts of a version that `tributary build` would write (bundle_format.md).
std::vector<PlanLine> PlannedParts(const PlannedBundle& bundle);
// The parts of a version that is there: its files, by what they are for.
std::vector<PlanLine> PartsOf(const v1::Manifest& manifest);

// The plan for a version of these parts.
DeploymentPlan MakePlan(std::vector<PlanLine> parts, const PlannedLoad& load);

// What a server has resident that serves one version and no load, in bytes.
double ResidentBytes(double version_bytes);

// "50M" is 50 million: a number of at least 0 and perhaps k, M, G or T.
// INVALID_ARGUMENT says what of `flag` is wrong.
absl::StatusOr<double> ParseAmount(std::string_view flag,
                                   std::string_view text);

// A number as people read it: "50M", "1.5k".
std::string AmountText(double amount);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_PLAN_ESTIMATE_H_
