// The ACPI tables of AArch64 machines, judged by ACPICA's compiler and interpreter.
#include <algorithm>
#include <cstddef>
#include <set>

#include "formats/acpi_arm.h"
#include "support/acpi_judges.h"
#include "support/golden.h"
#include "support/test_main.h"

namespace tintype {
namespace {

using Names = std::vector<std::string>;

AcpiInputs machine_of(std::uint32_t cpus, Gic gic = Gic::v3, bool its = false) {
  AcpiInputs inputs;
  inputs.machine = {.arch = Arch::aarch64,
                    .gic = gic,
                    .its = its,
                    .memory = 512 * kMiB,
                    .cpus = cpus,
                    .protocol = "linux-arm64-acpi"};
  return inputs;
}

// vCPU n is in node n % 2, and the nodes' memory is not the same.
AcpiInputs numa_of(AcpiInputs inputs) {
  inputs.numa.resize(2);
  for (std::uint32_t cpu = 0; cpu < inputs.machine.cpus; ++cpu) inputs.numa[cpu % 2].cpus.push_back(cpu);
  inputs.numa[0].memory = 128 * kMiB;
  inputs.numa[1].memory = inputs.machine.memory - 128 * kMiB;
  return inputs;
}

// Every machine that the judges see.
std::vector<AcpiInputs> machines() {
  std::vector<AcpiInputs> all;
  for (const std::uint32_t cpus : {1u, 4u, 8u}) all.push_back(machine_of(cpus, Gic::v2));
  for (const std::uint32_t cpus : {1u, 4u, 17u, 123u})
    for (const bool its : {false, true}) all.push_back(machine_of(cpus, Gic::v3, its));
  all.push_back(numa_of(machine_of(8, Gic::v2)));
  all.push_back(numa_of(machine_of(123, Gic::v3)));
  all.push_back(numa_of(machine_of(123, Gic::v3, true)));
  return all;
}

// For messages.
std::string name_of(const AcpiInputs& inputs) {
  const Machine& machine = inputs.machine;
  return fmt::format("GIC {}, {} ITS, {} vCPUs, {} nodes", gic_name(machine.gic), machine.its ? 1 : 0,
                     machine.cpus, inputs.numa.size());
}

TEST_CASE("every table is found from the RSDP, which is ACPI data in a window like them") {
  for (const AcpiInputs& inputs : machines()) {
    const std::string about = name_of(inputs);
    CAPTURE(about);
    const AcpiTables tables = place_acpi(inputs);
    const auto rsdp = read_table<acpi::Rsdp>(tables.bytes.at("rsdp"));
    CHECK(byte_sum(bytes_of(rsdp).first(20)) == 0);
    CHECK(byte_sum(bytes_of(rsdp)) == 0);
    CHECK(rsdp.XsdtAddress == tables.ranges.at("xsdt").start);
    CHECK(tables.ranges.at("rsdp").start % 16 == 0);
    for (const auto& table : tables.ranges) {
      CAPTURE(table.first);
      CHECK(kArm64Window.contains(table.second));
      CHECK(tables.memory.covers(table.second.to_pages(), MemoryType::acpi_data));
    }
    for (const auto& table : tables.bytes) {
      CAPTURE(table.first);
      if (table.first == "rsdp") continue;
      CHECK(byte_sum(table.second) == 0);
      CHECK(read_table<acpi::Header>(table.second).Length == table.second.size());
    }
    CHECK(read_table<acpi::Fadt>(tables.bytes.at("fadt")).X_DSDT == tables.ranges.at("dsdt").start);
  }
}

TEST_CASE("a machine has the tables that speak of what it has") {
  CHECK(listed(place_acpi(machine_of(2))) == Names{"dbg2", "fadt", "gtdt", "madt", "pptt", "spcr"});
  CHECK(listed(place_acpi(machine_of(2, Gic::v2))) == Names{"dbg2", "fadt", "gtdt", "madt", "pptt", "spcr"});
  CHECK(listed(place_acpi(machine_of(2, Gic::v3, true))) ==
        Names{"dbg2", "fadt", "gtdt", "iort", "madt", "pptt", "spcr"});
  CHECK(listed(place_acpi(numa_of(machine_of(2)))) ==
        Names{"dbg2", "fadt", "gtdt", "madt", "pptt", "slit", "spcr", "srat"});
  // WAET speaks of PC devices, whoever is entered.
  AcpiInputs other = machine_of(1);
  other.machine.protocol = "test";
  CHECK(!place_acpi(other).bytes.contains("waet"));
}

TEST_CASE("the FADT says PSCI by HVC, and nothing of fixed hardware") {
  const auto bytes = place_acpi(machine_of(1)).bytes.at("fadt");
  const auto fadt = read_table<acpi::Fadt>(bytes);
  CHECK(fadt.header.Revision == 6);
  CHECK(fadt.FADT_Minor_Version == 4);
  CHECK(fadt.ARM_BOOT_ARCH == 3u);
  CHECK(fadt.Flags == ((1u << 20) | (1u << 12) | (1u << 5) | (1u << 4)));
  // What hardware-reduced systems ignore (5.2.9): offsets 46-108 and 148-232; then the registers of reset and
  // sleep, of which there are none.
  const auto zero = [&](std::size_t from, std::size_t to) {
    return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                       bytes.begin() + static_cast<std::ptrdiff_t>(to), [](auto byte) { return byte == 0; });
  };
  CHECK(zero(46, 112));
  CHECK(zero(116, 129));
  CHECK(zero(132, 140));
  CHECK(zero(148, 276));
}

// The structures of a MADT by type, each in its order.
template <Wire T>
std::vector<T> structures(const std::vector<std::uint8_t>& table, std::uint8_t type, std::size_t first) {
  std::vector<T> found;
  for (std::size_t at = first; at < table.size(); at += table[at + 1]) {
    REQUIRE(table[at + 1] >= 2);
    if (table[at] != type) continue;
    REQUIRE(table[at + 1] == sizeof(T));
    found.push_back(read_table<T>(table, at));
  }
  return found;
}
template <Wire T>
std::vector<T> in_madt(const AcpiTables& tables, std::uint8_t type) {
  return structures<T>(tables.bytes.at("madt"), type, sizeof(acpi::Madt));
}

TEST_CASE("the MADT has the controller that the machine has, and an interface a processor") {
  for (const AcpiInputs& inputs : machines()) {
    const Machine& machine = inputs.machine;
    const std::string about = name_of(inputs);
    CAPTURE(about);
    const AcpiTables tables = place_acpi(inputs);
    const bool v3 = machine.gic == Gic::v3;
    CHECK(tables.bytes.at("madt")[8] == 5);
    const auto interfaces = in_madt<acpi::MadtGicc>(tables, 11);
    REQUIRE(interfaces.size() == machine.cpus);
    for (std::uint32_t index = 0; index < machine.cpus; ++index) {
      const acpi::MadtGicc& gicc = interfaces[index];
      CHECK(gicc.ACPI_Processor_UID == index);
      CHECK(gicc.CPU_Interface_Number == index);
      CHECK(gicc.MPIDR == (index / 16) * 256 + index % 16);
      CHECK(gicc.Flags == 1u);
      CHECK(gicc.Physical_Base_Address == (v3 ? 0u : 0x08010000u));
      CHECK(gicc.GICR_Base_Address == 0u);
      CHECK(gicc.Performance_Interrupt_GSIV == 0u);
      CHECK(gicc.VGIC_Maintenance_interrupt == 0u);
    }
    const auto distributors = in_madt<acpi::MadtGicd>(tables, 12);
    REQUIRE(distributors.size() == 1);
    CHECK(distributors[0].Physical_Base_Address == 0x08000000u);
    CHECK(distributors[0].GIC_version == (v3 ? 3 : 2));
    const auto redistributors = in_madt<acpi::MadtGicr>(tables, 14);
    REQUIRE(redistributors.size() == (v3 ? 1 : 0));
    if (v3) {
      CHECK(redistributors[0].Discovery_Range_Base_Address == 0x080A0000u);
      CHECK(redistributors[0].Discovery_Range_Length == machine.cpus * 0x20000);
    }
    const auto translators = in_madt<acpi::MadtIts>(tables, 15);
    REQUIRE(translators.size() == (machine.its ? 1 : 0));
    if (machine.its) CHECK(translators[0].Physical_Base_Address == 0x08080000u);
    CHECK(in_madt<acpi::MadtIts>(tables, 13).empty());  // no MSI frame
  }
}

TEST_CASE("the GTDT has the interrupts that KVM raises, level-triggered, of timers that never stop") {
  const auto gtdt = read_table<acpi::Gtdt>(place_acpi(machine_of(1)).bytes.at("gtdt"));
  CHECK(gtdt.header.Revision == 3);
  CHECK(gtdt.CntControlBase == UINT64_MAX);
  CHECK(gtdt.CntReadBase == UINT64_MAX);
  CHECK(gtdt.Secure_EL1_Timer_GSIV == 29u);
  CHECK(gtdt.Non_Secure_EL1_Timer_GSIV == 30u);
  CHECK(gtdt.Virtual_EL1_Timer_GSIV == 27u);
  CHECK(gtdt.EL2_Timer_GSIV == 26u);
  for (const std::uint32_t flags :
       {gtdt.Secure_EL1_Timer_Flags.value(), gtdt.EL2_Timer_Flags.value(),
        gtdt.Non_Secure_EL1_Timer_Flags.value(), gtdt.Virtual_EL1_Timer_Flags.value()}) {
    CHECK((flags & 1) == 0);  // level
    CHECK((flags & 2) != 0);  // active low
    CHECK((flags & 4) != 0);  // always on
  }
  CHECK(gtdt.Platform_Timer_Count == 0u);
}

TEST_CASE("the PPTT has one package, and all processors are cores of it") {
  for (const std::uint32_t cpus : {1u, 17u, 123u}) {
    CAPTURE(cpus);
    const AcpiTables tables = place_acpi(machine_of(cpus));
    const auto nodes = structures<acpi::PpttProcessor>(tables.bytes.at("pptt"), 0, sizeof(acpi::Header));
    REQUIRE(nodes.size() == cpus + 1);
    CHECK(nodes[0].Flags == 3u);  // physical package, with an ID
    CHECK(nodes[0].Parent == 0u);
    for (std::uint32_t index = 0; index < cpus; ++index) {
      CHECK(nodes[index + 1].Flags == ((1u << 3) | (1u << 1)));  // a leaf, with an ID
      CHECK(nodes[index + 1].Parent == 36u);
      CHECK(nodes[index + 1].ACPI_Processor_ID == index);
    }
  }
}

TEST_CASE("SPCR and DBG2 are the PL011, where the DSDT has it") {
  const AcpiTables tables = place_acpi(machine_of(1));
  const auto spcr = read_table<acpi::Spcr>(tables.bytes.at("spcr"));
  CHECK(spcr.header.Revision == 2);
  CHECK(spcr.Interface_Type == 3);
  CHECK(spcr.Base_Address.AddressSpaceID == 0);
  CHECK(spcr.Base_Address.Address == 0x09000000u);
  CHECK(spcr.Interrupt_Type == 8);
  CHECK(spcr.IRQ == 0);
  CHECK(spcr.Global_System_Interrupt == 33u);
  const auto& dbg2 = tables.bytes.at("dbg2");
  const auto head = read_table<acpi::Dbg2>(dbg2);
  REQUIRE(head.NumberDbgDeviceInfo == 1u);
  const std::uint32_t at = head.OffsetDbgDeviceInfo;
  const auto device = read_table<acpi::Dbg2Device>(dbg2, at);
  CHECK(at + device.Length == dbg2.size());
  CHECK(device.Port_Type == 0x8000u);
  CHECK(device.Port_Subtype == 3u);
  CHECK(read_table<acpi::GenericAddress>(dbg2, at + device.BaseAddressRegisterOffset).Address == 0x09000000u);
  CHECK(read_table<le32>(dbg2, at + device.AddressSizeOffset) == 0x1000u);
  const auto path = dbg2.begin() + static_cast<std::ptrdiff_t>(at + device.NamespaceStringOffset);
  CHECK(std::string(path, path + device.NamespaceStringLength) == std::string("\\_SB.COM1\0", 10));
}

TEST_CASE("the IORT has the ITS of the MADT") {
  const AcpiTables tables = place_acpi(machine_of(1, Gic::v3, true));
  const auto& iort = tables.bytes.at("iort");
  const auto head = read_table<acpi::Iort>(iort);
  REQUIRE(head.Number_of_IORT_nodes == 1u);
  const auto group = read_table<acpi::IortItsGroup>(iort, head.Offset_to_Array_of_nodes);
  CHECK(head.Offset_to_Array_of_nodes + group.Length == iort.size());
  CHECK(group.Type == 0);
  CHECK(group.Number_of_ITSs == 1u);
  CHECK(group.GIC_ITS_Identifier == in_madt<acpi::MadtIts>(tables, 15)[0].GIC_ITS_ID.value());
}

TEST_CASE("the SRAT puts processors, memory and ITS into nodes") {
  AcpiInputs inputs = numa_of(machine_of(123, Gic::v3, true));
  const auto srat = place_acpi(inputs).bytes.at("srat");
  std::set<std::uint32_t> seen;
  for (const auto& gicc : structures<acpi::SratGicc>(srat, 3, sizeof(acpi::Srat))) {
    CHECK(gicc.Proximity_Domain == gicc.ACPI_Processor_UID % 2);
    CHECK(gicc.Flags == 1u);
    seen.insert(gicc.ACPI_Processor_UID);
  }
  CHECK(seen.size() == 123);
  CHECK(*seen.rbegin() == 122);
  const auto memory = structures<acpi::SratMemory>(srat, 1, sizeof(acpi::Srat));
  REQUIRE(memory.size() == 2);
  CHECK(memory[0].Base_Address == 0x40000000u);
  CHECK(memory[0].Memory_Length == 128 * kMiB);
  CHECK(memory[0].Proximity_Domain == 0u);
  CHECK(memory[1].Base_Address == 0x40000000u + 128 * kMiB);
  CHECK(memory[1].Memory_Length == 384 * kMiB);
  CHECK(memory[1].Proximity_Domain == 1u);
  auto its = structures<acpi::SratIts>(srat, 4, sizeof(acpi::Srat));
  REQUIRE(its.size() == 1);
  CHECK(its[0].Proximity_Domain == 0u);
  // A node without memory is no place for its tables.
  inputs.numa[1].memory += inputs.numa[0].memory;
  inputs.numa[0].memory = 0;
  its = structures<acpi::SratIts>(place_acpi(inputs).bytes.at("srat"), 4, sizeof(acpi::Srat));
  REQUIRE(its.size() == 1);
  CHECK(its[0].Proximity_Domain == 1u);
  inputs.machine.its = false;
  CHECK(structures<acpi::SratIts>(place_acpi(inputs).bytes.at("srat"), 4, sizeof(acpi::Srat)).empty());
}

TEST_CASE("iasl takes every table apart and puts it together again, the same and without a word") {
  if (!have_acpica()) return;
  for (const AcpiInputs& inputs : machines()) {
    const std::string about = name_of(inputs);
    CAPTURE(about);
    const AcpiTables tables = place_acpi(inputs);
    check_recompiles(tables);
  }
}

TEST_CASE("what the disassembler says of the tables has been read by a person") {
  if (!have_acpica()) return;
  for (const auto& [name, bytes] : place_acpi(numa_of(machine_of(2, Gic::v3, true))).bytes)
    if (name != "rsdp") check_golden("acpi/arm64-" + name + ".dsl", stable_text(recompile(bytes).source));
  check_golden("acpi/arm64-v2-madt.dsl",
               stable_text(recompile(place_acpi(machine_of(2, Gic::v2)).bytes.at("madt")).source));
}

TEST_CASE("iasl sees what is wrong with them") {
  if (!have_acpica()) return;
  const AcpiTables tables = place_acpi(machine_of(2, Gic::v3, true));
  for (const std::string name : {"gtdt", "madt", "pptt", "iort", "dbg2", "spcr"}) {
    CAPTURE(name);
    auto bytes = tables.bytes.at(name);
    bytes.back() ^= 1;
    CHECK(recompile(bytes).log.find("ncorrect checksum") != std::string::npos);
  }
  // A GICC's length is one that no GICC has.
  auto madt = tables.bytes.at("madt");
  madt[sizeof(acpi::Madt) + 1] = 79;
  CHECK(recompile(madt).table != madt);
}

TEST_CASE("the interpreter finds the devices, and what each event does") {
  if (!have_acpica()) return;
  const auto dsdt = place_acpi(machine_of(123)).bytes.at("dsdt");
  const auto has = [&](const std::string& command, const std::string& text) {
    return execute(dsdt, command).find(text) != std::string::npos;
  };
  CHECK(has("evaluate \\_SB.COM1._HID", "ARMH0011"));
  CHECK(has("evaluate \\_SB.GED._HID", "ACPI0013"));
  CHECK(has("evaluate \\_SB.VI31._UID", "000000000000001F"));
  CHECK(has("evaluate \\_SB.VI00._CCA", "0000000000000001"));
  CHECK(has("evaluate \\_SB.CPUS._UID", "0000000000000000"));
  CHECK(has("evaluate \\_SB.CPUS.C07A._HID", "ACPI0007"));
  CHECK(has("evaluate \\_SB.CPUS.C07A._UID", "000000000000007A"));
  CHECK(!has("evaluate \\_SB.CPUS.C07B._UID", "000000000000007B"));
  CHECK(has("evaluate \\_SB.GED._EVT 0x27", "PWRB"));  // SPI 7
  CHECK(!has("evaluate \\_SB.GED._EVT 0x26", "PWRB"));
  CHECK(!has("evaluate \\_S5", "[Package]"));  // PSCI switches off
}

}  // namespace
}  // namespace tintype
