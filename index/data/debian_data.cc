#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/mapped_file.h"
#include "index/data/data_readers.h"
#include "index/data/data_set_builder.h"
#include "index/data/parse_field.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr char kCommand[] = "LC_ALL=C apt-cache dumpavail 2>/dev/null";

// The compressed lists are not read directly: their format is apt's internal.
std::string DumpAvailable() {
  std::string text;
  FILE* const pipe = popen(kCommand, "r");
  if (pipe == nullptr) return text;
  char buffer[1 << 16];
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    text.append(buffer, n);
  }
  // A failed apt-cache prints nothing, which the caller reports.
  pclose(pipe);
  return text;
}

// The fields of a package that are used; views of the text. Values of several
// lines contain line feeds.
struct Package {
  std::string_view name, source, depends, pre_depends, recommends, tags,
      section, description;

  std::string_view* Field(std::string_view field) {
    if (field == "Package") return &name;
    if (field == "Source") return &source;
    if (field == "Depends") return &depends;
    if (field == "Pre-Depends") return &pre_depends;
    if (field == "Recommends") return &recommends;
    if (field == "Tag") return &tags;
    if (field == "Section") return &section;
    if (field == "Description") return &description;
    return nullptr;
  }
};

// Splits the text into stanzas (RFC 822 style: "Field: value", continued on
// lines that begin with a blank, ended by an empty line).
class StanzaParser {
 public:
  StanzaParser(std::string_view text, std::string name,
               MalformedLines* malformed)
      : text_(text), name_(std::move(name)), malformed_(malformed) {}

  absl::StatusOr<std::vector<Package>> Parse() {
    while (!text_.empty()) {
      ++line_;
      const size_t end = std::min(text_.find('\n'), text_.size());
      const std::string_view line = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      RETURN_IF_ERROR(Trim(line).empty() ? EndStanza() : AddLine(line));
    }
    RETURN_IF_ERROR(EndStanza());
    return std::move(packages_);
  }

 private:
  absl::Status AddLine(std::string_view line) {
    if (!in_stanza_) begin_ = line_;
    in_stanza_ = true;
    if (line[0] == ' ' || line[0] == '\t') {
      // The lines of a value are adjacent in the text.
      if (field_ != nullptr) {
        *field_ = {
            field_->data(),
            static_cast<size_t>(line.data() + line.size() - field_->data())};
      }
      return absl::OkStatus();
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      field_ = nullptr;
      return malformed_->Add(name_, line_, "no ':' after a field's name");
    }
    field_ = package_.Field(line.substr(0, colon));
    if (field_ != nullptr) *field_ = line.substr(colon + 1);
    return absl::OkStatus();
  }

  absl::Status EndStanza() {
    if (!std::exchange(in_stanza_, false)) return absl::OkStatus();
    Package package = std::exchange(package_, {});
    field_ = nullptr;
    package.name = Trim(package.name);
    package.source = Trim(package.source);
    package.source = package.source.substr(0, package.source.find(' '));
    if (package.source.empty()) package.source = package.name;
    for (const std::string_view key : {package.name, package.source}) {
      if (const auto problem = KeyProblem(key); !problem.empty()) {
        return malformed_->Add(name_, begin_,
                               fmt::format("a stanza with {}", problem));
      }
    }
    packages_.push_back(package);
    return absl::OkStatus();
  }

  std::string_view text_;
  std::string name_;
  MalformedLines* malformed_;
  uint64_t line_ = 0;
  uint64_t begin_ = 0;
  bool in_stanza_ = false;
  Package package_;
  std::string_view* field_ = nullptr;
  std::vector<Package> packages_;
};

// Calls visit(name) for the first alternative of each of the dependencies, as
// in "libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0, python3:any".
template <typename Visit>
void VisitDependencies(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const size_t begin = name.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) continue;
    name.remove_prefix(begin);
    visit(name.substr(0, name.find_first_of(" \t\n|:([")));
  }
}

void AddFeatures(const std::vector<Package>& packages,
                 DataSetBuilder* builder) {
  FeatureTable& features = builder->item_features;
  const size_t name = features.AddColumn("name", FeatureColumn::Kind::kText);
  const size_t tags = features.AddColumn("tags", FeatureColumn::Kind::kTokens);
  const size_t section =
      features.AddColumn("section", FeatureColumn::Kind::kTokens);
  features.SetAttributeType(tags, v1::TAGS);
  features.SetAttributeType(section, v1::CATEGORY);
  // Says what a package is; its name is its key.
  const size_t title = features.AddAttribute(kTitleAttribute, v1::CATEGORY, "");
  const size_t description =
      features.AddColumn("description", FeatureColumn::Kind::kText);
  for (const Package& package : packages) {
    const uint32_t item = *builder->items.Find(package.name);
    features.Set(name, item, package.name);
    features.Set(tags, item, SplitTokens(package.tags, ",\n"));
    features.Set(section, item, Trim(package.section));
    const std::string_view text = package.description;
    const std::string_view summary = Trim(text.substr(0, text.find('\n')));
    features.Set(description, item, summary);
    features.Set(title, item, summary);
  }
}

void AddDependencies(const std::vector<Package>& packages,
                     DataSetBuilder* builder) {
  std::unordered_set<uint64_t> had;
  for (const Package& package : packages) {
    std::optional<uint32_t> user;
    const auto add = [&](std::string_view name) {
      const std::optional<uint32_t> item = builder->items.Find(name);
      if (!item) return;
      if (!user) user = builder->users.Add(package.source);
      if (had.insert(uint64_t{*user} << 32 | *item).second) {
        builder->AddInteraction(*user, *item, 1, 0);
      }
    };
    VisitDependencies(package.depends, add);
    VisitDependencies(package.pre_depends, add);
    VisitDependencies(package.recommends, add);
  }
}

}  // namespace

absl::StatusOr<DataSetBuilder> ReadDebian(const std::string& file,
                                          MalformedLines* malformed) {
  std::string printed;
  MappedFile mapped;
  std::string_view text;
  if (file.empty()) {
    printed = DumpAvailable();
    text = printed;
  } else {
    ASSIGN_OR_RETURN(mapped, MappedFile::Open(file));
    text = {reinterpret_cast<const char*>(mapped.bytes().data()),
            mapped.bytes().size()};
  }
  const std::string name = file.empty() ? "apt-cache dumpavail" : file;
  ASSIGN_OR_RETURN(const std::vector<Package> packages,
                   StanzaParser(text, name, malformed).Parse());
  if (packages.empty()) {
    return absl::NotFoundError(fmt::format(
        "{}: no packages; fill the package index with `apt-get update`", name));
  }
  DataSetBuilder builder;
  for (const Package& package : packages) builder.items.Add(package.name);
  AddFeatures(packages, &builder);
  AddDependencies(packages, &builder);
  return builder;
}

}  // namespace tributary
