#include "layouts/image.h"

#include <algorithm>
#include <cstring>

#include "layouts/platform.h"

namespace tintype {

namespace {

bool is_zero(Bytes bytes) {
  // Comparing a buffer with itself, shifted by one, is the fastest portable test libc offers.
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

igvm::PageRun page_run(std::uint64_t gpa, PageKind kind, Bytes data) {
  igvm::PageRun run{.gpa = gpa, .pages = data.size() / kPageSize, .data = data};
  switch (kind) {
    case PageKind::normal:
      break;
    case PageKind::unmeasured:
      run.flags = IGVM_PAGE_DATA_UNMEASURED;
      break;
    case PageKind::shared:
      run.flags = IGVM_PAGE_DATA_SHARED;
      break;
    case PageKind::cpuid:
      run.data_type = IGVM_PAGE_DATA_TYPE_CPUID_DATA;
      break;
    case PageKind::secrets:
      run.data_type = IGVM_PAGE_DATA_TYPE_SECRETS;
      break;
  }
  return run;
}

// Whether two runs of zero pages are one.
bool continues(const igvm::PageRun& before, const igvm::PageRun& run) {
  return before.data.empty() && before.gpa + before.pages * kPageSize == run.gpa &&
         before.flags == run.flags && before.data_type == run.data_type;
}

// Turns the bytes of regions, given in address order, into runs of whole pages.
class PageAssembler {
 public:
  explicit PageAssembler(Arena& arena) : arena_(arena) {}

  void add(std::uint64_t gpa, PageKind kind, Bytes bytes) {
    if (open_ && (gpa >= open_gpa_ + kPageSize)) close();
    while (!bytes.empty()) {
      const bool whole = is_aligned(gpa, kPageSize) && bytes.size() >= kPageSize && !open_;
      const std::uint64_t taken = whole ? align_down(bytes.size(), kPageSize) : fill(gpa, kind, bytes);
      if (whole) append(gpa, kind, bytes.first(taken));
      gpa += taken;
      bytes = bytes.subspan(taken);
    }
  }
  std::vector<igvm::PageRun> finish() {
    close();
    return std::move(runs_);
  }

 private:
  // Copies into the page that holds `gpa`; the number of bytes that went there.
  std::uint64_t fill(std::uint64_t gpa, PageKind kind, Bytes bytes) {
    if (!open_) {
      arena_.emplace_back(kPageSize, std::uint8_t{0});
      open_ = true;
      open_gpa_ = align_down(gpa, kPageSize);
      open_kind_ = kind;
      page_ = arena_.back().data();
    }
    const std::uint64_t offset = gpa - open_gpa_;
    const std::uint64_t taken = std::min<std::uint64_t>(bytes.size(), kPageSize - offset);
    std::memcpy(page_ + offset, bytes.data(), taken);
    if (offset + taken == kPageSize) close();
    return taken;
  }
  void close() {
    if (!open_) return;
    open_ = false;
    append(open_gpa_, open_kind_, Bytes(page_, kPageSize));
  }
  void append(std::uint64_t gpa, PageKind kind, Bytes pages) {
    while (!pages.empty()) {
      const bool zero = is_zero(pages.first(kPageSize));
      std::uint64_t size = kPageSize;
      while (size < pages.size() && is_zero(pages.subspan(size, kPageSize)) == zero) size += kPageSize;
      igvm::PageRun run = page_run(gpa, kind, pages.first(size));
      if (zero) run.data = {};
      if (zero && !runs_.empty() && continues(runs_.back(), run))
        runs_.back().pages += run.pages;
      else
        runs_.push_back(run);
      gpa += size;
      pages = pages.subspan(size);
    }
  }

  Arena& arena_;
  std::vector<igvm::PageRun> runs_;
  bool open_ = false;
  std::uint8_t* page_ = nullptr;
  std::uint64_t open_gpa_ = 0;
  PageKind open_kind_ = PageKind::normal;
};

// IGVM_VHS_REQUIRED_MEMORY counts bytes in 32 bits.
constexpr std::uint64_t kRequiredMemoryStep = 2 * kGiB;

void require_memory(const GuestImage& image, std::uint32_t mask, std::vector<igvm::Directive>& directives) {
  const MemoryMap ram = memory_map_of(image.machine);
  for (const MemoryMapEntry& entry : ram.entries()) {
    if (entry.type != MemoryType::ram) continue;
    for (std::uint64_t start = entry.range.start; start < entry.range.end;) {
      const std::uint64_t end =
          std::min(entry.range.end, align_down(start, kRequiredMemoryStep) + kRequiredMemoryStep);
      directives.push_back(
          IGVM_VHS_REQUIRED_MEMORY{.gpa = start,
                                   .compatibility_mask = mask,
                                   .number_of_bytes = static_cast<std::uint32_t>(end - start),
                                   .flags = 0u,
                                   .reserved = 0u});
      start = end;
    }
  }
}

}  // namespace

std::vector<igvm::PageRun> pages_of(const GuestImage& image, Arena& arena) {
  PageAssembler assembler(arena);
  for (const PlacedRegion& region : image.regions) {
    std::uint64_t gpa = region.range.start;
    for (const Bytes piece : region.pieces) {
      assembler.add(gpa, region.kind, piece);
      gpa += piece.size();
    }
  }
  return assembler.finish();
}

std::vector<const Platform*> platforms_of(Arch arch) {
  std::vector<const Platform*> of_arch;
  for (const Platform* platform : platforms())
    if (platform->arch == arch) of_arch.push_back(platform);
  return of_arch;
}

igvm::File launch_sequence(const GuestImage& image, std::span<const Platform* const> launchers,
                           Arena& arena) {
  igvm::File file;
  // Version 1 has no place for an architecture: its guests are x64.
  file.arch = image.machine.arch;
  file.format_version = file.arch == Arch::x86_64 ? IGVM_FORMAT_VERSION_1 : IGVM_FORMAT_VERSION_2;
  std::uint32_t mask = 0;
  for (const Platform* platform : launchers) {
    const std::uint32_t bit = 1u << file.platforms.size();
    file.platforms.push_back(platform->header(bit));
    mask |= bit;
  }
  require_memory(image, mask, file.directives);
  for (igvm::PageRun& run : pages_of(image, arena)) {
    run.compatibility_mask = mask;
    file.directives.emplace_back(run);
  }
  for (std::size_t i = 0; i < launchers.size(); ++i)
    for (igvm::VpContext& context : launchers[i]->vp_contexts(image, arena)) {
      context.compatibility_mask = file.platforms[i].compatibility_mask;
      file.directives.emplace_back(context);
    }
  return file;
}

}  // namespace tintype
