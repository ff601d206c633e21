#include "formats/machine_tree.h"

#include <algorithm>

#include "formats/fdt.h"

namespace tintype {

namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'T', 'I', 'N', 'T', 'Y', 'P', 'E', 0};
constexpr char kCompatible[] = "tintype,machine-v1";

std::string unit(std::string_view name, std::uint64_t address) {
  return fmt::format("{}@{:x}", name, address);
}

void write_components(const Machine& machine, FdtWriter& tree) {
  tree.begin("components");
  for (const Component& component : machine.components) {
    tree.begin(component.role);
    tree.string("format", component.format);
    if (!component.version.empty()) tree.string("version", component.version);
    tree.wide_cells("size", {{component.size}});
    tree.bytes("sha256", component.sha256);
    tree.end();
  }
  tree.end();
}

void write_devices(const Machine& machine, FdtWriter& tree) {
  tree.begin("devices");
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  for (const Device& device : devices_of(machine)) {
    tree.begin(unit(device.name, device.base));
    tree.string("compatible", device.compatible);
    tree.string("space", device.space == Device::Space::port ? "port" : "mmio");
    tree.wide_cells("reg", {{device.base, device.size}});
    tree.cell("count", device.count);
    if (device.interrupt) tree.cell("gsi", *device.interrupt);
    tree.end();
  }
  tree.end();
}

void write_regions(const Machine& machine, FdtWriter& tree) {
  tree.begin("regions");
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  for (const RegionLabel& label : machine.labels) {
    tree.begin(unit("region", label.range.start));
    tree.string("label", label.name);
    tree.wide_cells("reg", {{label.range.start, label.range.size()}});
    tree.end();
  }
  tree.end();
}

void write_kernel(const KernelPlace& place, FdtWriter& tree) {
  tree.begin("kernel");
  tree.string("placed-by", kernel_place_name(place.by));
  tree.wide_cells("physical", {{place.physical}});
  tree.wide_cells("virtual", {{place.virtual_address}});
  tree.end();
}

std::vector<std::uint64_t> memory_cells(const Machine& machine) {
  std::vector<std::uint64_t> cells;
  for (const GpaRange& range : ram_ranges(machine.arch, machine.memory)) {
    cells.push_back(range.start);
    cells.push_back(range.size());
  }
  return cells;
}

std::vector<std::uint8_t> write_tree(const Machine& machine) {
  FdtWriter tree;
  tree.begin("");
  tree.string("compatible", kCompatible);
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  tree.string("arch", arch_name(machine.arch));
  tree.string("protocol", machine.protocol);
  tree.cell("vcpus", machine.cpus);
  if (machine.arch == Arch::aarch64) {
    tree.string("gic", gic_name(machine.gic));
    if (machine.its) tree.bytes("its", {});
  }
  if (machine.numa_nodes != 0) tree.cell("numa-nodes", machine.numa_nodes);
  const std::vector<std::uint64_t> memory = memory_cells(machine);
  tree.begin(unit("memory", memory[0]));
  tree.string("device_type", "memory");
  tree.wide_cells("reg", memory);
  tree.end();
  if (machine.kernel) write_kernel(*machine.kernel, tree);
  write_devices(machine, tree);
  write_components(machine, tree);
  write_regions(machine, tree);
  tree.end();
  return tree.finish();
}

