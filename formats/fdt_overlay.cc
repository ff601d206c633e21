#include "formats/fdt_overlay.h"

#include <algorithm>
#include <charconv>

namespace tintype {

namespace {

using Node = FdtReader::Node;

constexpr char kHow[] = "write it with `dtc -@`";
constexpr std::size_t kPhandleSize = 4;

// Whether `name`, right below the root, is not a part of what the overlay says of itself. Fixups there would
// change other fixups after they were checked.
bool is_content(std::string_view name) {
  return !name.starts_with("__");
}

// Whether a fixup may change `property`: target-path is read as text, and the others are numbers that libfdt
// counts on by itself.
bool may_change(std::string_view property) {
  return property != "target-path";
}

Result<void> damaged(std::string_view node, std::string_view why) {
  return fail("the overlay's {} is damaged, since {}: {}", node, why, kHow);
}

// Whether a phandle at `offset` is in the property of that name.
bool holds_phandle(const FdtReader& overlay, Node node, std::string_view property, std::uint64_t offset) {
  const auto value = overlay.bytes(node, property);
  return value && value->size() >= kPhandleSize && offset <= value->size() - kPhandleSize;
}

// `fixups` mirrors `node`: its properties are lists of the offsets of local phandles.
Result<void> check_local_fixups(const FdtReader& overlay, Node node, Node fixups) {
  for (const FdtProperty& property : overlay.properties(fixups)) {
    // libfdt would count these up as if they were phandles, before it uses them as offsets.
    if (property.name == "phandle" || property.name == "linux,phandle" || !may_change(property.name))
      return damaged("__local_fixups__", fmt::format("it has a property '{}'", property.name));
    if (property.value.size() % 4 != 0)
      return damaged("__local_fixups__", fmt::format("its '{}' is no list of offsets", shown(property.name)));
    for (std::size_t at = 0; at < property.value.size(); at += 4) {
      const std::uint32_t offset = TRY(read_at<be32>(property.value, at, "offset"));
      if (!holds_phandle(overlay, node, property.name, offset))
        return damaged("__local_fixups__",
                       fmt::format("the overlay's '{}' has no phandle at {}", shown(property.name), offset));
    }
  }
  for (const Node child : overlay.children(fixups)) {
    const auto fixed = overlay.child(node, overlay.name(child));
    if (!fixed || (node == overlay.root() && !is_content(overlay.name(child))))
      return damaged("__local_fixups__",
                     fmt::format("it speaks of a node '{}' that there is not", shown(overlay.name(child))));
    TRY(check_local_fixups(overlay, *fixed, child));
  }
  return {};
}

// "/path:property:offset", where a label's phandle goes.
Result<void> check_place(const FdtReader& overlay, std::string_view place) {
  const std::size_t first = place.find(':');
  const std::size_t second = first == place.npos ? place.npos : place.find(':', first + 1);
  const auto wrong = [&] {
    return damaged("__fixups__", fmt::format("there is no phandle at '{}'", shown(place)));
  };
  if (second == place.npos) return wrong();
  const std::string_view path = place.substr(0, first);
  const std::string_view property = place.substr(first + 1, second - first - 1);
  const std::string_view digits = place.substr(second + 1);
  std::uint32_t offset = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), offset);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return wrong();
  const std::string_view from_root = path.substr(std::min(path.find_first_not_of('/'), path.size()));
  const auto node = overlay.find(path);
  if (!node || !is_content(from_root) || !may_change(property) ||
      !holds_phandle(overlay, *node, property, offset))
    return wrong();
  return {};
}

// Every place that waits for the phandle of one label.
Result<void> check_places(const FdtReader& overlay, const FdtProperty& label) {
  std::string_view places(reinterpret_cast<const char*>(label.value.data()), label.value.size());
  if (!places.ends_with('\0')) return damaged("__fixups__", "it is no text");
  while (!places.empty()) {
    const std::size_t end = places.find('\0');
    TRY(check_place(overlay, places.substr(0, end)));
    places.remove_prefix(end + 1);
  }
  return {};
}

Result<void> check_label(const FdtReader& base, std::string_view label) {
  const auto symbols = base.find("/__symbols__");
  if (!symbols)
    return fail(
        "the overlay refers to label '{}', and the device tree has no labels: write the tree with `dtc -@`",
        shown(label));
  const auto path = base.string(*symbols, label);
  if (!path) {
    std::string labels;
    for (const FdtProperty& known : base.properties(*symbols))
      labels += (labels.empty() ? "" : ", ") + std::string(known.name);
    return fail("the overlay refers to label '{}', which the device tree does not have; it has {}",
                shown(label),
                labels.size() <= 100 ? shown(labels) : shown(labels.substr(0, 80)) + " and others");
  }
  const auto node = base.find(*path);
  if (!node || !base.cell(*node, "phandle"))
    return fail("the overlay refers to label '{}', which in the device tree is at no node with a phandle: {}",
                shown(label), "write the tree with `dtc -@`");
  return {};
}

Result<void> check_fragments(const FdtReader& overlay, const FdtReader& base) {
  int count = 0;
  for (const Node fragment : overlay.children(overlay.root())) {
    if (!overlay.child(fragment, "__overlay__")) continue;
    ++count;
    if (overlay.has(fragment, "target")) continue;
    const auto path = overlay.string(fragment, "target-path");
    if (!path || !path->starts_with('/'))
      return fail("the overlay's '{}' has neither a target nor a target-path that starts at the root: {}",
                  shown(overlay.name(fragment)), kHow);
    // A later fragment's may be a node that an earlier one adds.
    if (count == 1 && !base.find(*path)) return missing_target(overlay, base);
  }
  if (count == 0)
    return fail(
        "this is no overlay: none of its nodes has an __overlay__: write it as /plugin/, with `dtc -@`");
  return {};
}

}  // namespace

Result<void> check_overlay(const FdtReader& overlay, const FdtReader& base) {
  TRY(check_fragments(overlay, base));
  if (const auto fixups = overlay.find("/__local_fixups__"))
    TRY(check_local_fixups(overlay, overlay.root(), *fixups));
  const auto fixups = overlay.find("/__fixups__");
  if (!fixups) return {};
  for (const FdtProperty& label : overlay.properties(*fixups)) {
    TRY(check_label(base, label.name));
    TRY(check_places(overlay, label));
  }
  return {};
}

tl::unexpected<Error> missing_target(const FdtReader& overlay, const FdtReader& base) {
  for (const Node fragment : overlay.children(overlay.root())) {
    const auto path = overlay.string(fragment, "target-path");
    if (path && !overlay.has(fragment, "target") && !base.find(*path))
      return fail("the overlay's '{}' goes to '{}', which the device tree does not have",
                  shown(overlay.name(fragment)), shown(*path));
  }
  return fail("a fragment of the overlay goes to a node that the device tree does not have: {}", kHow);
}

}  // namespace tintype
