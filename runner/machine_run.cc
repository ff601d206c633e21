#include "runner/machine_run.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "runner/crew.h"
#include "runner/kvm.h"
#include "runner/load.h"
#include "runner/run_loop.h"
#include "runner/seccomp.h"
#include "runner/signals.h"
#include "runner/supervisor.h"

namespace tintype {

namespace {

// Above this many vCPUs APIC IDs no longer fit the eight bits of the original APIC (0xFF is a broadcast).
constexpr std::uint32_t kMaxNarrowCpus = 255;

// One arena for all threads, and blocks that parsing takes and gives back go back to the host.
void keep_memory_small() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
}

// A vCPU is a descriptor; the usual limit of 1024 is for programs that select(2).
void allow_descriptors(std::uint32_t cpus) {
  constexpr rlim_t kOthers = 64;
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= cpus + kOthers) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, cpus + kOthers);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<void> check_host(const GuestPlan& plan, const Kvm& kvm, const std::vector<CpuidEntry>& supported) {
  const std::uint32_t most = std::min(kvm.max_vcpus(), kvm.max_vcpu_ids());
  if (plan.cpus > most) return fail("needs {} vCPUs, and this host's KVM has at most {}", plan.cpus, most);
  if (plan.cpus > kMaxNarrowCpus && !kvm.has_wide_apic_ids())
    return fail("needs {} vCPUs, and this host's KVM cannot address more than {}", plan.cpus, kMaxNarrowCpus);
  const std::uint64_t slots = kvm.max_memory_slots();
  if (plan.memory.size() > slots)
    return fail("needs {} pieces of memory, and this host's KVM has at most {}", plan.memory.size(), slots);
  const unsigned bits = physical_address_bits(supported);
  const std::uint64_t end = plan.memory.back().end;
  if (bits < 64 && (end - 1) >> bits != 0)
    return fail("needs memory up to {:#x}, and this host's processor reaches {:#x} ({} bits)", end - 1,
                (std::uint64_t{1} << bits) - 1, bits);
  return {};
}

Result<Vm> make_vm(const Kvm& kvm, const GuestPlan& plan, const GuestMemory& memory) {
  Vm vm = TRY(kvm.create_vm());
  std::uint32_t slot = 0;
  for (const GuestMemory::Block& block : memory.blocks())
    TRY(vm.add_memory(slot++, block.range.start, block.range.size(), block.host));
  TRY(vm.add_interrupt_controllers());
  if (plan.cpus > kMaxNarrowCpus) TRY(vm.enable_wide_apic_ids());
  return vm;
}

Result<std::vector<Vcpu>> make_vcpus(const Kvm& kvm, const Vm& vm, const GuestPlan& plan,
                                     std::vector<CpuidEntry> supported) {
  const bool wide = plan.cpus > kMaxNarrowCpus;
  std::vector<CpuidEntry> cpuid = machine_cpuid(std::move(supported), {.cpus = plan.cpus,
                                                                       .tsc_deadline = kvm.has_tsc_deadline(),
                                                                       .private_caches = plan.numa_nodes > 1,
                                                                       .extended_destination = wide});
  const std::size_t mapping_size = TRY(kvm.vcpu_mapping_size());
  allow_descriptors(plan.cpus);
  std::vector<Vcpu> vcpus;
  vcpus.reserve(plan.cpus);
  for (std::uint32_t index = 0; index < plan.cpus; ++index) {
    vcpus.push_back(TRY(Vcpu::create(TRY(vm.create_vcpu(index)), index, mapping_size)));
    set_apic_id(cpuid, index);
    TRY(vcpus.back().set_cpuid(cpuid));
    vcpus.back().enable_fast_strings();
  }
  return vcpus;
}

Result<void> set_starts(const GuestPlan& plan, const std::vector<Vcpu>& vcpus) {
  for (const GuestPlan::Start& start : plan.starts) {
    TRY(vcpus[start.vcpu].set_registers(start.registers));
    // The boot processor runs anyway; another one that the file gives registers does not wait for it.
    if (start.vcpu != 0) TRY(vcpus[start.vcpu].make_runnable());
  }
  return {};
}

// From a machine that is ready to the end of its run.
Result<Outcome> operate(const RunOptions& options, const Vm& vm, std::vector<Vcpu> vcpus,
                        const GuestMemory& memory, const MappedFile& file) {
  const Fd signals = TRY(take_signals());
  handle_vcpu_signal();
  Ending ending(TRY(Ending::make_bell()));
  Bus bus([&](bool level) { vm.set_line(x86::kSerialGsi, level); }, [&] { ending.ring(); });
  const Shared shared{bus, ending, memory, file};
  Crew crew(std::move(vcpus), [&](Vcpu& vcpu) { run_vcpu(vcpu, shared); });

  const Terminal terminal(STDIN_FILENO);
  const LastWords truncated{
      fmt::format("run-snapshot: {}: the file was truncated while the guest ran from it\n", options.image),
      &terminal};
  const BusErrorGuard guard(truncated);
  Supervisor supervisor({.bus = bus,
                         .ending = ending,
                         .crew = crew,
                         .signals = signals.get(),
                         .has_keys = terminal.raw(),
                         .timeout = options.timeout,
                         .press_power_button = [&] {
                           vm.set_line(x86::kGedGsi, true);
                           vm.set_line(x86::kGedGsi, false);
                         }});
  {
    TRY(crew.muster());
    Thread supervision = TRY(Thread::start([&] { supervisor.run(); }));
    const auto filtered = options.seccomp ? allow_only_the_run_loop(file.fd()) : Result<void>();
    if (!filtered) ending.report({kStatusHost, filtered.error().message()});
    crew.run();
    supervision.join();
  }
  return ending.outcome();
}

// `blame` is the status of whatever error comes next: the file's or the host's.
Result<Outcome> prepare_and_operate(const RunOptions& options, int& blame) {
  blame = kStatusFile;
  MappedFile file = TRY(MappedFile::open(options.image));
  const LastWords truncated{
      fmt::format("run-snapshot: {}: the file was truncated while it was read\n", options.image)};
  const BusErrorGuard guard(truncated);
  GuestPlan plan = TRY(plan_guest(file.bytes(), options.wishes));
  file.unmap();

  blame = kStatusHost;
  const Kvm kvm = TRY(Kvm::open());
  std::vector<CpuidEntry> supported = TRY(kvm.supported_cpuid());
  blame = kStatusFile;
  TRY(check_host(plan, kvm, supported));
  const GuestMemory memory = TRY(GuestMemory::reserve(plan.memory));
  TRY(load_guest(plan, file, memory));

  blame = kStatusHost;
  const Vm vm = TRY(make_vm(kvm, plan, memory));
  std::vector<Vcpu> vcpus = TRY(make_vcpus(kvm, vm, plan, std::move(supported)));
  blame = kStatusFile;
  TRY(set_starts(plan, vcpus));
  plan = {};

  blame = kStatusHost;
  return operate(options, vm, std::move(vcpus), memory, file);
}

}  // namespace

void ensure_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) [[maybe_unused]]
      const int opened = ::open("/dev/null", O_RDWR);  // the lowest free one, so it is `fd`
}

Outcome run_machine(const RunOptions& options) {
  keep_memory_small();
  int blame = kStatusHost;
  Result<Outcome> outcome = prepare_and_operate(options, blame);
  if (outcome) {
    if (outcome->status == kStatusFile) outcome->message = options.image + ": " + outcome->message;
    return std::move(*outcome);
  }
  const std::string context = blame == kStatusFile ? options.image + ": " : "";
  return {blame, context + outcome.error().message()};
}

}  // namespace tintype
