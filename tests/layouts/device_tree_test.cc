#include "layouts/device_tree.h"

#include <functional>

#include "formats/fdt.h"
#include "layouts/arm64_guest.h"
#include "support/dtc.h"
#include "support/golden.h"
#include "support/test_main.h"
#include "support/tiny_trees.h"

namespace tintype {
namespace {

Machine machine_of(std::uint32_t cpus, Gic gic = Gic::v3, bool its = false,
                   std::uint64_t memory = 512 * kMiB) {
  return {.arch = Arch::aarch64, .gic = gic, .its = its, .memory = memory, .cpus = cpus};
}

Inputs inputs_of(const Machine& machine) {
  Inputs inputs;
  inputs.machine = machine;
  inputs.keeps_bootargs = true;
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
  CHECK(string_of(reader_of(tree_of(inputs)), "/chosen", "bootargs") == "from the overlay from the user");
  inputs.keeps_bootargs = false;
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
              linux,uefi-system-table = <0 1>; linux,usable-memory-range = <0 1 0 1>;
              linux,elfcorehdr = <0 1 0 1>; rng-seed = [01]; }};
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
  for (const char* stale : {"linux,initrd-start", "linux,initrd-end", "linux,uefi-system-table",
                            "linux,usable-memory-range", "linux,elfcorehdr"})
    CHECK_FALSE(tree.has(chosen, stale));
  CHECK(cells_of(tree, "/memory@40000000", "reg") == Cells{0, 0x40000000, 1, 0x80000000});
  CHECK(cells_of(tree, "/memory@40000000", "numa-node-id") == Cells{0});
  CHECK(string_of(tree, "/__symbols__", "ram") == "/memory@40000000");
  CHECK_FALSE(tree.find("/memory@80000000"));
  CHECK_FALSE(tree.find("/timer"));
  CHECK(tree.children(tree.root()).size() == reader_of(user).children(0).size());
  inputs.cmdline = "ours";
  inputs.keeps_bootargs = false;
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
        "--fdt: the device tree's root has one cell for a size, which cannot be 0x100000000: give it "
        "#address-cells "
        "and "
        "#size-cells of 2, or less --memory");
  const auto wide =
      compile_tree(fmt::format("/ {{ #address-cells = <3>; #size-cells = <1>; {} }};", kUserCpus));
  inputs.dtb = wide;
  CHECK(refusal_of(inputs).find("has #address-cells 3 and #size-cells 1") != std::string::npos);
  const auto none = compile_tree(fmt::format("/ {{ #address-cells = <2 2>; {} }};", kUserCpus));
  inputs.dtb = none;
  CHECK(refusal_of(inputs) ==
        "--fdt: the device tree's root has a #address-cells that is not one cell: give it <2>");
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
  CHECK(refusal_of(inputs) ==
        "--fdt: the device tree has 2 memory nodes, which together are not the machine's RAM, "
        "0x40000000-0xbfffffff: "
        "make them so, or leave one for it to be written to");
  // The same memory twice is not more memory.
  const auto twice = compile_tree(fmt::format(R"(/ {{ #address-cells = <2>; #size-cells = <2>; {}
    memory@40000000 {{ device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; }};
    memory@60000000 {{ device_type = "memory"; reg = <0 0x60000000 0 0x20000000>; }}; }};)",
                                              kUserCpus));
  inputs.machine.memory = kGiB;
  inputs.dtb = twice;
  CHECK(refusal_of(inputs).starts_with("--fdt: the device tree has 2 memory nodes"));
}

TEST_CASE("a user's tree has as many processors as the machine") {
  if (!have_dtc()) return;
  const auto user = compile_tree(fmt::format("/ {{ {} }};", kUserCpus));
  const auto none = compile_tree("/ { };");
  Inputs inputs = inputs_of(machine_of(4));
  inputs.dtb = user;
  CHECK(refusal_of(inputs) ==
        "--fdt: the device tree has 1 processors in /cpus, and the machine has 4: give --cpus 1");
  inputs.dtb = none;
  CHECK(refusal_of(inputs) ==
        "--fdt: the device tree has 0 processors in /cpus, and the machine has 4: add them");
}

// A tree of one processor and what `rest` adds, as dtc writes it.
std::vector<std::uint8_t> user_tree(std::string_view rest) {
  return compile_tree(
      fmt::format("/ {{ #address-cells = <2>; #size-cells = <2>; {} {} }};", kUserCpus, rest));
}

