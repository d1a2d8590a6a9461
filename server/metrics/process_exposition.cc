// The metric families of ServerMetrics about the process itself, under the
// names and in the units that Prometheus' client libraries use:
// https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
#include <dirent.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "server/metrics/family.h"
#include "server/metrics/server_metrics.h"
#include "server/process/memory.h"
#include "version/version.h"

namespace tributary {
namespace {

// The fields of /proc/self/stat that are shown; 0 where it cannot be read.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
struct ProcessStat {
  uint64_t user_ticks = 0;
  uint64_t system_ticks = 0;
  uint64_t threads = 0;
  // After the machine's start.
  uint64_t start_ticks = 0;
  uint64_t virtual_bytes = 0;
  uint64_t resident_pages = 0;
};

ProcessStat ReadProcessStat() {
  ProcessStat stat;
  std::FILE* file = std::fopen("/proc/self/stat", "re");
  if (file == nullptr) return stat;
  char line[1024];
  const size_t length = std::fread(line, 1, sizeof(line) - 1, file);
  std::fclose(file);
  line[length] = '\0';
  // The second field is the program's name in parentheses, which may itself
  // hold blanks and parentheses.
  const char* after_name = std::strrchr(line, ')');
  ProcessStat read;
  if (after_name == nullptr ||
      std::sscanf(after_name + 1,
                  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
                  " %" SCNu64 " %" SCNu64 " %*d %*d %*d %*d"
                  " %" SCNu64 " %*d %" SCNu64 " %" SCNu64 " %" SCNu64,
                  &read.user_ticks, &read.system_ticks, &read.threads,
                  &read.start_ticks, &read.virtual_bytes,
                  &read.resident_pages) != 6) {
    return stat;
  }
  return read;
}

double ClockSeconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

double SecondsOfTicks(uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Read once: the start does not move when somebody sets the clock.
double StartTime(const ProcessStat& stat) {
  static const double start = ClockSeconds(CLOCK_REALTIME) -
                              ClockSeconds(CLOCK_BOOTTIME) +
                              SecondsOfTicks(stat.start_ticks);
  return start;
}

double OpenFiles() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  // Without ".", ".." and the directory that is being read.
  return entries < 3 ? 0 : entries - 3;
}

double MaxOpenFiles() {
  rlimit limit = {};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0
             ? static_cast<double>(limit.rlim_cur)
             : 0;
}

// What the process shares with others of its container or machine.
void CollectMemory(std::vector<prometheus::MetricFamily>* families) {
  const auto memory = ReadProcessMemory();
  if (!memory.ok()) return;
  const MemoryNumbers least = memory->least();
  Gauges("tributary_memory_limit_bytes",
         "Memory that the container, or without a limit the machine, has, in "
         "bytes.")
      .Add({}, static_cast<double>(least.total))
      .MoveTo(families);
  Gauges("tributary_memory_available_bytes",
         "Memory of the container or the machine, whichever has less, that "
         "can still be allocated, in bytes; caches of files that can be "
         "dropped count.")
      .Add({}, static_cast<double>(least.available))
      .MoveTo(families);
}

}  // namespace

void ServerMetrics::CollectProcess(
    std::vector<prometheus::MetricFamily>* families) {
  const auto gauge = [&](const char* name, const char* help, double value) {
    Gauges(name, help).Add({}, value).MoveTo(families);
  };
  const ProcessStat stat = ReadProcessStat();
  Counters("process_cpu_seconds_total",
           "Processor time of the process in seconds, of user and system.")
      .Add({}, SecondsOfTicks(stat.user_ticks + stat.system_ticks))
      .MoveTo(families);
  gauge("process_resident_memory_bytes",
        "Resident memory of the process in bytes.",
        static_cast<double>(stat.resident_pages) *
            static_cast<double>(sysconf(_SC_PAGESIZE)));
  gauge("process_virtual_memory_bytes",
        "Virtual memory of the process in bytes.",
        static_cast<double>(stat.virtual_bytes));
  gauge("process_open_fds", "Open file descriptors of the process.",
        OpenFiles());
  gauge("process_max_fds",
        "How many file descriptors the process may have open.", MaxOpenFiles());
  gauge("process_threads", "Threads of the process.",
        static_cast<double>(stat.threads));
  gauge("process_start_time_seconds",
        "Unix time in seconds at which the process was started.",
        StartTime(stat));
  CollectMemory(families);
  Gauges("tributary_build_info",
         "1; the labels are the version of the program, and the revision that "
         "it was built from.")
      .Add({{"version", Version()}, {"revision", Revision()}}, 1)
      .MoveTo(families);
}

}  // namespace tributary
