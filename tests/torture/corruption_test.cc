// Changes every byte of manifests, and truncates files of every kind and flips
// their bits. Expects each damage that matters to be refused.
//
// The manifest has checksums of all other files; only a signature protects the
// manifest itself. Without a signature, a damaged manifest may be accepted if
// only values differ that no file and no search contradicts. ClearUnchecked
// lists these values.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/util/message_differencer.h"
#include "index/sign/signature.h"
#include "index/verify/verify_version.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"
#include "tests/torture/fault.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// How many truncations and bit flips to try for each file, in torture and
// otherwise.
constexpr uint64_t kCuts = 100;
constexpr uint64_t kQuickCuts = 7;
constexpr uint64_t kFlips = 1000;
constexpr uint64_t kQuickFlips = 20;
// How many bytes of an unsigned manifest to change outside torture.
constexpr size_t kQuickBytes = 400;

// Up to `wanted` numbers, spread evenly over 0 to end - 1.
std::vector<uint64_t> Spread(uint64_t end, uint64_t wanted) {
  std::vector<uint64_t> numbers;
  const uint64_t count = std::min(end, wanted);
  for (uint64_t i = 0; i < count; ++i) numbers.push_back(i * end / count);
  return numbers;
}

// A copy of a bundle, whose files are damaged one at a time.
class Spoiled {
 public:
  explicit Spoiled(const fs::path& bundle) : dir_(MakeTestDir() / "1") {
    fs::copy(bundle, dir_, fs::copy_options::recursive);
    EXPECT_TRUE(VerifyVersion(dir_).ok()) << VerifyVersion(dir_);
  }

  const fs::path& dir() const { return dir_; }

  // Whether the bundle is refused when the file has these contents.
  bool Refuses(const std::string& name, std::string_view contents) {
    OverwriteFile(dir_ / name, contents);
    return !VerifyVersion(dir_).ok();
  }

  // Damages the file in every way. Afterwards it is whole again.
  void CheckFile(const std::string& name) {
    const std::string whole = ReadFile(dir_ / name);
    for (const uint64_t size :
         Spread(whole.size(), IsTorture() ? kCuts : kQuickCuts)) {
      EXPECT_TRUE(Refuses(name, whole.substr(0, size))) << name << " " << size;
      CountFault("truncated files");
    }
    for (const uint64_t bit :
         Spread(8 * whole.size(), IsTorture() ? kFlips : kQuickFlips)) {
      std::string spoiled = whole;
      spoiled[bit / 8] = static_cast<char>(spoiled[bit / 8] ^ 1 << bit % 8);
      EXPECT_TRUE(Refuses(name, spoiled)) << name << " bit " << bit;
      CountFault("flipped bits of files");
    }
    EXPECT_TRUE(Refuses(name, whole + '\0')) << name;
    EXPECT_FALSE(Refuses(name, whole)) << name;
  }

  void CheckFiles(std::set<std::string>* kinds) {
    const auto bundle = Bundle::Open(dir_);
    ASSERT_TRUE(bundle.ok()) << bundle.status();
    for (const v1::FileEntry& file : (*bundle)->manifest().files()) {
      CheckFile(file.name());
      kinds->insert(file.name());
    }
  }

 private:
  const fs::path dir_;
};

// Clears the values that no other file contradicts: how the version was made,
// and settings for its use.
void ClearUnchecked(v1::Manifest* manifest) {
  manifest->clear_created_at();
  manifest->clear_builder();
  manifest->clear_measured_recall();
  manifest->clear_fusion();
  for (v1::EmbeddingSpace& space : *manifest->mutable_spaces()) {
    space.clear_fingerprint();
    space.clear_training();
    space.clear_metric();
    space.clear_history_encoder();
    space.clear_feature_encoder();
    space.clear_index();
    space.clear_item_tower();
    space.clear_user_tower();
  }
  for (v1::PopularityList& list : *manifest->mutable_popularity()) {
    list.clear_segment();
    list.clear_category();
    // A list with files of its own has their name.
    if (list.has_begin()) list.clear_name();
  }
  manifest->clear_retrievers();
  manifest->clear_golden_queries();
  for (v1::NeighborTable& table : *manifest->mutable_neighbors()) {
    table.clear_chosen();
  }
  for (v1::Attribute& attribute : *manifest->mutable_attributes()) {
    attribute.clear_column();
  }
}

// The bytes to replace `c` by.
std::vector<char> Others(char c) {
  std::vector<char> others = {static_cast<char>(c ^ 1),
                              static_cast<char>(c ^ 0x80), '0', ' '};
  std::erase(others, c);
  return others;
}