// Whether text from a file may be shown on a terminal.
bool printable(std::string_view text) {
  return text.size() <= kMaxMachineText &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Result<std::string> read_text(const FdtReader& tree, FdtReader::Node node, std::string_view property) {
  std::string text = TRY(tree.string(node, property));
  if (!printable(text))
    return fail("property '{}' of node '{}' has more than {} characters or unprintable ones", property,
                printable(tree.name(node)) ? tree.name(node) : "?", kMaxMachineText);
  return text;
}

Result<GpaRange> read_reg(const FdtReader& tree, FdtReader::Node node) {
  const std::vector<std::uint64_t> cells = TRY(tree.wide_cells(node, "reg"));
  if (cells.size() != 2)
    return fail("'reg' of a node has {} values and not an address and a size", cells.size());
  const auto range = GpaRange::of_size(cells[0], cells[1]);
  if (!range || range->empty() || range->end > kPhysicalEnd)
    return fail("'reg' {:#x} of {:#x} bytes is no range of physical addresses", cells[0], cells[1]);
  return *range;
}

Result<void> read_memory(const FdtReader& tree, Machine& machine) {
  const auto node = TRY(tree.child(tree.root(), "memory"));
  const std::vector<std::uint64_t> cells = TRY(tree.wide_cells(node, "reg"));
  for (std::size_t i = 1; i < cells.size(); i += 2) {
    const auto sum = checked_add(machine.memory, cells[i]);
    if (!sum) return fail("its memory nodes add up to more than 2^64 bytes");
    machine.memory = *sum;
  }
  if (machine.memory == 0 || !is_aligned(machine.memory, kPageSize) || machine.memory > kMaxMemory)
    return fail("its memory of {} bytes is not a multiple of 4096 up to 1 TiB", machine.memory);
  if (memory_cells(machine) != cells)
    return fail("its memory is not where an {} machine has it", arch_name(machine.arch));
  return {};
}

// The node is there for Linux kernels only.
Result<void> read_kernel(const FdtReader& tree, Machine& machine) {
  const auto node = tree.child(tree.root(), "kernel");
  if (!node) return {};
  const std::string by = TRY(read_text(tree, *node, "placed-by"));
  const auto known = std::find_if(std::begin(kKernelPlaceNames), std::end(kKernelPlaceNames),
                                  [&](const KernelPlaceName& place) { return place.name == by; });
  const auto physical = TRY(tree.wide_cells(*node, "physical"));
  const auto virtual_address = TRY(tree.wide_cells(*node, "virtual"));
  if (known == std::end(kKernelPlaceNames) || physical.size() != 1 || virtual_address.size() != 1)
    return fail("its kernel was placed by '{}' in a way that this program does not know", by);
  machine.kernel = KernelPlace{known->by, physical[0], virtual_address[0]};
  return {};
}

Result<void> read_devices(const FdtReader& tree, const Machine& machine) {
  const auto parent = TRY(tree.child(tree.root(), "devices"));
  const auto nodes = tree.children(parent);
  const std::vector<Device> expected = devices_of(machine);
  if (nodes.size() != expected.size())
    return fail("it has {} devices where this machine has {}", nodes.size(), expected.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Device& device = expected[i];
    const auto compatible = TRY(read_text(tree, nodes[i], "compatible"));
    const auto space = TRY(read_text(tree, nodes[i], "space"));
    const auto reg = TRY(read_reg(tree, nodes[i]));
    const auto count = TRY(tree.cell(nodes[i], "count"));
    std::optional<std::uint32_t> gsi;
    if (tree.has(nodes[i], "gsi")) gsi = TRY(tree.cell(nodes[i], "gsi"));
    const bool same = tree.name(nodes[i]) == unit(device.name, device.base) &&
                      compatible == device.compatible &&
                      (space == "port") == (device.space == Device::Space::port) &&
                      reg == GpaRange{device.base, device.base + device.size} && count == device.count &&
                      gsi == device.interrupt;
    if (!same)
      return fail("device '{}' at {:#x} is not this machine's '{}' at {:#x}", compatible, reg.start,
                  device.compatible, device.base);
  }
  return {};
}

Result<void> read_components(const FdtReader& tree, Machine& machine) {
  for (const auto node : tree.children(TRY(tree.child(tree.root(), "components")))) {
    Component component;
    component.role = tree.name(node);
    if (!printable(component.role)) return fail("a component's name is unprintable");
    component.format = TRY(read_text(tree, node, "format"));
    if (tree.has(node, "version")) component.version = TRY(read_text(tree, node, "version"));
    const auto size = TRY(tree.wide_cells(node, "size"));
    component.size = size[0];
    const Bytes digest = TRY(tree.bytes(node, "sha256"));
    if (digest.size() != component.sha256.size() || size.size() != 1)
      return fail("component '{}' has a damaged size or sha256", component.role);
    std::copy(digest.begin(), digest.end(), component.sha256.begin());
    machine.components.push_back(std::move(component));
  }
  return {};
}

Result<void> read_regions(const FdtReader& tree, Machine& machine) {
  for (const auto node : tree.children(TRY(tree.child(tree.root(), "regions")))) {
    RegionLabel label;
    label.name = TRY(read_text(tree, node, "label"));
    label.range = TRY(read_reg(tree, node));
    if (!machine.labels.empty() && label.range.start < machine.labels.back().range.end)
      return fail("label '{}' at {:#x} overlaps or precedes label '{}'", label.name, label.range.start,
                  machine.labels.back().name);
    machine.labels.push_back(std::move(label));
  }
  return {};
}

Result<void> read_gic(const FdtReader& tree, Machine& machine) {
  const std::string gic = TRY(read_text(tree, tree.root(), "gic"));
  if (gic != gic_name(Gic::v2) && gic != gic_name(Gic::v3))
    return fail("its interrupt controller '{}' is neither v2 nor v3", gic);
  machine.gic = gic == gic_name(Gic::v2) ? Gic::v2 : Gic::v3;
  machine.its = tree.has(tree.root(), "its");
  if (machine.its && machine.gic == Gic::v2)
    return fail("it has an interrupt translation service and GICv2, to which there is none");
  return {};
}

Result<Machine> read_tree(Bytes blob) {
  const FdtReader tree = TRY(FdtReader::open(blob));
  const std::string compatible = TRY(read_text(tree, tree.root(), "compatible"));
  if (compatible != kCompatible) return fail("it is a '{}' and not a '{}'", compatible, kCompatible);
  Machine machine;
  const std::string arch = TRY(read_text(tree, tree.root(), "arch"));
  if (arch != arch_name(Arch::x86_64) && arch != arch_name(Arch::aarch64))
    return fail("its architecture '{}' is neither x86_64 nor aarch64", arch);
  machine.arch = arch == arch_name(Arch::x86_64) ? Arch::x86_64 : Arch::aarch64;
  machine.protocol = TRY(read_text(tree, tree.root(), "protocol"));
  machine.cpus = TRY(tree.cell(tree.root(), "vcpus"));
  if (machine.arch == Arch::aarch64) TRY(read_gic(tree, machine));
  if (machine.cpus == 0 || machine.cpus > max_cpus(machine))
    return fail("its {} vCPUs are not between 1 and {}", machine.cpus, max_cpus(machine));
  if (tree.has(tree.root(), "numa-nodes")) machine.numa_nodes = TRY(tree.cell(tree.root(), "numa-nodes"));
  TRY(read_memory(tree, machine));
  TRY(read_kernel(tree, machine));
  TRY(read_devices(tree, machine));
  TRY(read_components(tree, machine));
  TRY(read_regions(tree, machine));
  return machine;
}

}  // namespace

