#include "runner/run_loop.h"

#include <unistd.h>

#include "runner/output.h"

namespace tintype {

namespace {

// Crash or not, a file that shrank explains whatever the guest met.
Outcome or_truncated(const Shared& shared, Outcome outcome) {
  if (shared.file.whole()) return outcome;
  return {kStatusFile, "the file was truncated while the guest ran from it"};
}

Outcome with_registers(const Vcpu& vcpu, const Shared& shared, Outcome outcome) {
  outcome.message += fmt::format("\n  vCPU {}\n{}", vcpu.index(), vcpu.describe(shared.memory));
  outcome.message.pop_back();  // its last line feed
  return outcome;
}

// What the write made the guest print, then how it ended the machine.
std::optional<Outcome> after_write(std::optional<Outcome> outcome, const Shared& shared,
                                   const std::string& console) {
  if (console.empty()) return outcome;
  const auto written = write_all(STDOUT_FILENO, console, [&] { return shared.ending.over(); });
  if (!written)
    return Outcome{kStatusHost,
                   fmt::format("the console cannot be written to standard output: {}", written.error().what)};
  return outcome;
}

std::optional<Outcome> write_port(const Vcpu& vcpu, const VcpuExit& exit, const Shared& shared,
                                  std::string& console) {
  console.clear();
  std::optional<Outcome> outcome = shared.bus.write_port(exit.port, exit.size, exit.data, console);
  const bool panicked = outcome && exit.port == x86::kPvpanicPort && outcome->status == kStatusCrash;
  if (panicked) outcome = with_registers(vcpu, shared, std::move(*outcome));
  return after_write(std::move(outcome), shared, console);
}

std::optional<Outcome> write_memory(const VcpuExit& exit, const Shared& shared, std::string& console) {
  console.clear();
  return after_write(shared.bus.write_memory(exit.gpa, exit.data, console), shared, console);
}

std::optional<Outcome> handle(const Vcpu& vcpu, VcpuExit& exit, const Shared& shared, std::string& console) {
  using Kind = VcpuExit::Kind;
  switch (exit.kind) {
    case Kind::resume:
      return std::nullopt;
    case Kind::port_read:
      shared.bus.read_port(exit.port, exit.size, exit.data);
      return std::nullopt;
    case Kind::port_write:
      return write_port(vcpu, exit, shared, console);
    case Kind::memory_read:
      shared.bus.read_memory(exit.gpa, exit.data);
      return std::nullopt;
    case Kind::memory_write:
      return write_memory(exit, shared, console);
    case Kind::power_off:
      return Outcome{kStatusPowerOff};
    case Kind::reset:
      return Outcome{kStatusReset, "the guest reset the machine"};
    case Kind::crash:
      return with_registers(vcpu, shared,
                            or_truncated(shared, {kStatusCrash, "the guest crashed: " + exit.what}));
    case Kind::memory_fault:
      return with_registers(
          vcpu, shared,
          or_truncated(shared, {kStatusHost, "the host has no memory for a page that the guest used"}));
    case Kind::failure:
      return with_registers(vcpu, shared, {kStatusHost, fmt::format("vCPU {}: {}", vcpu.index(), exit.what)});
  }
  return std::nullopt;
}

}  // namespace

void run_vcpu(Vcpu& vcpu, const Shared& shared) {
  std::string console;
  while (!shared.ending.over()) {
    VcpuExit exit = vcpu.run();
    if (std::optional<Outcome> outcome = handle(vcpu, exit, shared, console))
      shared.ending.report(std::move(*outcome));
  }
}

}  // namespace tintype
