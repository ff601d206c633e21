// System V ABI, "Object Files", and its x86-64 and i386 supplements.
#include "formats/kernel_elf_headers.h"

#include <algorithm>
#include <array>

#include "formats/gpa.h"
#include "formats/kernel.h"
#include "formats/kernel_arm64.h"

namespace tintype {

namespace {

constexpr std::uint8_t kClass32 = 1;
constexpr std::uint8_t kClass64 = 2;
constexpr std::uint8_t kLittleEndian = 1;
constexpr std::uint8_t kBigEndian = 2;
constexpr std::uint16_t kRelocatable = 1;       // ET_REL
constexpr std::uint16_t kExecutable = 2;        // ET_EXEC
constexpr std::uint16_t kSharedObject = 3;      // ET_DYN
constexpr std::uint16_t kManyHeaders = 0xFFFF;  // PN_XNUM
// Linux has four or five. This many is a mistake, and would make the region list of a snapshot unreadable.
constexpr std::size_t kMaxSegments = 128;

// System V ABI, "ELF Header": ELF32
struct Elf32Header {
  std::array<std::uint8_t, 16> e_ident;  // 00
  le16 e_type;                           // 10
  le16 e_machine;                        // 12
  le32 e_version;                        // 14
  le32 e_entry;                          // 18
  le32 e_phoff;                          // 1C
  le32 e_shoff;                          // 20
  le32 e_flags;                          // 24
  le16 e_ehsize;                         // 28
  le16 e_phentsize;                      // 2A
  le16 e_phnum;                          // 2C
  le16 e_shentsize;                      // 2E
  le16 e_shnum;                          // 30
  le16 e_shstrndx;                       // 32
};
static_assert(sizeof(Elf32Header) == 52 && Wire<Elf32Header>);

// System V ABI, "Program Header": ELF32
struct Elf32ProgramHeader {
  le32 p_type;    // 00
  le32 p_offset;  // 04
  le32 p_vaddr;   // 08
  le32 p_paddr;   // 0C
  le32 p_filesz;  // 10
  le32 p_memsz;   // 14
  le32 p_flags;   // 18
  le32 p_align;   // 1C
};
static_assert(sizeof(Elf32ProgramHeader) == 32 && Wire<Elf32ProgramHeader>);

// The two classes differ in the offsets of their fields, which messages name.
struct Class64 {
  using Header = Elf64Header;
  using ProgramHeader = Elf64ProgramHeader;
  static constexpr std::string_view kName = "ELF64";
};
struct Class32 {
  using Header = Elf32Header;
  using ProgramHeader = Elf32ProgramHeader;
  static constexpr std::string_view kName = "ELF32";
};

template <typename Class>
Result<void> check_header(const typename Class::Header& header) {
  using Header = typename Class::Header;
  const std::uint16_t type = header.e_type;
  // Linux for AArch64 is linked like this where it relocates itself; its Image header says that it may lie
  // anywhere.
  const bool may_move = header.e_machine == kElfAarch64;
  if (type == kSharedObject && !may_move)
    return fail_at(16,
                   "the file is position-independent (ET_DYN), so it has no physical addresses: link it with "
                   "-no-pie at a fixed address");
  if (type == kRelocatable)
    return fail_at(
        16,
        "the file is an object file or a module (ET_REL), which is not linked yet: give the linked "
        "kernel, vmlinux");
  if (type != kExecutable && type != kSharedObject)
    return fail_at(
        16, "the ELF type is {}, and a kernel has type 2 (ET_EXEC): give the linked kernel, vmlinux", type);
  if (header.e_phnum == 0)
    return fail_at(
        offsetof(Header, e_phnum),
        "there are no program headers, so nothing would be loaded: link the kernel as an executable");
  if (header.e_phentsize != sizeof(typename Class::ProgramHeader))
    return fail_at(offsetof(Header, e_phentsize),
                   "program headers of {} bytes are not those of {}, which have {}: the file is damaged",
                   header.e_phentsize.value(), Class::kName, sizeof(typename Class::ProgramHeader));
  if (header.e_phnum == kManyHeaders)
    return fail_at(offsetof(Header, e_phnum),
                   "there are {} program headers or more, and a kernel has at most {}", kManyHeaders,
                   kMaxSegments);
  return {};
}

// Where memory ends for a loadable segment.
Result<void> check_end(std::uint16_t machine, std::uint64_t address, std::uint64_t memory_size,
                       std::uint64_t at) {
  const std::uint64_t end = checked_add(address, memory_size).value_or(~std::uint64_t{0});
  if (machine == kElfAarch64 && end == ~std::uint64_t{0})
    return fail_at(at,
                   "the segment's {:#x} bytes at address {:#x} run past the last address, {:#x}: the file is "
                   "damaged",
                   memory_size, address, end);
  if (machine != kElfAarch64 && end > kPhysicalEnd)
    return fail_at(
        at,
        "the segment's {:#x} bytes at physical address {:#x} end past {:#x}, where x86_64's physical "
        "addresses end: link it at a lower address",
        memory_size, address, kPhysicalEnd);
  return {};
}

// `at` is where the header is in the file.
template <typename ProgramHeader>
Result<ElfSegmentHeader> read_segment(Bytes file, std::uint64_t at, std::uint64_t index,
                                      const ProgramHeader& header, std::uint16_t machine) {
  const std::uint64_t offset = header.p_offset;
  const std::uint64_t file_size = header.p_filesz;
  const std::uint64_t memory_size = header.p_memsz;
  const std::uint64_t address = header.p_paddr;
  const bool loaded = header.p_type == kElfLoad;
  if (loaded && file_size > memory_size)
    return fail_at(at,
                   "the segment has {:#x} bytes in the file and only {:#x} in memory: the file is damaged",
                   file_size, memory_size);
  const std::uint64_t end = checked_add(offset, file_size).value_or(~std::uint64_t{0});
  // Where a segment without bytes would have them means nothing.
  if (file_size != 0 && end > file.size())
    return fail_at(at, "the segment ends at {:#x} in the file, and the file ends at {:#x}: it is cut short",
                   end, file.size());
  if (loaded) TRY(check_end(machine, address, memory_size, at));
  return ElfSegmentHeader{.at = at,
                          .index = index,
                          .type = header.p_type,
                          .vaddr = header.p_vaddr,
                          .paddr = address,
                          .memory_size = memory_size,
                          .alignment = header.p_align,
                          .offset = offset,
                          .data = file_size == 0 ? Bytes() : file.subspan(offset, file_size)};
}

Result<void> check_loads(const std::vector<ElfSegmentHeader>& segments) {
  const auto loads = std::count_if(segments.begin(), segments.end(),
                                   [](const ElfSegmentHeader& segment) { return segment.type == kElfLoad; });
  if (loads == 0)
    return fail("none is a PT_LOAD, so nothing would be loaded: link the kernel as an executable");
  if (static_cast<std::size_t>(loads) > kMaxSegments)
    return fail("{} of them are loadable segments, and a kernel has at most {}", loads, kMaxSegments);
  return {};
}

template <typename Class>
Result<ElfHeaders> read_class(Bytes file) {
  using Header = typename Class::Header;
  using ProgramHeader = typename Class::ProgramHeader;
  const auto header = TRY(with_context(read_at<Header>(file, 0, "the ELF header"), "ELF header"));
  TRY(with_context(check_header<Class>(header), "ELF header"));
  ElfHeaders headers;
  headers.is64 = sizeof(Header) == sizeof(Elf64Header);
  headers.machine = header.e_machine;
  headers.position_independent = header.e_type == kSharedObject;
  headers.entry = header.e_entry;
  const std::uint64_t table_offset = header.e_phoff;
  const std::uint64_t table_size = std::uint64_t{header.e_phnum} * sizeof(ProgramHeader);
  const Bytes table =
      TRY(with_context(slice(file, table_offset, table_size, "the program header table"), "ELF header"));
  headers.file_end = table_offset + table_size;
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    const auto entry = TRY(read_at<ProgramHeader>(table, i * sizeof(ProgramHeader), "a program header"));
    if (entry.p_type != kElfLoad && entry.p_type != kElfNote) continue;
    const ElfSegmentHeader segment = TRY(
        with_context(read_segment(file, table_offset + i * sizeof(ProgramHeader), i, entry, headers.machine),
                     fmt::format("ELF program header {}", i)));
    if (!segment.data.empty())
      headers.file_end = std::max<std::uint64_t>(headers.file_end, entry.p_offset + segment.data.size());
    if (segment.type == kElfNote || segment.memory_size != 0) headers.segments.push_back(segment);
  }
  TRY(with_context(check_loads(headers.segments), "ELF program headers"));
  // Nothing here reads the section headers; a file without room for them has none.
  const std::uint64_t sections = std::uint64_t{header.e_shnum} * header.e_shentsize;
  const std::uint64_t sections_end = checked_add(header.e_shoff, sections).value_or(~std::uint64_t{0});
  if (sections != 0 && sections_end <= file.size())
    headers.file_end = std::max(headers.file_end, sections_end);
  return headers;
}

}  // namespace

