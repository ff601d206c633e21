#include "layouts/smbios.h"

#include <cstdio>
#include <numeric>
#include <set>

#include "formats/smbios.h"
#include "formats/x86.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "support/test_main.h"

namespace tintype {
namespace {

// A structure as found by walking, without a look at our own structures.
struct Found {
  std::vector<std::uint8_t> area;  // formatted, header included
  std::vector<std::string> strings;

  std::uint8_t type() const { return area.at(0); }
  std::uint64_t number(std::size_t offset, std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{area.at(offset + i)} << (8 * i);
    return value;
  }
  std::uint64_t handle() const { return number(2, 2); }
  // The string that the field at `offset` names.
  std::string string(std::size_t offset) const {
    const std::uint8_t index = area.at(offset);
    return index == 0 ? "" : strings.at(index - 1u);
  }
};

// DSP0134 3.3, 6.1.2 and 6.1.3. The walk has to end with an end-of-table structure at the very last byte.
std::vector<Found> walk(Bytes tables) {
  std::vector<Found> found;
  std::size_t at = 0;
  do {
    REQUIRE(at + 4 <= tables.size());
    const std::size_t length = tables[at + 1];
    REQUIRE(length >= 4);
    REQUIRE(at + length + 2 <= tables.size());
    Found structure;
    structure.area.assign(tables.begin() + static_cast<std::ptrdiff_t>(at),
                          tables.begin() + static_cast<std::ptrdiff_t>(at + length));
    at += length;
    while (tables[at] != 0) {
      const auto first = tables.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = std::find(first, tables.end(), 0);
      REQUIRE(tables.end() - end >= 2);
      structure.strings.emplace_back(first, end);
      at += structure.strings.back().size() + 1;
    }
    at += structure.strings.empty() ? 2 : 1;
    REQUIRE(at <= tables.size());
    REQUIRE(tables[at - 1] == 0);
    REQUIRE(tables[at - 2] == 0);
    found.push_back(structure);
  } while (found.back().type() != 127);
  CHECK(at == tables.size());
  return found;
}

std::vector<std::uint8_t> tables_of(const Machine& machine, const SmbiosInputs& inputs = {}) {
  Buffer buffer;
  emit_smbios_tables(machine, inputs, buffer);
  return buffer.bytes();
}

std::vector<Found> structures_of(const Machine& machine, const SmbiosInputs& inputs = {}) {
  return walk(tables_of(machine, inputs));
}

std::vector<Found> of_type(const std::vector<Found>& all, std::uint8_t type) {
  std::vector<Found> found;
  for (const Found& structure : all)
    if (structure.type() == type) found.push_back(structure);
  return found;
}

Found only(const std::vector<Found>& all, std::uint8_t type) {
  const auto found = of_type(all, type);
  REQUIRE(found.size() == 1);
  return found.front();
}

Machine machine_of(std::uint64_t memory, std::uint32_t cpus = 1) {
  return {.arch = Arch::x86_64, .memory = memory, .cpus = cpus, .protocol = "linux-x86_64"};
}

SmbiosInputs everything() {
  return {.bios_vendor = "Acme Firmware",
          .bios_version = "v7.1",
          .bios_date = "02/29/2024",
          .manufacturer = "Acme Corporation",
          .product = "Appliance 9",
          .version = "rev C",
          .serial = "SN-0001",
          .sku = "SKU-0002",
          .family = "Appliances",
          .board_manufacturer = "Board Works",
          .board_product = "Board 3",
          .board_version = "3.1",
          .board_serial = "BSN-0003",
          .board_asset = "BA-0004",
          .chassis_manufacturer = "Chassis Works",
          .chassis_version = "4.1",
          .chassis_serial = "CSN-0005",
          .chassis_asset = "CA-0006",
          .chassis_sku = "CSKU-0007",
          .cpu_manufacturer = "Processor Works",
          .cpu_version = "Model 5",
          .uuid = {{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE,
                    0xFF}},
          .oem_strings = {"io.systemd.credential:greeting=hello", "second"}};
}

TEST_CASE("each structure is there as often as it has to be, with a handle of its own") {
  for (const std::uint64_t memory : {1 * kMiB, 512 * kMiB, 4 * kGiB}) {
    for (const bool full : {false, true}) {
      const auto all = structures_of(machine_of(memory), full ? everything() : SmbiosInputs{});
      std::vector<int> types;
      std::set<std::uint64_t> handles;
      for (const Found& structure : all) {
        types.push_back(structure.type());
        handles.insert(structure.handle());
        CHECK(structure.handle() < 0xFF00);
      }
      std::vector<int> expected = {0, 1, 2, 3, 4, 16, 17, 19, 32, 127};
      if (full) expected.insert(expected.begin() + 5, 11);
      if (memory > 3 * kGiB) expected.insert(std::find(expected.begin(), expected.end(), 32), 19);
      CHECK(types == expected);
      CHECK(handles.size() == all.size());
    }
  }
}

TEST_CASE("every string is used by a field, and by one only") {
  const std::vector<std::pair<std::uint8_t, std::vector<std::size_t>>> fields = {
      {0, {4, 5, 8}},
      {1, {4, 5, 6, 7, 0x19, 0x1A}},
      {2, {4, 5, 6, 7, 8, 0xA}},
      {3, {4, 6, 7, 8, 0x15}},
      {4, {4, 7, 0x10, 0x20, 0x21, 0x22}},
      {17, {0x10, 0x11, 0x17, 0x18, 0x19, 0x1A, 0x2B}}};
  for (const auto& inputs : {SmbiosInputs{}, everything()}) {
    const auto all = structures_of(machine_of(512 * kMiB), inputs);
    for (const auto& [type, offsets] : fields) {
      const Found structure = only(all, type);
      CAPTURE(structure.handle());
      std::vector<std::size_t> used;
      for (const std::size_t offset : offsets)
        if (structure.area.at(offset) != 0) used.push_back(structure.area.at(offset));
      std::vector<std::size_t> numbers(structure.strings.size());
      std::iota(numbers.begin(), numbers.end(), 1u);
      CHECK(used == numbers);
    }
  }
}

TEST_CASE("structures point at one another by their handles") {
  const auto all = structures_of(machine_of(8 * kGiB));
  CHECK(only(all, 2).number(0xB, 2) == only(all, 3).handle());
  CHECK(only(all, 17).number(4, 2) == only(all, 16).handle());
  const auto mapped = of_type(all, 19);
  REQUIRE(mapped.size() == 2);
  for (const Found& range : mapped) CHECK(range.number(0xC, 2) == only(all, 16).handle());
  CHECK(only(all, 16).number(0xD, 2) == of_type(all, 17).size());
}

TEST_CASE("a virtual machine says that it is one") {
  const auto all = structures_of(machine_of(512 * kMiB));
  CHECK((only(all, 0).area.at(0x13) & 1 << 4) != 0);
}

TEST_CASE("cores are counted in one byte up to 254, and always in the second field") {
  for (const std::uint32_t cpus : {1u, 2u, 254u, 255u, 256u, 300u, 1024u}) {
    CAPTURE(cpus);
    const Found processor = only(structures_of(machine_of(512 * kMiB, cpus)), 4);
    for (const std::size_t offset : {0x23u, 0x24u, 0x25u})
      CHECK(processor.number(offset, 1) == std::min(cpus, 255u));
    for (const std::size_t offset : {0x2Au, 0x2Cu, 0x2Eu}) CHECK(processor.number(offset, 2) == cpus);
    CHECK((processor.number(0x26, 2) & 1u << 3) == (cpus > 1 ? 1u << 3 : 0u));
    CHECK(processor.area.at(0x18) == 0x41);
  }
}

TEST_CASE("a memory device has its size in MiB, and from 32 GiB - 1 MiB on in the extended field") {
  const struct {
    std::uint64_t memory, size, extended;
  } cases[] = {{1 * kMiB, 1, 0},
               {512 * kMiB, 512, 0},
               {512 * kMiB + kPageSize, 513, 0},
               {32 * kGiB - 2 * kMiB, 0x7FFE, 0},
               {32 * kGiB - 1 * kMiB, 0x7FFF, 0x7FFF},
               {32 * kGiB, 0x7FFF, 0x8000},
               {1 * kTiB, 0x7FFF, 0x100000}};
  for (const auto& expected : cases) {
    CAPTURE(expected.memory);
    const Found device = only(structures_of(machine_of(expected.memory)), 17);
    CHECK(device.number(0x0C, 2) == expected.size);
    CHECK(device.number(0x1C, 4) == expected.extended);
    CHECK(device.number(0x3C, 8) == expected.memory);
  }
}

TEST_CASE("the array's capacity goes to the extended field from 2 TiB on") {
  const auto capacity = [](std::uint64_t memory) {
    const Found array = only(structures_of(machine_of(memory)), 16);
    return std::pair{array.number(0x07, 4), array.number(0x0F, 8)};
  };
  CHECK(capacity(512 * kMiB) == std::pair{512 * kKiB, std::uint64_t{0}});
  CHECK(capacity(2 * kTiB - kPageSize) == std::pair{std::uint64_t{0x7FFFFFFC}, std::uint64_t{0}});
  CHECK(capacity(2 * kTiB) == std::pair{std::uint64_t{0x80000000}, 2 * kTiB});
}

TEST_CASE("mapped addresses are RAM's, in KiB, and from 4 TiB on in the extended fields") {
  const auto check = [](std::uint64_t memory) {
    CAPTURE(memory);
    const auto mapped = of_type(structures_of(machine_of(memory)), 19);
    const auto ram = ram_ranges(Arch::x86_64, memory);
    REQUIRE(mapped.size() == ram.size());
    for (std::size_t i = 0; i < ram.size(); ++i) {
      const bool extended = ram[i].end > 4 * kTiB - kKiB;
      CHECK(mapped[i].number(0x04, 4) == (extended ? 0xFFFFFFFF : ram[i].start / kKiB));
      CHECK(mapped[i].number(0x08, 4) == (extended ? 0xFFFFFFFF : ram[i].end / kKiB - 1));
      CHECK(mapped[i].number(0x0F, 8) == (extended ? ram[i].start : 0));
      CHECK(mapped[i].number(0x17, 8) == (extended ? ram[i].end - 1 : 0));
    }
  };
  for (const std::uint64_t memory : {1 * kMiB, 3 * kGiB, 3 * kGiB + kPageSize, 1 * kTiB,
                                     4 * kTiB - kGiB - kPageSize, 4 * kTiB - kGiB, 8 * kTiB})
    check(memory);
  // The last KiB below 4 TiB has a number that 32 bits hold, but that one means "extended".
  CHECK(of_type(structures_of(machine_of(4 * kTiB - kGiB - kPageSize)), 19).at(1).number(0x08, 4) ==
        0xFFFFFFFB);
  CHECK(of_type(structures_of(machine_of(4 * kTiB - kGiB)), 19).at(1).number(0x08, 4) == 0xFFFFFFFF);
}

TEST_CASE("what is not given is Tintype's, or the system's, or nothing") {
  const auto plain = structures_of(machine_of(512 * kMiB));
  CHECK(only(plain, 0).string(4) == "Tintype");
  CHECK(only(plain, 0).string(8) == "01/01/2025");
  CHECK(only(plain, 1).string(5) == "Snapshot");
  CHECK(only(plain, 1).string(7).empty());
  CHECK(only(plain, 1).number(0x08, 8) == 0);
  CHECK(only(plain, 1).number(0x10, 8) == 0);
  const auto named = structures_of(machine_of(512 * kMiB), {.manufacturer = "Acme", .product = "Thing"});
  CHECK(only(named, 0).string(4) == "Tintype");
  for (const auto& [type, offset] : {std::pair{1, 4}, {2, 4}, {3, 4}, {4, 7}})
    CHECK(only(named, static_cast<std::uint8_t>(type)).string(static_cast<std::size_t>(offset)) == "Acme");
  CHECK(only(named, 2).string(5) == "Thing");
}

TEST_CASE("OEM strings keep their order, over as many structures as they need") {
  SmbiosInputs inputs;
  for (int i = 0; i < 600; ++i) inputs.oem_strings.push_back(fmt::format("string {}", i));
  const auto found = of_type(structures_of(machine_of(512 * kMiB), inputs), 11);
  REQUIRE(found.size() == 3);
  std::vector<std::string> all;
  for (const Found& structure : found) {
    CHECK(structure.area.at(4) == structure.strings.size());
    all.insert(all.end(), structure.strings.begin(), structure.strings.end());
  }
  CHECK(all == inputs.oem_strings);
  CHECK(found[0].strings.size() == 255);
  CHECK(found[2].strings.size() == 90);
}

TEST_CASE("the same machine has the same tables") {
  CHECK(tables_of(machine_of(8 * kGiB, 300), everything()) ==
        tables_of(machine_of(8 * kGiB, 300), everything()));
  CHECK(tables_of(machine_of(8 * kGiB, 300)) != tables_of(machine_of(8 * kGiB, 301)));
}

// A plan with SMBIOS and what shares its 64 KiB, placed.
struct Placed {
  LayoutPlan plan;
  Arena arena;
  std::vector<PlacedRegion> regions;

