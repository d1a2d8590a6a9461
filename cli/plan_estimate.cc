#include "cli/plan_estimate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "fmt/format.h"
#include "status/field_error.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// A vector's value in float16, as `build` writes it; row numbers; offsets and
// integer keys.
constexpr double kValueBytes = 2;
constexpr double kRowBytes = 4;
constexpr double kLongBytes = 8;
// A neighbour: its row, and its score in float16.
constexpr double kNeighborBytes = 6;
// An index of codes: half a byte for each two values, and the vector's place
// and position (index/search/codebook.h). Each list ends within a block of 64.
constexpr double kCodeBytesPerValue = 0.25;
constexpr double kPlaceBytes = 8;
constexpr double kListsPerRoot = 1.4;
constexpr double kUnusedSlotsPerList = 32;

// A server without a version: programs, libraries and heap.
constexpr double kServerBytes = 36e6;
// The heap of a thread that answers requests.
constexpr double kThreadBytes = 4e6;
// filters.cache_bytes, for each resident version.
constexpr double kFilterCacheBytes = 64 << 20;
// transport.max_buffer_bytes.
constexpr double kBufferBytes = 256 << 20;
// The active version, the one before it for Rollback, and the next one.
constexpr double kVersions = 3;

// Measured for a million items of 64 dimensions, k = 500 and two searches
// (docs/sizing.md).
constexpr double kCallUs = 172;
constexpr double kSearchUs = 49.5;
constexpr double kSearchItems = 1e6;
constexpr double kSearchDim = 64;
constexpr double kSearchK = 500;
// How the time of a search grows with items, dimensions and results.
constexpr double kItemsExponent = 0.25;
constexpr double kDimExponent = 0.41;
constexpr double kResultsExponent = 0.36;

double Sum(const std::vector<PlanLine>& lines) {
  double sum = 0;
  for (const PlanLine& line : lines) sum += line.value;
  return sum;
}

void AddLine(std::string name, std::string what, std::string formula,
             double value, std::vector<PlanLine>* parts) {
  if (value <= 0) return;
  parts->push_back({.name = std::move(name),
                    .what = std::move(what),
                    .formula = std::move(formula),
                    .value = value});
}

void AddKeys(const char* name, const char* what, double count, double key_bytes,
             std::vector<PlanLine>* parts) {
  const std::string formula =
      key_bytes > 0 ? fmt::format("{} x ({} + {} B)", AmountText(count),
                                  key_bytes, kLongBytes)
                    : fmt::format("{} x {} B", AmountText(count), kLongBytes);
  AddLine(name, what, formula, count * (key_bytes + kLongBytes), parts);
}

// What a file of a bundle is for.
std::string PurposeOf(std::string_view file) {
  if (file.starts_with("items.keys")) return "item_keys";
  if (file.starts_with("users.")) return "users";
  if (file.starts_with("items.")) return "categories";
  if (file.starts_with("seen.")) return "histories";
  if (file.starts_with("popularity.")) return "popularity";
  if (file.starts_with("neighbors.")) return "neighbors";
  if (file.starts_with("attribute.")) return "attributes";
  const size_t dot = file.find('.');
  const std::string_view rest =
      dot == std::string_view::npos ? "" : file.substr(dot);
  if (rest.starts_with(".items.")) return "item_vectors";
  if (rest.starts_with(".users.") || rest.starts_with(".context.")) {
    return "user_vectors";
  }
  if (rest.starts_with(".ivf.") || rest == ".index") return "indexes";
  return "other";
}

// The time of a call on one core, and how it is made up.
PlanLine CallCost(const PlannedLoad& load) {
  const double us =
      kCallUs + load.searches * kSearchUs *
                    std::pow(load.items / kSearchItems, kItemsExponent) *
                    std::pow(load.dim / kSearchDim, kDimExponent) *
                    std::pow(load.k / kSearchK, kResultsExponent);
  return {.name = "cpu_us",
          .what = "core time of a call, us",
          .formula = fmt::format(
              "{} + {} searches x {} x ({}/1M items)^{} x ({}/{} dim)^{} x "
              "({}/{} results)^{}",
              kCallUs, load.searches, kSearchUs, AmountText(load.items),
              kItemsExponent, load.dim, kSearchDim, kDimExponent, load.k,
              kSearchK, kResultsExponent),
          .value = us};
}

