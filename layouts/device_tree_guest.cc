#include <algorithm>
#include <optional>

#include "formats/fdt.h"
#include "layouts/arm64_guest.h"
#include "layouts/device_tree.h"

namespace tintype {

namespace {

using Node = FdtReader::Node;

// "memory" of "memory@40000000"
std::string_view base_name(std::string_view name) {
  return name.substr(0, name.find('@'));
}

bool is_of_type(const FdtReader& tree, Node node, std::string_view type) {
  const auto found = tree.string(node, "device_type");
  return base_name(tree.name(node)) == type || (found && *found == type);
}

std::vector<Node> children_of_type(const FdtReader& tree, Node parent, std::string_view type) {
  std::vector<Node> nodes = tree.children(parent);
  std::erase_if(nodes, [&](Node node) { return !is_of_type(tree, node, type); });
  return nodes;
}

// A tree of other processors would leave some of the machine's unused, or Linux waiting for some that there
// are not.
Result<void> check_cpus(const FdtReader& tree, const Machine& machine) {
  std::size_t count = 0;
  if (const auto cpus = tree.child(tree.root(), "cpus")) count = children_of_type(tree, *cpus, "cpu").size();
  if (count != machine.cpus)
    return fail("the device tree has {} processors in /cpus, and the machine has {}: {}", count, machine.cpus,
                count == 0 ? "add them" : fmt::format("give --cpus {}", count));
  return {};
}

// How many 32-bit cells of a child's "reg" an address and a size take (Devicetree Specification 0.4, 2.3.5).
struct Cells {
  std::uint32_t address = 2;
  std::uint32_t size = 1;
};

Result<Cells> root_cells(const FdtReader& tree) {
  Cells cells;
  const auto read = [&](std::string_view property, std::uint32_t& count) -> Result<void> {
    if (!tree.has(tree.root(), property)) return {};
    const auto cell = tree.cell(tree.root(), property);
    if (!cell) return fail("the device tree's root has a {} that is not one cell: give it <2>", property);
    count = *cell;
    return {};
  };
  TRY(read("#address-cells", cells.address));
  TRY(read("#size-cells", cells.size));
  for (const std::uint32_t count : {cells.address, cells.size})
    if (count != 1 && count != 2)
      return fail(
          "the device tree's root has #address-cells {} and #size-cells {}, and RAM takes 1 or 2 of each: "
          "give it 2",
          cells.address, cells.size);
  return cells;
}

Result<void> put_cells(std::uint64_t value, std::uint32_t count, std::string_view what, Buffer& buffer) {
  if (count == 2) {
    buffer.put(be64(value));
    return {};
  }
  if (value > UINT32_MAX)
    return fail(
        "the device tree's root has one cell for {}, which cannot be {:#x}: give it #address-cells and "
        "#size-cells of 2, or less --memory",
        what, value);
  buffer.put(be32(static_cast<std::uint32_t>(value)));
  return {};
}

Result<std::vector<std::uint8_t>> reg_of(const std::vector<GpaRange>& ranges, Cells cells) {
  Buffer buffer;
  for (const GpaRange& range : ranges) {
    TRY(put_cells(range.start, cells.address, "an address", buffer));
    TRY(put_cells(range.size(), cells.size, "a size", buffer));
  }
  return std::move(buffer.bytes());
}

// Nothing if it is no list of addresses and sizes.
std::optional<std::vector<GpaRange>> ranges_in(Bytes reg, Cells cells) {
  std::vector<GpaRange> ranges;
  const auto next = [&](std::uint32_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 4 * std::size_t{count}; ++i) value = value << 8 | reg[i];
    reg = reg.subspan(4 * std::size_t{count});
    return value;
  };
  if (reg.size() % (4 * std::size_t{cells.address + cells.size}) != 0) return std::nullopt;
  while (!reg.empty()) {
    const std::uint64_t start = next(cells.address);
    const auto range = GpaRange::of_size(start, next(cells.size));
    if (!range) return std::nullopt;
    ranges.push_back(*range);
  }
  return ranges;
}

// The RAM of a memory map, sorted, disjoint and joined.
std::vector<GpaRange> ram_of(const MemoryMap& map) {
  std::vector<GpaRange> ram;
  for (const MemoryMapEntry& entry : map.entries())
    if (entry.type == MemoryType::ram) ram.push_back(entry.range);
  return ram;
}

std::string text_of(const std::vector<GpaRange>& ranges) {
  std::string text;
  for (const GpaRange& range : ranges)
    text += fmt::format("{}{:#x}-{:#x}", text.empty() ? "" : " and ", range.start, range.last());
  return text;
}

// Whether the nodes say of each byte of `ram` once that it is there, and of nothing else.
bool says_just(const FdtReader& tree, const std::vector<Node>& nodes, Cells cells,
               const std::vector<GpaRange>& ram) {
  MemoryMap map;
  std::uint64_t sum = 0;
  for (const Node node : nodes) {
    const auto reg = tree.bytes(node, "reg");
    const auto ranges = reg ? ranges_in(*reg, cells) : std::nullopt;
    if (!ranges) return false;
    for (const GpaRange& range : *ranges) {
      const auto more = checked_add(sum, range.size());
      if (!more) return false;
      sum = *more;
      map.set(range, MemoryType::ram);
    }
  }
  std::uint64_t size = 0;
  for (const GpaRange& range : ram) size += range.size();
  return ram_of(map) == ram && sum == size;
}

// Renames the one memory node after its new address, and its label with it.
Result<void> rename_memory(const FdtReader& tree, std::string_view old_name, const std::string& name,
                           FdtEditor& editor) {
  const std::string old_path = fmt::format("/{}", old_name);
  if (old_name == name) return {};
  TRY(editor.rename(old_path, name));
  const auto symbols = tree.child(tree.root(), "__symbols__");
  if (!symbols) return {};
  for (const FdtProperty& symbol : tree.properties(*symbols)) {
    const auto path = tree.string(*symbols, symbol.name);
    if (path && *path == old_path) TRY(editor.set("/__symbols__", symbol.name, bytes_of("/" + name + '\0')));
  }
  return {};
}

Result<void> fill_memory(const FdtReader& tree, const Machine& machine, FdtEditor& editor) {
  const Cells cells = TRY(root_cells(tree));
  const std::vector<GpaRange> ram = ram_of(memory_map_of(machine));
  const std::vector<Node> nodes = children_of_type(tree, tree.root(), "memory");
  if (says_just(tree, nodes, cells, ram)) return {};
  if (nodes.size() > 1)
    return fail(
        "the device tree has {} memory nodes, which together are not the machine's RAM, {}: make them so, or "
        "leave one for it to be written to",
        nodes.size(), text_of(ram));
  const std::string name = fmt::format("memory@{:x}", ram.front().start);
  if (!nodes.empty()) TRY(rename_memory(tree, tree.name(nodes.front()), name, editor));
  TRY(editor.set("/" + name, "device_type", bytes_of(std::string_view("memory", 7))));
  return editor.set("/" + name, "reg", TRY(reg_of(ram, cells)));
}

// A property of /chosen that points at what only another boot had.
bool is_stale(std::string_view property, const Inputs& inputs) {
  return property.starts_with("linux,uefi-") ||
         (inputs.initrd.empty() && property.starts_with("linux,initrd-"));
}

Result<void> fill_chosen(const FdtReader& tree, const Inputs& inputs, const Addresses& addresses,
                         FdtEditor& editor) {
  bool has_bootargs = false;
  if (const auto chosen = tree.find("/chosen")) {
    has_bootargs = tree.has(*chosen, "bootargs");
    for (const FdtProperty& property : tree.properties(*chosen))
      if (is_stale(property.name, inputs)) editor.remove("/chosen", property.name);
  }
  for (const DeviceTreeProperty& property : chosen_properties(inputs, addresses)) {
    if (property.name == "bootargs" && has_bootargs && inputs.cmdline.empty()) continue;
    TRY(editor.set("/chosen", property.name, property.value));
  }
  return {};
}

}  // namespace

