#ifndef TRIBUTARY_INDEX_PARALLEL_REMAINING_TIME_H_
#define TRIBUTARY_INDEX_PARALLEL_REMAINING_TIME_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tributary {

// A step that long work will probably have.
struct ExpectedStep {
  // As Progress names it.
  std::string name;
  // How long it takes beside other steps; the unit does not matter. Above 0.
  double weight = 0;
};

// How much of long work is done, and how long the rest takes. What it knows of
// steps to come are their weights: the steps that were finished say what a unit
// of weight takes. It learns more of a step whose name is that of a finished
// step after a prefix ("validation: als", then "als"): it takes about as long.
// Not thread-safe.
class RemainingTime {
 public:
  // `steps` are in the order in which they come. Steps that do not come, and
  // steps that are not expected, only make the estimate worse.
  explicit RemainingTime(std::vector<ExpectedStep> steps)
      : steps_(std::move(steps)), took_s_(steps_.size()) {}

  // A step is over, and took so long. Expected steps before it that did not
  // come will not come any more.
  void Finish(std::string_view step, double took_s);

  // How much of all the work is done, 0 to 1, while the share `done` of `step`
  // is done, after `so_far_s`.
  struct Estimate {
    double done = 0;
    // Absent when nothing is known yet.
    std::optional<double> left_s;
  };
  Estimate At(std::string_view step, double done, double so_far_s) const;

 private:
  // The place of the step in steps_, from next_ on; steps_.size() if it is not
  // there.
  size_t Find(std::string_view step) const;
  // What the step will take, when a unit of weight takes `unit_s`.
  double Expected(size_t step, double unit_s) const;

  std::vector<ExpectedStep> steps_;
  // By step, of those that were finished; 0 for others.
  std::vector<double> took_s_;
  // The first step that may still come.
  size_t next_ = 0;
  double finished_s_ = 0;
  double finished_weight_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PARALLEL_REMAINING_TIME_H_
