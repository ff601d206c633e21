#include "composer/compose.h"

#include <algorithm>
#include <filesystem>
#include <future>
#include <map>

#include "composer/depfile.h"
#include "composer/files.h"
#include "composer/inputs.h"
#include "composer/manifest.h"
#include "formats/igvm.h"
#include "formats/kernel.h"
#include "formats/machine_tree.h"
#include "formats/ordered_work.h"
#include "layouts/arm64_guest.h"
#include "layouts/check.h"
#include "layouts/image.h"
#include "layouts/kaslr.h"
#include "layouts/platform.h"
#include "layouts/protocol.h"
#include "layouts/x86_guest.h"

namespace tintype {

namespace {

// The protocol that was asked for; or the one that suits the kernel, or else the first that takes it.
Result<const BootProtocol*> choose_protocol(const Kernel& kernel, const std::optional<std::string>& name) {
  for (const BootProtocol* protocol : boot_protocols())
    if (!name && protocol->arch == kernel.arch && protocol->suits(kernel)) return protocol;
  Result<void> refusal = fail("no boot protocol takes this kernel");
  for (const BootProtocol* protocol : boot_protocols()) {
    if (name && protocol->name != *name) continue;
    if (!name && protocol->arch != kernel.arch) continue;
    refusal = protocol->accepts(kernel);
    if (refusal) return protocol;
  }
  return tl::unexpected(refusal.error());
}

// A device tree for an AArch64 kernel is one to enter it with.
std::optional<std::string> protocol_asked_for(const BuildOptions& options, const InputFiles& files,
                                              const Kernel& kernel) {
  if (!options.protocol && kernel.arch == Arch::aarch64 && files.has_device_tree())
    return std::string(kDeviceTreeProtocol);
  return options.protocol;
}

std::vector<Sha256> hash_all(const std::vector<NamedBytes>& inputs) {
  std::vector<Sha256> hashes;
  for (const NamedBytes& input : inputs) hashes.push_back(sha256(input.bytes));
  return hashes;
}

// What the snapshot says it was made of. The second input of one role is "initrd.2", and so on.
std::vector<Component> components_of(const std::vector<NamedBytes>& inputs, const std::vector<Sha256>& hashes,
                                     const Kernel& kernel, const InputFiles& files) {
  std::vector<Component> components;
  std::map<std::string, unsigned> count;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const NamedBytes& input = inputs[i];
    const unsigned rank = ++count[input.role];
    Component component{.role = rank == 1 ? input.role : fmt::format("{}.{}", input.role, rank),
                        .format = input.format.empty() ? probe(input.bytes).description : input.format,
                        .version = "",
                        .size = input.bytes.size(),
                        .sha256 = hashes[i]};
    if (input.role == "uki") component.version = files.version_of_image();
    if (input.role == "kernel") {
      component.format = kernel.format;
      component.version = kernel.version.empty() ? files.version_of_kernel() : kernel.version;
    }
    component.version.resize(std::min(component.version.size(), kMaxMachineText));
    components.push_back(std::move(component));
  }
  return components;
}

// Moves an x86 kernel if a seed asks for it, and says where it is. An AArch64 kernel moves itself.
Result<std::optional<KernelPlace>> place_kernel(const BuildOptions& options, const Inputs& inputs,
                                                LoadedKernel& loaded) {
  const Kernel& kernel = loaded.kernel;
  if (kernel.arch != Arch::x86_64) return std::nullopt;
  const KernelPlace place{.by = kernel.unpacks_itself ? KernelPlace::By::boot : KernelPlace::By::link,
                          .physical = kernel.segments.front().gpa,
                          .virtual_address = kernel.virtual_base};
  if (options.kaslr_seed.empty()) return place;
  const std::uint64_t ram_end = std::min(options.memory, initrd_limit(kernel));
  const KernelPlace chosen =
      TRY(choose_kernel_place(kernel, options.kaslr_seed, inputs.initrd_size(), ram_end));
  TRY(relocate_kernel(loaded, chosen.virtual_address - place.virtual_address,
                      chosen.physical - place.physical));
  return chosen;
}

std::vector<RegionLabel> labels_of(const std::vector<PlacedRegion>& regions) {
  std::vector<RegionLabel> labels;
  for (const PlacedRegion& region : regions)
    if (!region.range.empty()) labels.push_back({region.name, region.range});
  return labels;
}

// Whether writing one of two outputs would replace the other, or its temporary file.
bool is_same_place(const std::string& one, const std::string& other) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const auto place = [&](const std::string& path) {
    return path == "-" ? path : fs::weakly_canonical(fs::absolute(path, ignored), ignored).string();
  };
  const std::string a = place(one), b = place(other);
  return a == b || a + ".tmp" == b || b + ".tmp" == a;
}

// Where the manifest goes, if one is wanted.
Result<std::optional<OutputFile>> create_manifest(const BuildOptions& options) {
  if (options.manifest.empty()) return std::nullopt;
  if (is_same_place(options.manifest, options.output))
    return fail("{}: the manifest would replace the snapshot {} or its temporary file: give it another name",
                options.manifest, options.output);
  return TRY(OutputFile::create(options.manifest));
}

