// The ACPI tables, judged by ACPICA's compiler and interpreter.
#include "formats/acpi.h"

#include <algorithm>

#include "formats/x86.h"
#include "layouts/acpi_table.h"
#include "support/acpi_judges.h"
#include "support/acpi_tables.h"
#include "support/golden.h"
#include "support/test_main.h"

namespace tintype {
namespace {

// The tables of a machine with `cpus` processors, which may lie in `bios` and then in low RAM. By its
// protocol it is not known to be Linux, and so it has every table that needs no NUMA.
AcpiTables tables_of(std::uint32_t cpus, GpaRange bios = kBiosWindow) {
  const Machine machine = {.arch = Arch::x86_64, .memory = 512 * kMiB, .cpus = cpus, .protocol = "test"};
  return place_acpi({.machine = machine}, {bios, kLowWindow});
}

// `nodes` nodes, which share vCPUs and memory as evenly as it goes: vCPU n is in node n % nodes, and what
// memory does not divide by is in the last.
AcpiInputs numa_inputs(std::uint32_t nodes, std::uint32_t cpus, std::uint64_t memory) {
  AcpiInputs inputs;
  inputs.machine = {.arch = Arch::x86_64, .memory = memory, .cpus = cpus, .protocol = "linux-x86_64"};
  inputs.numa.resize(nodes);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) inputs.numa[cpu % nodes].cpus.push_back(cpu);
  const std::uint64_t share = align_down(memory / nodes, kPageSize);
  for (NumaNode& node : inputs.numa) node.memory = share;
  inputs.numa.back().memory = memory - share * (nodes - 1);
  return inputs;
}

TEST_CASE("every table is found from the RSDP, and its bytes sum to zero") {
  for (const std::uint32_t cpus : {1u, 2u, 255u, 256u, 1024u}) {
    CAPTURE(cpus);
    const AcpiTables tables = tables_of(cpus);
    CHECK(tables.ranges.at("rsdp").start == 0xE0000);
    const auto rsdp = read_table<acpi::Rsdp>(tables.bytes.at("rsdp"));
    CHECK(byte_sum(bytes_of(rsdp).first(20)) == 0);
    CHECK(byte_sum(bytes_of(rsdp)) == 0);
    CHECK(rsdp.Revision == 2);
    CHECK(rsdp.XsdtAddress == tables.ranges.at("xsdt").start);
    for (const auto& table : tables.bytes) {
      const std::string& name = table.first;
      const auto& bytes = table.second;
      if (name == "rsdp") continue;
      CAPTURE(name);
      CHECK(byte_sum(bytes) == 0);
      CHECK(read_table<acpi::Header>(bytes).Length == bytes.size());
    }
    CHECK(listed(tables) == std::vector<std::string>{"fadt", "madt", "spcr", "waet"});
    CHECK(read_table<acpi::Fadt>(tables.bytes.at("fadt")).X_DSDT == tables.ranges.at("dsdt").start);
  }
}

TEST_CASE("the tables of 1024 processors lie in the BIOS window, below what is kept for SMBIOS") {
  for (const std::uint32_t cpus : {1u, 1024u}) {
    const AcpiTables tables = tables_of(cpus);
    CHECK(tables.ranges.size() == 7);
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
    const AcpiTables tables = tables_of(1024, {x86::kBiosStart, x86::kBiosStart + room});
    std::size_t low = 0;
    for (const auto& table : tables.ranges) {
      CAPTURE(table.first);
      if (kBiosWindow.contains(table.second)) continue;
      ++low;
      CHECK(GpaRange{0x2000, 0xA0000}.contains(table.second));
      CHECK(tables.memory.covers(table.second.to_pages(), MemoryType::acpi_data));
    }
    CHECK(low == (room == 0x40 ? 6 : 1));
  }
}

TEST_CASE("the FADT describes a machine without fixed hardware") {
  const auto fadt = read_table<acpi::Fadt>(tables_of(1).bytes.at("fadt"));
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
          CHECK(read_table<acpi::MadtLocalApic>(madt, at).APIC_ID == next++);
          ++narrow;
          break;
        case 9:
          CHECK(read_table<acpi::MadtLocalX2Apic>(madt, at).X2APIC_ID == next++);
          ++wide;
          break;
        case 1:
          CHECK(read_table<acpi::MadtIoApic>(madt, at).IO_APIC_Address == 0xFEC00000U);
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

// The affinity structures of an SRAT.
struct Affinity {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> narrow, wide;  // APIC ID, node
  std::vector<std::pair<GpaRange, std::uint32_t>> memory;
};

Affinity affinity_of(const std::vector<std::uint8_t>& srat) {
  Affinity found;
  CHECK(read_table<acpi::Srat>(srat).Reserved == 1);
  for (std::size_t at = sizeof(acpi::Srat); at < srat.size(); at += srat[at + 1]) {
    if (srat[at] == 0) {
      const auto cpu = read_table<acpi::SratLocalApic>(srat, at);
      CHECK(cpu.Length == 16);
      CHECK(cpu.Flags == 1u);
      found.narrow.emplace_back(cpu.APIC_ID, cpu.Proximity_Domain_Low);
    } else if (srat[at] == 2) {
      const auto cpu = read_table<acpi::SratLocalX2Apic>(srat, at);
      CHECK(cpu.Length == 24);
      CHECK(cpu.Flags == 1u);
      found.wide.emplace_back(cpu.X2APIC_ID, cpu.Proximity_Domain);
    } else {
      const auto memory = read_table<acpi::SratMemory>(srat, at);
      REQUIRE(memory.Type == 1);
      REQUIRE(memory.Length == 40);
      CHECK(memory.Flags == 1u);
      found.memory.push_back(
          {{memory.Base_Address, memory.Base_Address + memory.Memory_Length}, memory.Proximity_Domain});
    }
  }
  return found;
}

TEST_CASE("the SRAT puts every processor and every byte of RAM into the node that has it") {
  for (const std::uint32_t nodes : {1u, 2u, 3u, 8u}) {
    for (const std::uint32_t cpus : {1u, 8u, 300u}) {
      for (const std::uint64_t memory : {512 * kMiB, 3 * kGiB, 3 * kGiB + 4096, 5 * kGiB}) {
        CAPTURE(nodes);
        CAPTURE(cpus);
        CAPTURE(memory);
        const AcpiInputs inputs = numa_inputs(nodes, cpus, memory);
        const Affinity found = affinity_of(place_acpi(inputs).bytes.at("srat"));
        CHECK(found.narrow.size() == std::min(cpus, 255u));
        CHECK(found.narrow.size() + found.wide.size() == cpus);
        for (const auto& [id, node] : found.narrow) CHECK((id < 255 && node == id % nodes));
        for (const auto& [id, node] : found.wide) CHECK((id >= 255 && node == id % nodes));
        std::vector<std::uint64_t> have(nodes);
        std::uint64_t next = 0;
        for (const auto& [range, node] : found.memory) {
          if (next == x86::kHoleStart) next = x86::kHoleEnd;
          CHECK(range.start == next);
          CHECK((range.end <= x86::kHoleStart || range.start >= x86::kHoleEnd));
          next = range.end;
          REQUIRE(node < nodes);
          have[node] += range.size();
        }
        CHECK(next == ram_ranges(Arch::x86_64, memory).back().end);
        for (std::uint32_t node = 0; node < nodes; ++node) CHECK(have[node] == inputs.numa[node].memory);
      }
    }
  }
}

TEST_CASE("a node may have vCPUs only, or memory only, and the SRAT has processors in the order of nodes") {
  AcpiInputs inputs = numa_inputs(1, 4, 4 * kGiB);
  inputs.numa = {{.cpus = {}, .memory = 1 * kGiB},
                 {.cpus = {2, 3}, .memory = 0},
                 {.cpus = {0, 1}, .memory = 3 * kGiB},
                 {.cpus = {}, .memory = 0}};
  const Affinity found = affinity_of(place_acpi(inputs).bytes.at("srat"));
  using Cpus = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  CHECK(found.narrow == Cpus{{2, 1}, {3, 1}, {0, 2}, {1, 2}});
  using Memory = std::vector<std::pair<GpaRange, std::uint32_t>>;
  CHECK(found.memory == Memory{{{0, 1 * kGiB}, 0}, {{1 * kGiB, 3 * kGiB}, 2}, {{4 * kGiB, 5 * kGiB}, 2}});
}

TEST_CASE("the SLIT has the distances given, or 10 and 20") {
  AcpiInputs inputs = numa_inputs(2, 2, 1 * kGiB);
  auto slit = place_acpi(inputs).bytes.at("slit");
  REQUIRE(slit.size() == sizeof(acpi::Slit) + 4);
  CHECK(read_table<acpi::Slit>(slit).Number_of_System_Localities == 2u);
  CHECK(std::vector<std::uint8_t>(slit.begin() + 44, slit.end()) ==
        std::vector<std::uint8_t>{10, 20, 20, 10});
  inputs.distances = {10, 31, 42, 10};
  slit = place_acpi(inputs).bytes.at("slit");
  CHECK(std::vector<std::uint8_t>(slit.begin() + 44, slit.end()) == inputs.distances);
}

TEST_CASE("Linux gets SRAT and SLIT with --numa only, and never a WAET") {
  using Names = std::vector<std::string>;
  AcpiInputs inputs = numa_inputs(2, 2, 1 * kGiB);
  CHECK(listed(place_acpi(inputs)) == Names{"fadt", "madt", "slit", "spcr", "srat"});
  inputs.numa.clear();
  CHECK(listed(place_acpi(inputs)) == Names{"fadt", "madt", "spcr"});
  inputs.machine.protocol = "pvh";
  CHECK(listed(place_acpi(inputs)) == Names{"fadt", "madt", "spcr", "waet"});
}

TEST_CASE("the SPCR is the serial port of the machine") {
  const auto spcr = read_table<acpi::Spcr>(tables_of(1).bytes.at("spcr"));
  CHECK(spcr.header.Revision == 2);
  CHECK(spcr.Interface_Type == 0);
  CHECK(spcr.Base_Address.AddressSpaceID == 1);
  CHECK(spcr.Base_Address.Address == 0x3F8u);
  CHECK(spcr.Interrupt_Type == 2);
  CHECK(spcr.Global_System_Interrupt == 4u);
  CHECK(spcr.Configured_Baud_Rate == 7);
}

TEST_CASE("iasl takes every table apart and puts it together again, the same and without a word") {
  if (!have_acpica()) return;
  for (const std::uint32_t cpus : {1u, 2u, 255u, 256u, 300u, 1024u}) {
    CAPTURE(cpus);
    check_recompiles(tables_of(cpus));
  }
  for (const std::uint32_t nodes : {1u, 2u, 8u, 64u}) {
    CAPTURE(nodes);
    check_recompiles(place_acpi(numa_inputs(nodes, 4, 512 * kMiB)));
    check_recompiles(place_acpi(numa_inputs(nodes, 300, 5 * kGiB)));
  }
  check_recompiles(place_acpi(numa_inputs(64, 1024, 1 * kTiB)));
}

TEST_CASE("iasl makes the same RSDP") {
  if (!have_acpica()) return;
  const AcpiTables tables = tables_of(1);
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
    if (name != "rsdp") check_golden("acpi/" + name + ".dsl", stable_text(recompile(bytes).source));
  AcpiInputs numa = numa_inputs(2, 4, 5 * kGiB);
  numa.distances = {10, 17, 17, 10};
  const AcpiTables tables = place_acpi(numa);
  for (const std::string name : {"srat", "slit"})
    check_golden("acpi/" + name + ".dsl", stable_text(recompile(tables.bytes.at(name)).source));
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
