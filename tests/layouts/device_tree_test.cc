#include "layouts/device_tree.h"

#include "formats/fdt.h"
#include "layouts/arm64_guest.h"
#include "support/dtc.h"
#include "support/golden.h"
#include "support/test_main.h"

namespace tintype {
namespace {

Machine machine_of(std::uint32_t cpus, Gic gic = Gic::v3, bool its = false,
                   std::uint64_t memory = 512 * kMiB) {
  return {.arch = Arch::aarch64, .gic = gic, .its = its, .memory = memory, .cpus = cpus};
}

Inputs inputs_of(const Machine& machine) {
  Inputs inputs;
  inputs.machine = machine;
  return inputs;
}

std::vector<std::uint8_t> tree_of(const Inputs& inputs) {
  const auto tree = guest_device_tree(inputs);
  REQUIRE_OK(tree);
  const auto filled = filled_in(*tree, inputs, Addresses{});
  REQUIRE_OK(filled);
  return *filled;
}

// Why `inputs` have no tree.
std::string refusal_of(const Inputs& inputs) {
  const auto tree = guest_device_tree(inputs);
  if (!tree) return tree.error().message();
  const auto filled = filled_in(*tree, inputs, Addresses{});
  REQUIRE_FALSE(filled);
  return filled.error().message();
}

FdtReader reader_of(const std::vector<std::uint8_t>& tree) {
  auto reader = FdtReader::open(tree);
  REQUIRE_OK(reader);
  return std::move(*reader);
}

std::vector<std::uint32_t> cells_of(const FdtReader& tree, std::string_view path, std::string_view property) {
  const auto node = tree.find(path);
  REQUIRE_OK(node);
  const auto value = tree.bytes(*node, property);
  REQUIRE_OK(value);
  std::vector<std::uint32_t> cells;
  for (std::size_t at = 0; at < value->size(); at += 4)
    cells.push_back(read_at<be32>(*value, at, "cell").value());
  return cells;
}

std::string string_of(const FdtReader& tree, std::string_view path, std::string_view property) {
  const auto node = tree.find(path);
  REQUIRE_OK(node);
  const auto value = tree.string(*node, property);
  REQUIRE_OK(value);
  return *value;
}

using Cells = std::vector<std::uint32_t>;

struct Golden {
  const char* name;
  Machine machine;
};

const Golden kGolden[] = {
    {"device-tree-1-v3.dts", machine_of(1)},
    {"device-tree-4-v2.dts", machine_of(4, Gic::v2)},
    {"device-tree-2-v3-its.dts", machine_of(2, Gic::v3, true, 4 * kGiB)},
};

TEST_CASE("dtc has no warning for the trees of machines, and they are as reviewed") {
  if (!have_dtc()) return;
  for (const Golden& golden : kGolden) {
    Inputs inputs = inputs_of(golden.machine);
    inputs.cmdline = "console=ttyAMA0 quiet";
    const TreeSource tree = tree_source(tree_of(inputs));
    CHECK(tree.log == "");
    check_golden(golden.name, tree.source);
  }
}

TEST_CASE("dtc has no warning with labels, and for the largest machines") {
  if (!have_dtc()) return;
  for (const Machine& machine :
       {machine_of(8, Gic::v2), machine_of(123), machine_of(123, Gic::v3, true, kMaxMemory)}) {
    CHECK(tree_source(machine_device_tree(machine, false)).log == "");
    CHECK(tree_source(machine_device_tree(machine, true)).log == "");
  }
}

TEST_CASE("processors are named by the affinity that KVM gives them") {
  const auto blob = tree_of(inputs_of(machine_of(123)));
  const FdtReader tree = reader_of(blob);
  CHECK(cells_of(tree, "/cpus/cpu@0", "reg") == Cells{0});
  CHECK(cells_of(tree, "/cpus/cpu@f", "reg") == Cells{15});
  CHECK(cells_of(tree, "/cpus/cpu@100", "reg") == Cells{0x100});
  CHECK(cells_of(tree, "/cpus/cpu@70a", "reg") == Cells{0x70A});
  CHECK_FALSE(tree.find("/cpus/cpu@70b"));
  CHECK(string_of(tree, "/cpus/cpu@70a", "enable-method") == "psci");
  // The map has each of them once.
  for (unsigned i = 0; i < 123; ++i) {
    const auto core = cells_of(tree, fmt::format("/cpus/cpu-map/cluster0/core{}", i), "cpu");
    const auto cpu = cells_of(tree, fmt::format("/cpus/cpu@{:x}", arm64_mpidr(i)), "phandle");
    CHECK(core == cpu);
  }
  CHECK_FALSE(tree.find("/cpus/cpu-map/cluster0/core123"));
}

TEST_CASE("the interrupt controller has a redistributor for each vCPU, and no node overlaps another") {
  for (const std::uint32_t cpus : {1u, 4u, 123u}) {
    const auto blob = tree_of(inputs_of(machine_of(cpus)));
    const FdtReader tree = reader_of(blob);
    CHECK(cells_of(tree, "/interrupt-controller", "reg") ==
          Cells{0, 0x08000000, 0, 0x10000, 0, 0x080A0000, 0, cpus * 0x20000});
    CHECK_FALSE(tree.find("/interrupt-controller/msi-controller"));
  }
  const auto with_its = tree_of(inputs_of(machine_of(2, Gic::v3, true)));
  CHECK(cells_of(reader_of(with_its), "/interrupt-controller/msi-controller", "reg") ==
        Cells{0, 0x08080000, 0, 0x20000});
  const auto v2 = tree_of(inputs_of(machine_of(8, Gic::v2)));
  CHECK(cells_of(reader_of(v2), "/interrupt-controller", "reg") ==
        Cells{0, 0x08000000, 0, 0x10000, 0, 0x08010000, 0, 0x2000});
}

TEST_CASE("timers interrupt by the PPIs that they have, with GICv2 each vCPU by its own") {
  const auto v3 = tree_of(inputs_of(machine_of(8)));
  CHECK(cells_of(reader_of(v3), "/timer", "interrupts") == Cells{1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4});
  const auto v2 = tree_of(inputs_of(machine_of(8, Gic::v2)));
  CHECK(cells_of(reader_of(v2), "/timer", "interrupts") ==
        Cells{1, 13, 0xFF04, 1, 14, 0xFF04, 1, 11, 0xFF04, 1, 10, 0xFF04});
  const auto one = tree_of(inputs_of(machine_of(1, Gic::v2)));
  CHECK(cells_of(reader_of(one), "/timer", "interrupts")[2] == 0x104);
}

TEST_CASE("every device of the machine is in its tree, where it is and with its interrupt") {
  const char* const node_names[][2] = {{"serial", "serial"},
                                       {"rtc", "rtc"},
                                       {"gpio", "gpio"},
                                       {"exit-code", "exit-code"},
                                       {"virtio-mmio", "virtio"}};
  const Machine machine = machine_of(2);
  const auto blob = tree_of(inputs_of(machine));
  const FdtReader tree = reader_of(blob);
  unsigned found = 0;
  for (const Device& device : devices_of(machine)) {
    for (const auto& [name, node] : node_names) {
      if (device.name != name) continue;
      ++found;
      for (std::uint32_t i = 0; i < device.count; ++i) {
        const std::uint64_t base = device.base + i * device.size;
        const std::string path = fmt::format("/{}@{:x}", node, base);
        CHECK(cells_of(tree, path, "reg") ==
              Cells{0, static_cast<std::uint32_t>(base), 0, static_cast<std::uint32_t>(device.size)});
        if (!device.interrupt) continue;
        const auto interrupts = cells_of(tree, path, "interrupts");
        CHECK(interrupts == Cells{0, *device.interrupt + i - 32, device.count > 1 ? 1u : 4u});
      }
    }
  }
  CHECK(found == std::size(node_names));
}

TEST_CASE("memory is the machine's, from 128 MiB to 1 TiB") {
  for (const std::uint64_t size : {128 * kMiB, 3 * kGiB, 4 * kGiB, 5 * kGiB + kPageSize, kMaxMemory}) {
    const auto blob = tree_of(inputs_of(machine_of(1, Gic::v3, false, size)));
    CHECK(cells_of(reader_of(blob), "/memory@40000000", "reg") ==
          Cells{0, 0x40000000, static_cast<std::uint32_t>(size >> 32), static_cast<std::uint32_t>(size)});
  }
}

TEST_CASE("chosen has the command line, the initrd and seeds, and labels are there for overlays only") {
  Inputs inputs = inputs_of(machine_of(1));
  const std::vector<std::uint8_t> initrd(100, 1);
  const auto plain = tree_of(inputs);
  CHECK(string_of(reader_of(plain), "/chosen", "bootargs").empty());
  CHECK(string_of(reader_of(plain), "/chosen", "stdout-path") == "/serial@9000000");
  CHECK_FALSE(reader_of(plain).find("/__symbols__"));
  for (const char* absent : {"linux,initrd-start", "linux,initrd-end", "kaslr-seed", "rng-seed"})
    CHECK_FALSE(reader_of(plain).has(reader_of(plain).find("/chosen").value(), absent));
  inputs.cmdline = "quiet";
  inputs.initrd = {initrd};
  inputs.kaslr_seed = {1, 2, 3, 4, 5, 6, 7, 8};
  inputs.rng_seed = {9, 10};
  Addresses addresses;
  addresses.set("initrd", {0x48000000, 0x48000064});
  const auto tree = guest_device_tree(inputs);
  REQUIRE_OK(tree);
  const auto filled = filled_in(*tree, inputs, addresses);
  REQUIRE_OK(filled);
  const FdtReader full = reader_of(*filled);
  CHECK(string_of(full, "/chosen", "bootargs") == "quiet");
  CHECK(cells_of(full, "/chosen", "linux,initrd-start") == Cells{0, 0x48000000});
  CHECK(cells_of(full, "/chosen", "linux,initrd-end") == Cells{0, 0x48000064});
  CHECK(cells_of(full, "/chosen", "kaslr-seed") == Cells{0x01020304, 0x05060708});
  CHECK(full.bytes(*full.find("/chosen"), "rng-seed")->size() == 2);
  const auto counted = filled_in(*tree, inputs, Addresses{});
  REQUIRE_OK(counted);
  CHECK(counted->size() == filled->size());
}

TEST_CASE("overlays change, add and refer to nodes, one after the other") {
  if (!have_dtc()) return;
  const auto first = compile_overlay(R"(
    &uart0 { current-speed = <115200>; };
    &virtio0 { status = "disabled"; };
    &{/} { added: sensor@b000000 { compatible = "x,sensor"; reg = <0 0xb000000 0 0x1000>;
                                   interrupt-parent = <&gic>; interrupts = <0 100 4>; clocks = <&apb_pclk>;
                                   self = <&added>; }; };
    &chosen { bootargs = "from the overlay"; note = "kept"; };)");
  const auto second = compile_overlay("&added { status = \"okay\"; friend = <&cpu1>; };");
  Inputs inputs = inputs_of(machine_of(2));
  inputs.overlays = {first, second};
  const auto blob = tree_of(inputs);
  const FdtReader tree = reader_of(blob);
  CHECK(cells_of(tree, "/serial@9000000", "current-speed") == Cells{115200});
  CHECK(string_of(tree, "/virtio@a000000", "status") == "disabled");
  const std::string sensor = "/sensor@b000000";
  CHECK(cells_of(tree, sensor, "interrupt-parent") == cells_of(tree, "/interrupt-controller", "phandle"));
  CHECK(cells_of(tree, sensor, "clocks") == cells_of(tree, "/apb-pclk", "phandle"));
  CHECK(cells_of(tree, sensor, "self") == cells_of(tree, sensor, "phandle"));
  CHECK(cells_of(tree, sensor, "friend") == cells_of(tree, "/cpus/cpu@1", "phandle"));
  CHECK(string_of(tree, sensor, "status") == "okay");
  CHECK(string_of(tree, "/__symbols__", "added") == sensor);
  CHECK(string_of(tree, "/chosen", "bootargs") == "from the overlay");
  CHECK(string_of(tree, "/chosen", "note") == "kept");
  CHECK(tree_source(blob).log == "");
  inputs.cmdline = "from the user";
  CHECK(string_of(reader_of(tree_of(inputs)), "/chosen", "bootargs") == "from the user");
  // The other way around the label is not there yet.
  inputs.overlays = {second, first};
  CHECK(
      refusal_of(inputs).starts_with("--fdt-overlay number 1: the overlay refers to label 'added', which the "
                                     "device tree does not have; it has "
                                     "chosen, memory, cpus"));
}

TEST_CASE("every label that overlays may refer to is that of its node") {
  const auto blob = machine_device_tree(machine_of(2, Gic::v3, true), true);
  const FdtReader tree = reader_of(blob);
  const auto symbols = tree.properties(tree.find("/__symbols__").value());
  CHECK(symbols.size() == 14 + 2 + 32);
  std::vector<std::uint32_t> phandles;
  for (const FdtProperty& symbol : symbols) {
    const std::string path = string_of(tree, "/__symbols__", symbol.name);
    phandles.push_back(cells_of(tree, path, "phandle")[0]);
  }
  std::sort(phandles.begin(), phandles.end());
  CHECK(std::adjacent_find(phandles.begin(), phandles.end()) == phandles.end());
  CHECK(string_of(tree, "/__symbols__", "its") == "/interrupt-controller@8000000/msi-controller@8080000");
  CHECK(string_of(tree, "/__symbols__", "cpu1") == "/cpus/cpu@1");
  CHECK(string_of(tree, "/__symbols__", "virtio31") == "/virtio@a003e00");
}

const char kUserCpus[] =
    "cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; reg = <0>; }; };";

TEST_CASE("of the user's tree only chosen and memory change") {
  if (!have_dtc()) return;
  const auto user = compile_tree(fmt::format(R"(/ {{
    #address-cells = <2>; #size-cells = <2>; model = "mine";
    chosen {{ stdout-path = "/serial@1"; bootargs = "mine"; linux,initrd-start = <1>; linux,initrd-end = <2>;
              linux,uefi-system-table = <0 1>; rng-seed = [01]; }};
    {}
    ram: memory@80000000 {{ device_type = "memory"; reg = <0 0x80000000 0 0x1000>; numa-node-id = <0>; }};
    serial@1 {{ reg = <0 1 0 1>; }};
  }};)",
                                             kUserCpus));
  Inputs inputs = inputs_of(machine_of(1, Gic::v3, false, 6 * kGiB));
  inputs.dtb = user;
  const auto blob = tree_of(inputs);
  const FdtReader tree = reader_of(blob);
  const auto chosen = tree.find("/chosen").value();
  CHECK(string_of(tree, "/", "model") == "mine");
  CHECK(string_of(tree, "/chosen", "stdout-path") == "/serial@1");
  CHECK(string_of(tree, "/chosen", "bootargs") == "mine");
  CHECK(tree.has(chosen, "rng-seed"));
  for (const char* stale : {"linux,initrd-start", "linux,initrd-end", "linux,uefi-system-table"})
    CHECK_FALSE(tree.has(chosen, stale));
  CHECK(cells_of(tree, "/memory@40000000", "reg") == Cells{0, 0x40000000, 1, 0x80000000});
  CHECK(cells_of(tree, "/memory@40000000", "numa-node-id") == Cells{0});
  CHECK(string_of(tree, "/__symbols__", "ram") == "/memory@40000000");
  CHECK_FALSE(tree.find("/memory@80000000"));
  CHECK_FALSE(tree.find("/timer"));
  CHECK(tree.children(tree.root()).size() == reader_of(user).children(0).size());
  inputs.cmdline = "ours";
  inputs.rng_seed = {2, 3};
  const auto again = tree_of(inputs);
  CHECK(string_of(reader_of(again), "/chosen", "bootargs") == "ours");
  CHECK(reader_of(again).bytes(*reader_of(again).find("/chosen"), "rng-seed")->size() == 2);
}

