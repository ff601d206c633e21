// Any bytes as an image give an error or a plan in which everything has its place: what run-snapshot then
// does with memory and KVM follows the plan and checks no more.
#include <algorithm>

#include "fuzz/fuzz.h"
#include "runner/image.h"

namespace {

using namespace tintype;

bool in_memory(const GuestPlan& plan, std::uint64_t gpa, std::uint64_t size) {
  const auto range = GpaRange::of_size(gpa, size);
  return range && std::any_of(plan.memory.begin(), plan.memory.end(),
                              [&](const GpaRange& block) { return block.contains(*range); });
}

void check_plan(const GuestPlan& plan, Arch runner, std::size_t file_size) {
  require(plan.arch == runner);
  require(!plan.memory.empty() && plan.memory.size() <= kMaxMemoryBlocks);
  for (std::size_t i = 0; i < plan.memory.size(); ++i) {
    require(!plan.memory[i].empty() && is_aligned(plan.memory[i].start | plan.memory[i].end, kPageSize));
    require(i == 0 || plan.memory[i - 1].end < plan.memory[i].start);
  }
  for (const GuestPlan::FilePiece& piece : plan.pieces) {
    require(in_memory(plan, piece.gpa, piece.size));
    require(piece.offset <= file_size && piece.size <= file_size - piece.offset);
  }
  for (const GuestPlan::Write& write : plan.writes) require(in_memory(plan, write.gpa, write.bytes.size()));
  require(plan.cpus >= 1);
  for (const GuestPlan::Start& start : plan.starts) {
    require(start.vcpu < plan.cpus);
    require(std::holds_alternative<VcpuArm64>(start.registers) == (runner == Arch::aarch64));
  }
  const Machine machine{.arch = plan.arch, .gic = plan.gic, .its = plan.its, .cpus = plan.cpus};
  require(plan.cpus <= max_cpus(machine));
  for (const Device& device : devices_of(machine))
    if (device.space == Device::Space::mmio)
      for (const GpaRange& block : plan.memory)
        require(!block.overlaps({device.base, device.base + device.size * device.count}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  make_plausible(bytes);
  MachineWishes wishes;
  // The last byte is nobody's; it serves to choose.
  if (size > 0 && (data[size - 1] & 1) != 0) wishes.memory = 16 * kMiB;
  if (size > 0 && (data[size - 1] & 2) != 0) wishes.cpus = 3;
  for (const Arch runner : {Arch::x86_64, Arch::aarch64}) {
    const auto plan = plan_guest(bytes, wishes, runner);
    if (plan) {
      check_plan(*plan, runner, bytes.size());
    } else {
      require(!plan.error().message().empty());
    }
  }
  return 0;
}
