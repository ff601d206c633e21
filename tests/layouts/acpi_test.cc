// The ACPI tables, judged by ACPICA's compiler and interpreter.
#include "formats/acpi.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "formats/x86.h"
#include "layouts/acpi_table.h"
#include "support/acpica.h"
#include "support/golden.h"
#include "support/test_main.h"

namespace tintype {
namespace {

struct Tables {
  std::map<std::string, std::vector<std::uint8_t>> bytes;  // by name of the region, without "acpi."
  std::map<std::string, GpaRange> ranges;
  MemoryMap memory;
};

// The first window of linux-x86_64, and the second.
constexpr GpaRange kBios = {x86::kBiosStart, x86::kSmbiosStart};
constexpr GpaRange kLow = {0x2000, x86::kLowRamEnd};

// The tables of a machine with `cpus` processors, which may lie in `bios` and then in low RAM.
Tables tables_of(std::uint32_t cpus, GpaRange bios = kBios) {
  const Machine machine = {.arch = Arch::x86_64, .memory = 512 * kMiB, .cpus = cpus, .protocol = "test"};
  LayoutPlan plan(memory_map_of(machine), memory_map_of(machine));
  REQUIRE_OK(add_acpi({.machine = machine}, x86::kRsdp, {bios, kLow}, plan));
  REQUIRE_OK(plan.place());
  Arena arena;
  Tables tables;
  for (const PlacedRegion& region : plan.realize(arena)) {
    REQUIRE(region.name.starts_with("acpi."));
    const std::string name = region.name.substr(5);
    for (const Bytes piece : region.pieces)
      tables.bytes[name].insert(tables.bytes[name].end(), piece.begin(), piece.end());
    tables.ranges[name] = region.range;
  }
  tables.memory = plan.addresses().memory();
  return tables;
}

template <Wire T>
T read(const std::vector<std::uint8_t>& bytes, std::uint64_t offset = 0) {
  const auto value = read_at<T>(bytes, offset, "table");
  REQUIRE_OK(value);
  return *value;
}

unsigned sum(Bytes bytes) {
  unsigned total = 0;
  for (const std::uint8_t byte : bytes) total += byte;
  return total & 0xFF;
}

// What the disassembler says of the table, without its own version, the time, and file names.
std::string stable(const std::string& source) {
  std::istringstream lines(source);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const bool unstable = line.find("AML/ASL+ Disassembler") != std::string::npos ||
                          line.find("Copyright") != std::string::npos ||
                          line.find("Disassembly of") != std::string::npos ||
                          line.find("Intel ACPI Component") != std::string::npos;
    if (!unstable) text += line + "\n";
  }
  return text;
}

TEST_CASE("every table is found from the RSDP, and its bytes sum to zero") {
  for (const std::uint32_t cpus : {1u, 2u, 255u, 256u, 1024u}) {
    CAPTURE(cpus);
    const Tables tables = tables_of(cpus);
    CHECK(tables.ranges.at("rsdp").start == 0xE0000);
    const auto rsdp = read<acpi::Rsdp>(tables.bytes.at("rsdp"));
    CHECK(sum(bytes_of(rsdp).first(20)) == 0);
    CHECK(sum(bytes_of(rsdp)) == 0);
    CHECK(rsdp.Revision == 2);
    CHECK(rsdp.XsdtAddress == tables.ranges.at("xsdt").start);
    for (const auto& table : tables.bytes) {
      const std::string& name = table.first;
      const auto& bytes = table.second;
      if (name == "rsdp") continue;
      CAPTURE(name);
      CHECK(sum(bytes) == 0);
      CHECK(read<acpi::Header>(bytes).Length == bytes.size());
    }
    const auto& xsdt = tables.bytes.at("xsdt");
    REQUIRE(xsdt.size() == sizeof(acpi::Header) + 16);
    CHECK(read<le64>(xsdt, 36) == tables.ranges.at("fadt").start);
    CHECK(read<le64>(xsdt, 44) == tables.ranges.at("madt").start);
    CHECK(read<acpi::Fadt>(tables.bytes.at("fadt")).X_DSDT == tables.ranges.at("dsdt").start);
  }
}

TEST_CASE("the tables of 1024 processors lie in the BIOS window, below what is kept for SMBIOS") {
  for (const std::uint32_t cpus : {1u, 1024u}) {
    const Tables tables = tables_of(cpus);
    CHECK(tables.ranges.size() == 5);
    for (const auto& table : tables.ranges) {
      CAPTURE(table.first);
      CHECK(GpaRange{0xE0000, 0xF0000}.contains(table.second));
    }
    // The window is reserved to the guest as it is; no RAM is lost.
    CHECK(tables.memory.covers({0xE0000, 0x100000}, MemoryType::reserved));
    CHECK(tables.memory.covers({0, 0xA0000}, MemoryType::ram));
  }
}

TEST_CASE("tables that find no room there lie below 640 KiB, in pages that the map calls ACPI data") {
  // Room for the RSDP alone, and for the small tables: the others share pages in low RAM, and cross them.
  for (const std::uint64_t room : {0x40u, 0x1000u}) {
    CAPTURE(room);
    const Tables tables = tables_of(1024, {x86::kBiosStart, x86::kBiosStart + room});
    std::size_t low = 0;
    for (const auto& table : tables.ranges) {
      CAPTURE(table.first);
      if (kBios.contains(table.second)) continue;
      ++low;
      CHECK(GpaRange{0x2000, 0xA0000}.contains(table.second));
      CHECK(tables.memory.covers(table.second.to_pages(), MemoryType::acpi_data));
    }
    CHECK(low == (room == 0x40 ? 4 : 1));
  }
}

TEST_CASE("the FADT describes a machine without fixed hardware") {
  const auto fadt = read<acpi::Fadt>(tables_of(1).bytes.at("fadt"));
  CHECK((fadt.Flags & (1u << 20)) != 0);  // HW_REDUCED_ACPI
  CHECK((fadt.Flags & (1u << 10)) != 0);  // RESET_REG_SUP
  CHECK(fadt.IAPC_BOOT_ARCH == ((1u << 2) | (1u << 5)));
  CHECK(fadt.RESET_REG.Address == 0x602U);
  CHECK(fadt.RESET_VALUE == 1);
  CHECK(fadt.SLEEP_CONTROL_REG.Address == 0x600U);
  CHECK(fadt.SLEEP_STATUS_REG.Address == 0x601U);
  for (const acpi::GenericAddress& gas : {fadt.RESET_REG, fadt.SLEEP_CONTROL_REG, fadt.SLEEP_STATUS_REG}) {
    CHECK(gas.AddressSpaceID == 1);  // system I/O
    CHECK(gas.RegisterBitWidth == 8);
  }
}

TEST_CASE("the MADT has a structure for each processor, of the kind that its APIC ID needs") {
  for (const std::uint32_t cpus : {1u, 2u, 255u, 256u, 300u, 1024u}) {
    CAPTURE(cpus);
    const auto madt = tables_of(cpus).bytes.at("madt");
    std::uint32_t narrow = 0, wide = 0, io = 0;
    std::uint32_t next = 0;
    for (std::size_t at = sizeof(acpi::Madt); at < madt.size(); at += madt[at + 1]) {
      REQUIRE(madt[at + 1] >= 2);
      switch (madt[at]) {
        case 0:
          CHECK(read<acpi::MadtLocalApic>(madt, at).APIC_ID == next++);
          ++narrow;
          break;
        case 9:
          CHECK(read<acpi::MadtLocalX2Apic>(madt, at).X2APIC_ID == next++);
          ++wide;
          break;
        case 1:
          CHECK(read<acpi::MadtIoApic>(madt, at).IO_APIC_Address == 0xFEC00000U);
          ++io;
          break;
        default:
          FAIL("an unknown structure");
      }
    }
    CHECK(narrow == std::min(cpus, 255u));
    CHECK(wide == cpus - narrow);
    CHECK(io == 1);
  }
}

TEST_CASE("iasl takes every table apart and puts it together again, the same and without a word") {
  if (!have_acpica()) return;
  for (const std::uint32_t cpus : {1u, 2u, 255u, 256u, 300u, 1024u}) {
    for (const auto& table : tables_of(cpus).bytes) {
      const std::string& name = table.first;
      const auto& bytes = table.second;
      if (name == "rsdp") continue;  // no table: iasl does not take one apart
      CAPTURE(cpus);
      CAPTURE(name);
      Recompiled again = recompile(bytes);
      CAPTURE(again.log);
      CHECK(again.log.find("0 Errors, 0 Warnings, 0 Remarks") != std::string::npos);
      CHECK(again.log.find("ncorrect checksum") == std::string::npos);
      REQUIRE(again.table.size() == bytes.size());
      // The compiler signs what it makes: creator, creator revision, and so the checksum.
      std::copy(bytes.begin() + 28, bytes.begin() + 36, again.table.begin() + 28);
      again.table[9] = bytes[9];
      CHECK(again.table == bytes);
    }
  }
}

TEST_CASE("iasl makes the same RSDP") {
  if (!have_acpica()) return;
  const Tables tables = tables_of(1);
  const Recompiled theirs =
      compile(fmt::format("[0008] Signature : \"RSD PTR \"\n"
                          "[0001] Checksum : 00\n"
                          "[0006] Oem ID : \"TINTYP\"\n"
                          "[0001] Revision : 02\n"
                          "[0004] RSDT Address : 00000000\n"
                          "[0004] Length : 00000024\n"
                          "[0008] XSDT Address : {:016X}\n"
                          "[0001] Extended Checksum : 00\n"
                          "[0003] Reserved : 000000\n",
                          tables.ranges.at("xsdt").start));
  CAPTURE(theirs.log);
  CHECK(theirs.table == tables.bytes.at("rsdp"));
}

TEST_CASE("what the disassembler says of the tables has been read by a person") {
  if (!have_acpica()) return;
  for (const auto& [name, bytes] : tables_of(2).bytes)
    if (name != "rsdp") check_golden("acpi/" + name + ".dsl", stable(recompile(bytes).source));
}

TEST_CASE("iasl sees what is wrong") {
  if (!have_acpica()) return;
  auto fadt = tables_of(1).bytes.at("fadt");
  fadt[9] ^= 1;
  CHECK(recompile(fadt).log.find("ncorrect checksum") != std::string::npos);
  auto dsdt = tables_of(1).bytes.at("dsdt");
  // The name of a device becomes one that no name may be.
  const std::string name = "COM1";
  const auto at = std::search(dsdt.begin(), dsdt.end(), name.begin(), name.end());
  REQUIRE(at != dsdt.end());
  *at = '!';
  const Recompiled again = recompile(dsdt);
  CHECK((again.table.empty() || again.log.find("0 Errors, 0 Warnings") == std::string::npos));
}

TEST_CASE("the interpreter finds the devices, and what each event does") {
  if (!have_acpica()) return;
  const auto dsdt = tables_of(1).bytes.at("dsdt");
  CHECK(execute(dsdt, "evaluate \\_SB.COM1._HID").find("000000000105D041") != std::string::npos);  // PNP0501
  CHECK(execute(dsdt, "evaluate \\_SB.GED._HID").find("ACPI0013") != std::string::npos);
  CHECK(execute(dsdt, "evaluate \\_SB.VIO7._UID").find("0000000000000007") != std::string::npos);
  const std::string pressed = execute(dsdt, "evaluate \\_SB.GED._EVT 9");
  CAPTURE(pressed);
  CHECK(pressed.find("PWRB") != std::string::npos);
  CHECK(execute(dsdt, "evaluate \\_SB.GED._EVT 8").find("PWRB") == std::string::npos);
}

}  // namespace
}  // namespace tintype
