#include "composer/inputs.h"

#include <algorithm>
#include <filesystem>

#include "composer/initrd_dir.h"
#include "formats/acpi_file.h"
#include "formats/cpio.h"
#include "formats/fdt.h"
#include "formats/kernel.h"
#include "layouts/arm64_guest.h"

namespace tintype {

namespace {

// What a file is that Linux could never take for an initrd: its author meant another option.
bool is_no_initrd(FileKind kind) {
  switch (kind) {
    case FileKind::elf64:
    case FileKind::elf32:
    case FileKind::bzimage:
    case FileKind::arm64_image:
    case FileKind::pe:
    case FileKind::uki:
    case FileKind::script:
    case FileKind::text:
    case FileKind::igvm:
    case FileKind::fdt:
    case FileKind::qcow2:
    case FileKind::iso9660:
    case FileKind::deb:
    case FileKind::ar:
      return true;
    default:
      return false;
  }
}

// Whether Linux unpacks the file, as it does with archives and what looks compressed. It mounts others.
bool is_archive(FileKind kind) {
  return kind == FileKind::cpio || compression_name(kind).has_value();
}

NamedBytes section_of(const NamedBytes& image, std::string_view role, std::string_view name, Bytes bytes) {
  return {.role = std::string(role),
          .name = fmt::format("{}: section {}", image.name, name),
          .bytes = bytes,
          .offset = static_cast<std::uint64_t>(bytes.data() - image.bytes.data())};
}

// An output in a directory that becomes a part of it would grow with each compose.
Result<void> check_outside(const std::string& output, const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path inside = fs::weakly_canonical(output, error);
  const fs::path outside = fs::canonical(directory, error);
  if (error || output == "-") return {};
  const auto [end, rest] = std::mismatch(outside.begin(), outside.end(), inside.begin(), inside.end());
  if (end != outside.end()) return {};
  return fail(
      "{}: lies in {}, of which an initrd is made, and would become a part of it: give another output",
      output, directory);
}

struct Archive {
  Bytes bytes;
  bool microcode = false;
};

// What an initrd consists of: one piece, or two if it starts with microcode and goes on with other things.
Result<std::vector<Archive>> read_archives(const NamedBytes& file, bool alone) {
  const FileProbe found = probe(file.bytes);
  if (is_no_initrd(found.kind))
    return fail("this is {}, which Linux does not take for an initrd: give a cpio archive, packed or not",
                found.description);
  if (!is_archive(found.kind)) {
    if (alone) return std::vector{Archive{file.bytes, false}};  // a file system image, for root=/dev/ram0
    return fail("this is {}, and Linux joins archives only: give it alone, or make a cpio archive of it",
                found.description);
  }
  const std::vector<InitrdSegment> segments = TRY(read_initramfs(file.bytes));
  const auto rest = std::find_if(segments.begin(), segments.end(),
                                 [](const InitrdSegment& segment) { return !segment.microcode; });
  if (rest == segments.end()) return std::vector{Archive{file.bytes, true}};
  if (rest == segments.begin()) return std::vector{Archive{file.bytes, false}};
  const InitrdSegment& last = *std::prev(rest);
  return std::vector{Archive{file.bytes.first(last.start + last.size), true},
                     Archive{file.bytes.subspan(rest->start), false}};
}

Result<void> check_dtb(Bytes file) {
  const FileProbe found = probe(file);
  if (found.kind != FileKind::fdt)
    return fail("this is {}, and not a flattened device tree: give what `dtc -O dtb` writes",
                found.description);
  TRY(FdtReader::open(file));
  return {};
}

}  // namespace

void InputFiles::add_path(const std::string& path) {
  // What these are is this process's affair.
  for (const std::string_view own : {"/dev/fd/", "/dev/stdin", "/proc/"})
    if (path.starts_with(own)) return;
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) paths_.push_back(path);
}

Result<Bytes> InputFiles::map(const std::string& path, const BuildOptions& options) {
  files_.push_back(TRY(InputFile::open(path)));
  const std::pair<std::string_view, const std::string*> outputs[] = {
      {"output", &options.output}, {"manifest", &options.manifest}, {"depfile", &options.depfile}};
  for (const auto& [what, output] : outputs)
    if (!output->empty() && files_.back().is_replaced_by(*output))
      return fail("{}: is an input too, and would be replaced: give another {}", *output, what);
  add_path(path);
  return files_.back().bytes();
}

