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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  make_plausible(bytes);
  MachineWishes wishes;
  // The last byte is nobody's; it serves to choose.
  if (size > 0 && (data[size - 1] & 1) != 0) wishes.memory = 16 * kMiB;
  if (size > 0 && (data[size - 1] & 2) != 0) wishes.cpus = 3;
  const auto plan = plan_guest(bytes, wishes);
  if (!plan) {
    require(!plan.error().message().empty());
    return 0;
  }
  require(!plan->memory.empty() && plan->memory.size() <= kMaxMemoryBlocks);
  for (std::size_t i = 0; i < plan->memory.size(); ++i) {
    require(!plan->memory[i].empty() && is_aligned(plan->memory[i].start | plan->memory[i].end, kPageSize));
    require(i == 0 || plan->memory[i - 1].end < plan->memory[i].start);
  }
  for (const GuestPlan::FilePiece& piece : plan->pieces) {
    require(in_memory(*plan, piece.gpa, piece.size));
    require(piece.offset <= bytes.size() && piece.size <= bytes.size() - piece.offset);
  }
  for (const GuestPlan::Write& write : plan->writes) require(in_memory(*plan, write.gpa, write.bytes.size()));
  require(plan->cpus >= 1);
  for (const GuestPlan::Start& start : plan->starts) require(start.vcpu < plan->cpus);
  return 0;
}
