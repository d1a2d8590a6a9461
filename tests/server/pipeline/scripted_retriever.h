// A fake retriever, and bundles whose retrievers are such fakes.
#ifndef TRIBUTARY_TESTS_SERVER_PIPELINE_SCRIPTED_RETRIEVER_H_
#define TRIBUTARY_TESTS_SERVER_PIPELINE_SCRIPTED_RETRIEVER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/retrieval/retriever.h"
#include "server/versions/serving_bundle.h"

namespace tributary {

// What a scripted retriever does when it is asked.
struct Script {
  // Proposes the first n of these that are not excluded. Best first.
  std::vector<Row> rows = {};
  // The same for RetrieveExact, which is UNIMPLEMENTED when this is empty.
  std::vector<Row> exact_rows = {};
  bool no_query = false;
  absl::Status error = {};
  uint32_t expected_us = 0;
  // Called first, on the thread that asks.
  std::function<void(const RetrieverQuery&)> on_retrieve = {};
  // Called by the destructor.
  std::function<void()> on_destroyed = {};
};

// Scripts by the retriever's name; a name without one has an empty script.
using Scripts = std::map<std::string, Script>;

// The built-in kinds and "scripted".
RetrieverRegistry ScriptedRegistry(Scripts scripts);

// An attribute of INTEGER or TIME.
struct ScriptedAttribute {
  std::string name;
  v1::AttributeType type = v1::INTEGER;
  // Ascending; fewer than 256.
  std::vector<int64_t> values;
  // For each of the items, which value it has; values.size() for none.
  std::vector<uint8_t> codes;
};

struct ScriptedBundleOptions {
  v1::KeyKind item_keys = v1::UINT64;
  v1::KeyKind user_keys = v1::UINT64;
  uint64_t version = 1;
  // In the manifest's order.
  std::vector<std::string> retrievers = {"popularity", "content", "behavior"};
  v1::FusionModel fusion = {};
  std::vector<ScriptedAttribute> attributes = {};
};

inline constexpr uint32_t kScriptedItems = 1000;

// Writes and opens a bundle of kScriptedItems items with the keys 1000 + row;
// users 1 (who has seen rows 0 and 1), 2 (of segment 1, "plan=gold") and 3; a
// space "taste" of dimension 2 with the fingerprint "f00d"; and scripted
// retrievers.
std::shared_ptr<const ServingBundle> ServeScripted(
    Scripts scripts, const ScriptedBundleOptions& options = {});

// begin, begin + 1, ..., end - 1.
std::vector<Row> Rows(Row begin, Row end);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_PIPELINE_SCRIPTED_RETRIEVER_H_