std::vector<std::uint8_t> machine_trailer(const Machine& machine) {
  const std::vector<std::uint8_t> tree = write_tree(machine);
  Buffer trailer;
  trailer.write(tree);
  trailer.put(SnapshotFooter{.magic = kMagic,
                             .version = kSnapshotVersion,
                             .tree_size = static_cast<std::uint32_t>(tree.size()),
                             .tree_sha256 = sha256(tree),
                             .reserved = {}});
  return std::move(trailer.bytes());
}

Result<std::optional<Machine>> read_machine(Bytes file) {
  if (file.size() < sizeof(SnapshotFooter)) return std::nullopt;
  const std::uint64_t end = file.size() - sizeof(SnapshotFooter);
  const SnapshotFooter footer = TRY(read_at<SnapshotFooter>(file, end, "footer"));
  if (footer.magic != kMagic) return std::nullopt;
  if (footer.version != kSnapshotVersion)
    return fail_at(end, "footer: snapshot version {} is not {}, the one this program reads",
                   footer.version.value(), kSnapshotVersion);
  if (footer.tree_size > kMaxTreeSize || footer.tree_size > end)
    return fail_at(end, "footer: a machine description of {} bytes is more than the {} that are possible",
                   footer.tree_size.value(), std::min<std::uint64_t>(kMaxTreeSize, end));
  if (footer.reserved != std::array<std::uint8_t, 16>{})
    return fail_at(end, "footer: reserved bytes are not zero");
  const Bytes tree = file.subspan(end - footer.tree_size, footer.tree_size);
  if (sha256(tree) != footer.tree_sha256)
    return fail_at(end - footer.tree_size, "machine description: its SHA-256 is not the one in the footer");
  return TRY(with_context(read_tree(tree), "machine description"));
}

}  // namespace tintype
