#include "tests/torture/fault.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <system_error>

#include "fmt/core.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

// Inherited by all programs that are started here: OpenBLAS's threads would
// spin while a program starts.
const int kOneBlasThread = ::setenv("OPENBLAS_NUM_THREADS", "1", 1);

// The file is removed together with its mapping.
std::shared_ptr<FaultRecord> MapRecord(const std::filesystem::path& path) {
  OverwriteFile(path, std::string(sizeof(FaultRecord), '\0'));
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  void* mapped = ::mmap(nullptr, sizeof(FaultRecord), PROT_READ | PROT_WRITE,
                        MAP_SHARED, fd, 0);
  ::close(fd);
  EXPECT_NE(mapped, MAP_FAILED) << path;
  return {static_cast<FaultRecord*>(mapped), [path](FaultRecord* record) {
            ::munmap(record, sizeof(FaultRecord));
            std::error_code ignored;
            std::filesystem::remove_all(path.parent_path(), ignored);
          }};
}

}  // namespace

FaultyCommand::FaultyCommand(const Fault& fault,
                             std::vector<std::string> arguments) {
  const auto file = MakeTestDir() / "record";
  record_ = MapRecord(file);
  arguments_ = {"env",
                std::string("LD_PRELOAD=") + TRIBUTARY_FAULT_LIBRARY,
                "TRIBUTARY_FAULT_RECORD=" + file.string(),
                "TRIBUTARY_FAULT_UNDER=" + fault.under.string(),
                fmt::format("TRIBUTARY_FAULT_CALLS={}", fault.calls),
                fmt::format("TRIBUTARY_FAULT_AT={}", fault.at),
                fmt::format("TRIBUTARY_FAULT_TIMES={}", fault.times),
                fmt::format("TRIBUTARY_FAULT_DO={}", fault.action),
                "TRIBUTARY_FAULT_LOG=" + fault.log.string()};
  arguments_.insert(arguments_.end(), arguments.begin(), arguments.end());
}

uint32_t FaultyCommand::calls() const {
  return __atomic_load_n(&record_->calls, __ATOMIC_SEQ_CST);
}

bool FaultyCommand::hit() const {
  return __atomic_load_n(&record_->hits, __ATOMIC_SEQ_CST) > 0;
}

std::string FaultyCommand::where() const {
  return fmt::format("{} {}", record_->function, record_->path);
}

bool FaultyCommand::IsNamedIn(const std::string& text) const {
  for (const char* path : {record_->path, record_->other_path}) {
    const std::string name = std::filesystem::path(path).filename().string();
    if (!name.empty() && text.find(name) != std::string::npos) return true;
  }
  return false;
}

bool IsTorture() {
  const char* value = std::getenv("TRIBUTARY_TORTURE");
  return value != nullptr && *value != '\0' && *value != '0';
}

std::vector<uint32_t> ChooseCases(uint32_t all, uint32_t every, uint32_t turn) {
  if (IsTorture()) every = 1;
  // At least one case is chosen.
  every = std::max(1u, std::min(every, all));
  std::vector<uint32_t> chosen;
  for (uint32_t n = 1 + turn % every; n <= all; n += every) chosen.push_back(n);
  return chosen;
}

void CountFault(const std::string& kind) {
  struct Counts {
    std::map<std::string, int> by_kind;
    ~Counts() {
      for (const auto& [name, count] : by_kind) {
        fmt::print("counted: {} {}\n", count, name);
      }
    }
  };
  static Counts counts;
  ++counts.by_kind[kind];
}

}  // namespace tributary
