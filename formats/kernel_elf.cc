// ELF kernels, through LIEF. LIEF copies what it is given, reads every table it finds and believes what they
// say; so kernel_elf_headers.cc checks the headers first, and LIEF is shown nothing but an ELF header and the
// loadable program headers, as ELF64 whatever the file is. System V ABI, "Object Files".
#include "formats/kernel_elf.h"

#include <LIEF/ELF.hpp>
#include <algorithm>
#include <array>
#include <exception>
#include <memory>

#include "formats/gpa.h"
#include "formats/kernel_arm64.h"
#include "formats/kernel_banner.h"
#include "formats/kernel_elf_headers.h"
#include "formats/kernel_notes.h"

namespace tintype {

namespace {

// A segment with the virtual address it was linked at.
struct Segment {
  KernelSegment physical;
  std::uint64_t vaddr;
};

using Loads = std::vector<ElfSegmentHeader>;

Loads loads_of(const ElfHeaders& headers) {
  Loads loads;
  for (const ElfSegmentHeader& segment : headers.segments)
    if (segment.type == kElfLoad) loads.push_back(segment);
  return loads;
}

// The loadable program headers without the bytes they name.
std::vector<std::uint8_t> without_contents(const ElfHeaders& headers, const Loads& loads) {
  Buffer small;
  Elf64Header header{};
  header.e_ident = {0x7F, 'E', 'L', 'F', 2, 1, 1};
  header.e_type = 2;  // ET_EXEC
  header.e_machine = headers.machine;
  header.e_version = 1;
  header.e_entry = headers.entry;
  header.e_phoff = sizeof(Elf64Header);
  header.e_ehsize = sizeof(Elf64Header);
  header.e_phentsize = sizeof(Elf64ProgramHeader);
  header.e_phnum = static_cast<std::uint16_t>(loads.size());
  small.put(header);
  for (const ElfSegmentHeader& load : loads)
    small.put(Elf64ProgramHeader{.p_type = load.type,
                                 .p_flags = 0u,
                                 .p_offset = std::uint64_t{0},
                                 .p_vaddr = load.vaddr,
                                 .p_paddr = load.paddr,
                                 .p_filesz = std::uint64_t{0},
                                 .p_memsz = load.memory_size,
                                 .p_align = load.alignment});
  return std::move(small.bytes());
}

// What LIEF makes of the headers. LIEF throws.
Result<std::unique_ptr<LIEF::ELF::Binary>> parse(const std::vector<std::uint8_t>& headers) {
  try {
    std::unique_ptr<LIEF::ELF::Binary> binary = LIEF::ELF::Parser::parse(headers);
    if (!binary) return fail("the ELF file is damaged");
    return binary;
  } catch (const std::exception& error) {
    return fail("the ELF file is damaged: {}", error.what());
  }
}

// The segments, ascending by physical address.
Result<std::vector<Segment>> make_segments(const Loads& loads, LIEF::ELF::Binary& binary) {
  std::vector<Segment> segments;
  for (const LIEF::ELF::Segment& parsed : binary.segments()) {
    if (segments.size() == loads.size()) return fail("the ELF file is damaged");
    const ElfSegmentHeader& load = loads[segments.size()];
    segments.push_back(
        {{parsed.physical_address(), load.data, parsed.virtual_size()}, parsed.virtual_address()});
  }
  if (segments.size() != loads.size()) return fail("the ELF file is damaged");
  std::stable_sort(segments.begin(), segments.end(),
                   [](const Segment& a, const Segment& b) { return a.physical.gpa < b.physical.gpa; });
  for (std::size_t i = 1; i < segments.size(); ++i) {
    const KernelSegment& before = segments[i - 1].physical;
    const KernelSegment& after = segments[i].physical;
    if (before.gpa + before.memory_size > after.gpa)
      return fail("two segments overlap in physical memory, {:#x}-{:#x} and {:#x}-{:#x}: link them apart",
                  before.gpa, before.gpa + before.memory_size - 1, after.gpa,
                  after.gpa + after.memory_size - 1);
  }
  return segments;
}

// The physical address of the entry point. Linux states a physical one; other kernels the virtual one they
// were linked at. It must be in bytes of the file: what is zero-filled holds no instruction.
std::optional<std::uint64_t> physical_entry(std::uint64_t entry, const std::vector<Segment>& segments) {
  for (const Segment& segment : segments)
    if (entry >= segment.physical.gpa && entry - segment.physical.gpa < segment.physical.data.size())
      return entry;
  for (const Segment& segment : segments)
    if (entry >= segment.vaddr && entry - segment.vaddr < segment.physical.data.size())
      return segment.physical.gpa + (entry - segment.vaddr);
  return std::nullopt;
}

tl::unexpected<Error> fail_no_entry(std::uint64_t entry) {
  return fail_at(24,
                 "the entry point {:#x} is in no segment's bytes, neither by physical nor by virtual address",
                 entry);
}

Result<void> enter_x86(const ElfHeaders& headers, const std::vector<Segment>& segments, Bytes file,
                       Kernel& kernel) {
  kernel.pvh_entry = TRY(find_pvh_entry(headers, kernel.segments));
  kernel.entry = physical_entry(headers.entry, segments);
  // A kernel with another way in may have none of its own.
  if (!kernel.entry && !kernel.pvh_entry)
    return with_context<void>(fail_no_entry(headers.entry), "ELF header");
  kernel.after_elf = file.subspan(std::min<std::uint64_t>(headers.file_end, file.size()));
  return {};
}

// A vmlinux has virtual addresses for physical ones, too. What counts is how far a segment is from the first,
// with which the Image begins (Linux arch/arm64/boot/Makefile makes the Image so, with objcopy).
Result<void> enter_arm64_image(Bytes file, Kernel& kernel) {
  const std::uint64_t base = kernel.segments.front().gpa;
  for (KernelSegment& segment : kernel.segments) segment.gpa -= base;
  KernelSegment& last = kernel.segments.back();
  const Bytes start = kernel.segments.front().data;
  kernel.arm64 = TRY(with_context(with_base(read_arm64_header(start, last.gpa + last.memory_size),
                                            static_cast<std::uint64_t>(start.data() - file.data())),
                                  "Image header"));
  // The first page tables come after the last segment, and in none (arch/arm64/kernel/vmlinux.lds.S).
  last.memory_size = kernel.arm64->image_size - last.gpa;
  kernel.entry = 0;
  return {};
}

// Another program for AArch64, which lies where it was linked.
Result<void> enter_arm64_elf(const ElfHeaders& headers, const std::vector<Segment>& segments,
                             Kernel& kernel) {
  if (headers.position_independent)
    return with_context<void>(
        fail_at(16,
                "the file is position-independent (ET_DYN) and does not begin with an Image header, so it "
                "has no physical addresses: link it with -no-pie at a fixed address"),
        "ELF header");
  const KernelSegment& last = kernel.segments.back();
  if (last.gpa + last.memory_size > kPhysicalEnd)
    return with_context<void>(
        fail("a segment's {:#x} bytes at physical address {:#x} end past {:#x}, where AArch64's physical "
             "addresses end, and the first does not begin with an Image header: link it at a lower address",
             last.memory_size, last.gpa, kPhysicalEnd),
        "ELF program headers");
  kernel.entry = physical_entry(headers.entry, segments);
  if (!kernel.entry) return with_context<void>(fail_no_entry(headers.entry), "ELF header");
  return {};
}

Result<void> enter_arm64(const ElfHeaders& headers, const std::vector<Segment>& segments, Bytes file,
                         Kernel& kernel) {
  kernel.arch = Arch::aarch64;
  if (has_arm64_header(kernel.segments.front().data)) return enter_arm64_image(file, kernel);
  return enter_arm64_elf(headers, segments, kernel);
}

}  // namespace

Result<Kernel> load_elf_kernel(Bytes file) {
  const ElfHeaders headers = TRY(read_elf_headers(file));
  const Loads loads = loads_of(headers);
  const auto binary = TRY(with_context(parse(without_contents(headers, loads)), "ELF header"));
  const std::vector<Segment> segments =
      TRY(with_context(make_segments(loads, *binary), "ELF program headers"));
  Kernel kernel;
  kernel.format = headers.is64 ? "ELF64" : "ELF32";
  kernel.is_64bit = headers.is64;
  for (const Segment& segment : segments) kernel.segments.push_back(segment.physical);
  kernel.virtual_base = segments.front().vaddr;
  if (headers.machine == kElfAarch64)
    TRY(enter_arm64(headers, segments, file, kernel));
  else
    TRY(enter_x86(headers, segments, file, kernel));
  for (const KernelSegment& segment : kernel.segments) {
    std::optional<std::string> banner = find_banner(segment.data);
    if (!banner) continue;
    kernel.is_linux = true;
    kernel.version = std::move(*banner);
    break;
  }
  return kernel;
}

}  // namespace tintype
