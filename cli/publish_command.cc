// tributary publish: copies a bundle to a store, where loaders find it. And
// tributary refresh: signs a store's CURRENT anew.
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/json_flag.h"
#include "fmt/format.h"
#include "index/publish/open_store.h"
#include "index/publish/publish.h"
#include "proto/yaml/config_flags.h"
#include "tributary/v1/config.pb.h"

namespace tributary {
namespace {

struct PublishFlags {
  std::string bundle;
  std::string store;
  std::string key;
  v1::S3 s3;
  JsonFlag json;
};

}  // namespace

void AddRefreshCommand(CLI::App& app) {
  struct RefreshFlags {
    std::string store;
    std::string key;
    v1::S3 s3;
    JsonFlag json;
  };
  auto flags = std::make_shared<RefreshFlags>();
  CLI::App* command = app.add_subcommand(
      "refresh",
      "Sign a store's CURRENT anew, for loaders with max_current_age_seconds");
  command
      ->add_option("store", flags->store,
                   "The store: a directory or s3://BUCKET/PREFIX")
      ->required();
  command
      ->add_option("--sign", flags->key,
                   "The private key, a file of `tributary keygen`")
      ->required();
  AddConfigFlags(*command, &flags->s3);
  flags->json.AddTo(*command, "the store and its CURRENT");
  command->callback([flags] {
    const auto store = OpenStore(flags->store, {{}, flags->s3});
    FailUnlessOk(store.status());
    const auto version = Refresh(store->get(), flags->key);
    FailUnlessOk(version.status());
    FailUnlessOk(flags->json.WriteObject(
        {{"store", flags->store}, {"current", fmt::to_string(*version)}}));
    if (flags->json.on_stdout()) return;
    fmt::print("signed: {}/CURRENT is {}\n", flags->store, *version);
  });
}

void AddPublishCommand(CLI::App& app) {
  auto flags = std::make_shared<PublishFlags>();
  CLI::App* command = app.add_subcommand(
      "publish", "Copy a bundle to a store, verify the copy, and move CURRENT");
  command->add_option("bundle", flags->bundle, "The bundle's directory")
      ->required();
  command
      ->add_option("store", flags->store,
                   "The store: a directory or s3://BUCKET/PREFIX")
      ->required();
  command->add_option("--sign", flags->key,
                      "Sign the manifest and CURRENT with this private key, a "
                      "file of `tributary keygen`");
  AddConfigFlags(*command, &flags->s3);
  flags->json.AddTo(*command, "the store and its CURRENT");
  command->callback([flags] {
    const auto store = OpenStore(flags->store, {{}, flags->s3});
    FailUnlessOk(store.status());
    FailUnlessOk(Publish(flags->bundle, store->get(), flags->key));
    const auto current = (*store)->ReadCurrent({});
    FailUnlessOk(current.status());
    FailUnlessOk(flags->json.WriteObject(
        {{"store", flags->store}, {"current", fmt::to_string(*current)}}));
    if (flags->json.on_stdout()) return;
    fmt::print("published: {}/CURRENT is {}\n", flags->store, *current);
  });
}

}  // namespace tributary
