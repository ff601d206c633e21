#include "composer/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "formats/hex.h"
#include "formats/machine.h"
#include "formats/size.h"
#include "formats/suggest.h"
#include "layouts/arm64_guest.h"
#include "layouts/protocol.h"

namespace tintype {

namespace {

constexpr char kBuildExamples[] = R"(
Examples:
  compose-snapshot build -o image.bin --kernel vmlinuz --initrd initrd.img \
      --cmdline 'console=ttyS0 quiet' --memory 1G --cpus 2
  compose-snapshot build -o image.bin --kernel linux.efi --profile 1 \
      --append console=ttyS0
  compose-snapshot build -o image.bin --kernel vmlinuz --initrd ucode.cpio \
      --initrd-dir rootfs --smbios product=Turnip --kaslr-seed 6b1d0c29
  compose-snapshot build -o image.bin --kernel Image.gz --initrd initrd.img \
      --device-tree --gic v2
  compose-snapshot build -o - --kernel vmlinux | ssh host 'cat > image.bin'
  compose-snapshot build --recipe image.toml --cpus 4 --manifest image.json
  compose-snapshot build --recipe image.toml -o image.bin --depfile image.d

KERNEL is an ELF64 vmlinux or other ELF64 that is entered like it, an ELF with
a PVH note, a bzImage of boot protocol 2.12 or newer, an arm64 Image, packed or
not, an EFI zboot kernel for arm64, or a unified kernel image with one of these
in its .linux section. What is packed is unpacked at compose time, so the guest
runs no decompressor, unless --keep-compressed is given for a bzImage. The
kernel decides whether the snapshot is for x86_64 or AArch64.

Of a unified kernel image the .cmdline is used when --cmdline is not given;
--cmdline replaces it and --append adds to it. Its .ucode and .initrd go before
what --initrd names. Microcode archives go before all others, for Linux looks
for them only there.

SIZE is a number of bytes, or has a suffix K, M, G or T (powers of 1024). HEX is
1 to 512 bytes as hexadecimal digits.
)";

// The keys of --smbios, as the end of the help.
std::string smbios_help() {
  std::string text = "\nKeys of --smbios:";
  std::size_t column = 80;
  for (const std::string_view key : smbios_keys()) {
    if (column + key.size() + 1 > 78) {
      text += "\n ";
      column = 1;
    }
    text += fmt::format(" {}", key);
    column += key.size() + 1;
  }
  return text + "\n";
}

OptionSpec file(std::string name, std::string help) {
  return {.name = std::move(name), .value = "FILE", .help = std::move(help), .file = true};
}
OptionSpec flag(std::string name, std::string help) {
  return {.name = std::move(name), .help = std::move(help)};
}
OptionSpec text(std::string name, std::string value, std::string help) {
  return {.name = std::move(name), .value = std::move(value), .help = std::move(help)};
}
OptionSpec repeated(OptionSpec option) {
  option.repeatable = true;
  return option;
}
OptionSpec with_letter(OptionSpec option, char letter) {
  option.letter = letter;
  return option;
}

OptionGroup kernel_group() {
  std::string protocols = "how the guest is entered:";
  for (const BootProtocol* protocol : boot_protocols()) protocols += " " + std::string(protocol->name);
  return {
      "Kernel",
      {{.name = "kernel", .value = "KERNEL", .help = "what is started", .file = true},
       text("profile", "N", "the profile of a unified kernel image, counted from 0 (default: 0)"),
       flag("keep-compressed", "leave a bzImage as it is: it unpacks itself at boot"),
       text("protocol", "NAME", protocols + " (default: what the kernel calls for)"),
       flag("device-tree",
            "tell an AArch64 kernel of its machine by a device tree instead of ACPI tables; so does --fdt"),
       text("kaslr-seed", "HEX",
            "move the kernel to addresses that follow from this seed (default: where it was linked)"),
       text("cmdline", "STRING",
            "the kernel's command line, instead of that of a unified kernel image or of an AArch64 guest's "
            "--fdt"),
       text("append", "STRING", "goes after the command line, with a space between")}};
}

OptionGroup data_group() {
  return {"Initrd and other data",
          {repeated(file("initrd", "an initial RAM disk; repeat it and they are joined in this order")),
           {.name = "initrd-dir",
            .value = "DIR",
            .help = "a directory to make an initial RAM disk of, reproducibly; may be repeated",
            .repeatable = true,
            .file = true},
           text("initrd-compress", "HOW",
                "how to compress what is made of directories: zstd or none (default: none)"),
           text("initrd-cmdline", "STRING", "command line of the initrd, for pvh"),
           repeated(file("module", "a further module, for pvh; may be repeated")),
           repeated(text("module-cmdline", "STRING",
                         "command line of the --module of the same rank; may be repeated")),
           text("rng-seed", "HEX",
                "bytes for Linux's random number generator; no secret, and the same at every start"),
           file("fdt",
                "a flattened device tree: for AArch64 instead of ours, with /chosen and /memory filled in; "
                "for x86 "
                "in setup_data"),
           file("dtb", "another name for --fdt"),
           repeated(file("fdt-overlay",
                         "a device-tree overlay to apply to an AArch64 guest's tree; may be repeated"))}};
}

OptionGroup machine_group() {
  return {"Machine",
          {text("memory", "SIZE", "the guest's RAM, up to 1T (default: 512M)"),
           text("cpus", "N", "the guest's vCPUs, 1 to 1024; AArch64: 123, with GICv2 8 (default: 1)"),
           text("gic", "NAME", "interrupt controller of an AArch64 guest: v3 or v2 (default: v3)"),
           flag("its", "give an AArch64 guest GICv3's interrupt translation service, for MSIs"),
           repeated(
               text("numa", "NODE",
                    "a NUMA node, such as cpus=0-1,memory=1G; repeat it until all vCPUs and RAM are in one")),
           repeated(text("numa-distance", "A:B=D",
                         "A:B=D, distance between nodes A and B, 11 to 254 (default: 20)")),
           repeated(file("acpi-table", "a table to add, or to use instead of ours; may be repeated")),
           flag("no-acpi", "compose no ACPI tables"),
           repeated(text("smbios", "KEY=VALUE",
                         "what SMBIOS says, such as product=Turnip; may be repeated, the keys are below"))}};
}

OptionGroup recipe_group() {
  return {"Recipe",
          {file("recipe",
                "a file in TOML that has options by their names; options beside it override it; '-' is "
                "standard input"),
           text("variant", "NAME", "with what the recipe has under [variant.NAME]"),
           flag("print-recipe", "print the recipe that says the same as this command line, and do nothing")}};
}

OptionGroup output_group() {
  return {"Output",
          {with_letter(file("output", "the snapshot to write; '-' is standard output"), 'o'),
           file("manifest", "write digests, hashes of inputs and regions, and the recipe there as JSON"),
           file("depfile",
                "write there, as a rule for Make and Ninja, every file and folder that was read; it holds "
                "paths, so it is no reproducible output"),
           flag("timings", "say on standard error how long each step took"),
           with_letter(flag("quiet", "print nothing when all is well"), 'q')}};
}

Result<std::string> checked_protocol(const std::string& name) {
  std::vector<std::string_view> names;
  for (const BootProtocol* protocol : boot_protocols()) {
    if (protocol->name == name) return name;
    names.push_back(protocol->name);
  }
  return fail("--protocol '{}' is unknown{}: choose from {}", name, did_you_mean(name, names),
              fmt::join(names, ", "));
}

Result<std::vector<ModuleOption>> parse_modules(const CommandLine& line) {
  std::vector<ModuleOption> modules;
  for (const std::string& path : line.values("module")) modules.push_back({path, ""});
  const std::vector<std::string> cmdlines = line.values("module-cmdline");
  if (cmdlines.size() > modules.size())
    return fail("there are {} --module-cmdline and {} --module: each belongs to the module of the same rank",
                cmdlines.size(), modules.size());
  for (std::size_t i = 0; i < cmdlines.size(); ++i) modules[i].cmdline = cmdlines[i];
  return modules;
}

Result<void> parse_data(const CommandLine& line, BuildOptions& options) {
  for (const auto& option : line.options())
    if (option.first == "initrd" || option.first == "initrd-dir")
      options.initrds.push_back({option.second, option.first == "initrd-dir"});
  if (line.has("initrd-compress")) {
    const std::string how = *line.find("initrd-compress");
    if (how != "zstd" && how != "none") return fail("--initrd-compress '{}' is neither zstd nor none", how);
    const bool directories = std::any_of(options.initrds.begin(), options.initrds.end(),
                                         [](const InitrdOption& initrd) { return initrd.is_directory; });
    if (!directories) return fail("--initrd-compress is for what --initrd-dir makes: there is none");
    options.initrd_zstd = how == "zstd";
  }
  if (line.has("initrd-cmdline")) options.initrd_cmdline = *line.find("initrd-cmdline");
  options.modules = TRY(parse_modules(line));
  if (line.has("fdt") && line.has("dtb")) return fail("--fdt and --dtb are one option: give it once");
  for (const char* name : {"fdt", "dtb"})
    if (line.has(name)) options.dtb = *line.find(name);
  options.overlays = line.values("fdt-overlay");
  return {};
}

Result<Gic> parse_gic(const std::string& name) {
  for (const Gic gic : {Gic::v2, Gic::v3})
    if (gic_name(gic) == name) return gic;
  return fail("--gic '{}' is neither v2 nor v3", name);
}

Result<void> parse_machine(const CommandLine& line, BuildOptions& options) {
  const auto text = [&](const char* name) { return *line.find(name); };
  if (line.has("memory")) options.memory = TRY(with_context(parse_size(text("memory")), "--memory"));
  if (options.memory < kMiB || options.memory > kMaxMemory)
    return fail("--memory {} bytes is not between 1M and 1T", options.memory);
  if (line.has("cpus")) options.cpus = TRY(parse_number("--cpus", text("cpus"), 1, x86::kMaxCpus));
  if (line.has("gic")) options.gic = TRY(parse_gic(text("gic")));
  options.its = line.has("its");
  if (options.its && options.gic == Gic::v2)
    return fail("--its is a part of GICv3, and --gic v2 has none: leave one of them out");
  options.numa =
      TRY(parse_numa(line.values("numa"), line.values("numa-distance"), options.cpus, options.memory));
  options.acpi = !line.has("no-acpi");
  options.acpi_tables = line.values("acpi-table");
  if (!options.acpi && !options.acpi_tables.empty())
    return fail("--acpi-table and --no-acpi contradict each other: leave one of them out");
  if (!options.acpi && !options.numa.nodes.empty())
    return fail("--numa is told in ACPI tables, and --no-acpi leaves them out: leave one of them out");
  options.smbios = TRY(parse_smbios(line.values("smbios")));
  return {};
}

Result<void> parse_kernel(const CommandLine& line, BuildOptions& options) {
  const auto text = [&](const char* name) { return *line.find(name); };
  constexpr std::uint32_t kMaxProfile = 999;
  options.kernel = line.find("kernel").value_or("");
  if (line.has("profile")) options.profile = TRY(parse_number("--profile", text("profile"), 0, kMaxProfile));
  options.keep_compressed = line.has("keep-compressed");
  if (line.has("cmdline")) options.cmdline = text("cmdline");
  if (line.has("append")) options.append = text("append");
  if (line.has("protocol")) options.protocol = TRY(checked_protocol(text("protocol")));
  if (line.has("device-tree")) {
    if (options.protocol && *options.protocol != kDeviceTreeProtocol)
      return fail("--device-tree and --protocol {} contradict each other: leave one of them out",
                  *options.protocol);
    options.protocol = std::string(kDeviceTreeProtocol);
  }
  if (line.has("kaslr-seed"))
    options.kaslr_seed = TRY(with_context(parse_hex(text("kaslr-seed")), "--kaslr-seed"));
  if (line.has("rng-seed")) options.rng_seed = TRY(with_context(parse_hex(text("rng-seed")), "--rng-seed"));
  return {};
}

}  // namespace

CommandSpec build_spec() {
  return {.name = "build",
          .summary = "Compose a snapshot.",
          .usage =
              "-o FILE --kernel KERNEL [OPTION...]\n"
              "  compose-snapshot build --recipe FILE [OPTION...]",
          .groups = {output_group(), recipe_group(), kernel_group(), data_group(), machine_group()},
          .epilogue = kBuildExamples + smbios_help()};
}

Result<BuildOptions> build_options(const Settings& settings, bool complete) {
  const CommandLine line = command_line_of(settings);
  BuildOptions options;
  if (complete && !line.has("output")) return fail("no output is given: add -o FILE");
  if (complete && !line.has("kernel")) return fail("no kernel is given: add --kernel FILE");
  options.output = line.find("output").value_or("");
  options.manifest = line.find("manifest").value_or("");
  if (!options.manifest.empty() && options.manifest == options.output)
    return fail("--manifest and --output are both '{}': give two names", options.output);
  TRY(parse_kernel(line, options));
  TRY(parse_data(line, options));
  TRY(parse_machine(line, options));
  options.timings = line.has("timings");
  options.quiet = line.has("quiet");
  options.given = settings;
  return options;
}

}  // namespace tintype
