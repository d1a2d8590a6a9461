// tributary inspect: shows what a bundle contains.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/fusion_table.h"
#include "cli/json_flag.h"
#include "cli/recall_table.h"
#include "cli/trials_table.h"
#include "fmt/core.h"
#include "google/protobuf/util/time_util.h"
#include "index/bundle/attribute_summary.h"
#include "index/bundle/bundle.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// Lists and columns that are shown; bundles may have thousands.
constexpr int kMostLists = 40;

std::string KindName(v1::KeyKind kind) {
  return kind == v1::UINT64 ? "uint64" : "utf8";
}

void PrintTables(const v1::Manifest& manifest, uint64_t size_bytes) {
  fmt::print(
      "version      {}\nformat       {}\ncreated      {}\nbuilt from   {}\n"
      "built by     {} {} (seed {})\nsize         {:.1f} MB in {} files\n"
      "items        {} ({} keys)\nusers        {} ({} keys)\n",
      manifest.version(), manifest.format(),
      google::protobuf::util::TimeUtil::ToString(manifest.created_at()),
      manifest.builder().data(), manifest.builder().program(),
      manifest.builder().revision(), manifest.builder().seed(),
      static_cast<double>(size_bytes) / 1e6, manifest.files_size(),
      manifest.items().count(), KindName(manifest.items().kind()),
      manifest.users().count(), KindName(manifest.users().kind()));
}

std::string IndexText(const v1::IndexSpec& index) {
  std::string text = index.kind();
  if (!index.factory().empty()) text += " " + index.factory();
  if (index.kind() == "ivf") {
    text += fmt::format(" lists={} probes={}", index.lists(), index.probes());
  }
  if (index.reranked() > 0) {
    text += fmt::format(" reranked={}", index.reranked());
  }
  if (index.nprobe() > 0) text += fmt::format(" nprobe={}", index.nprobe());
  if (index.ef_search() > 0) {
    text += fmt::format(" efSearch={}", index.ef_search());
  }
  if (index.measured_n() > 0) {
    text += fmt::format(" recall@{}={:.4f} of exact", index.measured_n(),
                        index.measured_recall());
  }
  if (index.measured_us() > 0) {
    text += fmt::format(" in {:.1f} us", index.measured_us());
  }
  return text;
}

// The settings that were chosen or taken over.
void PrintChosen(const v1::Manifest& manifest) {
  const v1::Builder& builder = manifest.builder();
  if (builder.like_version() > 0) {
    fmt::print("like         version {}\n", builder.like_version());
  }
  if (!builder.has_chosen()) return;
  const v1::BuildConfig& chosen = builder.chosen();
  if (chosen.als().has_alpha()) {
    fmt::print("als          alpha={} regularization={}\n",
               chosen.als().alpha(), chosen.als().regularization());
  }
  if (chosen.popularity().half_life_days() > 0) {
    fmt::print("trending     half-life {} days\n",
               chosen.popularity().half_life_days());
  }
  for (const v1::NeighborTable& table : manifest.neighbors()) {
    for (const auto& [name, value] : table.chosen()) {
      fmt::print("{:<12} {}={}\n", table.name(), name, value);
    }
  }
}

void PrintSpaces(const Bundle& bundle) {
  fmt::print("\n{:<12} {:>5} {:>14} {:>9} {:>9}  {:<17} {}\n", "space", "dim",
             "metric", "items", "users", "fingerprint", "index");
  for (const EmbeddingSpace& space : bundle.spaces()) {
    const v1::EmbeddingSpace& spec = *space.spec;
    fmt::print("{:<12} {:>5} {:>14} {:>9} {:>9}  {:<17} {}\n", spec.name(),
               spec.dim(), v1::Metric_Name(spec.metric()), spec.item_vectors(),
               spec.user_vectors(), spec.fingerprint(),
               IndexText(spec.index()));
  }
}

void PrintTrials(const v1::Manifest& manifest) {
  for (const v1::EmbeddingSpace& space : manifest.spaces()) {
    const std::string table = TrialsTable(space.index());
    if (table.empty()) continue;
    fmt::print("\n{}: index candidates; * was chosen\n{}", space.name(), table);
  }
}

void PrintTowers(const v1::Manifest& manifest) {
  for (const v1::EmbeddingSpace& space : manifest.spaces()) {
    if (!space.has_user_tower()) continue;
    fmt::print("\n{}: users are encoded by a tower", space.name());
    for (const std::string& setting : space.user_tower().trained_with()) {
      fmt::print(" {}", setting);
    }
    fmt::print("\n");
  }
}

// What of a user requests can bring, for which tower.
void PrintUserFeatures(const v1::Manifest& manifest) {
  for (const v1::EmbeddingSpace& space : manifest.spaces()) {
    std::vector<std::string> features;
    for (const v1::FeatureInput& input : space.user_tower().features()) {
      if (input.column().empty()) continue;
      features.push_back(fmt::format(
          "{} ({})", Printable(input.column()),
          input.kind() == v1::FeatureInput::NUMBER
              ? std::string("number")
              : fmt::format(
                    "{} {}", input.categories(),
                    input.categories() == 1 ? "category" : "categories")));
    }
    if (features.empty()) continue;
    const size_t shown =
        std::min(features.size(), static_cast<size_t>(kMostLists));
    fmt::print("\n{}: requests may say of the user", space.name());
    for (size_t i = 0; i < shown; ++i) {
      fmt::print("{} {}", i == 0 ? "" : ",", features[i]);
    }
    if (shown < features.size()) {
      fmt::print(" and {} more", features.size() - shown);
    }
    fmt::print("\n");
  }
}

