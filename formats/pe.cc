// PE images, through LIEF. LIEF copies what it is given and follows every table that a header names; so this
// file checks the headers itself and shows LIEF nothing but the machine, and the sections' names and sizes.
// Microsoft, PE Format; UEFI 2.10, 2.1.1 "UEFI Images".
#include "formats/pe.h"

#include <LIEF/PE.hpp>
#include <algorithm>
#include <array>
#include <exception>
#include <memory>

namespace tintype {

namespace {

constexpr std::uint16_t kDosMagic = 0x5A4D;      // "MZ"
constexpr std::uint32_t kPeSignature = 0x4550;   // "PE\0\0"
constexpr std::uint16_t kMagic32 = 0x10B;        // PE32
constexpr std::uint16_t kMagic64 = 0x20B;        // PE32+
constexpr std::uint64_t kMinOptionalSize = 112;  // up to the data directories

// PE Format, "MS-DOS Stub": of the DOS header, only the way to the PE header matters.
struct DosHeader {
  le16 e_magic;                         // 00
  std::array<std::uint8_t, 58> unused;  // 02
  le32 e_lfanew;                        // 3C
};
static_assert(sizeof(DosHeader) == 64 && Wire<DosHeader>);

// PE Format, "Signature" and "COFF File Header".
struct PeHeader {
  le32 Signature;             // 00
  le16 Machine;               // 04
  le16 NumberOfSections;      // 06
  le32 TimeDateStamp;         // 08
  le32 PointerToSymbolTable;  // 0C
  le32 NumberOfSymbols;       // 10
  le16 SizeOfOptionalHeader;  // 14
  le16 Characteristics;       // 16
};
static_assert(sizeof(PeHeader) == 24 && Wire<PeHeader>);

// PE Format, "Optional Header": for PE32+, with all 16 data directories.
struct OptionalHeader {
  le16 Magic;                          // 00
  std::array<std::uint8_t, 238> rest;  // 02
};
static_assert(sizeof(OptionalHeader) == 240 && Wire<OptionalHeader>);

// PE Format, "Section Table".
struct SectionHeader {
  std::array<std::uint8_t, 8> Name;  // 00
  le32 VirtualSize;                  // 08
  le32 VirtualAddress;               // 0C
  le32 SizeOfRawData;                // 10
  le32 PointerToRawData;             // 14
  le32 PointerToRelocations;         // 18
  le32 PointerToLinenumbers;         // 1C
  le16 NumberOfRelocations;          // 20
  le16 NumberOfLinenumbers;          // 22
  le32 Characteristics;              // 24
};
static_assert(sizeof(SectionHeader) == 40 && Wire<SectionHeader>);

// A checked PE header and where it is in the file.
struct Header {
  PeHeader fields;
  std::uint64_t offset;
};

Result<Header> read_header(Bytes file) {
  const auto dos = TRY(read_at<DosHeader>(file, 0, "the DOS header"));
  if (dos.e_magic != kDosMagic)
    return fail_at(0, "the file does not begin with 'MZ', as every PE file does: it is something else");
  const std::uint64_t offset = dos.e_lfanew;
  if (offset < sizeof(DosHeader))
    return fail_at(0x3C,
                   "the PE header is said to be at {:#x}, inside the DOS header's {:#x} bytes: the file is "
                   "damaged",
                   offset, sizeof(DosHeader));
  const auto fields = TRY(read_at<PeHeader>(file, offset, "the PE header"));
  if (fields.Signature != kPeSignature)
    return fail_at(offset, "there is no 'PE' signature at {:#x}: this is a DOS program, and not a PE file",
                   offset);
  return Header{fields, offset};
}

// Refuses what is not the optional header of a 64-bit image; takes nothing from it.
Result<void> check_optional_header(Bytes file, const Header& header) {
  const std::uint64_t size = header.fields.SizeOfOptionalHeader;
  const std::uint64_t offset = header.offset + sizeof(PeHeader);
  if (size == 0)
    return fail_at(header.offset + 0x14,
                   "there is no optional header, so this is an object file: link it as an EFI program");
  TRY(slice(file, offset, size, "the optional header"));
  const std::uint16_t magic = TRY(read_at<le16>(file, offset, "the optional header's magic number"));
  if (magic == kMagic32)
    return fail_at(offset, "the image is a 32-bit one (PE32), and a 64-bit one (PE32+) is needed");
  if (magic != kMagic64)
    return fail_at(offset, "the optional header's magic number is {:#x}, and PE32+ has {:#x}", magic,
                   kMagic64);
  if (size < kMinOptionalSize)
    return fail_at(header.offset + 0x14,
                   "the optional header has {} bytes, and that of PE32+ at least {}: the file is damaged",
                   size, kMinOptionalSize);
  return {};
}

Result<std::vector<SectionHeader>> read_table(Bytes file, const Header& header) {
  const std::uint64_t count = header.fields.NumberOfSections;
  if (count == 0)
    return fail_at(header.offset + 6, "there are no sections, so the image holds nothing: it is damaged");
  if (count > kMaxPeSections)
    return fail_at(header.offset + 6, "there are {} sections, and an image has at most {}: it is damaged",
                   count, kMaxPeSections);
  const std::uint64_t offset = header.offset + sizeof(PeHeader) + header.fields.SizeOfOptionalHeader;
  const Bytes bytes = TRY(slice(file, offset, count * sizeof(SectionHeader), "the section table"));
  std::vector<SectionHeader> table;
  for (std::uint64_t i = 0; i < count; ++i)
    table.push_back(TRY(read_at<SectionHeader>(bytes, i * sizeof(SectionHeader), "a section header")));
  return table;
}

// The image that LIEF gets to see: every section's name and size in memory, and zeroes for all that points
// somewhere.
std::vector<std::uint8_t> without_contents(const PeHeader& header, const std::vector<SectionHeader>& table) {
  Buffer small;
  small.put(DosHeader{.e_magic = kDosMagic, .unused = {}, .e_lfanew = std::uint32_t{sizeof(DosHeader)}});
  small.put(PeHeader{.Signature = kPeSignature,
                     .Machine = header.Machine,
                     .NumberOfSections = header.NumberOfSections,
                     .TimeDateStamp = std::uint32_t{0},
                     .PointerToSymbolTable = std::uint32_t{0},
                     .NumberOfSymbols = std::uint32_t{0},
                     .SizeOfOptionalHeader = std::uint16_t{sizeof(OptionalHeader)},
                     .Characteristics = std::uint16_t{0}});
  small.put(OptionalHeader{.Magic = kMagic64, .rest = {}});
  for (const SectionHeader& section : table)
    small.put(SectionHeader{.Name = section.Name,
                            .VirtualSize = section.VirtualSize,
                            .VirtualAddress = std::uint32_t{0},
                            .SizeOfRawData = std::uint32_t{0},
                            .PointerToRawData = std::uint32_t{0},
                            .PointerToRelocations = std::uint32_t{0},
                            .PointerToLinenumbers = std::uint32_t{0},
                            .NumberOfRelocations = std::uint16_t{0},
                            .NumberOfLinenumbers = std::uint16_t{0},
                            .Characteristics = std::uint32_t{0}});
  return std::move(small.bytes());
}

// What LIEF makes of the headers. LIEF throws.
Result<std::unique_ptr<LIEF::PE::Binary>> parse(const std::vector<std::uint8_t>& headers) {
  try {
    std::unique_ptr<LIEF::PE::Binary> binary = LIEF::PE::Parser::parse(headers);
    if (!binary) return fail("the PE file is damaged");
    return binary;
  } catch (const std::exception& error) {
    return fail("the PE file is damaged: {}", error.what());
  }
}

// `at` is where the section's header is in the file.
Result<PeSection> make_section(Bytes file, const LIEF::PE::Section& parsed, const SectionHeader& header,
                               std::uint64_t at) {
  PeSection section;
  section.name = parsed.name().c_str();  // up to the first NUL
  std::replace_if(
      section.name.begin(), section.name.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  section.memory_size = parsed.virtual_size();
  const std::uint64_t size = std::min<std::uint64_t>(section.memory_size, header.SizeOfRawData);
  // Where a section without bytes would have them means nothing.
  if (size == 0) return section;
  section.offset = header.PointerToRawData;
  if (section.offset + size > file.size())
    return fail_at(at, "PE section {} ends at {:#x} in the file, and the file ends at {:#x}: it is cut short",
                   section.name, section.offset + size, file.size());
  section.data = file.subspan(section.offset, size);
  return section;
}

}  // namespace

Result<PeFile> read_pe(Bytes file) {
  const Header header = TRY(with_context(read_header(file), "PE header"));
  TRY(with_context(check_optional_header(file, header), "PE header"));
  const std::vector<SectionHeader> table = TRY(with_context(read_table(file, header), "PE header"));
  const auto binary = TRY(with_context(parse(without_contents(header.fields, table)), "PE header"));
  const std::uint64_t first = header.offset + sizeof(PeHeader) + header.fields.SizeOfOptionalHeader;
  PeFile pe;
  pe.machine = header.fields.Machine;
  for (const LIEF::PE::Section& parsed : binary->sections()) {
    const std::uint64_t i = pe.sections.size();
    if (i == table.size()) break;
    pe.sections.push_back(TRY(make_section(file, parsed, table[i], first + i * sizeof(SectionHeader))));
  }
  if (pe.sections.size() != table.size() || binary->sections().size() != table.size())
    return fail("PE header: the section table is damaged");
  return pe;
}

}  // namespace tintype