std::vector<PlanLine> LoadLines(const PlannedLoad& load) {
  std::vector<PlanLine> lines = {CallCost(load)};
  const double us = lines.front().value;
  const double cores = load.qps * us / 1e6 / load.utilisation;
  lines.push_back(
      {.name = "cores",
       .what = "cores",
       .formula = fmt::format("{} calls/s x {:.0f} us / {}",
                              AmountText(load.qps), us, load.utilisation),
       .value = cores});
  const double busy = std::ceil(cores / load.cores);
  lines.push_back(
      {.name = "replicas",
       .what = "replicas",
       .formula = fmt::format("{:.1f} cores / {} cores, rounded up, + 1 that "
                              "may be away",
                              cores, load.cores),
       .value = busy + 1});
  return lines;
}

}  // namespace

double DeploymentPlan::ValueOf(std::string_view name) const {
  for (const auto* lines : {&version, &memory, &load, &disk}) {
    const auto found = std::ranges::find(*lines, name, &PlanLine::name);
    if (found != lines->end()) return found->value;
  }
  std::abort();
}

std::vector<PlanLine> PlannedParts(const PlannedBundle& bundle) {
  const PlannedBundle& b = bundle;
  std::vector<PlanLine> parts;
  AddKeys("item_keys", "keys of items", b.items, b.item_key_bytes, &parts);
  AddKeys("user_keys", "keys of users", b.users, b.user_key_bytes, &parts);
  AddLine("item_vectors", "item vectors",
          fmt::format("{} spaces x {} items x {} values x {} B", b.spaces,
                      AmountText(b.items), b.dim, kValueBytes),
          b.spaces * b.items * b.dim * kValueBytes, &parts);
  const double lists = kListsPerRoot * std::sqrt(b.items);
  const double slots = b.items + kUnusedSlotsPerList * lists;
  AddLine("indexes", "indexes",
          fmt::format("{} spaces x ({} slots x ({} values x {} B + {} B) + "
                      "{:.0f} lists x {} values x 4 B)",
                      b.spaces, AmountText(slots), b.dim, kCodeBytesPerValue,
                      kPlaceBytes, lists, b.dim),
          b.spaces * (slots * (b.dim * kCodeBytesPerValue + kPlaceBytes) +
                      lists * b.dim * 4),
          &parts);
  AddLine("user_vectors", "user vectors",
          fmt::format("{} spaces x {} users x {} values x {} B",
                      b.stored_user_spaces, AmountText(b.users), b.dim,
                      kValueBytes),
          b.stored_user_spaces * b.users * b.dim * kValueBytes, &parts);
  if (b.history > 0) {
    AddLine(
        "histories", "histories",
        fmt::format("{} users x ({} items x {} B + {} B)", AmountText(b.users),
                    b.history, kRowBytes, 2 * kLongBytes),
        b.users * (b.history * kRowBytes + 2 * kLongBytes), &parts);
  }
  AddLine("neighbors", "tables of neighbours",
          fmt::format("{} tables x {} items x {} x {} B", b.tables,
                      AmountText(b.items), b.neighbors, kNeighborBytes),
          b.tables * b.items * b.neighbors * kNeighborBytes, &parts);
  AddLine("popularity", "popularity, one list",
          fmt::format("{} items x {} B", AmountText(b.items), 2 * kRowBytes),
          b.items * 2 * kRowBytes, &parts);
  return parts;
}

