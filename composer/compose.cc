#include "composer/compose.h"

#include <algorithm>
#include <future>

#include "composer/files.h"
#include "formats/igvm.h"
#include "formats/kernel.h"
#include "formats/machine_tree.h"
#include "layouts/check.h"
#include "layouts/image.h"
#include "layouts/platform.h"
#include "layouts/protocol.h"

namespace tintype {

namespace {

// The protocol that was asked for, or the first that takes the kernel.
Result<const BootProtocol*> choose_protocol(const Kernel& kernel, const std::optional<std::string>& name) {
  Result<void> refusal = fail("no boot protocol takes this kernel");
  for (const BootProtocol* protocol : boot_protocols()) {
    if (name && protocol->name != *name) continue;
    refusal = protocol->accepts(kernel);
    if (refusal) return protocol;
  }
  return tl::unexpected(refusal.error());
}

std::vector<RegionLabel> labels_of(const std::vector<PlacedRegion>& regions) {
  std::vector<RegionLabel> labels;
  for (const PlacedRegion& region : regions)
    if (!region.range.empty()) labels.push_back({region.name, region.range});
  return labels;
}

// Reads the file back as any loader would and compares it with what was meant to be written.
Result<void> self_check(const OutputFile& output, const igvm::File& meant, const Machine& machine) {
  const auto file = TRY(output.read_back());
  if (!file) return {};
  const igvm::File found = TRY(igvm::read(file->bytes()));
  TRY(igvm::same(meant, found));
  const auto tree = TRY(read_machine(file->bytes()));
  if (!tree || *tree != machine) return fail("the machine description differs");
  return {};
}

}  // namespace

Result<std::string> compose(const BuildOptions& options, Progress& progress) {
  // The inputs are mapped; nothing of them is copied unless it is compressed.
  progress.step("open inputs");
  const InputFile kernel_file = TRY(InputFile::open(options.kernel));
  std::optional<InputFile> initrd_file;
  if (options.initrd) initrd_file = TRY(InputFile::open(*options.initrd));
  if (kernel_file.is(options.output) || (initrd_file && initrd_file->is(options.output)))
    return fail("{}: is an input too, and would be replaced: give another output", options.output);
  OutputFile output = TRY(OutputFile::create(options.output));
  auto hashes = std::async(std::launch::async, [&] {
    return std::pair(sha256(kernel_file.bytes()), initrd_file ? sha256(initrd_file->bytes()) : Sha256{});
  });

  // The kernel becomes plain facts: segments, entry, what its protocol says of it.
  progress.step("unpack kernel");
  const LoadedKernel loaded = TRY(with_context(load_kernel(kernel_file.bytes()), options.kernel));
  const BootProtocol& protocol =
      *TRY(with_context(choose_protocol(loaded.kernel, options.protocol), options.kernel));

  progress.step("hash inputs");
  const auto [kernel_hash, initrd_hash] = hashes.get();
  Inputs inputs;
  inputs.machine = {.arch = loaded.kernel.arch,
                    .memory = options.memory,
                    .cpus = options.cpus,
                    .protocol = std::string(protocol.name)};
  inputs.machine.components.push_back(
      {"kernel", loaded.kernel.format, loaded.kernel.version, kernel_file.bytes().size(), kernel_hash});
  inputs.kernel = &loaded.kernel;
  inputs.cmdline = options.cmdline;
  if (initrd_file) {
    inputs.initrd = initrd_file->bytes();
    inputs.machine.components.push_back(
        {"initrd", probe(initrd_file->bytes()).description, "", initrd_file->bytes().size(), initrd_hash});
  }

  // Everyone says what they need; then everything has an address; then everything is bytes.
  progress.step("lay out");
  Machine largest = inputs.machine;
  largest.memory = x86::kMaxMemory;
  LayoutPlan plan(memory_map_of(inputs.machine), memory_map_of(largest));
  TRY(protocol.plan(inputs, plan));
  TRY(plan.place());
  Arena arena;
  GuestImage image;
  image.regions = plan.realize(arena);
  image.machine = inputs.machine;
  image.machine.labels = labels_of(image.regions);
  image.memory = plan.addresses().memory();
  image.boot_vcpu = protocol.entry(inputs, plan.addresses());
  TRY(run_checks(image));

  // The launch order is decided once, and written; the machine follows it as a trailer.
  const igvm::File file = launch_sequence(image, platforms(), arena);
  progress.step("write");
  const std::vector<std::uint8_t> trailer = machine_trailer(image.machine);
  std::uint64_t written = 0;
  TRY(with_context(igvm::write(file, trailer,
                               [&](Bytes bytes) {
                                 written += bytes.size();
                                 return output.write(bytes);
                               }),
                   options.output));

  // What any loader will read is what was meant, or there is no output.
  progress.step("self-check");
  TRY(with_context(self_check(output, file, image.machine), options.output + ": self-check"));
  progress.step("sync");
  TRY(output.commit());
  progress.finish();
  return fmt::format("{}: {} bytes, {} regions, {} MiB RAM, {} vCPU{}, {}", options.output, written,
                     image.machine.labels.size(), options.memory / kMiB, options.cpus,
                     options.cpus == 1 ? "" : "s", protocol.name);
}

}  // namespace tintype
