#include "composer/numa_options.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "formats/size.h"
#include "formats/suggest.h"

namespace tintype {
namespace {

constexpr std::string_view kKeys[] = {"cpus", "memory"};

// Linux leaves out a node with less (arch/x86/include/asm/numa.h, NODE_MIN_SIZE; the newest take any).
constexpr std::uint64_t kMinNodeMemory = 4 * kMiB;

constexpr std::uint8_t kFarthest = acpi::kSlitUnreachable - 1;

// "512M": bytes in the biggest unit that divides them, as --memory takes them.
std::string size_text(std::uint64_t bytes) {
  constexpr std::string_view kUnits = "KMGT";
  std::string_view unit;
  for (std::size_t i = 0; i < kUnits.size() && bytes != 0 && bytes % kKiB == 0; ++i) {
    bytes /= kKiB;
    unit = kUnits.substr(i, 1);
  }
  return fmt::format("{}{}", bytes, unit);
}

// Appends the vCPUs of "3" or "0-3"; `cpus` is how many there are.
Result<void> add_cpus(std::string_view range, std::uint32_t cpus, std::vector<std::uint32_t>& to) {
  const std::size_t dash = range.find('-');
  const auto first = parse_decimal(range.substr(0, dash));
  const auto last = dash == range.npos ? first : parse_decimal(range.substr(dash + 1));
  if (!first || !last)
    return fail("'{}' is neither a vCPU nor a range of them: write a list like cpus=0-3,8", range);
  if (*first > *last) return fail("the range '{}' begins after its end: write {}-{}", range, *last, *first);
  if (*last >= cpus)
    return fail("vCPU {} does not exist, the last one is {}: give --cpus {} or leave it out", *last, cpus - 1,
                std::uint64_t{*last} + 1);
  for (std::uint32_t cpu = *first; cpu <= *last; ++cpu) {
    if (std::find(to.begin(), to.end(), cpu) != to.end())
      return fail("vCPU {} is in the list twice: give it once", cpu);
    to.push_back(cpu);
  }
  return {};
}

// One piece of "cpus=0-1,4,memory=2G" between commas. A piece without a key continues the list of vCPUs.
Result<void> add_piece(std::string_view piece, std::uint32_t cpus, bool& in_list,
                       std::optional<std::uint64_t>& memory, NumaNode& node) {
  const std::size_t equals = piece.find('=');
  if (equals == piece.npos && in_list) return add_cpus(piece, cpus, node.cpus);
  if (equals == piece.npos) return fail("'{}' is no KEY=VALUE: write a node like cpus=0-3,memory=2G", piece);
  const std::string_view key = piece.substr(0, equals);
  const std::string_view value = piece.substr(equals + 1);
  in_list = key == "cpus";
  if (key == "cpus") {
    if (!node.cpus.empty()) return fail("cpus is given twice: write one list, like cpus=0-1,4");
    return add_cpus(value, cpus, node.cpus);
  }
  if (key != "memory")
    return fail("unknown key '{}'{}: the keys are cpus and memory", key, did_you_mean(key, kKeys));
  if (memory) return fail("memory is given twice: give it once");
  memory = TRY(parse_size(value));
  return {};
}

Result<NumaNode> parse_node(std::string_view text, std::uint32_t cpus) {
  NumaNode node;
  std::optional<std::uint64_t> memory;
  bool in_list = false;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    TRY(add_piece(text.substr(at, comma - at), cpus, in_list, memory, node));
    at = comma + 1;
  }
  node.memory = memory.value_or(0);
  if (node.memory > 0 && node.memory < kMinNodeMemory)
    return fail("memory {} is less than {}, under which Linux leaves a node out: give more, or none",
                size_text(node.memory), size_text(kMinNodeMemory));
  if (node.cpus.empty() && node.memory == 0)
    return fail("the node has neither vCPUs nor memory: leave it out");
  std::sort(node.cpus.begin(), node.cpus.end());
  return node;
}

// "2-3, 6": ascending numbers as ranges.
std::string ranges_text(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t next = i + 1;
    while (next < numbers.size() && numbers[next] == numbers[next - 1] + 1) ++next;
    text += fmt::format("{}{}", text.empty() ? "" : ",", numbers[i]);
    if (next - i > 1) text += fmt::format("-{}", numbers[next - 1]);
    i = next;
  }
  return text;
}