Result<ElfHeaders> read_elf_headers(Bytes file) {
  const FileProbe found = probe(file);
  const bool is64 = found.kind == FileKind::elf64;
  const bool ours =
      (is64 && (found.elf_machine == kElfX86_64 || found.elf_machine == kElfAarch64)) ||
      (found.kind == FileKind::elf32 && (found.elf_machine == kElf386 || found.elf_machine == kElfX86_64));
  // e_ident: the class is that of `kind`; byte order is at 5.
  if (ours && file[5] != kLittleEndian && file[5] != kBigEndian)
    return with_context<ElfHeaders>(
        fail_at(5,
                "the byte order is {}, and ELF has 1 (little-endian) and 2 (big-endian): the file is damaged",
                file[5]),
        "ELF header");
  if (ours && found.elf_machine == kElfAarch64 && file[5] == kBigEndian)
    return with_context<ElfHeaders>(fail_big_endian(5), "ELF header");
  if (!ours || file[4] != (is64 ? kClass64 : kClass32) || file[5] != kLittleEndian)
    return with_context<ElfHeaders>(
        fail("this is {}, and an ELF kernel for x86_64 or AArch64 is needed", found.description),
        "ELF header");
  return is64 ? read_class<Class64>(file) : read_class<Class32>(file);
}

}  // namespace tintype
