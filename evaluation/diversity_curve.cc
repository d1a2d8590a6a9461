#include "evaluation/diversity_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "evaluation/figures.h"
#include "evaluation/list_quality.h"
#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Columns of a point's figures: recall by k, then diversity, NaN where it is
// undefined.
void MeasureLists(const TestUser& user, std::span<const Row> rows,
                  std::span<const uint32_t> ks, uint32_t list_k,
                  const VectorTable& vectors, std::span<float> figures) {
  const std::vector<double> recall = RecallAt(user, rows, ks);
  std::copy(recall.begin(), recall.end(), figures.begin());
  figures.back() = static_cast<float>(
      Diversity(rows.first(std::min<size_t>(list_k, rows.size())), vectors)
          .value_or(std::numeric_limits<double>::quiet_NaN()));
}

// The mean of a column over the users where it is defined.
std::optional<double> MeanOfColumn(const Figures& figures, size_t column) {
  double sum = 0;
  size_t users = 0;
  for (size_t user = 0; user < figures.users(); ++user) {
    const float value = figures.Of(user)[column];
    if (std::isnan(value)) continue;
    sum += value;
    ++users;
  }
  if (users == 0) return std::nullopt;
  return sum / static_cast<double>(users);
}

}  // namespace

absl::Status MakeDiversityCurve(const Bundle& bundle, const std::string& space,
                                std::span<const double> lambdas,
                                DiversityCurve* curve) {
  if (bundle.FindSpace(space) == nullptr) {
    std::string names;
    for (const EmbeddingSpace& known : bundle.spaces()) {
      names += (names.empty() ? "" : ", ") + known.spec->name();
    }
    return absl::InvalidArgumentError(
        fmt::format("diversity.space: \"{}\" is no space of version {}, which "
                    "has {}",
                    space, bundle.version(), names.empty() ? "none" : names));
  }
  curve->space = space;
  curve->points.assign(1, {});
  for (const double lambda : lambdas) {
    curve->points.push_back({.lambda = lambda, .recall = {}, .diversity = {}});
  }
  return absl::OkStatus();
}

absl::Status MeasureDiversity(const ListSource& lists,
                              const std::vector<TestUser>& users,
                              const EvaluationOptions& options, uint32_t list_k,
                              DiversityCurve* curve) {
  curve->ks = options.ks;
  curve->list_k = list_k;
  const VectorTable& vectors =
      lists.bundle().bundle().FindSpace(curve->space)->items;
  const size_t columns = options.ks.size() + 1;
  Figures figures(users.size(), columns * curve->points.size());
  const auto measure = [&](size_t user) -> absl::Status {
    static thread_local Answers answers;
    const auto measure_point = [&](size_t point) {
      MeasureLists(users[user], lists.Fuse(answers), options.ks, list_k,
                   vectors, figures.Of(user).subspan(point * columns, columns));
    };
    RETURN_IF_ERROR(
        lists.AskSources(users[user].key, options.ks.back(), &answers));
    measure_point(0);
    if (curve->points.size() == 1) return absl::OkStatus();
    v1::Diversity diversity;
    diversity.set_space(curve->space);
    diversity.set_lambda(*curve->points[1].lambda);
    RETURN_IF_ERROR(lists.AskSources(users[user].key, options.ks.back(),
                                     &answers, &diversity));
    for (size_t point = 1; point < curve->points.size(); ++point) {
      answers.plan.fusion.diversity.lambda = *curve->points[point].lambda;
      measure_point(point);
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ForEachUser(users.size(), options.threads, "diversity",
                              options.progress, measure));
  for (size_t point = 0; point < curve->points.size(); ++point) {
    DiversityPoint& measured = curve->points[point];
    for (size_t k = 0; k < options.ks.size(); ++k) {
      measured.recall.push_back(
          MeanOfColumn(figures, point * columns + k).value_or(0));
    }
    measured.diversity =
        MeanOfColumn(figures, point * columns + options.ks.size());
  }
  return absl::OkStatus();
}

}  // namespace tributary
