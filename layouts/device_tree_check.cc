#include <algorithm>
#include <optional>

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

// Whether one of the names in "compatible" is `name`.
bool is_compatible(const FdtReader& tree, Node node, std::string_view name) {
  const auto value = tree.bytes(node, "compatible");
  if (!value) return false;
  for (auto start = value->begin(); start != value->end();) {
    const auto end = std::find(start, value->end(), 0);
    if (std::equal(start, end, name.begin(), name.end())) return true;
    start = end == value->end() ? end : end + 1;
  }
  return false;
}

// What a tree says of the machine, outside of /cpus: the first node of each kind that Linux uses.
struct Nodes {
  std::optional<Node> gic_v2;
  std::optional<Node> gic_v3;
  std::optional<Node> its;
  std::optional<Node> psci;
};

struct Kind {
  std::string_view compatible;
  std::optional<Node> Nodes::*member;
};

// Devicetree bindings interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml, arm/psci.yaml
constexpr Kind kKinds[] = {
    {"arm,gic-400", &Nodes::gic_v2}, {"arm,cortex-a15-gic", &Nodes::gic_v2}, {"arm,gic-v3", &Nodes::gic_v3},
    {"arm,gic-v3-its", &Nodes::its}, {"arm,psci-1.0", &Nodes::psci},         {"arm,psci-0.2", &Nodes::psci},
    {"arm,psci", &Nodes::psci},
};

// Trees that FdtEditor opens are no deeper than kMaxFdtDepth.
void find_nodes(const FdtReader& tree, Node parent, Nodes& found) {
  for (const Node node : tree.children(parent)) {
    for (const Kind& kind : kKinds)
      if (!(found.*kind.member) && is_compatible(tree, node, kind.compatible) && is_available(tree, node))
        found.*kind.member = node;
    find_nodes(tree, node, found);
  }
}

// The affinity in a processor's "reg" of one cell or two; nothing if it has no such.
std::optional<std::uint64_t> affinity_of(const FdtReader& tree, Node cpu) {
  if (const auto cell = tree.cell(cpu, "reg")) return *cell;
  const auto wide = tree.wide_cells(cpu, "reg");
  return wide && wide->size() == 1 ? std::optional(wide->front()) : std::nullopt;
}

// A tree of other processors would leave some of the machine's unused, or Linux waiting for some that there
// are not. Linux starts no other processor if it does not find the one it runs on.
Result<void> check_cpus(const FdtReader& tree, const Machine& machine) {
  std::vector<Node> cpus;
  if (const auto parent = tree.child(tree.root(), "cpus")) cpus = children_of_type(tree, *parent, "cpu");
  if (cpus.size() != machine.cpus)
    return fail("the device tree has {} processors in /cpus, and the machine has {}: {}", cpus.size(),
                machine.cpus, cpus.empty() ? "add them" : fmt::format("give --cpus {}", cpus.size()));
  std::vector<std::uint64_t> affinities;
  for (const Node cpu : cpus) {
    const auto affinity = affinity_of(tree, cpu);
    if (!affinity) return {};
    affinities.push_back(*affinity);
  }
  std::sort(affinities.begin(), affinities.end());
  for (std::uint32_t i = 0; i < machine.cpus; ++i)
    if (affinities[i] != arm64_mpidr(i))
      return fail(
          "the device tree has {:#x} as the reg of a processor in /cpus, where the affinity of the machine's "
          "vCPU {} is {:#x}: give it that",
          affinities[i], i, arm64_mpidr(i));
  return {};
}

Result<void> check_gic(const FdtReader& tree, const Nodes& nodes, const Machine& machine) {
  const bool is_v2 = machine.gic == Gic::v2;
  const Gic other = is_v2 ? Gic::v3 : Gic::v2;
  const std::optional<Node>& found = is_v2 ? nodes.gic_v3 : nodes.gic_v2;
  if (found && !(is_v2 ? nodes.gic_v2 : nodes.gic_v3))
    return fail("the device tree has a GIC{} ({}), and the machine a GIC{}: give --gic {}", gic_name(other),
                shown(tree.name(*found)), gic_name(machine.gic), gic_name(other));
  if (nodes.its && !machine.its)
    return fail("the device tree has an ITS ({}), and the machine has none: give --its",
                shown(tree.name(*nodes.its)));
  return {};
}

// Nothing below the guest takes an SMC for it.
Result<void> check_psci(const FdtReader& tree, const Nodes& nodes) {
  if (!nodes.psci) return {};
  const auto method = tree.string(*nodes.psci, "method");
  if (method && *method != "hvc")
    return fail("the device tree's {} has the method '{}', and the machine has PSCI by 'hvc': give it that",
                shown(tree.name(*nodes.psci)), shown(*method));
  return {};
}

}  // namespace

bool is_available(const FdtReader& tree, Node node) {
  if (!tree.has(node, "status")) return true;
  const auto status = tree.string(node, "status");
  return status && (*status == "okay" || *status == "ok");
}

std::vector<Node> children_of_type(const FdtReader& tree, Node parent, std::string_view type) {
  std::vector<Node> nodes = tree.children(parent);
  std::erase_if(nodes, [&](Node node) { return !is_of_type(tree, node, type); });
  return nodes;
}

Result<void> check_device_tree(Bytes tree, const Machine& machine) {
  const FdtReader reader = TRY(FdtReader::open(tree));
  Nodes nodes;
  find_nodes(reader, reader.root(), nodes);
  TRY(check_cpus(reader, machine));
  TRY(check_gic(reader, nodes, machine));
  return check_psci(reader, nodes);
}

}  // namespace tintype
