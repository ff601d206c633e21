#include "runner/image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "formats/container.h"
#include "formats/launch.h"
#include "formats/machine_tree.h"
#include "runner/guest_memory.h"
#include "runner/kvm.h"
#include "runner/parameters.h"

namespace tintype {

Result<MappedFile> MappedFile::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail("cannot be opened: {}", std::strerror(errno));
  return of(std::move(fd));
}

Result<MappedFile> MappedFile::of(Fd fd) {
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return fail("cannot be examined: {}", std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail("is not a regular file, and only one can be mapped");
  if (status.st_size <= 0) return fail("is empty");
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (mapped == MAP_FAILED) return fail("cannot be mapped: {}", std::strerror(errno));
  return MappedFile(std::move(fd), Bytes(static_cast<const std::uint8_t*>(mapped), size));
}

void MappedFile::unmap() {
  if (!bytes_.empty()) ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
  bytes_ = {};
}

bool MappedFile::whole() const {
  return static_cast<std::uint64_t>(::lseek(fd_.get(), 0, SEEK_END)) == size_;
}

namespace {

Result<void> check_kind(Bytes file) {
  if (is_container(file)) return fail("is compressed with zstd: unpack it first (zstd -d)");
  return {};
}

std::string_view platform_name(std::uint8_t type) {
  constexpr std::string_view kNames[] = {"NATIVE", "VSM isolation", "SEV-SNP", "TDX", "SEV", "SEV-ES", "CCA"};
  return type < std::size(kNames) ? kNames[type] : "an unknown one";
}

// Whether the platform is one without isolation. The format has NATIVE for x64 alone; its reference takes a
// VSM one without higher trust levels for such a guest of AArch64.
bool is_native(const IGVM_VHS_SUPPORTED_PLATFORM& platform, Arch arch) {
  if (arch == Arch::x86_64) return platform.platform_type == IGVM_PLATFORM_NATIVE;
  return platform.platform_type == IGVM_PLATFORM_VSM_ISOLATION && platform.highest_vtl == 0;
}

// The mask bit of the platform without isolation.
Result<std::uint32_t> native_mask(const igvm::File& file) {
  std::string others;
  for (const IGVM_VHS_SUPPORTED_PLATFORM& platform : file.platforms) {
    if (is_native(platform, file.arch)) return platform.compatibility_mask.value();
    others += fmt::format("{}{}", others.empty() ? "" : ", ", platform_name(platform.platform_type));
    if (platform.highest_vtl != 0) others += fmt::format(" with trust level {}", platform.highest_vtl);
  }
  return fail("is made for {} and not for a machine without isolation ({}), the one that this runner starts",
              others, file.arch == Arch::x86_64 ? "NATIVE" : "VSM isolation with no trust level but 0");
}

Result<void> check_soundness(const igvm::File& file) {
  const std::vector<std::string> odd = igvm::oddities(file);
  if (odd.empty()) return {};
  if (odd.size() == 1) return fail("is not run because {}", odd[0]);
  return fail("is not run because {} (and {} more: 'compose-snapshot inspect' lists them)", odd[0],
              odd.size() - 1);
}

Result<void> check_runner(const igvm::File& file, Arch runner) {
  if (file.arch == runner) return {};
  return fail("is a snapshot for {} and this runner is for {}: run it on a host of its own kind",
              arch_name(file.arch), arch_name(runner));
}

Result<Machine> settle_machine(const std::optional<Machine>& described, const MachineWishes& wishes,
                               Arch arch) {
  if (!described) {
    Machine machine;
    machine.arch = arch;
    machine.memory = wishes.memory.value_or(kDefaultMemory);
    machine.cpus = wishes.cpus.value_or(1);
    if (machine.cpus > max_cpus(machine))
      return fail("can have at most {} vCPUs on {}, and --cpus says {}", max_cpus(machine), arch_name(arch),
                  machine.cpus);
    return machine;
  }
  if (wishes.memory)
    return fail("has its own memory size, {} MiB: leave --memory out, or compose it anew",
                described->memory / kMiB);
  if (wishes.cpus)
    return fail("has its own number of vCPUs, {}: leave --cpus out, or compose it anew", described->cpus);
  return *described;
}

// A range that a directive names and that must be memory.
struct Named {
  std::string_view what;
  std::uint64_t gpa = 0;
  std::optional<std::uint64_t> size;
};

Result<void> check_pages(const igvm::PageRun& run) {
  if (run.data_type != IGVM_PAGE_DATA_TYPE_NORMAL)
    return fail("asks at {:#x} for a page that only the firmware of an isolated machine can fill (type {})",
                run.gpa, run.data_type);
  if (run.step() != kPageSize && !run.data.empty())
    return fail("has page data for a 2 MiB page at {:#x}: this runner loads pages of 4 KiB", run.gpa);
  return {};
}

// What `directive` wants to be memory on the platform of `mask`.
std::optional<Named> memory_named_by(const igvm::Directive& directive, std::uint32_t mask,
                                     const std::map<std::uint32_t, std::uint64_t>& area_sizes) {
  if (const auto* run = std::get_if<igvm::PageRun>(&directive)) {
    if ((run->compatibility_mask & mask) != 0)
      return Named{"page data", run->gpa, checked_mul(run->pages, run->step())};
  } else if (const auto* required = std::get_if<IGVM_VHS_REQUIRED_MEMORY>(&directive)) {
    if ((required->compatibility_mask & mask) != 0)
      return Named{"required memory", required->gpa, required->number_of_bytes.value()};
  } else if (const auto* error = std::get_if<IGVM_VHS_ERROR_RANGE>(&directive)) {
    if ((error->compatibility_mask & mask) != 0)
      return Named{"an error range", error->gpa, error->size_bytes.value()};
  } else if (const auto* insert = std::get_if<IGVM_VHS_PARAMETER_INSERT>(&directive)) {
    const auto area = area_sizes.find(insert->parameter_area_index);
    if ((insert->compatibility_mask & mask) != 0 && area != area_sizes.end())
      return Named{"a parameter area", insert->gpa, area->second};
  }
  return std::nullopt;
}

// Where no memory may be because something else answers there.
Result<void> check_not_device(const Named& named, GpaRange range, const Machine& machine) {
  const auto check = [&](std::string_view what, GpaRange taken) -> Result<void> {
    if (!range.overlaps(taken)) return {};
    return fail("has {} at {:#x}-{:#x}, where this machine has {} ({:#x}-{:#x})", named.what, range.start,
                range.last(), what, taken.start, taken.last());
  };
  for (const Device& device : devices_of(machine)) {
    if (device.space != Device::Space::mmio) continue;
    const GpaRange taken{device.base, device.base + device.size * device.count};
    TRY(check(fmt::format("its {}", device.name), taken.to_pages()));
  }
  if (machine.arch != Arch::x86_64) return {};
  return check("pages that KVM keeps for itself", {kKvmReservedStart, kKvmReservedEnd});
}

// The machine's RAM and, for a file of somebody else's, whatever else its directives want to be memory.
Result<std::vector<GpaRange>> plan_memory(const igvm::File& file, std::uint32_t mask, const Machine& machine,
                                          bool described) {
  const std::vector<GpaRange> ram = ram_ranges(machine.arch, machine.memory);
  std::vector<GpaRange> memory = ram;
  std::map<std::uint32_t, std::uint64_t> area_sizes;
  for (const igvm::Directive& directive : file.directives) {
    if (const auto* area = std::get_if<igvm::ParameterArea>(&directive))
      area_sizes[area->parameter_area_index] = area->number_of_bytes;
    const std::optional<Named> named = memory_named_by(directive, mask, area_sizes);
    if (!named) continue;
    const auto range = named->size ? GpaRange::of_size(named->gpa, *named->size) : std::nullopt;
    if (!range) return fail("has {} at {:#x} that ends past the last address", named->what, named->gpa);
    const bool inside = range->empty() || std::any_of(ram.begin(), ram.end(), [&](const GpaRange& block) {
                          return block.contains(*range);
                        });
    if (inside) continue;
    if (described)
      return fail("has {} at {:#x}-{:#x}, outside the {} MiB of memory that its machine description states",
                  named->what, range->start, range->last(), machine.memory / kMiB);
    TRY(check_not_device(*named, *range, machine));
    memory.push_back(*range);
    // Kept short, for a file may scatter its pages at will.
    if (memory.size() > 2 * kMaxMemoryBlocks) memory = normalised(std::move(memory));
    if (memory.size() > 2 * kMaxMemoryBlocks) break;
  }
  return normalised(std::move(memory));
}

Result<void> check_memory(const std::vector<GpaRange>& memory) {
  if (memory.size() > kMaxMemoryBlocks)
    return fail(
        "scatters its memory over more than {} places outside RAM: give --memory so that RAM covers them",
        kMaxMemoryBlocks);
  std::uint64_t total = 0;
  for (const GpaRange& range : memory) {
    if (range.size() > kMaxMemory || (total += range.size()) > kMaxMemory)
      return fail("needs more memory than the {} GiB that this runner gives a machine", kMaxMemory / kGiB);
  }
  return {};
}

// Adds the run's bytes, joined to the piece before where both file and guest go on.
void add_piece(const igvm::PageRun& run, GuestPlan& plan) {
  GuestPlan::FilePiece piece{.gpa = run.gpa, .offset = run.file_offset, .size = run.data.size()};
  if (!plan.pieces.empty()) {
    GuestPlan::FilePiece& last = plan.pieces.back();
    if (last.gpa + last.size == piece.gpa && last.offset + last.size == piece.offset) {
      last.size += piece.size;
      return;
    }
  }
  plan.pieces.push_back(piece);
}

Result<void> add_start(const igvm::VpContext& context, bool described, GuestPlan& plan) {
  if (context.vp_index >= plan.cpus)
    return fail("has registers for vCPU {}, but the machine has {}{}", context.vp_index, plan.cpus,
                described ? "" : fmt::format(": give --cpus at least {}", context.vp_index + 1));
  for (const GuestPlan::Start& start : plan.starts)
    if (start.vcpu == context.vp_index) return fail("has registers for vCPU {} twice", context.vp_index);
  const VcpuState registers = plan.arch == Arch::x86_64 ? VcpuState(TRY(igvm::native_registers(context)))
                                                        : VcpuState(TRY(igvm::vbs_registers(context)));
  plan.starts.push_back({context.vp_index, registers});
  return {};
}

Result<void> add_directives(const igvm::File& file, std::uint32_t mask, bool described, GuestPlan& plan) {
  for (const igvm::Directive& directive : file.directives) {
    if (const auto* run = std::get_if<igvm::PageRun>(&directive)) {
      if ((run->compatibility_mask & mask) == 0) continue;
      TRY(check_pages(*run));
      if (!run->data.empty()) add_piece(*run, plan);
    } else if (const auto* context = std::get_if<igvm::VpContext>(&directive)) {
      if ((context->compatibility_mask & mask) != 0) TRY(add_start(*context, described, plan));
    }
  }
  return {};
}

// Without registers vCPU 0 of x86_64 starts at the reset vector (Intel SDM volume 3, 9.1.4), where something
// has to be; where one of AArch64 starts nothing says (Arm DDI 0487, D1.9.1).
Result<void> check_entry(const GuestPlan& plan) {
  constexpr std::uint64_t kResetVector = 0xFFFFFFF0;
  const bool starts = std::any_of(plan.starts.begin(), plan.starts.end(),
                                  [](const GuestPlan::Start& start) { return start.vcpu == 0; });
  const bool reset = std::any_of(plan.memory.begin(), plan.memory.end(),
                                 [](const GpaRange& range) { return range.contains(kResetVector); });
  if (starts || (reset && plan.arch == Arch::x86_64)) return {};
  if (plan.arch != Arch::x86_64) return fail("has no registers for vCPU 0: no guest would start");
  return fail("has neither registers for vCPU 0 nor anything at the reset vector {:#x}: no guest would start",
              kResetVector);
}

}  // namespace

Result<GuestPlan> plan_guest(Bytes bytes, const MachineWishes& wishes, Arch runner) {
  TRY(check_kind(bytes));
  const igvm::File file = TRY(igvm::read(bytes));
  const std::optional<Machine> described = TRY(read_machine(bytes));
  TRY(check_arch(file, described));
  TRY(check_runner(file, runner));
  const std::uint32_t mask = TRY(native_mask(file));
  TRY(check_soundness(file));
  const Machine machine = TRY(settle_machine(described, wishes, file.arch));

  GuestPlan plan;
  plan.arch = machine.arch;
  plan.gic = machine.gic;
  plan.its = machine.its;
  plan.cpus = machine.cpus;
  plan.numa_nodes = machine.numa_nodes;
  plan.memory = TRY(plan_memory(file, mask, machine, described.has_value()));
  TRY(check_memory(plan.memory));
  TRY(add_directives(file, mask, described.has_value(), plan));
  TRY(add_parameters(file, bytes, mask, plan));
  TRY(check_entry(plan));
  return plan;
}

}  // namespace tintype
