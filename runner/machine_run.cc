#include "runner/machine_run.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <memory>

#include "formats/printable.h"
#include "runner/crew.h"
#include "runner/expect.h"
#include "runner/host.h"
#include "runner/load.h"
#include "runner/run_loop.h"
#include "runner/seccomp.h"
#include "runner/signals.h"
#include "runner/snapshot_file.h"
#include "runner/supervisor.h"

namespace tintype {

namespace {

// One arena for all threads, and blocks that parsing takes and gives back go back to the host.
void keep_memory_small() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
}

Result<void> set_starts(const GuestPlan& plan, const std::vector<Vcpu>& vcpus) {
  for (const GuestPlan::Start& start : plan.starts) {
    TRY(vcpus[start.vcpu].set_registers(start.registers));
    // The boot processor runs anyway; another one that the file gives registers does not wait for it.
    if (start.vcpu != 0) TRY(make_runnable(vcpus[start.vcpu]));
  }
  return {};
}

// From a machine that is ready to the end of its run.
Result<Outcome> operate(const RunOptions& options, const GuestPlan& plan, const Vm& vm,
                        std::vector<Vcpu> vcpus, const GuestMemory& memory, const MappedFile& file) {
  const Fd signals = TRY(take_signals());
  handle_vcpu_signal();
  Ending ending(TRY(Ending::make_bell()));
  const std::unique_ptr<Bus> bus = make_bus(vm, plan, [&] { ending.ring(); });
  const Shared shared{*bus, ending, memory, file};
  Crew crew(std::move(vcpus), [&](Vcpu& vcpu) { run_vcpu(vcpu, shared); });

  const Terminal terminal(STDIN_FILENO);
  const LastWords truncated{
      fmt::format("run-snapshot: {}: the file was truncated while the guest ran from it\n",
                  printable(options.image)),
      &terminal};
  const BusErrorGuard guard(truncated);
  Supervisor supervisor({.bus = *bus,
                         .ending = ending,
                         .crew = crew,
                         .signals = signals.get(),
                         .has_keys = terminal.raw(),
                         .timeout = options.timeout});
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
  MappedFile given = TRY(MappedFile::open(options.image));
  const LastWords truncated{
      fmt::format("run-snapshot: {}: the file was truncated while it was read\n", printable(options.image))};
  const BusErrorGuard guard(truncated);
  MappedFile file = TRY(settle_bytes(std::move(given), options.expect.has_value()));
  GuestPlan plan = TRY(plan_guest(file.bytes(), options.wishes));
  if (!options.expect) file.unmap();

  blame = kStatusHost;
  const Kvm kvm = TRY(Kvm::open());
  HostFacts facts = TRY(examine_host(kvm));
  blame = kStatusFile;
  TRY(check_host(plan, kvm, facts));
  const GuestMemory memory = TRY(GuestMemory::reserve(plan.memory));
  TRY(load_guest(plan, file, memory));
  if (options.expect) TRY(check_expected(file.bytes(), memory, *options.expect));
  file.unmap();

  blame = kStatusHost;
  const Vm vm = TRY(make_vm(kvm, plan, memory));
  blame = kStatusFile;
  TRY(check_vm(plan, vm));
  blame = kStatusHost;
  std::vector<Vcpu> vcpus = TRY(make_vcpus(kvm, vm, plan, std::move(facts)));
  blame = kStatusFile;
  TRY(set_starts(plan, vcpus));
  plan.pieces = {};
  plan.writes = {};

  blame = kStatusHost;
  return operate(options, plan, vm, std::move(vcpus), memory, file);
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
