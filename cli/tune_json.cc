#include "cli/tune_json.h"

#include <cstddef>

#include "cli/eval_json.h"
#include "cli/json_object.h"
#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace tributary {

std::string TuneJson(const TuneResult& result) {
  google::protobuf::Struct root;
  AddTestSet(result.counts, root);
  SetNumber(root, "users", static_cast<double>(result.now.size()));
  google::protobuf::Struct& recall = AddObject(root, "recall");
  const TunedFusion& tuned = result.tuned;
  for (size_t k = 0; k < tuned.ks.size(); ++k) {
    google::protobuf::Struct& at =
        AddObject(recall, fmt::to_string(tuned.ks[k]));
    SetNumber(at, "tuned", MeanOver(tuned.recalls, k));
    SetNumber(at, "now", MeanOver(result.now, k));
    SetNumber(at, "best_alone", MeanOver(tuned.best_alone, k));
    SetInterval(at, "gain_over_now", result.over_now[k]);
    SetInterval(at, "gain_over_best", result.over_best[k]);
  }
  std::string json;
  // Neither a model nor a Struct of finite numbers lacks a JSON form.
  (void)google::protobuf::util::MessageToJsonString(tuned.model, &json);
  (void)google::protobuf::util::JsonStringToMessage(json,
                                                    &AddObject(root, "model"));
  json.clear();
  (void)google::protobuf::util::MessageToJsonString(root, &json);
  return json;
}

}  // namespace tributary
