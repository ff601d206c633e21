// ELF64 kernels, through LIEF. LIEF copies what it is given, reads every table it finds and believes what
// they say; so this file checks the headers itself and shows LIEF nothing but the ELF header and the loadable
// program headers. System V ABI, "Object Files"; its x86-64 supplement for the machine.
#include "formats/kernel_elf.h"

#include <LIEF/ELF.hpp>
#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <memory>

#include "formats/gpa.h"

namespace tintype {

namespace {

constexpr std::uint8_t kClass64 = 2;
constexpr std::uint8_t kLittleEndian = 1;
constexpr std::uint16_t kExecutable = 2;        // ET_EXEC
constexpr std::uint16_t kRelocatable = 1;       // ET_REL
constexpr std::uint16_t kSharedObject = 3;      // ET_DYN
constexpr std::uint16_t kMachineX86_64 = 62;    // EM_X86_64
constexpr std::uint32_t kLoad = 1;              // PT_LOAD
constexpr std::uint16_t kManyHeaders = 0xFFFF;  // PN_XNUM
// Linux has four or five. This many is a mistake, and would make the region list of a snapshot unreadable.
constexpr std::size_t kMaxSegments = 128;

// System V ABI, "ELF Header".
struct Elf64Header {
  std::array<std::uint8_t, 16> e_ident;  // 00
  le16 e_type;                           // 10
  le16 e_machine;                        // 12
  le32 e_version;                        // 14
  le64 e_entry;                          // 18
  le64 e_phoff;                          // 20
  le64 e_shoff;                          // 28
  le32 e_flags;                          // 30
  le16 e_ehsize;                         // 34
  le16 e_phentsize;                      // 36
  le16 e_phnum;                          // 38
  le16 e_shentsize;                      // 3A
  le16 e_shnum;                          // 3C
  le16 e_shstrndx;                       // 3E
};
static_assert(sizeof(Elf64Header) == 64 && Wire<Elf64Header>);

// System V ABI, "Program Header".
struct Elf64ProgramHeader {
  le32 p_type;    // 00
  le32 p_flags;   // 04
  le64 p_offset;  // 08
  le64 p_vaddr;   // 10
  le64 p_paddr;   // 18
  le64 p_filesz;  // 20
  le64 p_memsz;   // 28
  le64 p_align;   // 30
};
static_assert(sizeof(Elf64ProgramHeader) == 56 && Wire<Elf64ProgramHeader>);

// A checked PT_LOAD header, where it came from, and its bytes in the file.
struct Load {
  Elf64ProgramHeader header;
  Bytes data;
};

// A segment with the virtual address it was linked at, which only the entry point needs.
struct Segment {
  KernelSegment physical;
  std::uint64_t vaddr;
};

Result<Elf64Header> read_header(Bytes file) {
  const Elf64Header header = TRY(read_at<Elf64Header>(file, 0, "the ELF header"));
  if (header.e_ident[4] != kClass64 || header.e_ident[5] != kLittleEndian ||
      header.e_machine != kMachineX86_64)
    return fail("this is {}, and an ELF64 kernel for x86_64 is needed", probe(file).description);
  const std::uint16_t type = header.e_type;
  if (type == kSharedObject)
    return fail_at(16,
                   "the file is position-independent (ET_DYN), so it has no physical addresses: link it with "
                   "-no-pie at a fixed address");
  if (type == kRelocatable)
    return fail_at(
        16,
        "the file is an object file or a module (ET_REL), which is not linked yet: give the linked "
        "kernel, vmlinux");
  if (type != kExecutable) return fail_at(16, "the ELF type is {}, and a kernel has type 2 (ET_EXEC)", type);
  if (header.e_phnum == 0)
    return fail_at(
        56, "there are no program headers, so nothing would be loaded: link the kernel as an executable");
  if (header.e_phentsize != sizeof(Elf64ProgramHeader))
    return fail_at(54, "program headers of {} bytes are not those of ELF64, which have {}",
                   header.e_phentsize.value(), sizeof(Elf64ProgramHeader));
  if (header.e_phnum == kManyHeaders)
    return fail_at(56, "there are {} program headers or more, and a kernel has at most {}", kManyHeaders,
                   kMaxSegments);
  return header;
}

// `at` is where the header is in the file.
Result<Load> read_load(Bytes file, std::uint64_t at, const Elf64ProgramHeader& header) {
  const std::uint64_t offset = header.p_offset;
  const std::uint64_t file_size = header.p_filesz;
  const std::uint64_t memory_size = header.p_memsz;
  const std::uint64_t address = header.p_paddr;
  if (file_size > memory_size)
    return fail_at(at,
                   "the segment has {:#x} bytes in the file and only {:#x} in memory: the file is damaged",
                   file_size, memory_size);
  const std::uint64_t end = checked_add(offset, file_size).value_or(~std::uint64_t{0});
  // Where a segment without bytes would have them means nothing.
  if (file_size != 0 && end > file.size())
    return fail_at(at, "the segment ends at {:#x} in the file, and the file ends at {:#x}: it is cut short",
                   end, file.size());
  if (checked_add(address, memory_size).value_or(~std::uint64_t{0}) > kPhysicalEnd)
    return fail_at(
        at,
        "the segment's {:#x} bytes at physical address {:#x} end past {:#x}, where x86_64's physical "
        "addresses end: link it at a lower address",
        memory_size, address, kPhysicalEnd);
  return Load{header, file_size == 0 ? Bytes() : file.subspan(offset, file_size)};
}

Result<std::vector<Load>> read_loads(Bytes file, const Elf64Header& header) {
  const std::uint64_t count = header.e_phnum;
  const Bytes table = TRY(with_context(
      slice(file, header.e_phoff, count * sizeof(Elf64ProgramHeader), "the program header table"),
      "ELF header"));
  std::vector<Load> loads;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t position = i * sizeof(Elf64ProgramHeader);
    const auto entry = TRY(read_at<Elf64ProgramHeader>(table, position, "a program header"));
    if (entry.p_type != kLoad) continue;
    const Load load = TRY(with_context(read_load(file, header.e_phoff + position, entry),
                                       fmt::format("ELF program header {}", i)));
    if (entry.p_memsz != 0U) loads.push_back(load);
  }
  if (loads.empty())
    return with_context<std::vector<Load>>(
        fail("none is a PT_LOAD, so nothing would be loaded: link the kernel as an executable"),
        "ELF program headers");
  if (loads.size() > kMaxSegments)
    return with_context<std::vector<Load>>(
        fail("{} of them are loadable segments, and a kernel has at most {}", loads.size(), kMaxSegments),
        "ELF program headers");
  return loads;
}

// The ELF file that LIEF gets to see: the header, and the loadable program headers without the bytes they
// name.
std::vector<std::uint8_t> without_contents(Elf64Header header, const std::vector<Load>& loads) {
  header.e_phoff = std::uint64_t{sizeof(Elf64Header)};
  header.e_phnum = static_cast<std::uint16_t>(loads.size());
  header.e_shoff = std::uint64_t{0};
  header.e_shnum = std::uint16_t{0};
  header.e_shstrndx = std::uint16_t{0};
  Buffer small;
  small.put(header);
  for (const Load& load : loads) {
    Elf64ProgramHeader entry = load.header;
    entry.p_offset = std::uint64_t{0};
    entry.p_filesz = std::uint64_t{0};
    small.put(entry);
  }
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
Result<std::vector<Segment>> make_segments(const std::vector<Load>& loads, LIEF::ELF::Binary& binary) {
  std::vector<Segment> segments;
  for (const LIEF::ELF::Segment& parsed : binary.segments()) {
    if (segments.size() == loads.size()) return fail("the ELF file is damaged");
    const Load& load = loads[segments.size()];
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
      return fail("two segments overlap in physical memory: {:#x}-{:#x} and {:#x}-{:#x}", before.gpa,
                  before.gpa + before.memory_size - 1, after.gpa, after.gpa + after.memory_size - 1);
  }
  return segments;
}

// The physical address of the entry point. Linux states a physical one; other kernels the virtual one they
// were linked at. It must be in bytes of the file: what is zero-filled holds no instruction.
Result<std::uint64_t> physical_entry(std::uint64_t entry, const std::vector<Segment>& segments) {
  for (const Segment& segment : segments)
    if (entry >= segment.physical.gpa && entry - segment.physical.gpa < segment.physical.data.size())
      return entry;
  for (const Segment& segment : segments)
    if (entry >= segment.vaddr && entry - segment.vaddr < segment.physical.data.size())
      return segment.physical.gpa + (entry - segment.vaddr);
  return fail_at(24,
                 "the entry point {:#x} is in no segment's bytes, neither by physical nor by virtual address",
                 entry);
}

// Linux's banner, init/version.c: "Linux version 6.1.0 (builder) (compiler) #1 SMP ...". Text from a file
// goes to terminals and reports, so it ends at the first character that is not printable.
std::optional<std::string> find_banner(Bytes bytes) {
  constexpr std::string_view kBanner = "Linux version ";
  constexpr std::size_t kLongest = 512;
  // A segment without bytes has no pointer either, which memmem() does not take.
  while (bytes.size() > kBanner.size()) {
    const void* hit = memmem(bytes.data(), bytes.size(), kBanner.data(), kBanner.size());
    if (hit == nullptr) break;
    bytes = bytes.subspan(static_cast<std::size_t>(static_cast<const std::uint8_t*>(hit) - bytes.data()) +
                          kBanner.size());
    if (bytes.empty() || bytes[0] < '0' || bytes[0] > '9') continue;
    const Bytes line = bytes.first(std::min(bytes.size(), kLongest));
    const auto end =
        std::find_if(line.begin(), line.end(), [](std::uint8_t c) { return c < 0x20 || c > 0x7E; });
    return std::string(line.begin(), end);
  }
  return std::nullopt;
}

}  // namespace

Result<Kernel> load_elf_kernel(Bytes file) {
  const Elf64Header header = TRY(with_context(read_header(file), "ELF header"));
  const std::vector<Load> loads = TRY(read_loads(file, header));
  const auto binary = TRY(with_context(parse(without_contents(header, loads)), "ELF header"));
  const std::vector<Segment> segments =
      TRY(with_context(make_segments(loads, *binary), "ELF program headers"));
  Kernel kernel;
  kernel.arch = Arch::x86_64;
  kernel.format = "ELF64";
  kernel.entry = TRY(with_context(physical_entry(binary->header().entrypoint(), segments), "ELF header"));
  for (const Segment& segment : segments) kernel.segments.push_back(segment.physical);
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
