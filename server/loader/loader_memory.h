#ifndef TRIBUTARY_SERVER_LOADER_LOADER_MEMORY_H_
#define TRIBUTARY_SERVER_LOADER_LOADER_MEMORY_H_

#include <cstdint>
#include <filesystem>

namespace tributary {

// What a loader must still know after a restart, in files of its bundle
// directory. A file that cannot be read or written is logged and otherwise as
// none: the server knows what is active all the same. Not thread-safe.
class LoaderMemory {
 public:
  LoaderMemory(std::filesystem::path bundles, bool allow_older);

  // The CURRENT that has been active since it was written, or 0: if it is not
  // active now, an operator rolled back.
  uint64_t followed() const { return followed_; }
  // False when that was known.
  bool MarkFollowed(uint64_t version);
  // CURRENT moved. The file stays, until another one is followed.
  void ForgetFollowed() { followed_ = 0; }

  // The highest version that was ever active on this host; while older ones are
  // allowed, the last one. 0 for none.
  uint64_t highest() const { return highest_; }
  void MarkActive(uint64_t version);

 private:
  uint64_t Read(const char* name) const;
  void Write(const char* name, uint64_t version) const;

  const std::filesystem::path bundles_;
  const bool allow_older_;
  uint64_t followed_;
  uint64_t highest_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_LOADER_MEMORY_H_