TEST_CASE("a user's tree without chosen and memory gets them, in cells of the size that it has") {
  if (!have_dtc()) return;
  const auto narrow =
      compile_tree(fmt::format("/ {{ #address-cells = <1>; #size-cells = <1>; {} }};", kUserCpus));
  const auto mixed =
      compile_tree(fmt::format("/ {{ #address-cells = <2>; #size-cells = <1>; {} }};", kUserCpus));
  const auto defaults = compile_tree(fmt::format("/ {{ {} }};", kUserCpus));
  Inputs inputs = inputs_of(machine_of(1, Gic::v3, false, 3 * kGiB));
  inputs.cmdline = "quiet";
  const auto memory_in = [&](const std::vector<std::uint8_t>& user) {
    inputs.dtb = user;
    const auto blob = tree_of(inputs);
    CHECK(string_of(reader_of(blob), "/chosen", "bootargs") == "quiet");
    CHECK(string_of(reader_of(blob), "/memory@40000000", "device_type") == "memory");
    return cells_of(reader_of(blob), "/memory@40000000", "reg");
  };
  CHECK(memory_in(narrow) == Cells{0x40000000, 0xC0000000});
  CHECK(memory_in(mixed) == Cells{0, 0x40000000, 0xC0000000});
  CHECK(memory_in(defaults) == Cells{0, 0x40000000, 0xC0000000});
  inputs.machine.memory = 4 * kGiB;
  CHECK(refusal_of(inputs) ==
        "the device tree's root has one cell for a size, which cannot be 0x100000000: give it #address-cells "
        "and "
        "#size-cells of 2, or less --memory");
  const auto wide =
      compile_tree(fmt::format("/ {{ #address-cells = <3>; #size-cells = <1>; {} }};", kUserCpus));
  inputs.dtb = wide;
  CHECK(refusal_of(inputs).find("has #address-cells 3 and #size-cells 1") != std::string::npos);
  const auto none = compile_tree(fmt::format("/ {{ #address-cells = <2 2>; {} }};", kUserCpus));
  inputs.dtb = none;
  CHECK(refusal_of(inputs) ==
        "the device tree's root has a #address-cells that is not one cell: give it <2>");
}