// Calls `check` with texts that differ from `whole` in one byte, at every
// `every`-th position.
void ForEachChange(
    const std::string& whole, size_t every,
    const std::function<void(size_t at, const std::string& text)>& check) {
  for (size_t at = 0; at < whole.size(); at += every) {
    for (const char c : Others(whole[at])) {
      std::string text = whole;
      text[at] = c;
      check(at, text);
    }
  }
}

// Expects accepted manifests to differ from the original in unchecked values
// only.
void CheckUnsigned(const fs::path& bundle) {
  Spoiled spoiled(bundle);
  const std::string whole = ReadFile(spoiled.dir() / kManifestName);
  v1::Manifest original = *ParseManifest(whole);
  ClearUnchecked(&original);
  const size_t every = IsTorture() ? 1 : 1 + whole.size() / kQuickBytes;
  ForEachChange(whole, every, [&](size_t at, const std::string& text) {
    CountFault("changed bytes of manifests");
    auto manifest = ParseManifest(text);
    if (!manifest.ok() || spoiled.Refuses(kManifestName, text)) return;
    CountFault(
        "of them accepted, unsigned, in values that nothing contradicts");
    ClearUnchecked(&*manifest);
    std::string difference;
    google::protobuf::util::MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&difference);
    EXPECT_TRUE(differencer.Compare(original, *manifest))
        << "byte " << at << ": " << difference;
  });
}

// Expects only the signed manifest to be accepted.
void CheckSigned(const fs::path& bundle) {
  const fs::path key = MakeTestDir() / "key";
  ASSERT_TRUE(GenerateKeyPair(key).ok());
  const auto keys = PublicKeys::Read({key.string() + ".pub"});
  ASSERT_TRUE(keys.ok()) << keys.status();
  const std::string json = ReadFile(bundle / kManifestName);
  const auto signature = SignManifest(json, key);
  ASSERT_TRUE(signature.ok()) << signature.status();
  ASSERT_TRUE(keys->Check({json, *signature}).ok());
  ForEachChange(json, 1, [&](size_t at, const std::string& text) {
    CountFault("changed bytes of signed manifests");
    EXPECT_FALSE(keys->Check({text, *signature}).ok()) << at;
  });
  ForEachChange(*signature, 1, [&](size_t at, const std::string& text) {
    CountFault("changed bytes of signatures");
    EXPECT_FALSE(keys->Check({json, text}).ok()) << at;
  });
  for (size_t size = 0; size < signature->size(); ++size) {
    EXPECT_FALSE(keys->Check({json, signature->substr(0, size)}).ok()) << size;
  }
  EXPECT_FALSE(keys->Check({json, *signature + '\0'}).ok());
  EXPECT_FALSE(keys->Check({json, std::nullopt}).ok());
}

// Uses bundles with every kind of file that `tributary build` makes.
class CorruptionTest : public testing::Test {
 protected:
  fs::path Build(const std::string& kind) {
    deployment_.Build(1, {"--index.kind", kind, "--index.target_n", "20"});
    return deployment_.built() / "1";
  }

  Deployment deployment_;
};

TEST_F(CorruptionTest, OfAFileOfASmallBundleIsRefused) {
  std::set<std::string> kinds;
  Spoiled(WriteTinyBundle(MakeTestDir(), 1)).CheckFiles(&kinds);
  EXPECT_TRUE(kinds.contains("users.segments.npy"));
}

TEST_F(CorruptionTest, OfAFileOfACodedIndexIsRefused) {
  std::set<std::string> kinds;
  Spoiled(Build("ivf")).CheckFiles(&kinds);
  EXPECT_TRUE(kinds.contains("als.ivf.codes.npy"));
  EXPECT_TRUE(kinds.contains("content.terms.keys.utf8"));
  EXPECT_TRUE(kinds.contains("neighbors.item_item.rows.npy"));
}

TEST_F(CorruptionTest, OfAFileOfAFaissIndexIsRefused) {
  std::set<std::string> kinds;
  Spoiled(Build("faiss")).CheckFiles(&kinds);
  EXPECT_TRUE(kinds.contains("als.index"));
}

TEST_F(CorruptionTest, OfASmallManifestIsRefusedWhereItMatters) {
  CheckUnsigned(WriteTinyBundle(MakeTestDir(), 1));
}

TEST_F(CorruptionTest, OfABuiltManifestIsRefusedWhereItMatters) {
  CheckUnsigned(Build("ivf"));
}

TEST_F(CorruptionTest, OfASignedManifestIsRefused) {
  CheckSigned(WriteTinyBundle(MakeTestDir(), 1));
}

}  // namespace
}  // namespace tributary
