#include "formats/fdt.h"
#include "layouts/arm64_guest.h"
#include "layouts/laid_out.h"
#include "support/tiny_trees.h"

namespace tintype {
namespace {

Request request() {
  Request wanted{.kernel = tiny::arm64_image(), .cmdline = "console=ttyAMA0", .protocol = "linux-arm64-dt"};
  wanted.change = [](Inputs& inputs) { inputs.machine.arch = Arch::aarch64; };
  return wanted;
}

// The same with more said.
Request request(const std::function<void(Inputs&)>& change) {
  Request wanted = request();
  wanted.change = [change](Inputs& inputs) {
    inputs.machine.arch = Arch::aarch64;
    change(inputs);
  };
  return wanted;
}

std::vector<std::uint8_t> tree_in(const Layout& layout) {
  const PlacedRegion& region = layout.region("fdt");
  return layout.bytes(region.range.start, region.size);
}

std::uint64_t cell_pair(const FdtReader& tree, std::string_view property) {
  const auto values = tree.wide_cells(tree.find("/chosen").value(), property);
  REQUIRE_OK(values);
  REQUIRE(values->size() == 1);
  return values->front();
}

TEST_CASE("a guest starts at the kernel with X0 at its tree, which lies behind the kernel at 2 MiB") {
  const auto layout = must_lay_out(request());
  const VcpuArm64& vcpu = layout->arm64();
  const PlacedRegion& fdt = layout->region("fdt");
  const PlacedRegion& kernel = layout->region("kernel");
  CHECK(vcpu.pc == kernel.range.start);
  CHECK(vcpu.x0 == fdt.range.start);
  CHECK(vcpu.x1 == 0);
  CHECK(vcpu.x2 == 0);
  CHECK(vcpu.x3 == 0);
  CHECK(is_aligned(fdt.range.start, 2 * kMiB));
  CHECK(fdt.range.start >= kernel.range.end);
  CHECK(fdt.range.start - kernel.range.end < 2 * kMiB);
  CHECK(layout->at<be32>(vcpu.x0) == 0xD00DFEED);
  for (const PlacedRegion& region : layout->image.regions) {
    CHECK(region.name.find("acpi") == std::string::npos);
    CHECK(region.name.find("smbios") == std::string::npos);
  }
}

TEST_CASE("the tree says where the initrd is") {
  Request with_initrd = request();
  with_initrd.initrd = initrd_of(5000);
  const auto layout = must_lay_out(with_initrd);
  const auto blob = tree_in(*layout);
  const auto tree = FdtReader::open(blob);
  REQUIRE_OK(tree);
  const PlacedRegion& initrd = layout->region("initrd");
  CHECK(cell_pair(*tree, "linux,initrd-start") == initrd.range.start);
  CHECK(cell_pair(*tree, "linux,initrd-end") == initrd.range.start + 5000);
  CHECK_FALSE(initrd.range.overlaps(layout->region("fdt").range));
  CHECK(tree->string(tree->find("/chosen").value(), "bootargs").value() == "console=ttyAMA0");
}

TEST_CASE("the tree's memory is the image's, and its processors are the machine's") {
  for (const std::uint64_t memory : {128 * kMiB, 5 * kGiB, kMaxMemory}) {
    Request wanted = request();
    wanted.memory = memory;
    wanted.cpus = 3;
    const auto layout = must_lay_out(wanted);
    const auto blob = tree_in(*layout);
    const auto tree = FdtReader::open(blob);
    REQUIRE_OK(tree);
    const auto reg = tree->wide_cells(tree->find("/memory@40000000").value(), "reg");
    REQUIRE_OK(reg);
    const auto& entries = layout->image.memory.entries();
    REQUIRE(entries.size() == 1);
    CHECK(*reg == std::vector<std::uint64_t>{entries[0].range.start, entries[0].range.size()});
    CHECK(tree->children(tree->find("/cpus").value()).size() == 1 + 3);
  }
}

TEST_CASE("equal inputs give equal trees, wherever the initrd ends up") {
  Request wanted = request();
  wanted.initrd = initrd_of(100);
  CHECK(tree_in(*must_lay_out(wanted)) == tree_in(*must_lay_out(wanted)));
}

// A tree of one processor that reserves `ranges` in its memory reservation block (Devicetree Specification
// 0.4, 5.3), which FdtWriter leaves empty.
std::vector<std::uint8_t> tree_reserving(const std::vector<GpaRange>& ranges) {
  FdtWriter writer;
  writer.begin("");
  tiny::write_processor(writer);
  writer.end();
  const std::vector<std::uint8_t> tree = writer.finish();
  Buffer block;
  for (const GpaRange& range : ranges) {
    block.put(be64(range.start));
    block.put(be64(range.size()));
  }
  block.zeros(16);
  std::vector<std::uint8_t> whole = tree;
  const auto size = static_cast<std::uint32_t>(tree.size());
  // The block goes to the end: totalsize and off_mem_rsvmap say so.
  const std::uint32_t aligned = (size + 7) / 8 * 8;
  whole.resize(aligned);
  whole.insert(whole.end(), block.bytes().begin(), block.bytes().end());
  const auto put = [&](std::size_t at, std::uint64_t value) {
    for (std::size_t i = 0; i < 4; ++i) whole[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
  };
  put(4, whole.size());
  put(16, aligned);
  return whole;
}

Request request_reserving(const std::vector<std::uint8_t>& tree) {
  Request wanted = request([&tree](Inputs& inputs) { inputs.dtb = tree; });
  wanted.initrd = initrd_of(5000);
  return wanted;
}

TEST_CASE("tree and initrd lie in no block of 2 MiB that has reserved memory") {
  const auto tree = tree_reserving({{0x40300000, 0x40301000}, {0x40600000, 0x40A00001}});
  const auto layout = must_lay_out(request_reserving(tree));
  CHECK(layout->region("kernel").range.start == 0x40000000);
  CHECK(layout->region("fdt").range.start == 0x40400000);
  CHECK(layout->region("initrd").range.start == 0x40C00000);
  const auto blob = tree_in(*layout);
  const auto filled = FdtReader::open(blob);
  REQUIRE_OK(filled);
  CHECK(cell_pair(*filled, "linux,initrd-start") == 0x40C00000);
  // What the guest is handed reserves it still.
  CHECK(filled->reservations().value() ==
        std::vector<GpaRange>{{0x40300000, 0x40301000}, {0x40600000, 0x40A00001}});
}

TEST_CASE("a kernel that may lie anywhere goes past reserved memory, and is entered there") {
  const auto tree =
      tree_reserving({{0x40010000, 0x40011000}, {0x40200000, 0x40200001}, {0x50000000, 0x50001000}});
  const auto layout = must_lay_out(request_reserving(tree));
  CHECK(layout->region("kernel").range.start == 0x40400000);
  CHECK(layout->arm64().pc == 0x40400000);
  CHECK(layout->region("fdt").range.start == 0x40600000);
  CHECK(layout->region("initrd").range.start == 0x40800000);
  // Memory that its own ends before is not in its way.
  const auto beside = tree_reserving({{0x40020000, 0x40021000}});
  CHECK(must_lay_out(request_reserving(beside))->region("kernel").range.start == 0x40000000);
  // With a text_offset.
  Request odd = request_reserving(tree);
  odd.kernel = tiny::arm64_image({.text_offset = 0x80000});
  const auto moved = must_lay_out(odd);
  CHECK(moved->region("kernel").range.start == 0x40080000);
  const auto low = tree_reserving({{0x40090000, 0x40091000}});
  odd = request_reserving(low);
  odd.kernel = tiny::arm64_image({.text_offset = 0x80000});
  CHECK(must_lay_out(odd)->arm64().pc == 0x40280000);
}

TEST_CASE("a kernel that cannot move is refused where a tree reserves its memory") {
  const auto tree = tree_reserving({{0x40010000, 0x40011000}});
  Request fixed = request_reserving(tree);
  fixed.kernel = tiny::arm64_image({.flags = 2});
  CHECK(refusal(fixed) ==
        "the kernel has to lie at 0x40000000-0x4001ffff, and the device tree reserves 0x40010000-0x40010fff: "
        "reserve other memory, or give a kernel that may lie anywhere (bit 3 of the flags in its Image "
        "header)");
  const auto all = tree_reserving({{0x40200000, std::uint64_t{1} << 50}});
  CHECK(refusal(request_reserving(all)) ==
        "the device tree reserves all memory from 0x40020000 on, and region 'fdt' lies there: reserve less");
  const auto everything = tree_reserving({{0, std::uint64_t{1} << 50}});
  CHECK(refusal(request_reserving(everything)).find("region 'kernel'") != std::string::npos);
  // What would do with more memory says with how much.
  const auto rest = tree_reserving({{0x40400000, 0x48000000}});
  CHECK(refusal(request_reserving(rest)).find("give --memory at least 129M") != std::string::npos);
}

TEST_CASE("what has no place in a device tree is refused") {
  NumaNode node;
  CHECK(refusal(request([&](Inputs& inputs) {
          inputs.acpi->numa = {node};
        })).starts_with("--numa is written to ACPI tables only"));
  CHECK(refusal(request([](Inputs& inputs) {
          inputs.machine.numa_nodes = 2;
        })).starts_with("--numa is written to ACPI tables only"));
  CHECK(refusal(request([](Inputs& inputs) {
          inputs.acpi->imported = {ImportedTable{}};
        })).starts_with("--acpi-table adds to"));
  CHECK(refusal(request([](Inputs& inputs) {
          inputs.smbios.product = "Turnip";
        })).starts_with("--smbios is told by"));
  CHECK(refusal(request([](Inputs& inputs) {
          inputs.smbios.product = "Turnip";
          inputs.tree_reason = "--fdt";
        })).ends_with(": leave --smbios or --fdt out"));
  CHECK(refusal(request([](Inputs& inputs) { inputs.initrd_cmdline = "x"; })).find("--initrd-cmdline") !=
        std::string::npos);
  const std::vector<std::uint8_t> text(100, 'x');
  CHECK(refusal(request([&](Inputs& inputs) { inputs.dtb = text; })) ==
        "--fdt: the 100 bytes are not a well-formed flattened device tree");
  CHECK(refusal(request([&](Inputs& inputs) { inputs.overlays = {text}; })) ==
        "--fdt-overlay number 1: the 100 bytes are not a well-formed flattened device tree");
}

TEST_CASE("the protocol is for AArch64 kernels, and by default for none that knows ACPI") {
  const BootProtocol& protocol = protocol_named("linux-arm64-dt");
  CHECK(protocol.arch == Arch::aarch64);
  Request x86 = request();
  x86.kernel = tiny::elf();
  CHECK(refusal(x86) == "protocol linux-arm64-dt needs an AArch64 kernel, and this one is for x86_64");
  const tiny::File image = tiny::arm64_image();
  const auto loaded = load_kernel(image);
  REQUIRE_OK(loaded);
  CHECK_FALSE(protocol.suits(loaded->kernel));
}

TEST_CASE("too little memory names the tree and how much would do") {
  Request small = request();
  small.memory = 2 * kMiB;
  const std::string message = refusal(small);
  CHECK(message.find("'fdt'") != std::string::npos);
  CHECK(message.find("give --memory at least 3M") != std::string::npos);
}

}  // namespace
}  // namespace tintype