TEST_CASE("Linux finds the machine's RAM in a memory node, whatever kept it from reading that") {
  if (!have_dtc()) return;
  Inputs inputs = inputs_of(machine_of(1));
  for (const char* node :
       {"memory@40000000 { reg = <0 0x40000000 0 0x20000000>; };",
        "memory@40000000 { device_type = \"memory\"; status = \"disabled\"; reg = <0 0x40000000 0 "
        "0x20000000>; };",
        "memory { device_type = \"memory\"; reg = <0 0x40000000 0 0x20000000>; };",
        "memory@40000000 { device_type = \"memory\"; reg = <0 0x40000000 0 0x10000000>, "
        "<0 0x50000000 0 0x10000000>; };",
        "ram: memory@80000000 { device_type = \"memory\"; linux,usable-memory = <0 0x80000000 0 0x1000>; "
        "reg = <0 0x80000000 0 0x1000>; }; aliases { mem = &ram; };"}) {
    CAPTURE(node);
    const auto user = user_tree(node);
    inputs.dtb = user;
    const auto blob = tree_of(inputs);
    const FdtReader tree = reader_of(blob);
    const auto memory = tree.find("/memory@40000000");
    REQUIRE_OK(memory);
    CHECK(cells_of(tree, "/memory@40000000", "reg") == Cells{0, 0x40000000, 0, 0x20000000});
    CHECK(string_of(tree, "/memory@40000000", "device_type") == "memory");
    CHECK_FALSE(tree.has(*memory, "status"));
    CHECK_FALSE(tree.has(*memory, "linux,usable-memory"));
    if (tree.find("/aliases")) CHECK(string_of(tree, "/aliases", "mem") == "/memory@40000000");
  }
  const auto several = user_tree(
      "memory@40000000 { status = \"okay\"; reg = <0 0x40000000 0 0x10000000>; };"
      "memory@50000000 { device_type = \"memory\"; status = \"disabled\"; reg = <0 0x50000000 0 0x10000000>; "
      "};");
  inputs.dtb = several;
  const auto blob = tree_of(inputs);
  const FdtReader tree = reader_of(blob);
  CHECK(string_of(tree, "/memory@40000000", "device_type") == "memory");
  CHECK(string_of(tree, "/memory@40000000", "status") == "okay");
  CHECK_FALSE(tree.has(*tree.find("/memory@50000000"), "status"));
  CHECK(cells_of(tree, "/memory@50000000", "reg") == Cells{0, 0x50000000, 0, 0x10000000});
  // Its path is that of the other.
  const auto nameless = user_tree(
      "memory@40000000 { reg = <0 0x40000000 0 0x10000000>; }; memory { reg = <0 0x50000000 0 0x10000000>; "
      "};");
  inputs.dtb = nameless;
  CHECK(refusal_of(inputs) ==
        "--fdt: the device tree has another node where '/memory' should be: give each a unit address of its "
        "own");
}

TEST_CASE("a tree's own command line stays, goes before what is appended, and is replaced if one is given") {
  if (!have_dtc()) return;
  const auto user = user_tree("chosen { bootargs = \"root=/dev/vda rw\"; };");
  Inputs inputs = inputs_of(machine_of(1));
  inputs.dtb = user;
  const auto bootargs = [&] { return string_of(reader_of(tree_of(inputs)), "/chosen", "bootargs"); };
  CHECK(bootargs() == "root=/dev/vda rw");
  inputs.cmdline = "quiet";
  CHECK(bootargs() == "root=/dev/vda rw quiet");
  inputs.cmdline = std::string(2047 - 17, 'x');
  CHECK(bootargs().size() == 2047);
  inputs.cmdline += "x";
  CHECK(refusal_of(inputs) ==
        "--fdt: the command line has 2048 bytes, and this kernel reads at most 2047: shorten it");
  inputs.keeps_bootargs = false;
  inputs.cmdline = "";
  CHECK(bootargs().empty());
  const auto empty = user_tree("chosen { bootargs = \"\"; };");
  inputs.dtb = empty;
  inputs.keeps_bootargs = true;
  inputs.cmdline = "quiet";
  CHECK(bootargs() == "quiet");
}

