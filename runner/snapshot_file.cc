#include "runner/snapshot_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "formats/container.h"
#include "formats/ordered_work.h"

namespace tintype {

namespace {

tl::unexpected<Error> no_memory(std::string_view what) {
  return fail("this host has no memory to {} it: {}", what, std::strerror(errno));
}

// A shared mapping of all of a memory file, to fill it. It has to be gone before the file can be sealed.
class Filling {
 public:
  static Result<Filling> of(int fd, std::uint64_t size) {
    if (::ftruncate(fd, static_cast<off_t>(size)) != 0) return no_memory("hold");
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (memory == MAP_FAILED) return no_memory("hold");
    return Filling({static_cast<std::uint8_t*>(memory), static_cast<std::size_t>(size)});
  }
  Filling(Filling&& other) noexcept : room_(std::exchange(other.room_, {})) {}
  Filling& operator=(Filling&&) = delete;
  ~Filling() {
    if (!room_.empty()) ::munmap(room_.data(), room_.size());
  }
  std::span<std::uint8_t> room() const { return room_; }

 private:
  explicit Filling(std::span<std::uint8_t> room) : room_(room) {}
  std::span<std::uint8_t> room_;
};

Result<std::uint64_t> unpack_into(int fd, Bytes packed) {
  const Container container = TRY(read_container(packed));
  const std::uint64_t size = TRY(snapshot_size(container));
  const Filling filling = TRY(Filling::of(fd, size));
  return unpack_container(container, filling.room(), usable_threads());
}

// By read(2) and not from the mapping, whose pages would have to be faulted in one by one.
Result<std::uint64_t> copy_into(int to, int from, std::uint64_t size) {
  const Filling filling = TRY(Filling::of(to, size));
  for (std::uint64_t done = 0; done < size;) {
    const ssize_t count = ::pread(from, filling.room().data() + done, size - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("cannot be read: {}", std::strerror(errno));
    if (count == 0) return fail_at(done, "the file ended while it was read: it was truncated");
    done += static_cast<std::uint64_t>(count);
  }
  return size;
}

}  // namespace

Result<MappedFile> settle_bytes(MappedFile file, bool own) {
  const bool packed = is_container(file.bytes());
  if (!packed && !own) return file;
  Fd memory(::memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return no_memory("hold");
  const std::uint64_t size = packed ? TRY(unpack_into(memory.get(), file.bytes()))
                                    : TRY(copy_into(memory.get(), file.fd(), file.size()));
  if (::ftruncate(memory.get(), static_cast<off_t>(size)) != 0) return no_memory("hold");
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return fail("this host cannot keep it unchanged in memory: {}", std::strerror(errno));
  return MappedFile::of(std::move(memory));
}

}  // namespace tintype
