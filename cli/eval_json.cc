#include "cli/eval_json.h"

#include <cstdint>
#include <span>
#include <string_view>

#include "cli/json_object.h"
#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace tributary {
namespace {

using google::protobuf::Struct;

void SetCount(Struct& parent, std::string_view name, uint64_t count) {
  SetNumber(parent, name, static_cast<double>(count));
}

void SetBounds(Struct& parent, std::string_view name, const Interval& value) {
  auto& bounds =
      *(*parent.mutable_fields())[std::string(name)].mutable_list_value();
  bounds.add_values()->set_number_value(value.low);
  bounds.add_values()->set_number_value(value.high);
}

void AddRankMetrics(const Evaluation& evaluation, Struct& root) {
  Struct& intervals = AddObject(root, "intervals");
  for (size_t m = 0; m < kRankMetrics.size(); ++m) {
    Struct& metric = AddObject(root, kRankMetrics[m]);
    Struct& bounds = AddObject(intervals, kRankMetrics[m]);
    for (const ListFigures& list : evaluation.lists) {
      for (size_t k = 0; k < evaluation.ks.size(); ++k) {
        const std::string at = fmt::to_string(evaluation.ks[k]);
        SetNumber(AddObject(metric, list.name), at, list.at[k][m].mean);
        SetBounds(AddObject(bounds, list.name), at, list.at[k][m]);
      }
    }
  }
}

void AddLists(const Evaluation& evaluation, Struct& root) {
  SetNumber(root, "list_k", evaluation.list_k);
  for (const ListFigures& list : evaluation.lists) {
    Struct& object = AddObject(AddObject(root, "lists"), list.name);
    SetNumber(object, "coverage", list.coverage);
    SetNumber(object, "gini", list.gini);
    if (list.novelty_bits) {
      SetNumber(object, "novelty_bits", *list.novelty_bits);
    }
    if (list.diversity) SetNumber(object, "diversity", *list.diversity);
    for (size_t i = 0; i < kSampledNegatives.size(); ++i) {
      Struct& sampled = AddObject(AddObject(object, "sampled_negatives"),
                                  fmt::to_string(kSampledNegatives[i]));
      SetNumber(sampled, fmt::format("hit@{}", kSampledK), list.sampled[i].hit);
      SetNumber(sampled, fmt::format("ndcg@{}", kSampledK),
                list.sampled[i].ndcg);
    }
  }
}

void AddSources(const Evaluation& evaluation, Struct& root) {
  for (const SourceFigures& source : evaluation.sources) {
    Struct& object = AddObject(AddObject(root, "sources"), source.name);
    SetNumber(object, "planned_users",
              static_cast<double>(source.planned_users));
    SetNumber(object, "hits", static_cast<double>(source.hits));
    SetNumber(object, "unique_hits", static_cast<double>(source.unique_hits));
    for (size_t k = 0; k < evaluation.ks.size(); ++k) {
      SetInterval(AddObject(object, "recall_lost"),
                  fmt::to_string(evaluation.ks[k]), source.recall_lost[k]);
    }
    for (size_t s = 0; s < source.overlap.size(); ++s) {
      SetNumber(AddObject(object, "overlap"), evaluation.sources[s].name,
                source.overlap[s]);
    }
  }
}

void AddSegments(const Evaluation& evaluation, Struct& root) {
  Struct& segments = AddObject(root, "segments");
  SetNumber(segments, "light_at_most",
            static_cast<double>(evaluation.user_segments.light_at_most));
  for (size_t i = 0; i < kUserSegments.size(); ++i) {
    Struct& object = AddObject(AddObject(segments, "users"), kUserSegments[i]);
    SetNumber(object, "users",
              static_cast<double>(evaluation.user_segments.users[i].size()));
    if (evaluation.user_segments.users[i].empty()) continue;
    for (const ListFigures& list : evaluation.lists) {
      SetInterval(AddObject(object, "recall"), list.name,
                  list.by_user_segment[i]);
    }
  }
  for (size_t i = 0; i < kItemSegments.size(); ++i) {
    Struct& object = AddObject(AddObject(segments, "items"), kItemSegments[i]);
    SetNumber(object, "items",
              static_cast<double>(evaluation.item_segments.items[i]));
    SetNumber(object, "users",
              static_cast<double>(evaluation.item_segment_users[i]));
    if (evaluation.item_segment_users[i] == 0) continue;
    for (const ListFigures& list : evaluation.lists) {
      SetInterval(AddObject(object, "recall"), list.name,
                  list.by_item_segment[i]);
    }
  }
}

void AddDifferences(const Evaluation& evaluation,
                    const Comparisons& comparisons, Struct& object) {
  for (size_t k = 0; k < comparisons.size(); ++k) {
    for (size_t m = 0; m < kRankMetrics.size(); ++m) {
      const Comparison& found = comparisons[k][m];
      Struct& at = AddObject(AddObject(object, kRankMetrics[m]),
                             fmt::to_string(evaluation.ks[k]));
      SetNumber(at, "difference", found.difference.mean);
      SetNumber(at, "low", found.difference.low);
      SetNumber(at, "high", found.difference.high);
      SetNumber(at, "p_value", found.p_value);
    }
  }
}

void AddGivenListsCounts(const GivenListsCounts& counts, Struct& object) {
  SetCount(object, "test_users_without_list", counts.test_users_without_list);
  SetCount(object, "users", counts.users);
  SetCount(object, "users_not_tested", counts.users_not_tested);
  SetCount(object, "items", counts.items);
  SetCount(object, "unknown_items", counts.unknown_items);
  SetCount(object, "entries", counts.entries);
  SetCount(object, "repeats", counts.repeats);
  SetCount(object, "seen_entries", counts.seen_entries);
  SetCount(object, "not_passing_entries", counts.not_passing_entries);
}

// Which items might be in lists.
void AddFilter(const EvalResult& result, Struct& root) {
  const EvalConditions& conditions = result.conditions;
  const PassingCounts& passing = *result.passing;
  Struct& object = AddObject(root, "filter");
  auto& fields = *object.mutable_fields();
  fields["where"].set_string_value(conditions.asked.filter().where());
  if (!conditions.exclude_items.empty()) {
    fields["exclude_items"].set_string_value(conditions.exclude_items);
    SetCount(object, "excluded_items", result.excluded_items);
  }
  SetCount(object, "passing_items", passing.passing_items);
  SetCount(object, "items", passing.items);
  SetCount(object, "pairs_left", passing.pairs_left);
  SetCount(object, "pairs", passing.pairs);
}

// The caps, boosts and decay of every request, as requests have them.
void AddShape(const v1::RetrieveRequest& asked, Struct& root) {
  v1::RetrieveRequest shape;
  *shape.mutable_caps() = asked.caps();
  *shape.mutable_boosts() = asked.boosts();
  if (asked.has_decay()) *shape.mutable_decay() = asked.decay();
  if (shape.ByteSizeLong() == 0) return;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // A checked request always has a JSON form, and any JSON object is a Struct.
  (void)google::protobuf::util::MessageToJsonString(shape, &json, options);
  (void)google::protobuf::util::JsonStringToMessage(
      json, &AddObject(root, "request"));
}

void AddRivals(const Evaluation& evaluation, std::span<const Rival> rivals,
               Struct& root) {
  for (const Rival& rival : rivals) {
    Struct& object = AddObject(AddObject(root, "rivals"), rival.name);
    SetNumber(object, "coverage", rival.coverage);
    for (size_t m = 0; m < kRankMetrics.size(); ++m) {
      for (size_t k = 0; k < rival.at.size(); ++k) {
        SetInterval(AddObject(object, kRankMetrics[m]),
                    fmt::to_string(evaluation.ks[k]), rival.at[k][m]);
      }
    }
    AddDifferences(evaluation, rival.ours_minus_theirs,
                   AddObject(object, "difference"));
    if (rival.counts) {
      AddGivenListsCounts(*rival.counts, AddObject(object, "counts"));
    }
  }
}

void AddDiversity(const DiversityCurve& curve, Struct& root) {
  Struct& object = AddObject(root, "diversity");
  auto& fields = *object.mutable_fields();
  fields["space"].set_string_value(curve.space);
  SetNumber(object, "list_k", curve.list_k);
  auto& points = *fields["points"].mutable_list_value();
  for (const DiversityPoint& point : curve.points) {
    Struct& at = *points.add_values()->mutable_struct_value();
    if (point.lambda) SetNumber(at, "lambda", *point.lambda);
    if (point.diversity) SetNumber(at, "diversity", *point.diversity);
    for (size_t k = 0; k < curve.ks.size(); ++k) {
      SetNumber(AddObject(at, "recall"), fmt::to_string(curve.ks[k]),
                point.recall[k]);
    }
  }
}

void AddBaseline(const EvalResult& result, Struct& root) {
  Struct& object = AddObject(root, "fail_if_worse_than");
  auto& fields = *object.mutable_fields();
  fields["bundle"].set_string_value(result.rivals[*result.baseline].name);
  fields["worse"].set_bool_value(!result.worse.empty());
  auto& measures = *fields["measures"].mutable_list_value();
  for (const WorseMeasure& worse : result.worse) {
    measures.add_values()->set_string_value(fmt::format(
        "{}@{}", kRankMetrics[worse.metric], result.evaluation->ks[worse.k]));
  }
}

void AddEvaluation(const EvalResult& result, Struct& root) {
  const Evaluation& evaluation = *result.evaluation;
  SetCount(root, "users", evaluation.users);
  SetCount(root, "held_out_interactions", evaluation.held_out_interactions);
  AddRankMetrics(evaluation, root);
  AddLists(evaluation, root);
  AddSources(evaluation, root);
  AddSegments(evaluation, root);
  const auto latency = LatencyPercentilesUs(evaluation);
  Struct& latency_us = AddObject(root, "latency_us");
  SetNumber(latency_us, "p50", latency[0]);
  SetNumber(latency_us, "p95", latency[1]);
  SetNumber(latency_us, "p99", latency[2]);
  if (result.against) {
    AddDifferences(evaluation, result.rivals[*result.against].ours_minus_theirs,
                   AddObject(root, "against"));
  }
  AddRivals(evaluation, result.rivals, root);
  if (result.baseline) AddBaseline(result, root);
  if (result.diversity) AddDiversity(*result.diversity, root);
  const std::string verdict = VerdictSentence(evaluation, result.rivals);
  if (verdict.empty()) return;
  (*root.mutable_fields())["verdict"].set_string_value(verdict);
}

}  // namespace

void SetInterval(google::protobuf::Struct& parent, std::string_view name,
                 const Interval& value) {
  Struct& object = AddObject(parent, name);
  SetNumber(object, "mean", value.mean);
  SetNumber(object, "low", value.low);
  SetNumber(object, "high", value.high);
}

void AddTestSet(const TestSetCounts& counts, google::protobuf::Struct& root) {
  Struct& object = AddObject(root, "test_set");
  SetCount(object, "users", counts.users);
  SetCount(object, "unknown_users", counts.unknown_users);
  SetCount(object, "items", counts.items);
  SetCount(object, "unknown_items", counts.unknown_items);
  SetCount(object, "pairs", counts.pairs);
  SetCount(object, "seen_pairs", counts.seen_pairs);
  SetCount(object, "pairs_left", counts.pairs_left);
}

std::string EvalJson(const EvalResult& result) {
  Struct root;
  AddTestSet(result.counts, root);
  if (result.passing) AddFilter(result, root);
  AddShape(result.conditions.asked, root);
  if (result.evaluation) AddEvaluation(result, root);
  std::string json;
  // A Struct of finite numbers and UTF-8 always has a JSON form.
  (void)google::protobuf::util::MessageToJsonString(root, &json);
  return json;
}

}  // namespace tributary
