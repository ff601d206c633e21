#include "formats/acpi.h"

#include <numeric>

#include "support/test_main.h"

using namespace tintype;

namespace {

unsigned sum(Bytes bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), 0u) & 0xFF;
}

}  // namespace

TEST_CASE("a signature is its name in ASCII") {
  static_assert(acpi::text("FACP") == acpi::TableSignature{'F', 'A', 'C', 'P'});
  static_assert(acpi::text("RSD PTR ").size() == 8);
  CHECK(acpi::text("TNTP") == std::array<std::uint8_t, 4>{0x54, 0x4E, 0x54, 0x50});
}

TEST_CASE("a signature is shown as text, whatever it is made of") {
  CHECK(acpi::signature_text(acpi::text("APIC")) == "APIC");
  CHECK(acpi::signature_text({'A', 0, 0x7F, 0xFF}) == "A???");
}

TEST_CASE("the 32-bit field of a FADT has a DSDT's address if it has room for it") {
  CHECK(acpi::fadt_dsdt(0xE0040) == 0xE0040u);
  CHECK(acpi::fadt_dsdt(0xFFFFFFFF) == 0xFFFFFFFFu);
  CHECK(acpi::fadt_dsdt(0x100000000) == 0u);
}

TEST_CASE("sealing sets length and checksum and nothing else") {
  std::vector<std::uint8_t> table(300, 0xA5);
  table[8] = 6;
  std::vector<std::uint8_t> expected = table;
  acpi::seal(table);
  expected[4] = 300 & 0xFF;
  expected[5] = 300 >> 8;
  expected[6] = expected[7] = 0;
  expected[9] = table[9];
  CHECK(table == expected);
  CHECK(sum(table) == 0);

  acpi::seal(table);  // sealing what is sealed changes nothing
  CHECK(table == std::vector<std::uint8_t>(expected));
}

TEST_CASE("a checksum takes every byte to zero modulo 256") {
  for (unsigned value = 0; value < 256; ++value) {
    const std::vector<std::uint8_t> bytes = {static_cast<std::uint8_t>(value), 1, 2, 0xFF};
    CHECK(((sum(bytes) + acpi::checksum(bytes)) & 0xFF) == 0);
  }
  CHECK(acpi::checksum({}) == 0);
}

TEST_CASE("an RSDP has two checksums, of its first 20 bytes and of all") {
  acpi::Rsdp rsdp = acpi::sealed({.Signature = acpi::kRsdpSignature,
                                  .Checksum = 0xEE,
                                  .OEMID = acpi::text("ABCDEF"),
                                  .Revision = acpi::kRsdpRevision,
                                  .RsdtAddress = 0u,
                                  .Length = 36u,
                                  .XsdtAddress = std::uint64_t{0x123456789ABC},
                                  .ExtendedChecksum = 0xEE,
                                  .Reserved = {}});
  CHECK(sum(bytes_of(rsdp).first(20)) == 0);
  CHECK(sum(bytes_of(rsdp)) == 0);
  CHECK(bytes_of(rsdp)[15] == 2);
  CHECK(rsdp.XsdtAddress == 0x123456789ABC);
}

TEST_CASE("structures lie as the specification's offsets say") {
  CHECK(offsetof(acpi::Fadt, IAPC_BOOT_ARCH) == 109);
  CHECK(offsetof(acpi::Fadt, Flags) == 112);
  CHECK(offsetof(acpi::Fadt, RESET_REG) == 116);
  CHECK(offsetof(acpi::Fadt, FADT_Minor_Version) == 131);
  CHECK(offsetof(acpi::Fadt, X_DSDT) == 140);
  CHECK(offsetof(acpi::Fadt, SLEEP_CONTROL_REG) == 244);
  CHECK(offsetof(acpi::Madt, Flags) == 40);
  CHECK(offsetof(acpi::MadtLocalX2Apic, ACPI_Processor_UID) == 12);
  CHECK(offsetof(acpi::Rsdp, XsdtAddress) == 24);
  CHECK(offsetof(acpi::SratLocalApic, Proximity_Domain_High) == 9);
  CHECK(offsetof(acpi::SratMemory, Base_Address) == 8);
  CHECK(offsetof(acpi::SratMemory, Flags) == 28);
  CHECK(offsetof(acpi::SratLocalX2Apic, X2APIC_ID) == 8);
  CHECK(offsetof(acpi::Slit, Number_of_System_Localities) == 36);
  CHECK(offsetof(acpi::Spcr, Interrupt_Type) == 52);
  CHECK(offsetof(acpi::Spcr, Configured_Baud_Rate) == 58);
  CHECK(offsetof(acpi::Spcr, PCI_Flags) == 71);
  CHECK(offsetof(acpi::Waet, Emulated_Device_Flags) == 36);
}