TEST_CASE("several memory nodes stay if they are the machine's RAM, and are refused if not") {
  if (!have_dtc()) return;
  const auto user = compile_tree(fmt::format(R"(/ {{ #address-cells = <2>; #size-cells = <2>; {}
    memory@60000000 {{ device_type = "memory"; reg = <0 0x60000000 0 0x20000000>; numa-node-id = <1>; }};
    memory@40000000 {{ device_type = "memory"; reg = <0 0x40000000 0 0x20000000>; numa-node-id = <0>; }}; }};)",
                                             kUserCpus));
  Inputs inputs = inputs_of(machine_of(1, Gic::v3, false, kGiB));
  inputs.dtb = user;
  const auto blob = tree_of(inputs);
  CHECK(cells_of(reader_of(blob), "/memory@60000000", "reg") == Cells{0, 0x60000000, 0, 0x20000000});
  CHECK(cells_of(reader_of(blob), "/memory@40000000", "reg") == Cells{0, 0x40000000, 0, 0x20000000});
  inputs.machine.memory = 2 * kGiB;
  CHECK(
      refusal_of(inputs) ==
      "the device tree has 2 memory nodes, which together are not the machine's RAM, 0x40000000-0xbfffffff: "
      "make them so, or leave one for it to be written to");
  // The same memory twice is not more memory.
  const auto twice = compile_tree(fmt::format(R"(/ {{ #address-cells = <2>; #size-cells = <2>; {}
    memory@40000000 {{ device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; }};
    memory@60000000 {{ device_type = "memory"; reg = <0 0x60000000 0 0x20000000>; }}; }};)",
                                              kUserCpus));
  inputs.machine.memory = kGiB;
  inputs.dtb = twice;
  CHECK(refusal_of(inputs).starts_with("the device tree has 2 memory nodes"));
}