std::vector<PlanLine> PartsOf(const v1::Manifest& manifest) {
  struct Part {
    double bytes = 0;
    int files = 0;
  };
  std::map<std::string, Part> by_purpose;
  for (const v1::FileEntry& file : manifest.files()) {
    Part& part = by_purpose[PurposeOf(file.name())];
    part.bytes += static_cast<double>(file.size_bytes());
    ++part.files;
  }
  std::vector<PlanLine> parts;
  for (const auto& [purpose, part] : by_purpose) {
    std::string what = purpose;
    std::ranges::replace(what, '_', ' ');
    AddLine(purpose, what, fmt::format("the sizes of {} files", part.files),
            part.bytes, &parts);
  }
  std::ranges::sort(parts, std::greater<>(), &PlanLine::value);
  return parts;
}

double ResidentBytes(double version_bytes) {
  return version_bytes + kServerBytes;
}

DeploymentPlan MakePlan(std::vector<PlanLine> parts, const PlannedLoad& load) {
  DeploymentPlan plan;
  const double version = Sum(parts);
  plan.version = std::move(parts);
  plan.version.push_back({.name = "version",
                          .what = "one version",
                          .formula = "the sum",
                          .value = version});

  const double versions = kVersions + load.labels;
  AddLine("resident", "one version, and the program",
          fmt::format("version + {:.0f} MB", kServerBytes / 1e6),
          ResidentBytes(version), &plan.memory);
  AddLine("other_versions", "further versions",
          fmt::format("(the one before + the next one + {} with labels) x "
                      "version",
                      load.labels),
          (versions - 1) * version, &plan.memory);
  AddLine(
      "threads", "heaps of threads",
      fmt::format("{} threads x {:.0f} MB", 2 * load.cores, kThreadBytes / 1e6),
      2 * load.cores * kThreadBytes, &plan.memory);
  AddLine("filters", "filters that were used, at most",
          fmt::format("{} versions x filters.cache_bytes", versions),
          versions * kFilterCacheBytes, &plan.memory);
  AddLine("buffers", "requests and replies on their way, at most",
          "transport.max_buffer_bytes", kBufferBytes, &plan.memory);
  plan.memory.push_back({.name = "memory",
                         .what = "a server",
                         .formula = "the sum",
                         .value = Sum(plan.memory)});

  if (load.qps > 0) plan.load = LoadLines(load);
  plan.disk.push_back(
      {.name = "disk",
       .what = "disk of a replica",
       .formula = fmt::format("{} versions, as in memory", versions),
       .value = versions * version});
  plan.disk.push_back(
      {.name = "download",
       .what = "time of a download, s",
       .formula = fmt::format("version / {} B/s", AmountText(load.bandwidth)),
       .value = version / load.bandwidth});
  return plan;
}

absl::StatusOr<double> ParseAmount(std::string_view flag,
                                   std::string_view text) {
  constexpr std::array<std::pair<char, double>, 4> kUnits = {
      {{'k', 1e3}, {'M', 1e6}, {'G', 1e9}, {'T', 1e12}}};
  std::string_view digits = text;
  double unit = 1;
  for (const auto& [letter, factor] : kUnits) {
    if (!digits.ends_with(letter)) continue;
    digits.remove_suffix(1);
    unit = factor;
    break;
  }
  double number = 0;
  // Neither signs nor exponents, nor what else a library takes for a number.
  const bool is_number =
      !digits.empty() && !digits.ends_with('.') &&
      digits.find_first_not_of("0123456789.") == std::string_view::npos;
  if (!is_number ||
      !absl::SimpleAtod({digits.data(), digits.size()}, &number) ||
      !std::isfinite(number * unit)) {
    return FieldError(flag, "{}, expected a number such as 50M, 1.5k or 300",
                      Quoted(text));
  }
  return number * unit;
}

std::string AmountText(double amount) {
  constexpr std::array<std::pair<double, const char*>, 4> kUnits = {
      {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
  for (const auto& [unit, letter] : kUnits) {
    if (amount >= unit) return fmt::format("{:.4g}{}", amount / unit, letter);
  }
  return fmt::format("{:.4g}", amount);
}

}  // namespace tributary
