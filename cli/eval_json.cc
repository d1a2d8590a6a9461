#include "cli/eval_json.h"

#include <string_view>

#include "cli/json_object.h"
#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace tributary {
namespace {

using google::protobuf::Struct;

void SetBounds(Struct& parent, std::string_view name, const Interval& value) {
  auto& bounds =
      *(*parent.mutable_fields())[std::string(name)].mutable_list_value();
  bounds.add_values()->set_number_value(value.low);
  bounds.add_values()->set_number_value(value.high);
}

void SetInterval(Struct& parent, std::string_view name, const Interval& value) {
  Struct& object = AddObject(parent, name);
  SetNumber(object, "mean", value.mean);
  SetNumber(object, "low", value.low);
  SetNumber(object, "high", value.high);
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
    SetNumber(object, "novelty_bits", list.novelty_bits);
    SetNumber(object, "diversity", list.diversity);
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

void AddAgainst(const Evaluation& evaluation, const Comparisons& against,
                Struct& root) {
  for (size_t k = 0; k < against.size(); ++k) {
    for (size_t m = 0; m < kRankMetrics.size(); ++m) {
      Struct& object =
          AddObject(AddObject(AddObject(root, "against"), kRankMetrics[m]),
                    fmt::to_string(evaluation.ks[k]));
      SetNumber(object, "difference", against[k][m].difference.mean);
      SetNumber(object, "low", against[k][m].difference.low);
      SetNumber(object, "high", against[k][m].difference.high);
      SetNumber(object, "p_value", against[k][m].p_value);
    }
  }
}

}  // namespace

std::string EvaluationJson(const Evaluation& evaluation,
                           const Comparisons& against) {
  Struct root;
  SetNumber(root, "users", static_cast<double>(evaluation.users));
  SetNumber(root, "held_out_interactions",
            static_cast<double>(evaluation.held_out_interactions));
  AddRankMetrics(evaluation, root);
  AddLists(evaluation, root);
  AddSources(evaluation, root);
  AddSegments(evaluation, root);
  const auto latency = LatencyPercentilesUs(evaluation);
  Struct& latency_us = AddObject(root, "latency_us");
  SetNumber(latency_us, "p50", latency[0]);
  SetNumber(latency_us, "p95", latency[1]);
  SetNumber(latency_us, "p99", latency[2]);
  AddAgainst(evaluation, against, root);
  std::string json;
  // A Struct of finite numbers always has a JSON form.
  (void)google::protobuf::util::MessageToJsonString(root, &json);
  return json;
}

}  // namespace tributary