TEST_CASE("a user's tree has as many processors as the machine") {
  if (!have_dtc()) return;
  const auto user = compile_tree(fmt::format("/ {{ {} }};", kUserCpus));
  const auto none = compile_tree("/ { };");
  Inputs inputs = inputs_of(machine_of(4));
  inputs.dtb = user;
  CHECK(refusal_of(inputs) ==
        "the device tree has 1 processors in /cpus, and the machine has 4: give --cpus 1");
  inputs.dtb = none;
  CHECK(refusal_of(inputs) == "the device tree has 0 processors in /cpus, and the machine has 4: add them");
}

TEST_CASE("overlays go on the user's tree too, if that has labels") {
  if (!have_dtc()) return;
  const auto user = compile_tree(fmt::format("/ {{ {} dev: device {{ }}; }};", kUserCpus));
  const auto overlay = compile_overlay("&dev { status = \"okay\"; };");
  Inputs inputs = inputs_of(machine_of(1));
  inputs.dtb = user;
  inputs.overlays = {overlay};
  CHECK(string_of(reader_of(tree_of(inputs)), "/device", "status") == "okay");
  FdtWriter bare;
  bare.begin("");
  bare.begin("device");
  bare.end();
  bare.end();
  const auto unlabelled = bare.finish();
  inputs.dtb = unlabelled;
  CHECK(refusal_of(inputs) ==
        "--fdt-overlay number 1: the overlay refers to label 'dev', and the device tree has no labels: write "
        "the "
        "tree with `dtc -@`");
}

TEST_CASE("a tree of more than 2 MiB is refused") {
  const auto tree_with = [](std::size_t size) {
    FdtWriter tree;
    tree.begin("");
    tree.bytes("blob", std::vector<std::uint8_t>(size));
    tree.begin("cpus");
    tree.begin("cpu@0");
    tree.end();
    tree.end();
    tree.end();
    return tree.finish();
  };
  const auto largest = tree_with(2 * kMiB - 1024);
  const auto full = tree_with(2 * kMiB - 4 - tree_with(0).size());
  const auto larger = tree_with(2 * kMiB);
  Inputs inputs = inputs_of(machine_of(1));
  inputs.dtb = largest;
  CHECK(tree_of(inputs).size() <= kMaxDeviceTree);
  inputs.dtb = full;
  CHECK(refusal_of(inputs) ==
        "the device tree would have more than the 2097152 bytes that it may have: leave something out");
  inputs.dtb = larger;
  CHECK(refusal_of(inputs) == fmt::format("--fdt: the device tree has {} bytes, and the most it may have is "
                                          "2097152: leave something out",
                                          larger.size()));
}

}  // namespace
}  // namespace tintype
