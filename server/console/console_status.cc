#include "server/console/console_status.h"

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/bundle.h"
#include "server/console/item_titles.h"
#include "server/console/json_text.h"
#include "version/version.h"

namespace tributary {
namespace {

// [of(element), ...].
template <typename List, typename Of>
std::string JsonList(const List& list, const Of& of) {
  std::string json = "[";
  for (const auto& element : list) {
    if (json.size() > 1) json += ',';
    json += of(element);
  }
  return json + "]";
}

std::string BundleJson(const ServingBundle& serving) {
  const Bundle& bundle = serving.bundle();
  const AttributeColumn* const title = bundle.FindAttribute(kTitleAttribute);
  return fmt::format(
      "{{\"version\":\"{}\",\"itemKeys\":\"{}\",\"hasTitles\":{},"
      "\"retrievers\":{},\"attributes\":{}}}",
      bundle.version(), v1::KeyKind_Name(bundle.items().kind()),
      title != nullptr && title->type() == v1::CATEGORY,
      JsonList(serving.retrievers(),
               [](const NamedRetriever& retriever) {
                 return fmt::format("{{\"name\":{},\"kind\":{}}}",
                                    JsonString(retriever.spec->name()),
                                    JsonString(retriever.spec->kind()));
               }),
      JsonList(bundle.attributes(), [](const AttributeColumn& attribute) {
        return fmt::format("{{\"name\":{},\"type\":\"{}\",\"values\":{}}}",
                           JsonString(attribute.name()),
                           AttributeTypeName(attribute.type()),
                           attribute.values());
      }));
}

std::string BundlesJson(const v1::ServerStatus& status,
                        const BundleSet& bundles) {
  std::string json = "[";
  for (const v1::BundleStatus& known : status.bundles()) {
    // One that was unloaded meanwhile is skipped.
    const auto bundle = bundles.Snapshot(known.version());
    if (!bundle.ok()) continue;
    if (json.size() > 1) json += ',';
    json += BundleJson(**bundle);
  }
  return json + "]";
}

}  // namespace

absl::StatusOr<std::string> ConsoleStatusJson(const v1::ServerConfig& config,
                                              const BundleSet& bundles) {
  const v1::ServerStatus status = bundles.GetStatus();
  std::string status_json;
  const auto printed =
      google::protobuf::util::MessageToJsonString(status, &status_json);
  if (!printed.ok()) {
    return absl::InternalError("cannot print the status as JSON: " +
                               printed.ToString());
  }
  const v1::Limits& limits = config.limits();
  return fmt::format(
      "{{\"status\":{},\"bundles\":{},\"profiles\":{},"
      "\"limits\":{{\"maxK\":{},\"maxRecentItems\":{},\"maxExplainedItems\":{}}"
      "},"
      "\"defaults\":{{\"k\":{}}},"
      "\"program\":{{\"version\":{},\"revision\":{},\"bundleFormat\":{}}}}}",
      status_json, BundlesJson(status, bundles),
      JsonList(config.profiles(),
               [](const v1::Profile& profile) {
                 return fmt::format("{{\"name\":{},\"share\":{}}}",
                                    JsonString(profile.name()),
                                    JsonNumber(profile.share()));
               }),
      limits.max_k(), limits.max_recent_items(), limits.max_explained_items(),
      config.defaults().k(), JsonString(Version()), JsonString(Revision()),
      kBundleFormat);
}

}  // namespace tributary