TEST_CASE(
    "what a tree reserves is read from both places, joined, and without what is not RAM or not in use") {
  if (!have_dtc()) return;
  Inputs inputs = inputs_of(machine_of(1));
  const auto reserved_in = [&](const std::vector<std::uint8_t>& tree) {
    const auto ranges = reserved_memory(tree, inputs);
    REQUIRE_OK(ranges);
    return *ranges;
  };
  using Ranges = std::vector<GpaRange>;
  const auto user = compile_tree(fmt::format(R"(/memreserve/ 0x50000000 0x1000; /memreserve/ 0x1000 0x1000;
    /memreserve/ 0x3ffff000 0x2000; / {{ {} reserved-memory {{ #address-cells = <2>; #size-cells = <1>; ranges;
      a {{ reg = <0 0x50001000 0x1000>, <0 0x60000000 0x100>; no-map; }};
      b {{ reg = <0 0x70000000 0x1000>; status = "disabled"; }};
      c {{ size = <0x1000>; }};
      d {{ reg = <0 0x48000000 0>; }};
      e {{ reg = <0 0x4a000000 0x1000>; status = "okay"; reusable; }}; }}; }};)",
                                             kUserCpus));
  CHECK(reserved_in(user) == Ranges{{0x40000000, 0x40001000},
                                    {0x4A000000, 0x4A001000},
                                    {0x50000000, 0x50002000},
                                    {0x60000000, 0x60000100}});
  CHECK(reserved_in(machine_device_tree(machine_of(1), true)).empty());
  const auto refused = [&](std::string_view source) {
    const auto tree = compile_tree(source);
    inputs.dtb = tree;
    const auto ranges = reserved_memory(tree, inputs);
    inputs.dtb.reset();
    REQUIRE_FALSE(ranges);
    return ranges.error().message();
  };
  CHECK(refused("/memreserve/ 0xfffffffffffff000 0x1000; / { };") ==
        "--fdt: the device tree's /memreserve/ of 0x1000 bytes at 0xfffffffffffff000 ends past 2^64: give it "
        "less");
  CHECK(
      refused("/ { reserved-memory { #address-cells = <2>; #size-cells = <2>; a { reg = <1 2 3>; }; }; };") ==
      "--fdt: the device tree's /reserved-memory/a has a reg that is no list of addresses and sizes, of 2 "
      "and "
      "2 cells: mend it");
  CHECK(refused("/ { reserved-memory { #address-cells = <2>; #size-cells = <2>; "
                "a { reg = <0xffffffff 0xfffff000 0 0x1000>; }; }; };")
            .find("/reserved-memory/a has a reg") != std::string::npos);
  CHECK(refused("/ { reserved-memory { #address-cells = <3>; a { reg = <0>; }; }; };")
            .find("/reserved-memory has #address-cells 3 and #size-cells 1") != std::string::npos);
  std::string many;
  for (unsigned i = 0; i < 129; ++i)
    many += fmt::format("/memreserve/ {:#x} 0x1000; ", 0x40000000 + i * 0x2000);
  CHECK(refused(many + "/ { };") ==
        "--fdt: the device tree reserves 129 ranges of memory, and the most is 128: join some");
}

TEST_CASE("a tree that plainly tells of another machine is refused") {
  if (!have_dtc()) return;
  const auto refusal = [](const std::vector<std::uint8_t>& tree, const Machine& machine) {
    const auto result = check_device_tree(tree, machine);
    return result ? "" : result.error().message();
  };
  // Our own trees for all of them, each on its machine and on the others.
  const auto v2 = machine_device_tree(machine_of(2, Gic::v2), false);
  const auto v3 = machine_device_tree(machine_of(2), false);
  const auto its = machine_device_tree(machine_of(2, Gic::v3, true), false);
  CHECK(refusal(v2, machine_of(2, Gic::v2)) == "");
  CHECK(refusal(v3, machine_of(2)) == "");
  CHECK(refusal(its, machine_of(2, Gic::v3, true)) == "");
  CHECK(refusal(v3, machine_of(2, Gic::v3, true)) == "");
  CHECK(refusal(machine_device_tree(machine_of(123), false), machine_of(123)) == "");
  CHECK(refusal(v2, machine_of(2)) ==
        "the device tree has a GICv2 (interrupt-controller@8000000), and the machine a GICv3: give --gic v2");
  CHECK(refusal(v3, machine_of(2, Gic::v2)) ==
        "the device tree has a GICv3 (interrupt-controller@8000000), and the machine a GICv2: give --gic v3");
  CHECK(refusal(its, machine_of(2)) ==
        "the device tree has an ITS (msi-controller@8080000), and the machine has none: give --its");
  const auto of_user = [&](std::string_view rest) { return refusal(user_tree(rest), machine_of(1)); };
  CHECK(of_user("soc { intc { compatible = \"x\", \"arm,cortex-a15-gic\"; }; };")
            .starts_with("the device tree has a GICv2 (intc)"));
  CHECK(of_user("intc { compatible = \"arm,gic-400\"; status = \"disabled\"; };") == "");
  CHECK(of_user("intc { compatible = \"arm,gic-4000\"; };") == "");
  CHECK(of_user("psci { compatible = \"arm,psci-1.0\", \"arm,psci-0.2\"; method = \"smc\"; };") ==
        "the device tree's psci has the method 'smc', and the machine has PSCI by 'hvc': give it that");
  CHECK(of_user("psci { compatible = \"arm,psci-0.2\"; method = \"hvc\"; };") == "");
  CHECK(of_user("psci { compatible = \"arm,psci-0.2\"; };") == "");
  const auto cpus = [&](std::string_view nodes, std::uint32_t count) {
    return refusal(
        compile_tree(fmt::format("/ {{ cpus {{ #address-cells = <1>; #size-cells = <0>; {} }}; }};", nodes)),
        machine_of(count));
  };
  CHECK(cpus("cpu@1 { reg = <1>; }; cpu@0 { reg = <0>; };", 2) == "");
  CHECK(cpus("cpu@0 { reg = <0 0>; }; cpu@1 { reg = <0 1>; };", 2) == "");
  CHECK(cpus("cpu { }; ", 1) == "");
  CHECK(cpus("cpu@5 { reg = <5>; };", 1) ==
        "the device tree has 0x5 as the reg of a processor in /cpus, where the affinity of the machine's "
        "vCPU 0 "
        "is 0x0: give it that");
  CHECK(cpus("cpu@0 { reg = <0>; }; cpu@100 { reg = <0x100>; };", 2).find("vCPU 1 is 0x1") !=
        std::string::npos);
}

