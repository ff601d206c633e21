#include <algorithm>
#include <cstring>
#include <map>

#include "formats/measure.h"
#include "formats/ordered_work.h"

namespace tintype {

namespace {

using Kind = LaunchStep::Kind;

// NATIVE-DIGEST.md: the numbers of records, and of kinds of pages.
constexpr std::uint64_t kEnd = 0, kPage = 1, kParameter = 2, kRegisters = 3;

std::uint64_t kind_number(Kind kind) {
  switch (kind) {
    case Kind::page:
      return 1;
    case Kind::unmeasured:
      return 2;
    case Kind::shared:
      return 3;
    default:
      return 4;
  }
}

class Records {
 public:
  void number(std::uint64_t value) { stream_.update(bytes_of(le64(value))); }
  void text(std::string_view value) {
    number(value.size());
    stream_.update(bytes_of(value));
  }
  void bytes(Bytes value) { stream_.update(value); }
  Sha256 digest() const { return stream_.digest(); }
  Sha256 finish() { return stream_.finish(); }

 private:
  Sha256Stream stream_;
};

void put_machine(const Machine& machine, Records& records) {
  records.number(1);
  records.number(machine.cpus);
  records.number(machine.numa_nodes);
  if (machine.arch == Arch::aarch64) {
    records.text(gic_name(machine.gic));
    records.number(machine.its ? 1 : 0);
  }
  const std::vector<Device> devices = devices_of(machine);
  records.number(devices.size());
  for (const Device& device : devices) {
    records.text(device.name);
    records.text(device.compatible);
    records.text(device.space == Device::Space::port ? "port" : "mmio");
    records.number(device.base);
    records.number(device.size);
    records.number(device.count);
    records.number(device.interrupt ? std::uint64_t{*device.interrupt} + 1 : 0);
  }
}

std::vector<std::uint64_t> values_of(const VcpuX86& vcpu) {
  std::vector<std::uint64_t> values;
  for (const X86RegisterName& name : kX86Registers) values.push_back(vcpu.*name.member);
  for (const X86Table& table : {vcpu.idtr, vcpu.gdtr}) values.insert(values.end(), {table.base, table.limit});
  for (const X86Segment& segment : {vcpu.code, vcpu.data})
    values.insert(values.end(), {segment.selector, segment.attributes, segment.base, segment.limit});
  return values;
}

std::vector<std::uint64_t> values_of(const VcpuArm64& vcpu) {
  std::vector<std::uint64_t> values;
  for (const Arm64RegisterName& name : kArm64Registers) values.push_back(vcpu.*name.member);
  return values;
}

bool is_zero(Bytes bytes) {
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

// Enough pages that handing blocks out costs nothing beside hashing them.
constexpr std::uint64_t kBlockPages = 1024;

// A part of a step that one thread looks at.
struct Block {
  const LaunchStep* step;
  std::uint64_t first, pages;
};

std::vector<Block> blocks_of(const std::vector<LaunchStep>& steps) {
  std::vector<const LaunchStep*> ordered;
  for (const LaunchStep& step : steps) {
    const bool silent = step.kind == Kind::error_range || step.kind == Kind::registers;
    if (!silent && !(step.kind == Kind::page && step.data.empty())) ordered.push_back(&step);
  }
  std::sort(ordered.begin(), ordered.end(),
            [](const LaunchStep* a, const LaunchStep* b) { return a->gpa < b->gpa; });
  std::vector<Block> blocks;
  for (const LaunchStep* step : ordered)
    for (std::uint64_t first = 0; first < step->pages; first += kBlockPages)
      blocks.push_back({step, first, std::min(kBlockPages, step->pages - first)});
  return blocks;
}

void put_pages(const std::vector<LaunchStep>& steps, const MeasureOptions& options, Records& records) {
  const std::vector<Block> blocks = blocks_of(steps);
  const unsigned threads = std::max(options.threads, 1u);
  std::vector<std::vector<std::optional<Sha256>>> hashes(threads);
  const auto hash = [&](std::uint64_t index, unsigned slot) {
    const auto& [step, first, pages] = blocks[index];
    hashes[slot].assign(pages, std::nullopt);
    for (std::uint64_t i = 0; step->kind == Kind::page && i < pages; ++i)
      if (const Bytes page = step->contents(first + i); !is_zero(page)) hashes[slot][i] = sha256(page);
  };
  const auto put = [&](std::uint64_t index, unsigned slot) {
    const auto& [step, first, pages] = blocks[index];
    for (std::uint64_t i = 0; i < pages; ++i) {
      if (step->kind == Kind::page && !hashes[slot][i]) continue;
      records.number(kPage);
      records.number(step->gpa + (first + i) * kPageSize);
      records.number(kind_number(step->kind));
      if (hashes[slot][i]) records.bytes(*hashes[slot][i]);
      if (options.observe) options.observe(*step, first + i, records.digest());
    }
    if (options.done && !step->data.empty())
      options.done(step->data.subspan(first * kPageSize, pages * kPageSize));
  };
  in_order(blocks.size(), threads, hash, put);
}

// The memory without contents that the file asks for, where nobody describes the machine. Pages of zeroes are
// none of it: whether there is memory besides is the host's choice. launch_steps() has seen that no step ends
// past 2^52.
std::vector<GpaRange> wanted_memory(const igvm::File& file, std::uint32_t mask,
                                    const std::vector<LaunchStep>& steps) {
  std::vector<GpaRange> ranges;
  for (const igvm::Directive& directive : file.directives) {
    const auto* required = std::get_if<IGVM_VHS_REQUIRED_MEMORY>(&directive);
    if (required == nullptr || (required->compatibility_mask & mask) == 0) continue;
    if (const auto range = GpaRange::of_size(required->gpa, required->number_of_bytes.value()))
      ranges.push_back(*range);
  }
  for (const LaunchStep& step : steps)
    if (step.kind == LaunchStep::Kind::error_range)
      ranges.push_back({step.gpa, step.gpa + step.pages * kPageSize});
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

std::vector<GpaRange> joined(const std::vector<GpaRange>& ranges) {
  std::vector<GpaRange> result;
  for (const GpaRange& range : ranges) {
    if (range.empty()) continue;
    if (!result.empty() && result.back().end >= range.start)
      result.back().end = std::max(result.back().end, range.end);
    else
      result.push_back(range);
  }
  return result;
}

}  // namespace

Result<NativeLaunch> native_launch(const igvm::File& file, const std::optional<Machine>& machine) {
  TRY(check_arch(file, machine));
  NativeLaunch launch;
  launch.arch = file.arch;
  launch.machine = machine;
  launch.steps = TRY(launch_steps(file, LaunchPlatform::native));
  const std::uint32_t mask = TRY(launch_mask(file, LaunchPlatform::native));
  launch.ram =
      joined(machine ? ram_ranges(machine->arch, machine->memory) : wanted_memory(file, mask, launch.steps));
  std::map<std::uint32_t, std::uint64_t> inserted;
  for (const igvm::Directive& directive : file.directives)
    if (const auto* insert = std::get_if<IGVM_VHS_PARAMETER_INSERT>(&directive))
      if ((insert->compatibility_mask & mask) != 0) inserted[insert->parameter_area_index] = insert->gpa;
  for (const igvm::Directive& directive : file.directives) {
    if (const auto* parameter = std::get_if<igvm::Parameter>(&directive)) {
      const auto area = inserted.find(parameter->header.parameter_area_index);
      if (area != inserted.end())
        launch.parameters.emplace_back(area->second + parameter->header.byte_offset, parameter->type);
    } else if (const auto* context = std::get_if<igvm::VpContext>(&directive)) {
      if ((context->compatibility_mask & mask) == 0) continue;
      launch.vcpus.emplace_back(context->vp_index, file.arch == Arch::x86_64
                                                       ? VcpuState(TRY(igvm::native_registers(*context)))
                                                       : VcpuState(TRY(igvm::vbs_registers(*context))));
    }
  }
  std::sort(launch.parameters.begin(), launch.parameters.end());
  std::sort(launch.vcpus.begin(), launch.vcpus.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return launch;
}

LaunchDigest measure_native(const NativeLaunch& launch, const MeasureOptions& options) {
  Records records;
  const auto end_of_record = [&](std::string_view name) {
    if (options.observe_record) options.observe_record(name, records.digest());
  };
  records.text("tintype native launch 1");
  end_of_record("version");
  records.text(arch_name(launch.arch));
  end_of_record("architecture");
  records.number(launch.ram.size());
  for (const GpaRange& range : launch.ram) {
    records.number(range.start);
    records.number(range.end);
  }
  end_of_record("RAM");
  if (launch.machine)
    put_machine(*launch.machine, records);
  else
    records.number(0);
  end_of_record("machine");
  put_pages(launch.steps, options, records);
  for (const auto& [address, type] : launch.parameters) {
    records.number(kParameter);
    records.number(address);
    records.number(type);
    end_of_record("parameters");
  }
  for (const auto& [index, state] : launch.vcpus) {
    const std::vector<std::uint64_t> values =
        std::visit([](const auto& vcpu) { return values_of(vcpu); }, state);
    records.number(kRegisters);
    records.number(index);
    records.number(values.size());
    for (const std::uint64_t value : values) records.number(value);
    end_of_record("registers");
  }
  records.number(kEnd);
  end_of_record("end");
  const Sha256 digest = records.finish();
  return {LaunchPlatform::native, {digest.begin(), digest.end()}};
}

}  // namespace tintype
