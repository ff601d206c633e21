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
std::vector<std::uint8_t> without_contents(std::uint64_t entry, const Loads& loads) {
  Buffer small;
  Elf64Header header{};
  header.e_ident = {0x7F, 'E', 'L', 'F', 2, 1, 1};
  header.e_type = 2;      // ET_EXEC
  header.e_machine = 62;  // EM_X86_64
  header.e_version = 1;
  header.e_entry = entry;
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

}  // namespace

Result<Kernel> load_elf_kernel(Bytes file) {
  const ElfHeaders headers = TRY(read_elf_headers(file));
  const Loads loads = loads_of(headers);
  const auto binary = TRY(with_context(parse(without_contents(headers.entry, loads)), "ELF header"));
  const std::vector<Segment> segments =
      TRY(with_context(make_segments(loads, *binary), "ELF program headers"));
  Kernel kernel;
  kernel.arch = Arch::x86_64;
  kernel.format = headers.is64 ? "ELF64" : "ELF32";
  kernel.is_64bit = headers.is64;
  for (const Segment& segment : segments) kernel.segments.push_back(segment.physical);
  kernel.virtual_base = segments.front().vaddr;
  kernel.pvh_entry = TRY(find_pvh_entry(headers, kernel.segments));
  kernel.entry = physical_entry(binary->header().entrypoint(), segments);
  // A kernel with another way in may have none of its own.
  if (!kernel.entry && !kernel.pvh_entry)
    return with_context<Kernel>(
        fail_at(24,
                "the entry point {:#x} is in no segment's bytes, neither by physical nor by virtual address",
                headers.entry),
        "ELF header");
  kernel.after_elf = file.subspan(std::min<std::uint64_t>(headers.file_end, file.size()));
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