TEST_CASE("messages name the tree that they are about") {
  if (!have_dtc()) return;
  const auto user = user_tree("");
  Inputs inputs = inputs_of(machine_of(2));
  inputs.dtb = user;
  inputs.dtb_name = "linux.efi: section .dtb";
  CHECK(refusal_of(inputs) ==
        "linux.efi: section .dtb: the device tree has 1 processors in /cpus, and the machine has 2: give "
        "--cpus "
        "1");
  const auto overlay = compile_overlay("&psci { method = \"smc\"; };");
  inputs.dtb.reset();
  inputs.overlays = {overlay};
  CHECK(refusal_of(inputs).starts_with("the machine's device tree: the device tree's psci has the method"));
}

TEST_CASE("a tree with more of one thing than a machine has is refused at once") {
  const auto tree_with = [](const std::function<void(FdtWriter&)>& fill) {
    FdtWriter tree;
    tree.begin("");
    tree.cell("#address-cells", 2);
    tree.cell("#size-cells", 2);
    tiny::write_processor(tree);
    fill(tree);
    tree.end();
    return tree.finish();
  };
  Inputs inputs = inputs_of(machine_of(1));
  const auto nodes = tree_with([](FdtWriter& tree) {
    for (unsigned i = 0; i < 129; ++i) {
      tree.begin(fmt::format("memory@{:x}", i));
      tree.end();
    }
  });
  inputs.dtb = nodes;
  CHECK(refusal_of(inputs) == "--fdt: the device tree has 129 memory nodes, and the most is 128: join them");
  const auto stale = tree_with([](FdtWriter& tree) {
    tree.begin("chosen");
    for (unsigned i = 0; i < 129; ++i) tree.cell(fmt::format("linux,uefi-{}", i), i);
    tree.end();
  });
  inputs.dtb = stale;
  CHECK(refusal_of(inputs) ==
        "--fdt: the device tree's /chosen has more than 128 properties of another boot: leave them out");
  const auto labels = tree_with([](FdtWriter& tree) {
    tree.begin("memory@0");
    tree.end();
    tree.begin("__symbols__");
    for (unsigned i = 0; i < 129; ++i) tree.string(fmt::format("ram{}", i), "/memory@0");
    tree.end();
  });
  inputs.dtb = labels;
  CHECK(refusal_of(inputs) ==
        "--fdt: the device tree has more than 128 labels and aliases for its memory node: leave some out");
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
    tiny::write_processor(tree);
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
  CHECK(
      refusal_of(inputs) ==
      "--fdt: the device tree would have more than the 2097152 bytes that it may have: leave something out");
  inputs.dtb = larger;
  CHECK(refusal_of(inputs) == fmt::format("--fdt: the device tree has {} bytes, and the most it may have is "
                                          "2097152: leave something out",
                                          larger.size()));
}

}  // namespace
}  // namespace tintype
