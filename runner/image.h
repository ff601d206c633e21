// What a file asks of the machine that runs it: which of its bytes go where, which registers the vCPUs start
// with, and how much of everything. Decided once, from the IGVM directives; after that the headers are not
// needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/igvm.h"
#include "formats/machine.h"
#include "formats/result.h"
#include "formats/vcpu.h"
#include "runner/fd.h"

namespace tintype {

// A file mapped read-only.
class MappedFile {
 public:
  // Errors: it cannot be opened, is no regular file, or is empty.
  static Result<MappedFile> open(const std::string& path);
  // Of an open regular file that is not empty. Errors: it cannot be mapped.
  static Result<MappedFile> of(Fd fd);
  MappedFile(MappedFile&& other) noexcept
      : fd_(std::move(other.fd_)), bytes_(std::exchange(other.bytes_, Bytes{})), size_(other.size_) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile() { unmap(); }

  int fd() const { return fd_.get(); }
  std::uint64_t size() const { return size_; }
  Bytes bytes() const { return bytes_; }
  // Ends the mapping, so that what was read of it no longer counts as this process's memory. The descriptor
  // stays.
  void unmap();
  // Whether the file still has the size it had when it was opened.
  bool whole() const;

 private:
  MappedFile(Fd fd, Bytes bytes) : fd_(std::move(fd)), bytes_(bytes), size_(bytes.size()) {}
  Fd fd_;
  Bytes bytes_;
  std::uint64_t size_ = 0;
};

// What the user says of a machine that the file does not describe.
struct MachineWishes {
  std::optional<std::uint64_t> memory;  // bytes, a multiple of 4 KiB
  std::optional<std::uint32_t> cpus;
};
inline constexpr std::uint64_t kDefaultMemory = 256 * kMiB;

// What this runner's host is, and so its guests.
#if defined(__aarch64__)
inline constexpr Arch kHostArch = Arch::aarch64;
#else
inline constexpr Arch kHostArch = Arch::x86_64;
#endif

struct GuestPlan {
  // `size` bytes from `offset` in the file on belong at `gpa`.
  struct FilePiece {
    std::uint64_t gpa = 0, offset = 0, size = 0;
    bool operator==(const FilePiece&) const = default;
  };
  // A parameter that the loader has to fill in.
  struct Write {
    std::uint64_t gpa = 0;
    std::vector<std::uint8_t> bytes;
    bool operator==(const Write&) const = default;
  };
  // A vCPU that starts with registers of the file; the others wait as after reset.
  struct Start {
    std::uint32_t vcpu = 0;
    VcpuState registers;  // of `arch`
  };

  Arch arch = kHostArch;
  Gic gic = Gic::v3;  // of AArch64, as `its`
  bool its = false;
  std::uint32_t cpus = 1;
  std::uint32_t numa_nodes = 0;  // as the machine description has it
  std::vector<GpaRange> memory;  // ascending, disjoint, never touching
  std::vector<FilePiece> pieces;
  std::vector<Write> writes;  // after all pieces
  std::vector<Start> starts;
};

// More pieces of memory than this are refused: a KVM slot each.
inline constexpr std::size_t kMaxMemoryBlocks = 256;

// Reads an image and decides. Page data is not touched. Errors: a damaged file, one for another architecture
// or only for isolated machines, one that contradicts its machine description, one with what no loader should
// be given (igvm::oddities), or one that asks for what a runner of `runner`'s architecture does not have;
// `wishes` for a file that says them itself.
Result<GuestPlan> plan_guest(Bytes file, const MachineWishes& wishes, Arch runner = kHostArch);

}  // namespace tintype
