// Where the guest finds everything, walked from X0 as Linux walks it, by numbers of the specifications and
// not by our structures.
#include <algorithm>
#include <map>
#include <numeric>

#include "formats/fdt.h"
#include "layouts/laid_out.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

namespace tintype {
namespace {

using File = std::vector<std::uint8_t>;

Request request_of(std::uint64_t memory = 64 * kMiB, std::uint32_t cpus = 1) {
  Request request;
  request.kernel = tiny::arm64_image();
  request.cmdline = "console=ttyAMA0";
  request.memory = memory;
  request.cpus = cpus;
  request.protocol = "linux-arm64-acpi";
  return request;
}

// Little-endian, from the guest's memory.
std::uint64_t number(const Layout& guest, std::uint64_t gpa, std::size_t size) {
  const File bytes = guest.bytes(gpa, size);
  REQUIRE(bytes.size() == size);
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

std::uint64_t crc32_of(Bytes bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

bool sums_to_zero(Bytes bytes) {
  return !bytes.empty() && std::accumulate(bytes.begin(), bytes.end(), 0u) % 256 == 0;
}

struct Descriptor {
  std::uint64_t type, start, pages, attribute;
  GpaRange range() const { return {start, start + pages * 4096}; }
};

// What a guest knows after it has followed every pointer.
struct Walk {
  std::map<std::string, File> chosen;
  std::uint64_t system_table = 0;
  std::map<std::string, std::uint64_t> tables;  // configuration tables by GUID
  std::vector<Descriptor> memory;
  std::vector<std::string> acpi;     // signatures in the XSDT's order, and DSDT
  std::vector<GpaRange> structures;  // everything that was read
};

std::uint64_t cells(const File& bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

// drivers/firmware/efi/fdtparams.c, and dt_is_stub() of arch/arm64/kernel/acpi.c.
void walk_tree(const Layout& guest, Walk& walk) {
  const std::uint64_t gpa = guest.arm64().x0;
  CHECK(gpa % 8 == 0);
  const std::uint64_t size = cells(guest.bytes(gpa + 4, 4));
  CHECK(size <= 2 * kMiB);
  CHECK(gpa / (2 * kMiB) == (gpa + size - 1) / (2 * kMiB));
  const File blob = guest.bytes(gpa, size);
  walk.structures.push_back({gpa, gpa + size});
  const auto tree = FdtReader::open(blob);
  REQUIRE_OK(tree);
  const auto nodes = tree->children(tree->root());
  REQUIRE(nodes.size() == 1);
  CHECK(tree->name(nodes[0]) == "chosen");
  CHECK(tree->children(nodes[0]).empty());
  for (const char* name : {"bootargs", "linux,initrd-start", "linux,initrd-end", "kaslr-seed", "rng-seed",
                           "linux,uefi-system-table", "linux,uefi-mmap-start", "linux,uefi-mmap-size",
                           "linux,uefi-mmap-desc-size", "linux,uefi-mmap-desc-ver", "linux,uefi-secure-boot"})
    if (tree->has(nodes[0], name)) {
      const Bytes value = tree->bytes(nodes[0], name).value();
      walk.chosen[name] = File(value.begin(), value.end());
    }
}

void walk_memory_map(const Layout& guest, Walk& walk) {
  const std::uint64_t start = cells(walk.chosen.at("linux,uefi-mmap-start"));
  const std::uint64_t size = cells(walk.chosen.at("linux,uefi-mmap-size"));
  const std::uint64_t step = cells(walk.chosen.at("linux,uefi-mmap-desc-size"));
  CHECK(cells(walk.chosen.at("linux,uefi-mmap-desc-ver")) == 1);
  CHECK(start % 8 == 0);
  REQUIRE(step >= 40);
  REQUIRE(size % step == 0);
  for (std::uint64_t at = start; at < start + size; at += step)
    walk.memory.push_back({number(guest, at, 4), number(guest, at + 8, 8), number(guest, at + 24, 8),
                           number(guest, at + 32, 8)});
  walk.structures.push_back({start, start + size});
}

std::string guid_at(const Layout& guest, std::uint64_t gpa) {
  std::string text = fmt::format("{:08x}-{:04x}-{:04x}-", number(guest, gpa, 4), number(guest, gpa + 4, 2),
                                 number(guest, gpa + 6, 2));
  for (std::uint64_t i = 8; i < 16; ++i) text += fmt::format("{:02x}", number(guest, gpa + i, 1));
  return text;
}

// UEFI 2.10, 4.2, 4.3 and 4.6.
void walk_system_table(const Layout& guest, Walk& walk) {
  const std::uint64_t gpa = walk.system_table = cells(walk.chosen.at("linux,uefi-system-table"));
  CHECK(gpa % 8 == 0);
  CHECK(number(guest, gpa, 8) == 0x5453595320494249);
  CHECK(number(guest, gpa + 8, 4) >= 0x20000);
  const std::uint64_t size = number(guest, gpa + 12, 4);
  REQUIRE(size == 120);
  File bytes = guest.bytes(gpa, size);
  std::fill_n(bytes.begin() + 16, 4, std::uint8_t{0});
  CHECK(number(guest, gpa + 16, 4) == crc32_of(bytes));
  CHECK(number(guest, gpa + 20, 4) == 0);
  for (std::uint64_t at = gpa + 40; at < gpa + 104; at += 8) CHECK(number(guest, at, 8) == 0);
  walk.structures.push_back({gpa, gpa + size});

  std::string vendor;
  std::uint64_t at = number(guest, gpa + 24, 8);
  for (; number(guest, at, 2) != 0; at += 2) vendor += static_cast<char>(number(guest, at, 2));
  CHECK(vendor == "Tintype");

  const std::uint64_t count = number(guest, gpa + 104, 8), tables = number(guest, gpa + 112, 8);
  for (std::uint64_t i = 0; i < count; ++i)
    CHECK(
        walk.tables.emplace(guid_at(guest, tables + i * 24), number(guest, tables + i * 24 + 16, 8)).second);
  walk.structures.push_back({tables, tables + count * 24});
}

constexpr const char* kAcpi20 = "8868e871-e4f1-11d3-bc220080c73c8881";
constexpr const char* kSmbios3 = "f2fd1544-9794-4a2c-992ee5bbcf20e394";
constexpr const char* kRtProperties = "eb66918a-7eef-402a-842e931d21c38ae9";
constexpr const char* kRandomSeed = "1ce1e5bc-7ceb-42f2-81e58aadf180f57b";
constexpr const char* kMemReserve = "888eb0c6-8ede-4ff5-a8f09aee5cb977c2";

std::string acpi_table(const Layout& guest, std::uint64_t gpa, Walk& walk) {
  const std::uint64_t size = number(guest, gpa + 4, 4);
  const std::string signature = text_at(guest, gpa, 4);
  CAPTURE(signature);
  CHECK(sums_to_zero(guest.bytes(gpa, size)));
  walk.structures.push_back({gpa, gpa + size});
  return signature;
}

// ACPI 6.5, 5.2.5 and on.
void walk_acpi(const Layout& guest, Walk& walk) {
  const std::uint64_t rsdp = walk.tables.at(kAcpi20);
  CHECK(text_at(guest, rsdp, 8) == "RSD PTR ");
  CHECK(sums_to_zero(guest.bytes(rsdp, 20)));
  CHECK(sums_to_zero(guest.bytes(rsdp, 36)));
  walk.structures.push_back({rsdp, rsdp + 36});
  const std::uint64_t xsdt = number(guest, rsdp + 24, 8);
  CHECK(acpi_table(guest, xsdt, walk) == "XSDT");
  const std::uint64_t size = number(guest, xsdt + 4, 4);
  for (std::uint64_t at = 36; at < size; at += 8) {
    const std::uint64_t table = number(guest, xsdt + at, 8);
    walk.acpi.push_back(acpi_table(guest, table, walk));
    if (walk.acpi.back() == "FACP") CHECK(acpi_table(guest, number(guest, table + 140, 8), walk) == "DSDT");
  }
}

// DSP0134 3.3, 5.2.2 and 7.5.
void walk_smbios(const Layout& guest, Walk& walk) {
  const std::uint64_t entry = walk.tables.at(kSmbios3);
  CHECK(entry % 16 == 0);
  CHECK(text_at(guest, entry, 5) == "_SM3_");
  CHECK(sums_to_zero(guest.bytes(entry, 24)));
  walk.structures.push_back({entry, entry + 24});
  const std::uint64_t tables = number(guest, entry + 16, 8), size = number(guest, entry + 12, 4);
  const File bytes = guest.bytes(tables, size);
  REQUIRE(bytes.size() == size);
  CHECK(File(bytes.end() - 6, bytes.end()) == File{127, 4, 0, 127, 0, 0});
  walk.structures.push_back({tables, tables + size});
}

bool is_loaded(const Layout& guest, const char* name) {
  return region_named(guest.image, name) != nullptr;
}

// UEFI 2.10, 7.2.3: in order, without gaps or overlaps from the start of RAM to its end, and each structure
// in one stretch of memory that Linux leaves alone.
void check_memory(const Layout& guest, const Walk& walk) {
  std::uint64_t at = 0x40000000;
  for (const Descriptor& entry : walk.memory) {
    CHECK(entry.start == at);
    CHECK(entry.start % 4096 == 0);
    CHECK(entry.pages > 0);
    CHECK(entry.attribute == 8);
    CHECK((entry.type == 7 || entry.type == 9));
    at = entry.range().end;
  }
  CHECK(at == 0x40000000 + guest.image.machine.memory);
  const auto type_of = [&](GpaRange range) -> std::uint64_t {
    for (const Descriptor& entry : walk.memory)
      if (entry.range().contains(range)) return entry.type;
    return ~std::uint64_t{0};
  };
  for (const PlacedRegion& region : guest.image.regions) {
    CAPTURE(region.name);
    const bool firmware = region.name.starts_with("efi.") || region.name.starts_with("acpi.") ||
                          region.name.starts_with("smbios.");
    CHECK(type_of(region.range) == (firmware ? 9 : 7));
  }
  for (const GpaRange& structure : walk.structures)
    CHECK(type_of(structure) == (structure.start == guest.arm64().x0 ? 7 : 9));
}

Walk walk_through(const Layout& guest) {
  Walk walk;
  walk_tree(guest, walk);
  walk_memory_map(guest, walk);
  walk_system_table(guest, walk);
  walk_acpi(guest, walk);
  walk_smbios(guest, walk);
  check_memory(guest, walk);
  CHECK(number(guest, walk.tables.at(kRtProperties), 8) == 0x00080001);
  CHECK(cells(walk.chosen.at("linux,uefi-secure-boot")) == 2);
  return walk;
}

TEST_CASE("every table is found from X0, whatever the machine") {
  for (const std::uint32_t cpus : {1u, 8u, 123u}) {
    for (const std::uint64_t memory : {64 * kMiB, 512 * kMiB + 4096, 3 * kGiB, 1 * kTiB}) {
      for (const bool its : {false, true}) {
        CAPTURE(cpus);
        CAPTURE(memory);
        CAPTURE(its);
        Request request = request_of(memory, cpus);
        request.its = its;
        request.initrd = initrd_of(100'000);
        const auto guest = must_lay_out(request);
        const Walk walk = walk_through(*guest);
        CHECK(walk.tables.size() == (its ? 4 : 3));
        for (const char* signature : {"FACP", "APIC"})
          CHECK(std::count(walk.acpi.begin(), walk.acpi.end(), signature) == 1);
      }
    }
  }
}

TEST_CASE("GICv2 changes nothing of how tables are found") {
  Request request = request_of(128 * kMiB, 8);
  request.gic = Gic::v2;
  walk_through(*must_lay_out(request));
}

TEST_CASE("registers are as booting.rst wants them") {
  const auto guest = must_lay_out(request_of());
  const VcpuArm64& vcpu = guest->arm64();
  CHECK(vcpu.pc == 0x40000000);
  CHECK(vcpu.x0 == guest->region("fdt").range.start);
  CHECK((vcpu.x1 | vcpu.x2 | vcpu.x3) == 0);
  CHECK(vcpu.cpsr == 0x3C5);
  CHECK((vcpu.sctlr_el1 & 1) == 0);
}

TEST_CASE("the kernel is where its header says, and all else above it") {
  for (const std::uint64_t text_offset : {std::uint64_t{0}, std::uint64_t{0x80000}}) {
    for (const std::uint64_t image_size : {std::uint64_t{0x20000}, std::uint64_t{0x1FF123}}) {
      CAPTURE(text_offset);
      CAPTURE(image_size);
      Request request = request_of();
      request.kernel = tiny::arm64_image({.text_offset = text_offset, .image_size = image_size});
      request.initrd = initrd_of(5000);
      const auto guest = must_lay_out(request);
      const GpaRange kernel = guest->region("kernel").range;
      CHECK(kernel == GpaRange{0x40000000 + text_offset, 0x40000000 + text_offset + image_size});
      CHECK(guest->arm64().pc == kernel.start);
      for (const PlacedRegion& region : guest->image.regions) {
        CAPTURE(region.name);
        // Not even in the largest page that a kernel can have.
        if (region.name != "kernel") CHECK(region.range.start >= *align_up(kernel.end, 0x10000));
      }
      walk_through(*guest);
    }
  }
}

TEST_CASE("an initrd is where /chosen says") {
  Request request = request_of();
  request.initrd = initrd_of(70'001);
  const auto guest = must_lay_out(request);
  const Walk walk = walk_through(*guest);
  const std::uint64_t start = cells(walk.chosen.at("linux,initrd-start"));
  CHECK(start == guest->region("initrd").range.start);
  CHECK(cells(walk.chosen.at("linux,initrd-end")) - start == 70'001);
  CHECK(guest->bytes(start, 70'001) == *request.initrd);
  const auto without = must_lay_out(request_of());
  CHECK(walk_through(*without).chosen.count("linux,initrd-start") == 0);
}

TEST_CASE("the command line is in /chosen, whole") {
  Request request = request_of();
  request.cmdline = std::string(2047, 'x');
  const Walk walk = walk_through(*must_lay_out(request));
  CHECK(walk.chosen.at("bootargs").size() == 2048);
  request.cmdline += 'x';
  CHECK(refusal(request).starts_with("the command line has 2048 bytes"));
}

TEST_CASE("a random seed is in EFI's table alone, and one for KASLR in /chosen") {
  Request request = request_of();
  const auto plain = walk_through(*must_lay_out(request));
  CHECK(plain.tables.count(kRandomSeed) == 0);
  CHECK(plain.chosen.count("kaslr-seed") == 0);
  const File seed = initrd_of(48), kaslr = {1, 2, 3, 4, 5, 6, 7, 8};
  request.change = [&](Inputs& inputs) {
    inputs.rng_seed = seed;
    inputs.kaslr_seed = kaslr;
  };
  const auto guest = must_lay_out(request);
  const Walk walk = walk_through(*guest);
  const std::uint64_t table = walk.tables.at(kRandomSeed);
  CHECK(number(*guest, table, 4) == 48);
  CHECK(guest->bytes(table + 4, 48) == seed);
  CHECK(walk.chosen.count("rng-seed") == 0);
  CHECK(walk.chosen.at("kaslr-seed") == kaslr);
}

TEST_CASE("a seed for a kernel that is told not to move is refused") {
  Request request = request_of();
  request.change = [](Inputs& inputs) { inputs.kaslr_seed.assign(8, 1); };
  request.cmdline = "quiet nokaslr";
  CHECK(refusal(request).starts_with("the command line says nokaslr, and --kaslr-seed is for a kernel that"));
  request.cmdline = "nokaslrx";
  must_lay_out(request);
}

TEST_CASE("only a machine with an ITS has a list of reservations") {
  Request request = request_of();
  CHECK_FALSE(is_loaded(*must_lay_out(request), "efi.mem_reserve"));
  request.its = true;
  const auto guest = must_lay_out(request);
  const std::uint64_t table = walk_through(*guest).tables.at(kMemReserve);
  // drivers/firmware/efi/efi.c, efi_config_parse_tables: room for none, none in use, no further list.
  CHECK(number(*guest, table, 8) == 0);
  CHECK(number(*guest, table + 8, 8) == 0);
  CHECK(table / 4096 == (table + 15) / 4096);
}

TEST_CASE("many tables of all sizes leave the memory map short") {
  std::vector<File> files;
  for (std::size_t i = 0; i < 300; ++i) {
    File table(36 + i * 997 % 9000);
    const acpi::Header header = acpi_header(acpi::text("SSDT"), 2);
    std::ranges::copy(bytes_of(header), table.begin());
    acpi::seal(table);
    files.push_back(std::move(table));
  }
  for (const std::uint64_t image_size : {0x20000u, 0x1F0000u, 0x1FFFFFu}) {
    Request request = request_of();
    request.kernel = tiny::arm64_image({.image_size = image_size});
    request.change = [&](Inputs& inputs) {
      for (const File& file : files)
        inputs.acpi->imported.push_back({.bytes = file, .signature = acpi::text("SSDT"), .file = "ssdt"});
    };
    const Walk walk = walk_through(*must_lay_out(request));
    CHECK(walk.acpi.size() > 300);
    CHECK(walk.memory.size() < 12);
  }
}

TEST_CASE("the same inputs give the same bytes") {
  Request request = request_of(256 * kMiB, 4);
  request.its = true;
  request.initrd = initrd_of(9000);
  const auto one = must_lay_out(request), other = must_lay_out(request);
  REQUIRE(one->image.regions.size() == other->image.regions.size());
  for (std::size_t i = 0; i < one->image.regions.size(); ++i) {
    const PlacedRegion &a = one->image.regions[i], &b = other->image.regions[i];
    CHECK(a.name == b.name);
    CHECK(a.range == b.range);
    CHECK(one->bytes(a.range.start, a.size) == other->bytes(b.range.start, b.size));
  }
}

TEST_CASE("what belongs to a device tree is refused") {
  Request request = request_of();
  request.change = [](Inputs& inputs) { inputs.acpi.reset(); };
  CHECK(refusal(request) ==
        "protocol linux-arm64-acpi tells the kernel of its machine by ACPI tables, and --no-acpi leaves them "
        "out: give --device-tree, or leave --no-acpi out");
  const File tree(64);
  request.change = [&](Inputs& inputs) { inputs.dtb = Bytes(tree); };
  CHECK(refusal(request).ends_with("give --device-tree, or leave --fdt out"));
  request.change = [&](Inputs& inputs) { inputs.overlays = {Bytes(tree)}; };
  CHECK(refusal(request).ends_with("give --device-tree, or leave --fdt-overlay out"));
  request.change = [&](Inputs& inputs) { inputs.modules.push_back({Bytes(tree), ""}); };
  CHECK(refusal(request).starts_with("--module, "));
}

TEST_CASE("a kernel from before ACPI is refused, and has the other protocol by default") {
  Request request = request_of();
  request.kernel = tiny::arm64_image({.text_offset = 0x80000, .image_size = 0});
  CHECK(refusal(request) ==
        "its Image header has an image_size of 0, so it is from before Linux 3.17, and for AArch64 there is "
        "ACPI since 4.1: give --device-tree instead of protocol linux-arm64-acpi");
  const auto loaded = load_kernel(request.kernel);
  REQUIRE_OK(loaded);
  CHECK_FALSE(protocol_named("linux-arm64-acpi").suits(loaded->kernel));
  CHECK(protocol_named("linux-arm64-dt").suits(loaded->kernel));
}

TEST_CASE("RAM ends where a page of the kernel can end") {
  Request request = request_of();
  // 4, 16 and 64 KiB, and a header that does not say.
  const std::pair<std::uint64_t, std::uint64_t> kernels[] = {
      {0xA, 4 * kKiB}, {0xC, 16 * kKiB}, {0xE, 64 * kKiB}, {0x8, 64 * kKiB}};
  for (const auto& kernel : kernels) {
    CAPTURE(kernel.first);
    const std::uint64_t page = kernel.second;
    request.kernel = tiny::arm64_image({.flags = kernel.first});
    request.memory = 64 * kMiB + page;
    must_lay_out(request);
    request.memory = 64 * kMiB + page / 2;
    CHECK(refusal(request).find(fmt::format("is no multiple of {} KiB", page / kKiB)) != std::string::npos);
  }
}

TEST_CASE("kernels of the other architecture are refused, and it is the default for Linux alone") {
  Request request = request_of();
  request.kernel = tiny::elf();
  CHECK(refusal(request) == "protocol linux-arm64-acpi needs an AArch64 kernel, and this one is for x86_64");
  const BootProtocol& protocol = protocol_named("linux-arm64-acpi");
  Kernel kernel;
  kernel.arch = Arch::aarch64;
  kernel.entry = 0;
  CHECK_FALSE(protocol.suits(kernel));
  kernel.is_linux = true;
  CHECK(protocol.suits(kernel));
  kernel.arch = Arch::x86_64;
  CHECK_FALSE(protocol.suits(kernel));
}

TEST_CASE("memory that is too small is refused, with how much would do") {
  Request request = request_of(2 * kMiB);
  const std::string message = refusal(request);
  CAPTURE(message);
  CHECK(message.starts_with("region 'fdt' of "));
  CHECK(message.ends_with(": give --memory at least 3M"));
  request.memory = 3 * kMiB;
  walk_through(*must_lay_out(request));
}

// A machine that every part of the protocol has something to do for.
Request everything() {
  Request request = request_of(512 * kMiB, 4);
  request.its = true;
  request.initrd = initrd_of(100'000);
  request.change = [](Inputs& inputs) {
    inputs.rng_seed.assign(32, 0x5A);
    inputs.kaslr_seed = {1, 2, 3, 4, 5, 6, 7, 8};
  };
  return request;
}

std::string command_output(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  char block[4096];
  for (std::size_t count; (count = fread(block, 1, sizeof(block), pipe)) > 0;) output.append(block, count);
  pclose(pipe);
  return output;
}

TEST_CASE("what dtc says of the tree has been read by a person") {
  if (std::system("command -v dtc >/dev/null") != 0)
    return skip_test("dtc (device-tree-compiler) is not installed");
  const TemporaryFolder folder;
  for (const auto& [request, golden] :
       {std::pair{request_of(), "arm64-acpi-plain.dts"}, std::pair{everything(), "arm64-acpi-full.dts"}}) {
    const auto guest = must_lay_out(request);
    const PlacedRegion& tree = guest->region("fdt");
    folder.write("tree", guest->bytes(tree.range.start, tree.size));
    const std::string file = folder / "tree";
    CHECK(command_output("dtc -I dtb -O dts -o /dev/null '" + file + "'").empty());
    check_golden(golden, command_output("dtc -I dtb -O dts '" + file + "'"));
  }
}

TEST_CASE("the memory map has been read by a person") {
  const auto guest = must_lay_out(everything());
  const std::map<std::uint64_t, std::string> types = {{7, "conventional"}, {9, "ACPI reclaim"}};
  std::string text;
  for (const Descriptor& entry : walk_through(*guest).memory) {
    text += fmt::format("{:#x}-{:#x} {}\n", entry.start, entry.range().last(), types.at(entry.type));
    for (const PlacedRegion& region : guest->image.regions)
      if (entry.range().contains(region.range))
        text += fmt::format("  {:#x}-{:#x} {}\n", region.range.start, region.range.last(), region.name);
  }
  check_golden("arm64-acpi.memory", text);
}

}  // namespace
}  // namespace tintype
