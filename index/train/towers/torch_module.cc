#include "index/train/towers/torch_module.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>

#include "fmt/format.h"

namespace tributary {

absl::StatusOr<TrainedTowers> TrainWithTorch(const TowerTask& task) {
  std::error_code error;
  const auto path =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path() /
      kTorchModule;
  if (!std::filesystem::exists(path, error)) {
    return absl::UnimplementedError(
        fmt::format("behavior.model: towers: built without LibTorch ({} does "
                    "not exist); run "
                    "make deps-train and build again",
                    path.string()));
  }
  void* const module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  using Train = decltype(&TributaryTrainTowers);
  const auto train =
      module == nullptr
          ? nullptr
          : reinterpret_cast<Train>(::dlsym(module, "TributaryTrainTowers"));
  if (train == nullptr) {
    return absl::InternalError(
        fmt::format("cannot load {}: {}", path.string(), ::dlerror()));
  }
  absl::StatusOr<TrainedTowers> trained = absl::UnknownError("not set");
  train(task, &trained);
  return trained;
}

}  // namespace tributary
