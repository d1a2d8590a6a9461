#include "cli/eval_json.h"

#include <cmath>
#include <string_view>

#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace tributary {
namespace {

using google::protobuf::Struct;

Struct& Object(Struct& parent, std::string_view name) {
  return *(*parent.mutable_fields())[std::string(name)].mutable_struct_value();
}

void Set(Struct& parent, std::string_view name, double value) {
  // JSON has no infinity and no NaN.
  if (!std::isfinite(value)) return;
  (*parent.mutable_fields())[std::string(name)].set_number_value(value);
}

void SetBounds(Struct& parent, std::string_view name, const Interval& value) {
  auto& bounds =
      *(*parent.mutable_fields())[std::string(name)].mutable_list_value();
  bounds.add_values()->set_number_value(value.low);
  bounds.add_values()->set_number_value(value.high);
}

void SetInterval(Struct& parent, std::string_view name, const Interval& value) {
  Struct& object = Object(parent, name);
  Set(object, "mean", value.mean);
  Set(object, "low", value.low);
  Set(object, "high", value.high);
}

void AddRankMetrics(const Evaluation& evaluation, Struct& root) {
  Struct& intervals = Object(root, "intervals");
  for (size_t m = 0; m < kRankMetrics.size(); ++m) {
    Struct& metric = Object(root, kRankMetrics[m]);
    Struct& bounds = Object(intervals, kRankMetrics[m]);
    for (const ListFigures& list : evaluation.lists) {
      for (size_t k = 0; k < evaluation.ks.size(); ++k) {
        const std::string at = fmt::to_string(evaluation.ks[k]);
        Set(Object(metric, list.name), at, list.at[k][m].mean);
        SetBounds(Object(bounds, list.name), at, list.at[k][m]);
      }
    }
  }
}

void AddLists(const Evaluation& evaluation, Struct& root) {
  Set(root, "list_k", evaluation.list_k);
  for (const ListFigures& list : evaluation.lists) {
    Struct& object = Object(Object(root, "lists"), list.name);
    Set(object, "coverage", list.coverage);
    Set(object, "gini", list.gini);
    Set(object, "novelty_bits", list.novelty_bits);
    Set(object, "diversity", list.diversity);
    for (size_t i = 0; i < kSampledNegatives.size(); ++i) {
      Struct& sampled = Object(Object(object, "sampled_negatives"),
                               fmt::to_string(kSampledNegatives[i]));
      Set(sampled, fmt::format("hit@{}", kSampledK), list.sampled[i].hit);
      Set(sampled, fmt::format("ndcg@{}", kSampledK), list.sampled[i].ndcg);
    }
  }
}

void AddSources(const Evaluation& evaluation, Struct& root) {
  for (const SourceFigures& source : evaluation.sources) {
    Struct& object = Object(Object(root, "sources"), source.name);
    Set(object, "planned_users", static_cast<double>(source.planned_users));
    Set(object, "hits", static_cast<double>(source.hits));
    Set(object, "unique_hits", static_cast<double>(source.unique_hits));
    for (size_t k = 0; k < evaluation.ks.size(); ++k) {
      SetInterval(Object(object, "recall_lost"),
                  fmt::to_string(evaluation.ks[k]), source.recall_lost[k]);
    }
    for (size_t s = 0; s < source.overlap.size(); ++s) {
      Set(Object(object, "overlap"), evaluation.sources[s].name,
          source.overlap[s]);
    }
  }
}

void AddSegments(const Evaluation& evaluation, Struct& root) {
  Struct& segments = Object(root, "segments");
  Set(segments, "light_at_most",
      static_cast<double>(evaluation.user_segments.light_at_most));
  for (size_t i = 0; i < kUserSegments.size(); ++i) {
    Struct& object = Object(Object(segments, "users"), kUserSegments[i]);
    Set(object, "users",
        static_cast<double>(evaluation.user_segments.users[i].size()));
    if (evaluation.user_segments.users[i].empty()) continue;
    for (const ListFigures& list : evaluation.lists) {
      SetInterval(Object(object, "recall"), list.name, list.by_user_segment[i]);
    }
  }
  for (size_t i = 0; i < kItemSegments.size(); ++i) {
    Struct& object = Object(Object(segments, "items"), kItemSegments[i]);
    Set(object, "items",
        static_cast<double>(evaluation.item_segments.items[i]));
    Set(object, "users", static_cast<double>(evaluation.item_segment_users[i]));
    if (evaluation.item_segment_users[i] == 0) continue;
    for (const ListFigures& list : evaluation.lists) {
      SetInterval(Object(object, "recall"), list.name, list.by_item_segment[i]);
    }
  }
}

void AddAgainst(const Evaluation& evaluation, const Comparisons& against,
                Struct& root) {
  for (size_t k = 0; k < against.size(); ++k) {
    for (size_t m = 0; m < kRankMetrics.size(); ++m) {
      Struct& object = Object(Object(Object(root, "against"), kRankMetrics[m]),
                              fmt::to_string(evaluation.ks[k]));
      Set(object, "difference", against[k][m].difference.mean);
      Set(object, "low", against[k][m].difference.low);
      Set(object, "high", against[k][m].difference.high);
      Set(object, "p_value", against[k][m].p_value);
    }
  }
}

}  // namespace

std::string EvaluationJson(const Evaluation& evaluation,
                           const Comparisons& against) {
  Struct root;
  Set(root, "users", static_cast<double>(evaluation.users));
  Set(root, "held_out_interactions",
      static_cast<double>(evaluation.held_out_interactions));
  AddRankMetrics(evaluation, root);
  AddLists(evaluation, root);
  AddSources(evaluation, root);
  AddSegments(evaluation, root);
  const auto latency = LatencyPercentilesUs(evaluation);
  Struct& latency_us = Object(root, "latency_us");
  Set(latency_us, "p50", latency[0]);
  Set(latency_us, "p95", latency[1]);
  Set(latency_us, "p99", latency[2]);
  AddAgainst(evaluation, against, root);
  std::string json;
  // A Struct of finite numbers always has a JSON form.
  (void)google::protobuf::util::MessageToJsonString(root, &json);
  return json;
}

}  // namespace tributary
