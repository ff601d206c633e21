// Tables that the user brings, among ours.
#include "layouts/acpi_import.h"

#include "formats/acpi_file.h"
#include "support/acpi_tables.h"
#include "support/acpica.h"
#include "support/temporary_folder.h"
#include "support/test_main.h"

namespace tintype {
namespace {

using File = std::vector<std::uint8_t>;
using Names = std::vector<std::string>;

// A table of `size` bytes with a header, filled with `fill` and sealed.
File table_of(const char (&signature)[5], std::size_t size, std::uint8_t fill = 0) {
  File bytes(size, fill);
  const acpi::Header header = acpi_header(acpi::text(signature), 1);
  std::ranges::copy(bytes_of(header), bytes.begin());
  acpi::seal(bytes);
  return bytes;
}

ImportedTable import(const File& bytes, std::string file) {
  const auto read = read_acpi_table(bytes);
  REQUIRE_OK(read);
  return {.bytes = read->bytes, .signature = read->signature, .file = std::move(file)};
}

AcpiInputs machine() {
  AcpiInputs inputs;
  inputs.machine = {.arch = Arch::x86_64, .memory = 512 * kMiB, .cpus = 2, .protocol = "linux-x86_64"};
  return inputs;
}

std::string refusal(const AcpiInputs& inputs) {
  LayoutPlan plan(memory_map_of(inputs.machine), memory_map_of(inputs.machine));
  const auto added = add_acpi(inputs, x86::kRsdp, {kBiosWindow, kLowWindow}, plan);
  return added ? "" : added.error().message();
}

File specimen() {
  const std::string text = text_of(TINTYPE_TESTS_DIR "/vectors/acpi/ssdt.aml");
  REQUIRE(!text.empty());
  return {text.begin(), text.end()};
}

TEST_CASE("tables of other kinds follow ours in the order given") {
  const File oem = table_of("OEM1", 100), other = table_of("OEM1", 200), first = specimen(),
             second = table_of("SSDT", 40, 1), bgrt = table_of("BGRT", 56);
  AcpiInputs inputs = machine();
  inputs.imported = {import(oem, "a"), import(first, "b"), import(bgrt, "c"), import(other, "d"),
                     import(second, "e")};
  const AcpiTables tables = place_acpi(inputs);
  CHECK(listed(tables) == Names{"fadt", "madt", "spcr", "oem1", "ssdt", "bgrt", "oem1.2", "ssdt.2"});
  CHECK(tables.bytes.at("oem1") == oem);
  CHECK(tables.bytes.at("oem1.2") == other);
  CHECK(tables.bytes.at("ssdt") == first);
  CHECK(tables.bytes.at("ssdt.2") == second);
  CHECK(tables.bytes.at("bgrt") == bgrt);
}

TEST_CASE("a table of a kind of ours takes its place, wanted or not") {
  const File madt = table_of("APIC", 44), dsdt = table_of("DSDT", 36), srat = table_of("SRAT", 48),
             waet = table_of("WAET", 40, 0);
  AcpiInputs inputs = machine();
  inputs.imported = {import(srat, "a"), import(waet, "b"), import(dsdt, "c"), import(madt, "d")};
  const AcpiTables tables = place_acpi(inputs);
  CHECK(listed(tables) == Names{"fadt", "madt", "spcr", "srat", "waet"});
  CHECK(tables.bytes.at("madt") == madt);
  CHECK(tables.bytes.at("dsdt") == dsdt);
  CHECK(tables.bytes.at("srat") == srat);
  CHECK(tables.bytes.at("waet") == waet);
  // Our FADT points at the imported DSDT.
  const auto fadt = read_at<acpi::Fadt>(tables.bytes.at("fadt"), 0, "FADT");
  REQUIRE_OK(fadt);
  CHECK(fadt->X_DSDT == tables.ranges.at("dsdt").start);
}

// A FADT as another machine had it, with pointers to its own structures.
File foreign_fadt(std::size_t size, std::uint32_t flags) {
  File bytes = table_of("FACP", size, 0xEE);
  const auto put = [&](std::size_t at, Bytes value) {
    std::ranges::copy(value, bytes.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(offsetof(acpi::Fadt, Flags), bytes_of(le32(flags)));
  acpi::seal(bytes);
  return bytes;
}

TEST_CASE("an imported FADT leads to the DSDT that is there, to no FACS, and is as it was otherwise") {
  for (const std::size_t size : {268u, 276u, 300u}) {
    CAPTURE(size);
    const File given = foreign_fadt(size, acpi::kFadtHwReducedAcpi | 1);
    AcpiInputs inputs = machine();
    inputs.imported = {import(given, "fadt.aml")};
    const AcpiTables tables = place_acpi(inputs);
    const File& fadt = tables.bytes.at("fadt");
    REQUIRE(fadt.size() == size);
    CHECK(byte_sum(fadt) == 0);
    const std::uint64_t dsdt = tables.ranges.at("dsdt").start;
    CHECK(*read_at<le32>(fadt, 36, "FIRMWARE_CTRL") == 0u);
    CHECK(*read_at<le32>(fadt, 40, "DSDT") == dsdt);
    CHECK(*read_at<le64>(fadt, 132, "X_FIRMWARE_CTRL") == 0u);
    CHECK(*read_at<le64>(fadt, 140, "X_DSDT") == dsdt);
    for (std::size_t i = 0; i < size; ++i) {
      const bool pointer = (i >= 36 && i < 44) || (i >= 132 && i < 148);
      if (i != 9 && !pointer) CHECK(fadt[i] == given[i]);
    }
  }
}

TEST_CASE("a DSDT above 4 GiB is in X_DSDT alone") {
  AcpiInputs inputs = machine();
  inputs.machine.memory = 5 * kGiB;
  const GpaRange high = {4 * kGiB, 5 * kGiB};
  const File given = foreign_fadt(276, acpi::kFadtHwReducedAcpi);
  for (const bool imported : {false, true}) {
    CAPTURE(imported);
    if (imported) inputs.imported = {import(given, "fadt.aml")};
    const AcpiTables tables = place_acpi(inputs, {high});
    CHECK(tables.ranges.at("dsdt").start >= 4 * kGiB);
    CHECK(*read_at<le32>(tables.bytes.at("fadt"), 40, "DSDT") == 0u);
    CHECK(*read_at<le64>(tables.bytes.at("fadt"), 140, "X_DSDT") == tables.ranges.at("dsdt").start);
    CHECK(tables.memory.covers(tables.ranges.at("dsdt").to_pages(), MemoryType::acpi_data));
  }
}

TEST_CASE("a big table goes where there is room for it, as ACPI data, and not into the others' place") {
  const File big = table_of("SSDT", 3 * kMiB, 1);
  AcpiInputs inputs = machine();
  inputs.imported = {import(big, "big.aml")};
  const GpaRange high = {256 * kMiB, 512 * kMiB};
  const AcpiTables tables = place_acpi(inputs, {kBiosWindow, kLowWindow, high});
  CHECK(tables.ranges.at("ssdt").start == high.start);
  CHECK(tables.bytes.at("ssdt") == big);
  CHECK(tables.memory.covers(tables.ranges.at("ssdt").to_pages(), MemoryType::acpi_data));
  CHECK(kBiosWindow.contains(tables.ranges.at("dsdt")));

  LayoutPlan plan(memory_map_of(inputs.machine), memory_map_of(inputs.machine));
  REQUIRE_OK(add_acpi(inputs, x86::kRsdp, {kBiosWindow, kLowWindow}, plan));
  const auto placed = plan.place();
  REQUIRE(!placed);
  CHECK(placed.error().message().find("'acpi.ssdt' of 3145728 bytes does not fit") != std::string::npos);
  CHECK(placed.error().message().find("leave 'big.aml' out") != std::string::npos);
}

TEST_CASE("what a machine has once is not given twice") {
  const File srat = table_of("SRAT", 48), longer = table_of("SRAT", 64), bgrt = table_of("BGRT", 56),
             ssdt = specimen(), uefi = table_of("UEFI", 54), uefi2 = table_of("UEFI", 55);
  AcpiInputs inputs = machine();
  inputs.imported = {import(srat, "a.aml"), import(ssdt, "x"), import(longer, "b.aml")};
  CHECK(refusal(inputs) ==
        "tables 'a.aml' and 'b.aml' both have the signature SRAT, and a machine has one: leave one out");
  inputs.imported = {import(bgrt, "a.aml"), import(bgrt, "b.aml")};
  CHECK(refusal(inputs).find("both have the signature BGRT") != std::string::npos);
  inputs.imported = {import(ssdt, "a.aml"), import(ssdt, "b.aml")};
  CHECK(refusal(inputs) == "tables 'a.aml' and 'b.aml' are the same, byte for byte: leave one out");
  inputs.imported = {import(uefi, "a.aml"), import(uefi2, "b.aml")};
  CHECK(refusal(inputs).empty());
}

TEST_CASE("a FADT of a machine with fixed hardware is refused") {
  AcpiInputs inputs = machine();
  const File full = foreign_fadt(276, 0x4A5), old = foreign_fadt(244, acpi::kFadtHwReducedAcpi);
  inputs.imported = {import(full, "host.aml")};
  CHECK(refusal(inputs) ==
        "table 'host.aml' is a FADT with flags 0x000004a5, in which HW_REDUCED_ACPI (0x00100000) is clear, "
        "and this machine has no fixed ACPI hardware and no FACS: set the flag");
  inputs.imported = {import(old, "old.aml")};
  CHECK(refusal(inputs) ==
        "table 'old.aml' is a FADT of 244 bytes, from before ACPI 5.0, and cannot say that the machine is "
        "hardware-reduced, as this one is: use one of at least 268 bytes");
}

TEST_CASE("iasl makes the specimen of its source, and the interpreter finds its device beside ours") {
  if (!have_acpica()) return;
  const Recompiled compiled = compile(text_of(TINTYPE_TESTS_DIR "/vectors/acpi/ssdt.dsl"));
  CAPTURE(compiled.log);
  CHECK(compiled.table == specimen());
  AcpiInputs inputs = machine();
  const File ssdt = specimen();
  inputs.imported = {import(ssdt, "ssdt.aml")};
  const AcpiTables tables = place_acpi(inputs);
  const std::vector<Bytes> ssdts = {tables.bytes.at("ssdt")};
  const Bytes dsdt = tables.bytes.at("dsdt");
  CHECK(execute(dsdt, "evaluate \\_SB.THRM.DEGC", ssdts).find("000000000000002A") != std::string::npos);
  CHECK(execute(dsdt, "evaluate \\_SB.VIO7._UID", ssdts).find("0000000000000007") != std::string::npos);
  // Without it there is no such device.
  CHECK(execute(dsdt, "evaluate \\_SB.THRM.DEGC").find("000000000000002A") == std::string::npos);
}

TEST_CASE("our own tables come back as imported ones") {
  AcpiInputs inputs = machine();
  inputs.numa = {{.cpus = {0}, .memory = 256 * kMiB}, {.cpus = {1}, .memory = 256 * kMiB}};
  inputs.machine.protocol = "test";
  const AcpiTables ours = place_acpi(inputs);
  AcpiInputs again = inputs;
  for (const auto& [name, bytes] : ours.bytes)
    if (name != "rsdp" && name != "xsdt") again.imported.push_back(import(bytes, name));
  CHECK(again.imported.size() == 7);
  const AcpiTables theirs = place_acpi(again);
  CHECK(theirs.bytes == ours.bytes);
  CHECK(theirs.ranges == ours.ranges);
}

AcpiInputs arm64_machine() {
  AcpiInputs inputs;
  inputs.machine = {
      .arch = Arch::aarch64, .its = true, .memory = 512 * kMiB, .cpus = 2, .protocol = "linux-arm64-acpi"};
  return inputs;
}

TEST_CASE("an AArch64 machine takes tables too, in the place of its own and after them") {
  const File gtdt = table_of("GTDT", 104), fadt = foreign_fadt(276, acpi::kFadtHwReducedAcpi),
             ssdt = specimen();
  AcpiInputs inputs = arm64_machine();
  inputs.imported = {import(ssdt, "a"), import(gtdt, "b"), import(fadt, "c")};
  const AcpiTables tables = place_acpi(inputs);
  CHECK(listed(tables) == Names{"dbg2", "fadt", "gtdt", "iort", "madt", "pptt", "spcr", "ssdt"});
  CHECK(tables.bytes.at("gtdt") == gtdt);
  CHECK(tables.bytes.at("ssdt") == ssdt);
  CHECK(*read_at<le64>(tables.bytes.at("fadt"), 140, "X_DSDT") == tables.ranges.at("dsdt").start);
  const File full = foreign_fadt(276, 0x4A5);
  inputs.imported = {import(full, "host.aml")};
  CHECK(refusal(inputs).find("HW_REDUCED_ACPI (0x00100000) is clear") != std::string::npos);
}

TEST_CASE("the tables of an AArch64 machine come back as imported ones") {
  AcpiInputs inputs = arm64_machine();
  inputs.numa = {{.cpus = {0}, .memory = 256 * kMiB}, {.cpus = {1}, .memory = 256 * kMiB}};
  const AcpiTables ours = place_acpi(inputs);
  AcpiInputs again = inputs;
  for (const auto& [name, bytes] : ours.bytes)
    if (name != "rsdp" && name != "xsdt") again.imported.push_back(import(bytes, name));
  CHECK(again.imported.size() == 10);
  const AcpiTables theirs = place_acpi(again);
  CHECK(theirs.bytes == ours.bytes);
  CHECK(theirs.ranges == ours.ranges);
}

}  // namespace
}  // namespace tintype
