#include "formats/efi.h"

#include <cstring>

#include "support/test_main.h"

namespace tintype::efi {
namespace {

using File = std::vector<std::uint8_t>;

File file_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

// The CRC-32 of UEFI 2.10, 4.2.1 bit by bit, as the polynomial defines it.
std::uint32_t slow_crc32(Bytes bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

SystemTable table_of(std::uint64_t vendor) {
  SystemTable table;
  std::memset(static_cast<void*>(&table), 0, sizeof(table));
  table.Hdr.Signature = kSystemTableSignature;
  table.Hdr.Revision = kRevision2_10;
  table.Hdr.HeaderSize = std::uint32_t{sizeof(table)};
  table.FirmwareVendor = vendor;
  return table;
}

TEST_CASE("the checksum is the well-known CRC-32") {
  CHECK(crc32({}) == 0);
  CHECK(crc32(bytes_of("123456789")) == 0xCBF43926);
  CHECK(crc32(bytes_of("123456789")) == slow_crc32(bytes_of("123456789")));
}

TEST_CASE("a system table's checksum is that of its bytes with the field zero") {
  for (const std::uint64_t vendor : {std::uint64_t{0}, std::uint64_t{0x40200000}, ~std::uint64_t{0}}) {
    const SystemTable table = sealed(table_of(vendor));
    File bytes = file_of(bytes_of(table));
    for (std::size_t i = 16; i < 20; ++i) bytes[i] = 0;
    CHECK(table.Hdr.CRC32 == slow_crc32(bytes));
    CHECK(file_of(bytes_of(sealed(table))) == file_of(bytes_of(table)));
  }
  CHECK(sealed(table_of(1)).Hdr.CRC32 != sealed(table_of(2)).Hdr.CRC32);
}

TEST_CASE("a system table begins with its signature and revision") {
  const SystemTable table = table_of(0x1122334455667788);
  const File bytes = file_of(bytes_of(table));
  CHECK(File(bytes.begin(), bytes.begin() + 16) ==
        File{'I', 'B', 'I', ' ', 'S', 'Y', 'S', 'T', 100, 0, 2, 0, 120, 0, 0, 0});
  CHECK(File(bytes.begin() + 24, bytes.begin() + 32) == File{0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11});
}

TEST_CASE("GUIDs are stored as EFI stores them") {
  // UEFI 2.10, 4.6.1, and Linux's include/linux/efi.h, in the byte order of Appendix A.
  CHECK(file_of(bytes_of(kAcpi20Table)) == File{0x71, 0xE8, 0x68, 0x88, 0xF1, 0xE4, 0xD3, 0x11,  //
                                                0xBC, 0x22, 0x00, 0x80, 0xC7, 0x3C, 0x88, 0x81});
  CHECK(file_of(bytes_of(kSmbios3Table)) == File{0x44, 0x15, 0xFD, 0xF2, 0x94, 0x97, 0x2C, 0x4A,  //
                                                 0x99, 0x2E, 0xE5, 0xBB, 0xCF, 0x20, 0xE3, 0x94});
  CHECK(file_of(bytes_of(kRtPropertiesTable)) == File{0x8A, 0x91, 0x66, 0xEB, 0xEF, 0x7E, 0x2A, 0x40,  //
                                                      0x84, 0x2E, 0x93, 0x1D, 0x21, 0xC3, 0x8A, 0xE9});
  CHECK(file_of(bytes_of(kLinuxRandomSeedTable)) == File{0xBC, 0xE5, 0xE1, 0x1C, 0xEB, 0x7C, 0xF2, 0x42,  //
                                                         0x81, 0xE5, 0x8A, 0xAD, 0xF1, 0x80, 0xF5, 0x7B});
  CHECK(file_of(bytes_of(kLinuxMemReserveTable)) == File{0xC6, 0xB0, 0x8E, 0x88, 0xDE, 0x8E, 0xF5, 0x4F,  //
                                                         0xA8, 0xF0, 0x9A, 0xEE, 0x5C, 0xB9, 0x77, 0xC2});
}

TEST_CASE("text is UTF-16 with its NUL") {
  CHECK(utf16_of("") == File{0, 0});
  CHECK(utf16_of("Az") == File{'A', 0, 'z', 0, 0, 0});
}

TEST_CASE("a descriptor counts pages of 4 KiB and lets memory be cached") {
  const MemoryDescriptor found = descriptor(kAcpiReclaimMemory, {0x40001000, 0x40004000});
  CHECK(file_of(bytes_of(found)) == File{9, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x10, 0x00, 0x40, 0, 0, 0, 0,  //
                                         0, 0, 0, 0, 0, 0, 0, 0, 3,    0,    0,    0,    0, 0, 0, 0,  //
                                         8, 0, 0, 0, 0, 0, 0, 0});
  CHECK(descriptor(kConventionalMemory, {kGiB, kGiB + kTiB}).NumberOfPages == kTiB / 4096);
}

}  // namespace
}  // namespace tintype::efi