// The depfile, if one is wanted, with all that it says.
Result<std::optional<OutputFile>> write_depfile(const BuildOptions& options, const InputFiles& files) {
  if (options.depfile.empty()) return std::nullopt;
  if (options.output == "-")
    return fail("--depfile says what the output depends on, and standard output has no name: give -o FILE");
  const std::pair<std::string_view, const std::string*> others[] = {{"snapshot", &options.output},
                                                                    {"manifest", &options.manifest}};
  for (const auto& [what, path] : others)
    if (!path->empty() && is_same_place(options.depfile, *path))
      return fail("{}: the depfile would replace the {} {} or its temporary file: give it another name",
                  options.depfile, what, *path);
  const std::string text = TRY(depfile_text(options.output, files.paths()));
  OutputFile output = TRY(OutputFile::create(options.depfile));
  TRY(output.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
  return output;
}

// Reads the file back as any loader would and compares it with what was meant to be written, and its digests
// with those of the image, if they are to be published.
Result<void> self_check(const OutputFile& output, const igvm::File& meant, const Machine& machine,
                        const std::optional<Manifest>& manifest) {
  const auto file = TRY(output.read_back());
  if (!file) return {};
  const igvm::File found = TRY(igvm::read(file->bytes()));
  TRY(igvm::same(meant, found));
  const auto tree = TRY(read_machine(file->bytes()));
  if (!tree || *tree != machine) return fail("the machine description differs");
  if (manifest && TRY(declared_digests(found, tree, usable_threads())) != manifest->digests)
    return fail("the launch digests differ");
  return {};
}

Result<void> write_manifest(const Manifest& manifest, OutputFile& output) {
  const std::string text = manifest_text(manifest);
  return output.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// Gives all files their names. A snapshot without its name has no manifest either; a depfile may be ahead of
// it, since a build system composes again what is not there.
Result<void> commit(OutputFile& output, std::optional<OutputFile>& manifest, const std::string& manifest_path,
                    std::optional<OutputFile>& depfile) {
  TRY(output.sync());
  if (depfile) TRY(depfile->commit());
  if (manifest) TRY(manifest->commit());
  const Result<void> committed = output.commit();
  std::error_code ignored;
  if (!committed && manifest && std::filesystem::is_regular_file(manifest_path, ignored))
    std::filesystem::remove(manifest_path, ignored);
  return committed;
}

}  // namespace

Result<std::string> compose(const BuildOptions& options, Progress& progress) {
  // The inputs are mapped; nothing of them is copied unless it is compressed.
  progress.step("open inputs");
  const InputFiles files = TRY(InputFiles::open(options));
  OutputFile output = TRY(OutputFile::create(options.output));
  std::optional<OutputFile> manifest_output = TRY(create_manifest(options));
  std::optional<OutputFile> depfile = TRY(write_depfile(options, files));
  const std::vector<NamedBytes> sources = files.components();
  auto hashes = std::async(std::launch::async, [&] { return hash_all(sources); });

  // The kernel becomes plain facts: segments, entry, what its protocol says of it.
  progress.step("unpack kernel");
  LoadedKernel loaded = TRY(of_input(
      load_kernel(files.kernel().bytes, {.keep_compressed = options.keep_compressed}), files.kernel()));
  const BootProtocol& protocol =
      *TRY(with_context(choose_protocol(loaded.kernel, protocol_asked_for(options, files, loaded.kernel)),
                        files.kernel().name));
  Inputs inputs = TRY(files.gather(options, loaded.kernel, protocol.name));
  const std::optional<KernelPlace> place =
      TRY(with_context(place_kernel(options, inputs, loaded), files.kernel().name));
  if (loaded.kernel.is_linux) inputs.machine.kernel = place;
  inputs.moved = place && place->by == KernelPlace::By::seed;

  progress.step("hash inputs");
  inputs.machine.components = components_of(sources, hashes.get(), loaded.kernel, files);

  // Everyone says what they need; then everything has an address; then everything is bytes.
  progress.step("lay out");
  LayoutPlan plan(inputs.machine);
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
  const igvm::File file = launch_sequence(image, platforms_of(image.machine.arch), arena);
  progress.step("write");
  // The manifest describes the image, whose pages are still at hand, while the disk is busy.
  auto description = options.manifest.empty()
                         ? std::future<Result<Manifest>>()
                         : std::async(std::launch::async, [&] { return describe(file, image.machine); });
  const std::vector<std::uint8_t> trailer = machine_trailer(image.machine);
  SnapshotWriter writer(output, options.output);
  std::uint64_t written = 0;
  TRY(with_context(igvm::write(file, trailer,
                               [&](Bytes bytes) {
                                 written += bytes.size();
                                 return writer.write(bytes);
                               }),
                   options.output));
  TRY(with_context(writer.finish(), options.output));

  std::optional<Manifest> manifest;
  if (manifest_output) {
    progress.step("describe");
    manifest = TRY(with_context(description.get(), options.output));
    manifest->recipe = recipe_by_roles(build_spec(), options.given, image.machine.components);
  }

  // What any loader will read is what was meant, or there is no output.
  progress.step("self-check");
  TRY(with_context(self_check(output, file, image.machine, manifest), options.output + ": self-check"));
  progress.step("sync");
  if (manifest) TRY(write_manifest(*manifest, *manifest_output));
  TRY(commit(output, manifest_output, options.manifest, depfile));
  progress.finish();
  return fmt::format("{}: {} bytes, {} regions, {} MiB RAM, {} vCPU{}, {}", options.output, written,
                     image.machine.labels.size(), options.memory / kMiB, options.cpus,
                     options.cpus == 1 ? "" : "s", protocol.name);
}

}  // namespace tintype
