#include "formats/acpi_file.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "formats/kernel.h"

namespace tintype {
namespace {

using acpi::TableSignature;

// The specification asks for four ASCII characters; the registered ones are capitals and digits, and one has
// an exclamation mark (ASF!).
bool is_signature(TableSignature signature) {
  return std::ranges::all_of(signature, [](std::uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '!';
  });
}

bool contains(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

// Text that has to do with ACPI: the compiler's and the disassembler's sources, and a dump of all tables.
Result<void> refuse_text(Bytes file) {
  // Enough to get past an opening comment.
  constexpr std::uint64_t kLooked = 64 * kKiB;
  const Bytes start = file.first(std::min<std::uint64_t>(file.size(), kLooked));
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (contains(text, "DefinitionBlock") || contains(text, "Signature :"))
    return fail("this is the source of an ACPI table: compile it with 'iasl FILE' and give the .aml file");
  if (contains(text, " @ 0x"))
    return fail(
        "this is a dump of ACPI tables as text: take it apart with 'acpixtract -a FILE' and give one table "
        "a file");
  return {};
}

// Why a file that is no table by its header is none.
tl::unexpected<Error> not_a_table(Bytes file) {
  const FileProbe found = probe(file);
  if (found.kind == FileKind::text || found.kind == FileKind::script)
    if (const auto refused = refuse_text(file); !refused) return tl::unexpected(refused.error());
  if (found.kind != FileKind::unknown)
    return fail("this is {}, and not an ACPI table: give a compiled table (.aml)", found.description);
  if (file.size() < sizeof(acpi::Header))
    return fail("{} bytes are no ACPI table, whose header alone has {}: give a compiled table (.aml)",
                file.size(), sizeof(acpi::Header));
  return fail_at(0,
                 "the first bytes {:02x} {:02x} {:02x} {:02x} are no ACPI table's signature, four characters "
                 "of A-Z, 0-9 and _: give a compiled table (.aml)",
                 file[0], file[1], file[2], file[3]);
}

// Structures that have a signature and may not be imported, and signatures that people take for others. The
// latter would have the names of our own regions, too.
Result<void> refuse_signature(TableSignature signature) {
  if (signature == acpi::text("RSDT") || signature == acpi::text("XSDT"))
    return fail(
        "this is the {}, which lists the tables of a machine and is composed for this one: leave it out",
        acpi::signature_text(signature));
  if (signature == acpi::text("FACS"))
    return fail("this is a FACS, and a hardware-reduced machine, as this one is, has none: leave it out");
  if (signature == acpi::text("FADT"))
    return fail_at(0, "no table has the signature FADT: that of the FADT is FACP");
  if (signature == acpi::text("MADT"))
    return fail_at(0, "no table has the signature MADT: that of the MADT is APIC");
  if (signature == acpi::text("RSDP"))
    return fail_at(0, "no table has the signature RSDP: the RSDP is composed, leave it out");
  return {};
}

bool starts_a_table(Bytes bytes) {
  const auto header = read_at<acpi::Header>(bytes, 0, "next table");
  return header && is_signature(header->Signature) && header->Length >= sizeof(acpi::Header) &&
         header->Length <= bytes.size();
}

Result<void> check_length(const acpi::Header& header, Bytes file) {
  const std::uint32_t length = header.Length;
  const std::string name = acpi::signature_text(header.Signature);
  if (length == file.size()) return {};
  // Files of some other kinds begin with capitals or digits too.
  const FileKind kind = probe(file).kind;
  if (kind == FileKind::igvm || kind == FileKind::cpio || kind == FileKind::text) return not_a_table(file);
  constexpr std::size_t kWhere = offsetof(acpi::Header, Length);
  if (length < sizeof(acpi::Header))
    return fail_at(kWhere, "table {} says that it has {} bytes, and a header alone has {}: compile it again",
                   name, length, sizeof(acpi::Header));
  if (length > file.size())
    return fail_at(kWhere, "table {} says that it has {} bytes, and the file has {}: it is cut short", name,
                   length, file.size());
  if (starts_a_table(file.subspan(length)))
    return fail_at(kWhere,
                   "table {} has {} bytes, and the file has {}, with another table after it: give each table "
                   "a file of its own",
                   name, length, file.size());
  return fail_at(kWhere, "table {} says that it has {} bytes, and the file has {}: cut off what follows",
                 name, length, file.size());
}

Result<void> check_sum(const acpi::Header& header, Bytes file) {
  const std::uint8_t off = acpi::checksum(file);  // what the sum lacks to zero
  if (off == 0) return {};
  return fail_at(offsetof(acpi::Header, Checksum),
                 "the checksum of table {} is {:#04x} and should be {:#04x}: the file is damaged, or was "
                 "edited without setting it",
                 acpi::signature_text(header.Signature), header.Checksum,
                 static_cast<std::uint8_t>(header.Checksum + off));
}

}  // namespace

Result<AcpiFile> read_acpi_table(Bytes file) {
  constexpr std::string_view kRsdp = "RSD PTR ";
  if (file.size() >= kRsdp.size() && std::ranges::equal(file.first(kRsdp.size()), bytes_of(kRsdp)))
    return fail("this is the RSDP, which is composed for this machine: leave it out");
  const auto header = read_at<acpi::Header>(file, 0, "table header");
  if (!header || !is_signature(header->Signature)) return not_a_table(file);
  TRY(check_length(*header, file));
  TRY(refuse_signature(header->Signature));
  TRY(check_sum(*header, file));
  return AcpiFile{.signature = header->Signature, .bytes = file};
}

}  // namespace tintype