// As what the columns of items' features are read.
void PrintColumns(const v1::Manifest& manifest) {
  for (const v1::EmbeddingSpace& space : manifest.spaces()) {
    if (!space.has_feature_encoder()) continue;
    fmt::print("\n{}: items' columns are", space.name());
    const auto& columns = space.feature_encoder().columns();
    const char* separator = " ";
    for (int i = 0; i < std::min(columns.size(), kMostLists); ++i) {
      const v1::FeatureColumn& column = columns[i];
      const char* kind = "text";
      if (column.kind() == v1::FeatureColumn::NUMBER) kind = "number";
      if (column.kind() == v1::FeatureColumn::TOKENS) kind = "categories";
      fmt::print("{}{} ({})", separator, Printable(column.name()), kind);
      separator = ", ";
    }
    if (columns.size() > kMostLists) {
      fmt::print(" and {} more", columns.size() - kMostLists);
    }
    fmt::print("\n");
  }
}

// What filters can ask for.
void PrintAttributes(const Bundle& bundle) {
  if (bundle.attributes().empty()) return;
  size_t width = std::string_view("attribute").size();
  for (const AttributeColumn& attribute : bundle.attributes()) {
    width = std::max(width, attribute.name().size());
  }
  fmt::print("\n{:<{}} {:<9} {}\n", "attribute", width, "type", "values");
  for (const AttributeColumn& attribute : bundle.attributes()) {
    fmt::print("{:<{}} {:<9} {}\n", attribute.name(), width,
               AttributeTypeName(attribute.type()),
               DescribeAttribute(attribute));
  }
}

void PrintRetrievers(const v1::Manifest& manifest) {
  fmt::print("\n{:<12} {:<12} {}\n", "retriever", "kind", "reads");
  for (const v1::RetrieverSpec& spec : manifest.retrievers()) {
    std::string reads = spec.space();
    for (const std::string& list : spec.lists()) {
      reads += (reads.empty() ? "" : ", ") + list;
    }
    fmt::print("{:<12} {:<12} {}\n", spec.name(), spec.kind(), reads);
  }
  if (!manifest.fusion().segments().empty()) {
    PrintFusionModel(manifest.fusion());
    if (manifest.fusion_learned_on_version() > 0) {
      fmt::print("(learned on version {}, not on this one)\n",
                 manifest.fusion_learned_on_version());
    }
  }
  fmt::print("\n{:<24} {:>9}\n", "popularity list", "items");
  for (int i = 0; i < std::min(manifest.popularity_size(), kMostLists); ++i) {
    const v1::PopularityList& list = manifest.popularity(i);
    fmt::print("{:<24} {:>9}\n", Printable(list.name()), list.count());
  }
  if (manifest.popularity_size() > kMostLists) {
    fmt::print("and {} more\n", manifest.popularity_size() - kMostLists);
  }
}

void PrintRecall(const v1::Manifest& manifest) {
  const v1::MeasuredRecall& recall = manifest.measured_recall();
  if (recall.points().empty()) {
    fmt::print("\nNo recall was measured for this version.\n");
    return;
  }
  if (recall.measured_on_version() > 0) {
    fmt::print(
        "\nMeasured on version {}, not on this one, on held-out "
        "interactions:\n",
        recall.measured_on_version());
  } else {
    fmt::print("\nMeasured on held-out interactions when it was built:\n");
  }
  fmt::print("{}", RecallTable(recall));
}

struct InspectFlags {
  std::string bundle;
  JsonFlag json;
};

absl::Status Inspect(const InspectFlags& flags) {
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(flags.bundle));
  const v1::Manifest& manifest = bundle->manifest();
  RETURN_IF_ERROR(flags.json.Write(manifest));
  if (flags.json.on_stdout()) return absl::OkStatus();
  PrintTables(manifest, bundle->size_bytes());
  PrintChosen(manifest);
  PrintSpaces(*bundle);
  PrintTrials(manifest);
  PrintTowers(manifest);
  PrintUserFeatures(manifest);
  PrintColumns(manifest);
  PrintAttributes(*bundle);
  PrintRetrievers(manifest);
  PrintRecall(manifest);
  return absl::OkStatus();
}

}  // namespace

void AddInspectCommand(CLI::App& app) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command = app.add_subcommand(
      "inspect",
      "Show a bundle's sizes, spaces, indexes, attributes, retrievers and "
      "measured recall");
  command->add_option("bundle", flags->bundle, "The bundle's directory")
      ->required();
  flags->json.AddTo(*command, "the manifest");
  command->callback([flags] { FailUnlessOk(Inspect(*flags)); });
}

}  // namespace tributary
