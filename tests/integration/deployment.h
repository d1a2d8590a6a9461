#ifndef TRIBUTARY_TESTS_INTEGRATION_DEPLOYMENT_H_
#define TRIBUTARY_TESTS_INTEGRATION_DEPLOYMENT_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/retrieval_client.h"
#include "tests/integration/process.h"
#include "tributary/v1/bundles.grpc.pb.h"

namespace tributary {

// A pod of its own: a store, a bundle directory, and the real server and
// loader, on free ports.
class Deployment {
 public:
  // `gate`: whether the loader has one; versions that Build makes have no item
  // in common and would not pass.
  explicit Deployment(bool gate = false);

  const std::filesystem::path& built() const { return built_; }
  const std::filesystem::path& store() const { return store_; }
  const std::filesystem::path& bundles() const { return bundles_; }

  // Writes built()/<version> with `tributary build` from a small data set
  // whose item keys begin with "v<version>-".
  void Build(uint64_t version, const std::vector<std::string>& flags = {});
  // tributary publish.
  Outcome Publish(uint64_t version);

  // What StartServer and StartLoader run, before the flags. Default: the
  // programs that this build made.
  void set_server_command(std::vector<std::string> command) {
    server_command_ = std::move(command);
  }
  void set_loader_command(std::vector<std::string> command) {
    loader_command_ = std::move(command);
  }

  // On free ports the first time, and on the same ones after that.
  void StartServer(const std::vector<std::string>& flags = {});
  void StartLoader(const std::vector<std::string>& flags = {});
  Process& server() { return *server_; }
  Process& loader() { return *loader_; }
  // Ends a program by SIGTERM and returns its exit status.
  int StopServer();
  int StopLoader();

  const std::string& grpc() const { return grpc_; }
  const std::string& http() const { return http_; }
  RetrievalClient& client() { return *client_; }
  v1::Bundles::Stub& control() { return *control_; }

  // Waits until that version is the active one; false after a minute.
  bool WaitForVersion(uint64_t version);
  v1::ServerStatus Status();
  // The body of an HTTP GET, or the status line if it is not 200.
  std::string Get(const std::string& path);

 private:
  const bool gate_;
  std::filesystem::path root_;
  std::filesystem::path built_;
  std::filesystem::path store_;
  std::filesystem::path bundles_;
  std::vector<std::string> server_command_ = {Program("tributary-server")};
  std::vector<std::string> loader_command_ = {Program("tributary-loader")};
  std::optional<Process> server_;
  std::optional<Process> loader_;
  std::string grpc_;
  std::string http_;
  std::unique_ptr<RetrievalClient> client_;
  std::unique_ptr<v1::Bundles::Stub> control_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INTEGRATION_DEPLOYMENT_H_