Result<void> InputFiles::open_kernel(const BuildOptions& options) {
  const Bytes file = TRY(map(options.kernel, options));
  if (probe(file).kind != FileKind::uki) {
    if (options.profile)
      return fail("{}: this is {}, and --profile chooses one of a unified kernel image: leave it out",
                  options.kernel, probe(file).description);
    kernel_ = {"kernel", options.kernel, file};
    return {};
  }
  uki_ = TRY(with_context(read_uki(file, options.profile), options.kernel));
  image_ = {"uki", options.kernel, file};
  kernel_ = section_of(image_, "kernel", ".linux", uki_->linux);
  if (uki_->ucode) initrds_.push_back(section_of(image_, "ucode", ".ucode", *uki_->ucode));
  if (uki_->initrd) initrds_.push_back(section_of(image_, "initrd", ".initrd", *uki_->initrd));
  return {};
}

Result<void> InputFiles::open_initrds(const BuildOptions& options) {
  for (const InitrdOption& initrd : options.initrds) {
    if (initrd.is_directory) {
      for (const std::string& output : {options.output, options.manifest, options.depfile})
        if (!output.empty()) TRY(check_outside(output, initrd.path));
      made_.push_back(TRY(initrd_from_directory(initrd.path, {.zstd = options.initrd_zstd}, &paths_)));
      initrds_.push_back({"initrd", initrd.path, made_.back()});
      continue;
    }
    const Bytes file = TRY(map(initrd.path, options));
    if (file.empty()) return fail("{}: the initrd is empty: leave --initrd out", initrd.path);
    initrds_.push_back({"initrd", initrd.path, file});
  }
  for (const ModuleOption& module : options.modules) {
    const Bytes file = TRY(map(module.path, options));
    if (file.empty()) return fail("{}: the module is empty: leave --module out", module.path);
    modules_.push_back({"module", module.path, file});
  }
  return {};
}

Result<void> InputFiles::open_tables(const BuildOptions& options) {
  for (const std::string& path : options.acpi_tables) {
    const Bytes file = TRY(map(path, options));
    const AcpiFile table = TRY(with_context(read_acpi_table(file), path));
    imported_.push_back({file, table.signature, path});
    const std::string signature(table.signature.begin(), table.signature.end());
    tables_.push_back({"acpi-table", path, file, "ACPI table " + signature});
  }
  if (options.dtb) {
    const Bytes file = TRY(map(*options.dtb, options));
    TRY(with_context(check_dtb(file), *options.dtb));
    dtb_ = {"dtb", *options.dtb, file};
  } else if (uki_ && uki_->dtb) {
    dtb_ = section_of(image_, "dtb", ".dtb", *uki_->dtb);
    TRY(of_input(check_dtb(dtb_->bytes), *dtb_));
  }
  for (const std::string& path : options.overlays) {
    const Bytes file = TRY(map(path, options));
    TRY(with_context(check_dtb(file), path));
    overlays_.push_back({"fdt-overlay", path, file});
  }
  return {};
}

Result<InputFiles> InputFiles::open(const BuildOptions& options) {
  InputFiles files;
  if (options.recipe != "-") files.add_path(options.recipe);
  TRY(files.open_kernel(options));
  TRY(files.open_initrds(options));
  TRY(files.open_tables(options));
  return files;
}

std::vector<NamedBytes> InputFiles::components() const {
  std::vector<NamedBytes> all;
  if (uki_) all.push_back(image_);
  all.push_back(kernel_);
  all.insert(all.end(), initrds_.begin(), initrds_.end());
  all.insert(all.end(), modules_.begin(), modules_.end());
  if (dtb_) all.push_back(*dtb_);
  all.insert(all.end(), overlays_.begin(), overlays_.end());
  all.insert(all.end(), tables_.begin(), tables_.end());
  return all;
}

Result<std::vector<Bytes>> InputFiles::arrange_initrds(const Kernel& kernel) const {
  std::vector<Bytes> arranged;
  // What another kernel makes of an initrd is its own business.
  if (!kernel.is_linux) {
    for (const NamedBytes& initrd : initrds_) arranged.push_back(initrd.bytes);
    return arranged;
  }
  std::vector<Archive> archives;
  for (const NamedBytes& initrd : initrds_) {
    const bool alone = initrds_.size() == 1;
    const std::vector<Archive> pieces = TRY(of_input(read_archives(initrd, alone), initrd));
    // A file that is in front already stays as it is, with the padding inside it.
    const bool in_front = std::all_of(archives.begin(), archives.end(),
                                      [](const Archive& archive) { return archive.microcode; });
    if (in_front && pieces.size() > 1)
      archives.push_back({initrd.bytes, false});
    else
      archives.insert(archives.end(), pieces.begin(), pieces.end());
  }
  std::stable_partition(archives.begin(), archives.end(),
                        [](const Archive& archive) { return archive.microcode; });
  for (const Archive& archive : archives) arranged.push_back(archive.bytes);
  return arranged;
}