Result<std::vector<std::uint8_t>> guest_device_tree(const Inputs& inputs) {
  const std::vector<std::uint8_t> ours = machine_device_tree(inputs.machine, !inputs.overlays.empty());
  const std::string_view whose = inputs.dtb ? "--fdt" : "the machine's device tree";
  FdtEditor editor =
      TRY(with_context(FdtEditor::open(inputs.dtb ? *inputs.dtb : ours, kMaxDeviceTree), std::string(whose)));
  for (std::size_t i = 0; i < inputs.overlays.size(); ++i)
    TRY(with_context(editor.apply(inputs.overlays[i]), fmt::format("--fdt-overlay number {}", i + 1)));
  std::vector<std::uint8_t> tree = editor.finish();
  TRY(check_cpus(TRY(FdtReader::open(tree)), inputs.machine));
  return tree;
}

Result<std::vector<std::uint8_t>> filled_in(Bytes tree, const Inputs& inputs, const Addresses& addresses) {
  const FdtReader reader = TRY(FdtReader::open(tree));
  FdtEditor editor = TRY(FdtEditor::open(tree, kMaxDeviceTree));
  TRY(fill_memory(reader, inputs.machine, editor));
  TRY(fill_chosen(reader, inputs, addresses, editor));
  return editor.finish();
}

}  // namespace tintype