  const PlacedRegion& region(std::string_view name) const {
    for (const PlacedRegion& candidate : regions)
      if (candidate.name == name) return candidate;
    FAIL("no region of that name");
    std::abort();
  }
  std::vector<std::uint8_t> bytes(std::string_view name) const {
    std::vector<std::uint8_t> all;
    for (const Bytes piece : region(name).pieces) all.insert(all.end(), piece.begin(), piece.end());
    return all;
  }
};

Result<std::unique_ptr<Placed>> place(const Machine& machine, const SmbiosInputs& inputs) {
  const MemoryMap map = memory_map_of(machine);
  auto placed =
      std::make_unique<Placed>(Placed{LayoutPlan(map, memory_map_of(machine_of(kMaxMemory))), {}, {}});
  add_smbios(machine, inputs, placed->plan);
  placed->plan.add({.name = "reset_vector",
                    .memory = MemoryType::reserved,
                    .fixed = x86::kResetVector,
                    .emit = [](const Addresses&, ByteSink& sink) { sink.zeros(x86::kResetVectorSize); }});
  TRY(placed->plan.place());
  placed->regions = placed->plan.realize(placed->arena);
  return placed;
}

// `total` bytes of OEM strings, their NULs included.
SmbiosInputs oem_of(std::size_t total) {
  constexpr std::size_t kOne = 1000;
  SmbiosInputs inputs;
  for (; total > kOne; total -= kOne) inputs.oem_strings.emplace_back(kOne - 1, 'x');
  inputs.oem_strings.emplace_back(total - 1, 'y');
  return inputs;
}

void check_entry(const Placed& placed) {
  const auto entry = placed.bytes("smbios.entry");
  CHECK(placed.region("smbios.entry").range == GpaRange{0xF0000, 0xF0018});
  CHECK(smbios_entry(placed.plan.addresses()) == 0xF0000);
  CHECK(std::accumulate(entry.begin(), entry.end(), 0u) % 256 == 0);
  const auto tables = placed.bytes("smbios.tables");
  const auto header = read_at<smbios::EntryPoint64>(entry, 0, "entry point").value();
  CHECK(header.StructureTableAddress == placed.region("smbios.tables").range.start);
  CHECK(header.StructureTableMaximumSize == tables.size());
  CHECK(walk(tables).back().type() == 127);
}

TEST_CASE("the entry point is where Linux looks, and the tables follow it") {
  const auto placed = place(machine_of(512 * kMiB), everything());
  REQUIRE_OK(placed);
  check_entry(**placed);
  CHECK((*placed)->region("smbios.tables").range.start == 0xF0020);
  CHECK((*placed)->bytes("smbios.tables") == tables_of(machine_of(512 * kMiB), everything()));
  CHECK((*placed)->plan.addresses().memory() == memory_map_of(machine_of(512 * kMiB)));
}

TEST_CASE("tables fill their 64 KiB to the reset vector, and no further") {
  const auto machine = machine_of(512 * kMiB);
  const std::size_t room = 0xFFFF0 - 0xF0020;
  const std::size_t plain = tables_of(machine, oem_of(10'000)).size() - 10'000;
  const auto fits = place(machine, oem_of(room - plain));
  REQUIRE_OK(fits);
  check_entry(**fits);
  CHECK((*fits)->region("smbios.tables").range == GpaRange{0xF0020, 0xFFFF0});

  const auto over = place(machine, oem_of(room - plain + 1));
  REQUIRE_OK(over);
  check_entry(**over);
  CHECK((*over)->region("smbios.tables").range.start == 0x2000);
}

TEST_CASE("tables in low RAM are reserved in the memory map, whole pages of them") {
  const auto placed = place(machine_of(512 * kMiB), oem_of(200'001));
  REQUIRE_OK(placed);
  check_entry(**placed);
  const GpaRange range = (*placed)->region("smbios.tables").range;
  CHECK(range.start == 0x2000);
  const MemoryMap& map = (*placed)->plan.addresses().memory();
  CHECK(map.covers(range.to_pages(), MemoryType::reserved));
  CHECK(map.covers({0, 0x2000}, MemoryType::ram));
  CHECK(map.covers({range.to_pages().end, 0xA0000}, MemoryType::ram));
}

TEST_CASE("tables that fit nowhere are refused, with what would help") {
  const auto placed = place(machine_of(512 * kMiB), oem_of(700'000));
  REQUIRE_FALSE(placed);
  const std::string message = placed.error().message();
  CAPTURE(message);
  CHECK(message.find("region 'smbios.tables' of 700") == 0);
  CHECK(message.find("0xf0000-0xfffff and 0x2000-0x9ffff has 647168 bytes free") != std::string::npos);
  CHECK(message.ends_with(": give fewer or shorter --smbios oem-string values"));
}

TEST_CASE("processors of AArch64 are Arm's, and can what 64-bit ones can") {
  const auto of = [](Arch arch) {
    Machine machine = machine_of(512 * kMiB, 4);
    machine.arch = arch;
    return only(structures_of(machine), 4);
  };
  // DSP0134 3.3, 7.5.2: 0xFE sends the reader to the second field, where 0x101 is ARMv8.
  CHECK(of(Arch::aarch64).number(0x06, 1) == 0xFE);
  CHECK(of(Arch::aarch64).number(0x28, 2) == 0x101);
  CHECK(of(Arch::aarch64).number(0x26, 2) == 0b1100);
  CHECK(of(Arch::x86_64).number(0x06, 1) == 1);
  CHECK(of(Arch::x86_64).number(0x28, 2) == 1);
}

TEST_CASE("on AArch64 the tables and their entry point are EFI data in the window given") {
  Machine machine = machine_of(64 * kMiB, 4);
  machine.arch = Arch::aarch64;
  const GpaRange window = {0x40100008, 0x40180000};
  Placed placed{LayoutPlan(machine), {}, {}};
  add_smbios(machine, everything(), {window}, placed.plan);
  REQUIRE_OK(placed.plan.place());
  placed.regions = placed.plan.realize(placed.arena);
  const GpaRange entry = placed.region("smbios.entry").range, tables = placed.region("smbios.tables").range;
  CHECK(entry == GpaRange{0x40100010, 0x40100028});
  CHECK(smbios_entry(placed.plan.addresses()) == entry.start);
  CHECK(tables.start == 0x40100030);
  const auto found = placed.bytes("smbios.entry");
  CHECK(std::accumulate(found.begin(), found.end(), 0u) % 256 == 0);
  CHECK(read_at<le64>(found, 0x10, "address").value() == tables.start);
  CHECK(read_at<le32>(found, 0x0C, "size").value() == tables.size());
  CHECK(walk(placed.bytes("smbios.tables")).back().type() == 127);
  CHECK(placed.plan.addresses().memory().covers({0x40100000, tables.to_pages().end}, MemoryType::efi_data));
  const auto mapped = of_type(walk(placed.bytes("smbios.tables")), 19);
  REQUIRE(mapped.size() == 1);
  CHECK(mapped[0].number(0x04, 4) == 0x40000000 / kKiB);
}

// dmidecode as an independent judge. Its dump files have the entry point first and the tables at 0x20.
constexpr std::uint64_t kDumpTables = 0x20;

// dmidecode's output, both streams. It is installed where only root's PATH leads.
std::string run_dmidecode(const std::string& folder, const std::string& options) {
  const std::string command = "cd '" + folder + "' && PATH=\"$PATH:/usr/sbin:/sbin\" timeout 20 dmidecode " +
                              options + " 2>&1 < /dev/null | head -c 4194304";
  FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  char block[4096];
  for (std::size_t count; (count = fread(block, 1, sizeof(block), pipe)) > 0;) output.append(block, count);
  pclose(pipe);
  return output;
}

bool have_dmidecode() {
  const std::string version = run_dmidecode("/", "--version");
  if (!version.empty() && version.front() >= '0' && version.front() <= '9') return true;
  skip_test("dmidecode is not here: apt-get install dmidecode");
  return false;
}

// What dmidecode says of the tables, `options` given.
std::string dmidecode(const std::vector<std::uint8_t>& tables, const std::string& options = "") {
  const auto entry = smbios::entry_point(kDumpTables, static_cast<std::uint32_t>(tables.size()));
  Buffer dump;
  dump.put(entry);
  dump.zeros(kDumpTables - sizeof(entry));
  dump.write(tables);
  const TemporaryFolder folder;
  folder.write("smbios.bin", dump.bytes());
  return run_dmidecode(folder.path.string(), "--from-dump smbios.bin " + options);
}

// Whether dmidecode had no complaint.
bool clean(const std::string& text) {
  for (const char* const complaint :
       {"<BAD", "<OUT", "<TRUNC", "nvalid", "runcated", "Wrong", "broken", "not fully", "Fixed up"})
    if (text.find(complaint) != std::string::npos) return false;
  return text.find("SMBIOS 3.3.0 present.") != std::string::npos &&
         text.find("End Of Table") != std::string::npos;
}

// The lines that are the same in every build of dmidecode 3.4.
std::string without_version(const std::string& text) {
  return text.starts_with("# dmidecode") ? text.substr(text.find('\n') + 1) : text;
}

TEST_CASE("what dmidecode says of the tables has been read by a person") {
  if (!have_dmidecode()) return;
  const std::string version = run_dmidecode("/", "--version");
  if (!version.starts_with("3.4"))
    return skip_test("the expected text is that of dmidecode 3.4, and this is " + version);
  const std::string plain = dmidecode(tables_of(machine_of(512 * kMiB)));
  CHECK(clean(plain));
  check_golden("smbios-default.dmidecode", without_version(plain));
  const std::string full = dmidecode(tables_of(machine_of(1 * kTiB, 300), everything()));
  CHECK(clean(full));
  check_golden("smbios-full.dmidecode", without_version(full));
  Machine arm = machine_of(64 * kGiB, 123);
  arm.arch = Arch::aarch64;
  const std::string text = dmidecode(tables_of(arm));
  CHECK(clean(text));
  check_golden("smbios-arm64.dmidecode", without_version(text));
}

TEST_CASE("dmidecode has no complaint about any size of machine") {
  if (!have_dmidecode()) return;
  for (const std::uint64_t memory : {1 * kMiB, 32 * kGiB - kMiB, 8 * kTiB}) {
    for (const std::uint32_t cpus : {1u, 255u, 256u, 1024u}) {
      const std::string text = dmidecode(tables_of(machine_of(memory, cpus), everything()));
      CAPTURE(text);
      CHECK(clean(text));
      CHECK(text.find(fmt::format("Core Count: {}\n", cpus)) != std::string::npos);
      CHECK(text.find(fmt::format("Thread Count: {}\n", cpus)) != std::string::npos);
    }
  }
  const std::string many = dmidecode(tables_of(machine_of(512 * kMiB), oem_of(200'000)));
  CHECK(clean(many));
}

TEST_CASE("dmidecode finds what was given") {
  if (!have_dmidecode()) return;
  const auto tables = tables_of(machine_of(512 * kMiB), everything());
  const std::pair<std::string, std::string> expected[] = {
      {"bios-vendor", "Acme Firmware"},
      {"bios-version", "v7.1"},
      {"bios-release-date", "02/29/2024"},
      {"system-manufacturer", "Acme Corporation"},
      {"system-product-name", "Appliance 9"},
      {"system-version", "rev C"},
      {"system-serial-number", "SN-0001"},
      {"system-uuid", "00112233-4455-6677-8899-aabbccddeeff"},
      {"system-sku-number", "SKU-0002"},
      {"system-family", "Appliances"},
      {"baseboard-manufacturer", "Board Works"},
      {"baseboard-product-name", "Board 3"},
      {"baseboard-version", "3.1"},
      {"baseboard-serial-number", "BSN-0003"},
      {"baseboard-asset-tag", "BA-0004"},
      {"chassis-manufacturer", "Chassis Works"},
      {"chassis-type", "Other"},
      {"chassis-version", "4.1"},
      {"chassis-serial-number", "CSN-0005"},
      {"chassis-asset-tag", "CA-0006"},
      {"processor-manufacturer", "Processor Works"},
      {"processor-version", "Model 5"},
  };
  for (const auto& [keyword, value] : expected)
    CHECK(keyword + ": " + dmidecode(tables, "-s " + keyword) == keyword + ": " + value + "\n");
  CHECK(dmidecode(tables, "--oem-string 1") == "io.systemd.credential:greeting=hello\n");
  CHECK(dmidecode(tables, "--oem-string 2") == "second\n");
}

TEST_CASE("dmidecode sees what is wrong") {
  if (!have_dmidecode()) return;
  const auto complains = [](const std::vector<std::uint8_t>& tables, std::string_view complaint) {
    const std::string text = dmidecode(tables);
    CAPTURE(text);
    CHECK(text.find("SMBIOS 3.3.0 present.") != std::string::npos);
    CHECK(text.find(complaint) != std::string::npos);
    CHECK_FALSE(clean(text));
  };
  auto tables = tables_of(machine_of(512 * kMiB));
  tables[4] = 99;  // the vendor's string number
  complains(tables, "Vendor: <BAD INDEX>");
  tables = tables_of(machine_of(512 * kMiB));
  tables[1] = 3;  // the first structure's length
  complains(tables, "Invalid entry length (3)");
  tables = tables_of(machine_of(512 * kMiB));
  tables.resize(tables.size() - 7);  // the end-of-table structure and a NUL of the one before
  complains(tables, "<TRUNCATED>");
}

}  // namespace
}  // namespace tintype
