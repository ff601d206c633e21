#include "formats/machine_tree.h"

#include <cstdlib>

#include "formats/fdt.h"
#include "support/temporary_folder.h"

namespace tintype {
namespace {

Machine sample() {
  Machine machine;
  machine.memory = 5 * kGiB;
  machine.cpus = 2;
  machine.protocol = "linux-x86_64";
  machine.components = {{"kernel", "bzImage (lz4)", "6.1.0", 1234, sha256(bytes_of("kernel"))},
                        {"initrd", "data", "", 5, sha256(bytes_of("initrd"))}};
  machine.labels = {{"gdt", {0x1000, 0x1020}}, {"kernel", {0x1000000, 0x3000000}}};
  return machine;
}

Machine arm64_sample(Gic gic = Gic::v3) {
  Machine machine = sample();
  machine.arch = Arch::aarch64;
  machine.gic = gic;
  machine.its = gic == Gic::v3;
  machine.cpus = gic == Gic::v3 ? 123 : 8;
  machine.protocol = "linux-arm64-acpi";
  machine.labels = {{"kernel", {0x40000000, 0x42000000}}};
  return machine;
}

std::vector<std::uint8_t> snapshot_of(const Machine& machine) {
  std::vector<std::uint8_t> file(4096, 0xEE);
  const auto trailer = machine_trailer(machine);
  file.insert(file.end(), trailer.begin(), trailer.end());
  return file;
}

// The tree of `file` changed by `edit`, with a footer that fits it.
template <typename Edit>
std::vector<std::uint8_t> resealed(std::vector<std::uint8_t> tree, Edit edit) {
  edit(tree);
  SnapshotFooter footer{.magic = {'T', 'I', 'N', 'T', 'Y', 'P', 'E', 0},
                        .version = kSnapshotVersion,
                        .tree_size = static_cast<std::uint32_t>(tree.size()),
                        .tree_sha256 = sha256(tree),
                        .reserved = {}};
  const Bytes bytes = bytes_of(footer);
  tree.insert(tree.end(), bytes.begin(), bytes.end());
  return tree;
}

std::vector<std::uint8_t> tree_of(const Machine& machine) {
  auto trailer = machine_trailer(machine);
  trailer.resize(trailer.size() - sizeof(SnapshotFooter));
  return trailer;
}

TEST_CASE("the machine reads back as it was written") {
  const auto machine = read_machine(snapshot_of(sample()));
  REQUIRE_OK(machine);
  REQUIRE(machine->has_value());
  CHECK(**machine == sample());
  for (const Gic gic : {Gic::v2, Gic::v3}) {
    const auto arm64 = read_machine(snapshot_of(arm64_sample(gic)));
    REQUIRE_OK(arm64);
    REQUIRE(arm64->has_value());
    CHECK(**arm64 == arm64_sample(gic));
  }
}

TEST_CASE("an AArch64 machine has no more vCPUs than its interrupt controller serves, and GICv2 has no ITS") {
  const auto refusal = [](const Machine& machine) {
    const auto read = read_machine(snapshot_of(machine));
    return read ? std::string() : read.error().message();
  };
  Machine machine = arm64_sample(Gic::v2);
  machine.cpus = 9;
  CHECK(refusal(machine) == "machine description: its 9 vCPUs are not between 1 and 8");
  machine = arm64_sample(Gic::v3);
  machine.cpus = 124;
  CHECK(refusal(machine) == "machine description: its 124 vCPUs are not between 1 and 123");
  machine = arm64_sample(Gic::v2);
  machine.its = true;
  CHECK(refusal(machine).find("an interrupt translation service and GICv2") != std::string::npos);
}

TEST_CASE("devices of an AArch64 machine are apart from each other and from RAM") {
  for (const Gic gic : {Gic::v2, Gic::v3}) {
    std::uint64_t end = 0;
    for (const Device& device : devices_of(arm64_sample(gic))) {
      CHECK_MESSAGE(device.base >= end, device.name);
      end = device.base + device.size * device.count;
    }
    CHECK(end <= ram_ranges(Arch::aarch64, kMiB).front().start);
  }
}

TEST_CASE("a file without a footer is nobody's error") {
  CHECK(read_machine({}).value() == std::nullopt);
  CHECK(read_machine(std::vector<std::uint8_t>(4096)).value() == std::nullopt);
}

TEST_CASE("a damaged tree or footer is refused with its place") {
  auto file = snapshot_of(sample());
  file[4200] ^= 1;
  CHECK(read_machine(file).error().message() ==
        "machine description: its SHA-256 is not the one in the footer (at file offset 0x1000)");
  file = snapshot_of(sample());
  file[file.size() - 64 + 8] = 2;
  CHECK(read_machine(file).error().message().find("footer: snapshot version 2 is not 1") == 0);
  file = snapshot_of(sample());
  file[file.size() - 64 + 15] = 0x7F;
  CHECK(read_machine(file).error().message().find("footer: a machine description of") == 0);
  file = snapshot_of(sample());
  file.back() = 1;
  CHECK(read_machine(file).error().message().find("footer: reserved bytes are not zero") == 0);
}

TEST_CASE("values out of range are refused by name") {
  const auto message = [](Machine machine) { return read_machine(snapshot_of(machine)).error().message(); };
  Machine machine = sample();
  machine.cpus = 0;
  CHECK(message(machine) == "machine description: its 0 vCPUs are not between 1 and 1024");
  machine = sample();
  machine.labels[1].range = {0x1010, 0x2000};
  CHECK(message(machine).find("label 'kernel' at 0x1010 overlaps or precedes label 'gdt'") !=
        std::string::npos);
  machine = sample();
  machine.labels[0].name = "g\x1b[31m";
  CHECK(message(machine).find("unprintable") != std::string::npos);
  machine = sample();
  machine.memory = 2 * kTiB;
  CHECK(message(machine).find("is not a multiple of 4096 up to 1 TiB") != std::string::npos);
}

TEST_CASE("every flipped bit of a tree with a fitting footer is an error or a machine") {
  const auto tree = tree_of(sample());
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < 8 * tree.size(); ++bit) {
    const auto file = resealed(tree, [&](std::vector<std::uint8_t>& bytes) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
    });
    accepted += read_machine(file).has_value();
  }
  // Hashes and names are free; structure, devices and memory are not.
  CHECK(accepted > 0);
  CHECK(accepted < 8 * tree.size() / 2);
}

TEST_CASE("dtc finds nothing to warn about in the tree") {
  if (std::system("command -v dtc >/dev/null") != 0)
    return skip_test("dtc (device-tree-compiler) is not installed");
  const TemporaryFolder folder;
  for (const Machine& machine : {sample(), arm64_sample(Gic::v2), arm64_sample(Gic::v3)}) {
    const std::string path = folder.write("machine.dtb", tree_of(machine));
    // dtc prints its warnings and goes on; silence is the verdict wanted.
    CHECK(std::system(("test -z \"$(dtc -I dtb -O dts -o /dev/null '" + path + "' 2>&1)\"").c_str()) == 0);
  }
}

}  // namespace
}  // namespace tintype
