// Table files of any bytes: as they are, and with the length and checksum that they should have, since nearly
// every input would end at them otherwise. What is accepted holds what its type promises.
#include "formats/acpi_file.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tintype {
namespace {

void check(Bytes file) {
  const auto table = read_acpi_table(file);
  if (!table) return require(!table.error().what.empty() && table.error().offset.value_or(0) <= file.size());
  require(table->bytes.data() == file.data() && table->bytes.size() == file.size());
  const auto header = read_at<acpi::Header>(table->bytes, 0, "header");
  require(header && header->Length == file.size() && header->Signature == table->signature);
  require(acpi::checksum(table->bytes) == 0);
  for (const std::uint8_t c : table->signature) require(c > 0x20 && c < 0x7F && (c < 'a' || c > 'z'));
  for (const auto refused : {acpi::text("RSDT"), acpi::text("XSDT"), acpi::text("FACS"), acpi::text("FADT"),
                             acpi::text("MADT"), acpi::text("RSDP")})
    require(table->signature != refused);
}

}  // namespace
}  // namespace tintype

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tintype::Bytes file(data, size);
  tintype::check(file);
  if (size < sizeof(tintype::acpi::Header)) return 0;
  std::vector<std::uint8_t> sealed(file.begin(), file.end());
  tintype::acpi::seal(sealed);
  tintype::check(sealed);
  return 0;
}