// Every vCPU is in exactly one node.
Result<void> check_cpus(const std::vector<NumaNode>& nodes, std::uint32_t cpus) {
  std::vector<std::optional<std::size_t>> home(cpus);
  for (std::size_t node = 0; node < nodes.size(); ++node) {
    for (const std::uint32_t cpu : nodes[node].cpus) {
      if (home[cpu])
        return fail("--numa: vCPU {} is in node {} and in node {}: take it out of one", cpu, *home[cpu],
                    node);
      home[cpu] = node;
    }
  }
  std::vector<std::uint32_t> homeless;
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu)
    if (!home[cpu]) homeless.push_back(cpu);
  if (!homeless.empty())
    return fail("--numa: of the machine's {} vCPUs, {} {} in no node: add cpus={} to one", cpus,
                ranges_text(homeless), homeless.size() == 1 ? "is" : "are", ranges_text(homeless));
  return {};
}

Result<void> check_memory(const std::vector<NumaNode>& nodes, std::uint64_t memory) {
  std::uint64_t sum = 0;
  for (const NumaNode& node : nodes) {
    const auto next = checked_add(sum, node.memory);
    if (!next || *next > kMaxMemory)
      return fail("--numa: the nodes have more memory than a machine can, {}: give them less",
                  size_text(kMaxMemory));
    sum = *next;
  }
  if (sum == 0)
    return fail("--numa: the nodes have no memory, and the machine has {}: give them memory={}",
                size_text(memory), size_text(memory));
  if (sum != memory)
    return fail(
        "--numa: the nodes have {} of memory, and the machine has {}: give --memory {}, or nodes of {} "
        "together",
        size_text(sum), size_text(memory), size_text(sum), size_text(memory));
  return {};
}

struct Distance {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint8_t distance = 0;
};

Result<Distance> parse_distance(std::string_view text, std::size_t nodes) {
  const std::size_t colon = text.find(':');
  const std::size_t equals = text.find('=', std::min(colon, text.size()));
  if (colon == text.npos || equals == text.npos)
    return fail("not a distance: write A:B=D, like 0:1=21 for node 1 as node 0 sees it");
  const auto from = parse_decimal(text.substr(0, colon));
  const auto to = parse_decimal(text.substr(colon + 1, equals - colon - 1));
  const auto distance = parse_decimal(text.substr(equals + 1));
  if (!from || !to || !distance) return fail("not a distance: A, B and D are numbers in A:B=D, like 0:1=21");
  for (const std::uint32_t node : {*from, *to})
    if (node >= nodes)
      return fail("there is no node {}, the last one is {}: give another --numa, or another distance", node,
                  nodes - 1);
  if (*from == *to && *distance != acpi::kSlitLocal)
    return fail("a node is {} from itself, and not {}: leave it out", acpi::kSlitLocal, *distance);
  if (*from != *to && (*distance <= acpi::kSlitLocal || *distance > kFarthest))
    return fail("{} is no distance of two nodes: give one from {} to {} (10 is a node's from itself)",
                *distance, acpi::kSlitLocal + 1, kFarthest);
  return Distance{.from = *from, .to = *to, .distance = static_cast<std::uint8_t>(*distance)};
}

Result<std::vector<std::uint8_t>> parse_distances(const std::vector<std::string>& texts, std::size_t nodes) {
  if (texts.empty()) return std::vector<std::uint8_t>();
  std::vector<std::optional<std::uint8_t>> given(nodes * nodes);
  for (const std::string& text : texts) {
    const std::string where = fmt::format("--numa-distance '{}'", text);
    const Distance one = TRY(with_context(parse_distance(text, nodes), where));
    auto& cell = given[one.from * nodes + one.to];
    if (cell && *cell != one.distance)
      return fail("{}: node {} is already {} from node {}: give one of the two", where, one.to, *cell,
                  one.from);
    cell = one.distance;
  }
  std::vector<std::uint8_t> distances;
  for (std::size_t from = 0; from < nodes; ++from)
    for (std::size_t to = 0; to < nodes; ++to)
      distances.push_back(from == to ? acpi::kSlitLocal
                                     : given[from * nodes + to].value_or(
                                           given[to * nodes + from].value_or(acpi::kSlitRemote)));
  return distances;
}

}  // namespace

Result<NumaOptions> parse_numa(const std::vector<std::string>& nodes,
                               const std::vector<std::string>& distances, std::uint32_t cpus,
                               std::uint64_t memory) {
  NumaOptions options;
  if (nodes.empty() && distances.empty()) return options;
  if (nodes.empty()) return fail("--numa-distance without --numa: describe the nodes with --numa");
  if (nodes.size() > kMaxNumaNodes)
    return fail("{} nodes are more than {}: give fewer --numa", nodes.size(), kMaxNumaNodes);
  for (const std::string& text : nodes)
    options.nodes.push_back(TRY(with_context(parse_node(text, cpus), fmt::format("--numa '{}'", text))));
  TRY(check_cpus(options.nodes, cpus));
  TRY(check_memory(options.nodes, memory));
  options.distances = TRY(parse_distances(distances, nodes.size()));
  return options;
}

}  // namespace tintype