namespace {

// What only one of the two architectures has. The kernel says which it is.
Result<void> check_arch(const BuildOptions& options, Arch arch) {
  struct Rule {
    bool given;
    std::string_view option;
    Arch arch;
  };
  const Rule rules[] = {
      {options.gic.has_value(), "--gic", Arch::aarch64},
      {options.its, "--its", Arch::aarch64},
      {!options.overlays.empty(), "--fdt-overlay", Arch::aarch64},
      {options.keep_compressed, "--keep-compressed", Arch::x86_64},
  };
  for (const Rule& rule : rules)
    if (rule.given && rule.arch != arch)
      return fail("{} is for {} guests, and this kernel is for {}: leave it out", rule.option,
                  arch_name(rule.arch), arch_name(arch));
  return {};
}

Result<void> check_cpus(const Machine& machine) {
  if (machine.cpus <= max_cpus(machine)) return {};
  return fail("--cpus {} is more than the {} that an {} machine{} has", machine.cpus, max_cpus(machine),
              arch_name(machine.arch),
              machine.arch == Arch::aarch64 ? fmt::format(" with GIC{}", gic_name(machine.gic)) : "");
}

// What of the options makes an AArch64 guest one with a device tree; nothing if none does.
std::string tree_options(const BuildOptions& options) {
  std::string given;
  for (const std::string_view name : {"device-tree", "protocol", "fdt", "dtb", "fdt-overlay"}) {
    const bool is_set = std::any_of(
        options.given.begin(), options.given.end(),
        [name](const Setting& setting) { return setting.option == name && setting.value.has_value(); });
    if (is_set) given += fmt::format("{}--{}", given.empty() ? "" : " and ", name);
  }
  return given;
}

// booting.rst leaves the value to whoever starts the kernel. A part of the seed's digest, so that a seed of
// any length serves, as it does for x86.
std::vector<std::uint8_t> kaslr_value(Bytes seed) {
  constexpr std::size_t kSize = 8;
  const Sha256 digest = sha256(seed);
  return {digest.begin(), digest.begin() + kSize};
}

}  // namespace

Result<void> InputFiles::add_trees(const BuildOptions& options, Inputs& inputs) const {
  const Machine& machine = inputs.machine;
  std::string reason = tree_options(options);
  if (dtb_ && !options.dtb) {
    if (machine.arch == Arch::aarch64 && machine.protocol != kDeviceTreeProtocol)
      return fail(
          "{}: this is a tree that tells of the whole machine, and protocol {} does that by ACPI tables: "
          "give "
          "--device-tree, or an image without .dtb",
          dtb_->name, machine.protocol);
    inputs.dtb_name = dtb_->name;
    reason += fmt::format("{}the .dtb of {}", reason.empty() ? "" : " and ", image_.name);
  }
  if (!reason.empty()) inputs.tree_reason = reason;
  if (dtb_) inputs.dtb = dtb_->bytes;
  for (const NamedBytes& overlay : overlays_) inputs.overlays.push_back(overlay.bytes);
  return {};
}

Result<Inputs> InputFiles::gather(const BuildOptions& options, const Kernel& kernel,
                                  std::string_view protocol) const {
  TRY(check_arch(options, kernel.arch));
  Inputs inputs;
  inputs.kernel = &kernel;
  inputs.initrd = TRY(arrange_initrds(kernel));
  inputs.keeps_bootargs = !options.cmdline && !(uki_ && uki_->cmdline);
  inputs.cmdline = options.cmdline.value_or(uki_ ? uki_->cmdline.value_or("") : "");
  if (!options.append.empty()) inputs.cmdline += (inputs.cmdline.empty() ? "" : " ") + options.append;
  inputs.initrd_cmdline = options.initrd_cmdline;
  for (std::size_t i = 0; i < modules_.size(); ++i)
    inputs.modules.push_back({modules_[i].bytes, options.modules[i].cmdline});
  inputs.machine = {.arch = kernel.arch,
                    .gic = options.gic.value_or(Gic::v3),
                    .its = options.its,
                    .memory = options.memory,
                    .cpus = options.cpus,
                    .numa_nodes = static_cast<std::uint32_t>(options.numa.nodes.size()),
                    .protocol = std::string(protocol)};
  TRY(check_cpus(inputs.machine));
  inputs.smbios = options.smbios;
  inputs.rng_seed = options.rng_seed;
  TRY(add_trees(options, inputs));
  if (kernel.arch == Arch::aarch64 && !options.kaslr_seed.empty())
    inputs.kaslr_seed = kaslr_value(options.kaslr_seed);
  if (options.acpi)
    inputs.acpi = AcpiInputs{.machine = inputs.machine,
                             .numa = options.numa.nodes,
                             .distances = options.numa.distances,
                             .imported = imported_};
  return inputs;
}

}  // namespace tintype
