#include <algorithm>
#include <optional>

#include "layouts/arm64_guest.h"
#include "layouts/device_tree.h"

namespace tintype {

namespace {

using Node = FdtReader::Node;

// More memory nodes, reserved ranges, or properties to change is no tree of a machine; each costs a walk
// over it.
constexpr std::size_t kMost = 128;

// How many 32-bit cells of a child's "reg" an address and a size take (Devicetree Specification 0.4, 2.3.5).
struct Cells {
  std::uint32_t address = 2;
  std::uint32_t size = 1;
};

// Of the children of `node`, which messages call `name`.
Result<Cells> cells_of(const FdtReader& tree, Node node, std::string_view name) {
  Cells cells;
  const auto read = [&](std::string_view property, std::uint32_t& count) -> Result<void> {
    if (!tree.has(node, property)) return {};
    const auto cell = tree.cell(node, property);
    if (!cell) return fail("the device tree's {} has a {} that is not one cell: give it <2>", name, property);
    count = *cell;
    return {};
  };
  TRY(read("#address-cells", cells.address));
  TRY(read("#size-cells", cells.size));
  for (const std::uint32_t count : {cells.address, cells.size})
    if (count != 1 && count != 2)
      return fail(
          "the device tree's {} has #address-cells {} and #size-cells {}, and RAM takes 1 or 2 of each: "
          "give it 2",
          name, cells.address, cells.size);
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

// Sorted, disjoint, and one where they touch.
std::vector<GpaRange> joined(std::vector<GpaRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<GpaRange> joined;
  for (const GpaRange& range : ranges) {
    if (range.empty()) continue;
    if (!joined.empty() && range.start <= joined.back().end)
      joined.back().end = std::max(joined.back().end, range.end);
    else
      joined.push_back(range);
  }
  return joined;
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
  std::vector<GpaRange> all;
  std::uint64_t sum = 0;
  for (const Node node : nodes) {
    const auto reg = tree.bytes(node, "reg");
    const auto ranges = reg ? ranges_in(*reg, cells) : std::nullopt;
    if (!ranges) return false;
    for (const GpaRange& range : *ranges) {
      const auto more = checked_add(sum, range.size());
      if (!more) return false;
      sum = *more;
      all.push_back(range);
    }
  }
  std::uint64_t size = 0;
  for (const GpaRange& range : ram) size += range.size();
  return joined(std::move(all)) == ram && sum == size;
}

// Of a node of the root. Without a unit address a name stands for the first node that starts with it.
Result<std::string> path_of(const FdtReader& tree, Node node) {
  std::string path = fmt::format("/{}", tree.name(node));
  const auto found = tree.find(path);
  if (!found || *found != node)
    return fail("the device tree has another node where '{}' should be: give each a unit address of its own",
                shown(path));
  return path;
}

// Renames the one memory node after its new address, and what refers to it by its path with it.
Result<void> rename_memory(const FdtReader& tree, Node memory, const std::string& name, FdtEditor& editor) {
  if (tree.name(memory) == name) return {};
  const std::string old_path = TRY(path_of(tree, memory));
  TRY(editor.rename(old_path, name));
  std::size_t count = 0;
  for (const std::string_view parent : {"__symbols__", "aliases"}) {
    const auto node = tree.child(tree.root(), parent);
    if (!node) continue;
    for (const FdtProperty& property : tree.properties(*node)) {
      const std::string_view text(reinterpret_cast<const char*>(property.value.data()),
                                  property.value.size());
      if (text != old_path + '\0') continue;
      if (++count > kMost)
        return fail("the device tree has more than {} labels and aliases for its memory node: leave some out",
                    kMost);
      TRY(editor.set(fmt::format("/{}", parent), property.name, bytes_of("/" + name + '\0')));
    }
  }
  return {};
}

// Linux drivers/of/fdt.c, early_init_dt_scan_memory: a node without this device_type or with another status
// is passed over, and linux,usable-memory, which a kdump kernel's tree has, goes before reg.
Result<void> make_readable(const FdtReader& tree, std::optional<Node> node, const std::string& path,
                           FdtEditor& editor) {
  TRY(editor.set(path, "device_type", bytes_of(std::string_view("memory", 7))));
  if (node && !is_available(tree, *node)) editor.remove(path, "status");
  editor.remove(path, "linux,usable-memory");
  return {};
}

Result<void> fill_memory(const FdtReader& tree, const Machine& machine, FdtEditor& editor) {
  const Cells cells = TRY(cells_of(tree, tree.root(), "root"));
  const std::vector<GpaRange> ram = ram_of(memory_map_of(machine));
  const std::vector<Node> nodes = children_of_type(tree, tree.root(), "memory");
  if (nodes.size() > kMost)
    return fail("the device tree has {} memory nodes, and the most is {}: join them", nodes.size(), kMost);
  if (nodes.size() > 1) {
    if (!says_just(tree, nodes, cells, ram))
      return fail(
          "the device tree has {} memory nodes, which together are not the machine's RAM, {}: make them so, "
          "or leave one for it to be written to",
          nodes.size(), text_of(ram));
    for (const Node node : nodes) TRY(make_readable(tree, node, TRY(path_of(tree, node)), editor));
    return {};
  }
  const std::string name = fmt::format("memory@{:x}", ram.front().start);
  if (!nodes.empty()) TRY(rename_memory(tree, nodes.front(), name, editor));
  TRY(make_readable(tree, nodes.empty() ? std::nullopt : std::optional(nodes.front()), "/" + name, editor));
  return editor.set("/" + name, "reg", TRY(reg_of(ram, cells)));
}

// A property of /chosen that points at what only another boot had.
bool is_stale(std::string_view property, const Inputs& inputs) {
  return property.starts_with("linux,uefi-") || property == "linux,usable-memory-range" ||
         property == "linux,elfcorehdr" || (inputs.initrd.empty() && property.starts_with("linux,initrd-"));
}

// The tree's own command line, which Linux reads up to its first NUL, and ours after it.
Result<void> append_bootargs(Bytes own, const Inputs& inputs, FdtEditor& editor) {
  std::string cmdline(own.begin(), std::find(own.begin(), own.end(), 0));
  if (!inputs.cmdline.empty()) cmdline += (cmdline.empty() ? "" : " ") + inputs.cmdline;
  TRY(check_arm64_cmdline(cmdline));
  return inputs.cmdline.empty() ? Result<void>()
                                : editor.set("/chosen", "bootargs", bytes_of(cmdline + '\0'));
}

Result<void> fill_chosen(const FdtReader& tree, const Inputs& inputs, const Addresses& addresses,
                         FdtEditor& editor) {
  std::optional<Bytes> bootargs;
  std::size_t stale = 0;
  if (const auto chosen = tree.find("/chosen")) {
    if (const auto own = tree.bytes(*chosen, "bootargs")) bootargs = *own;
    for (const FdtProperty& property : tree.properties(*chosen)) {
      if (!is_stale(property.name, inputs)) continue;
      if (++stale > kMost)
        return fail("the device tree's /chosen has more than {} properties of another boot: leave them out",
                    kMost);
      editor.remove("/chosen", property.name);
    }
  }
  for (const DeviceTreeProperty& property : chosen_properties(inputs, addresses)) {
    if (property.name == "bootargs" && bootargs && inputs.keeps_bootargs)
      TRY(append_bootargs(*bootargs, inputs, editor));
    else
      TRY(editor.set("/chosen", property.name, property.value));
  }
  return {};
}

Result<void> fill(const FdtReader& tree, const Inputs& inputs, const Addresses& addresses,
                  FdtEditor& editor) {
  TRY(fill_memory(tree, inputs.machine, editor));
  return fill_chosen(tree, inputs, addresses, editor);
}

// Appends what the children of /reserved-memory reserve.
Result<void> read_reserved_nodes(const FdtReader& tree, std::vector<GpaRange>& ranges) {
  const auto parent = tree.find("/reserved-memory");
  if (!parent) return {};
  const Cells cells = TRY(cells_of(tree, *parent, "/reserved-memory"));
  for (const Node node : tree.children(*parent)) {
    const auto reg = tree.bytes(node, "reg");
    if (!reg || !is_available(tree, node)) continue;
    const auto more = ranges_in(*reg, cells);
    if (!more)
      return fail(
          "the device tree's /reserved-memory/{} has a reg that is no list of addresses and sizes, of {} and "
          "{} cells: mend it",
          shown(tree.name(node)), cells.address, cells.size);
    ranges.insert(ranges.end(), more->begin(), more->end());
  }
  return {};
}

Result<std::vector<GpaRange>> read_reserved(const FdtReader& tree) {
  std::vector<GpaRange> ranges = TRY(tree.reservations());
  TRY(read_reserved_nodes(tree, ranges));
  for (GpaRange& range : ranges) {
    range.start = std::clamp(range.start, kArm64Ram.start, kArm64Ram.end);
    range.end = std::clamp(range.end, kArm64Ram.start, kArm64Ram.end);
  }
  ranges = joined(std::move(ranges));
  if (ranges.size() > kMost)
    return fail("the device tree reserves {} ranges of memory, and the most is {}: join some", ranges.size(),
                kMost);
  return ranges;
}

// What messages on inputs' tree start with.
std::string name_of(const Inputs& inputs) {
  return inputs.dtb ? inputs.dtb_name : "the machine's device tree";
}

}  // namespace

Result<std::vector<std::uint8_t>> guest_device_tree(const Inputs& inputs) {
  const std::vector<std::uint8_t> ours = machine_device_tree(inputs.machine, !inputs.overlays.empty());
  const std::string name = name_of(inputs);
  FdtEditor editor =
      TRY(with_context(FdtEditor::open(inputs.dtb ? *inputs.dtb : ours, kMaxDeviceTree), name));
  for (std::size_t i = 0; i < inputs.overlays.size(); ++i)
    TRY(with_context(editor.apply(inputs.overlays[i]), fmt::format("--fdt-overlay number {}", i + 1)));
  std::vector<std::uint8_t> tree = editor.finish();
  TRY(with_context(check_device_tree(tree, inputs.machine), name));
  return tree;
}

Result<std::vector<GpaRange>> reserved_memory(Bytes tree, const Inputs& inputs) {
  return with_context(read_reserved(TRY(FdtReader::open(tree))), name_of(inputs));
}

Result<std::vector<std::uint8_t>> filled_in(Bytes tree, const Inputs& inputs, const Addresses& addresses) {
  const FdtReader reader = TRY(FdtReader::open(tree));
  FdtEditor editor = TRY(FdtEditor::open(tree, kMaxDeviceTree));
  TRY(with_context(fill(reader, inputs, addresses, editor), name_of(inputs)));
  return editor.finish();
}

}  // namespace tintype
