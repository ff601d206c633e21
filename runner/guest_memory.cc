#include "runner/guest_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tintype {

std::vector<GpaRange> normalised(std::vector<GpaRange> ranges) {
  std::erase_if(ranges, [](const GpaRange& range) { return range.empty(); });
  std::sort(ranges.begin(), ranges.end());
  std::vector<GpaRange> result;
  for (const GpaRange& range : ranges) {
    if (!result.empty() && range.start <= result.back().end) {
      result.back().end = std::max(result.back().end, range.end);
    } else {
      result.push_back(range);
    }
  }
  return result;
}

Result<GuestMemory> GuestMemory::reserve(std::vector<GpaRange> ranges) {
  GuestMemory memory;
  for (const GpaRange& range : normalised(std::move(ranges))) {
    void* host = ::mmap(nullptr, range.size(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED)
      return fail("this host cannot reserve {} MiB for guest memory {:#x}-{:#x}: {}", range.size() / kMiB,
                  range.start, range.last(), std::strerror(errno));
    memory.blocks_.push_back({range, static_cast<std::uint8_t*>(host)});
  }
  return memory;
}

GuestMemory::~GuestMemory() {
  for (const Block& block : blocks_) ::munmap(block.host, block.range.size());
}

std::optional<std::span<std::uint8_t>> GuestMemory::at(std::uint64_t gpa, std::uint64_t size) const {
  const auto range = GpaRange::of_size(gpa, size);
  if (!range || range->empty()) return std::nullopt;
  const auto after =
      std::upper_bound(blocks_.begin(), blocks_.end(), gpa,
                       [](std::uint64_t address, const Block& block) { return address < block.range.start; });
  if (after == blocks_.begin()) return std::nullopt;
  const Block& block = *std::prev(after);
  if (!block.range.contains(*range)) return std::nullopt;
  return std::span(block.host + (gpa - block.range.start), static_cast<std::size_t>(size));
}

Result<void> GuestMemory::map_file(int fd, std::uint64_t offset, std::uint64_t gpa,
                                   std::uint64_t size) const {
  const auto target = at(gpa, size);
  if (!target) return fail("guest address {:#x} has no {} bytes of memory to map the file to", gpa, size);
  const void* mapped = ::mmap(target->data(), size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, static_cast<off_t>(offset));
  if (mapped == MAP_FAILED)
    return fail("the file's {} bytes from {:#x} on cannot be mapped to guest address {:#x}: {}", size, offset,
                gpa, std::strerror(errno));
  return {};
}

Result<void> GuestMemory::copy_file(int fd, std::uint64_t offset, std::uint64_t gpa,
                                    std::uint64_t size) const {
  const auto target = at(gpa, size);
  if (!target) return fail("guest address {:#x} has no {} bytes of memory to copy the file to", gpa, size);
  for (std::uint64_t done = 0; done < size;) {
    const ssize_t count = ::pread(fd, target->data() + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("the file cannot be read: {}", std::strerror(errno));
    if (count == 0) return fail_at(offset + done, "the file ended while it was read: it was truncated");
    done += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace tintype
