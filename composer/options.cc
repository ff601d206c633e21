#include "composer/options.h"

#include <algorithm>
#include <cxxopts.hpp>
#include <vector>

#include "formats/hex.h"
#include "formats/machine.h"
#include "formats/size.h"
#include "formats/suggest.h"
#include "layouts/arm64_guest.h"
#include "layouts/protocol.h"
#include "version.h"

namespace tintype {

namespace {

constexpr std::string_view kCommands[] = {"build", "inspect"};

constexpr char kHelp[] = R"(compose-snapshot - compose boot snapshots offline

Usage:
  compose-snapshot build -o FILE --kernel KERNEL [OPTION...]
  compose-snapshot inspect FILE [--json]
  compose-snapshot --help | --version

Commands:
  build    lay out a kernel, initrd, ACPI tables and registers in guest memory
           and write them to one reproducible file that run-snapshot maps
  inspect  say what is in a snapshot, or in anyone's IGVM file

'compose-snapshot COMMAND --help' describes a command.

Exit status: 0 done, 1 the input was refused, 2 the command line was.
)";

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

// Options that may be given several times.
constexpr std::string_view kRepeatable[] = {"initrd",         "initrd-dir", "module",
                                            "module-cmdline", "smbios",     "numa",
                                            "numa-distance",  "acpi-table", "fdt-overlay"};

// Options that name what is opened: a shell's unset variable makes an empty name.
constexpr std::string_view kFiles[] = {"kernel", "initrd",      "initrd-dir", "module", "dtb",
                                       "fdt",    "fdt-overlay", "acpi-table", "output", "file"};
// Options that take no value.
constexpr std::string_view kFlags[] = {"keep-compressed", "no-acpi", "device-tree", "its",
                                       "timings",         "quiet",   "json",        "help"};

cxxopts::Options build_parser() {
  std::string protocols = "how the guest is entered:";
  for (const BootProtocol* protocol : boot_protocols()) protocols += " " + std::string(protocol->name);
  cxxopts::Options parser("compose-snapshot build", "Compose a snapshot.\n");
  parser.custom_help("-o FILE --kernel KERNEL [OPTION...]");
  parser.set_width(79);
  const auto text = [] { return cxxopts::value<std::string>(); };
  // clang-format off
  parser.add_options("Kernel")
      ("kernel", "what is started", text(), "KERNEL")
      ("profile", "the profile of a unified kernel image, counted from 0 (default: 0)", text(), "N")
      ("keep-compressed", "leave a bzImage as it is: it unpacks itself at boot")
      ("protocol", protocols + " (default: what the kernel calls for)", text(), "NAME")
      ("device-tree", "tell an AArch64 kernel of its machine by a device tree instead of ACPI tables; so does --fdt")
      ("kaslr-seed", "move the kernel to addresses that follow from this seed (default: where it was linked)",
       text(), "HEX")
      ("cmdline", "the kernel's command line, instead of a unified kernel image's own", text(), "STRING")
      ("append", "goes after the command line, with a space between", text(), "STRING");
  parser.add_options("Initrd and other data")
      ("initrd", "an initial RAM disk; repeat it and they are joined in this order", text(), "FILE")
      ("initrd-dir", "a directory to make an initial RAM disk of, reproducibly; may be repeated", text(), "DIR")
      ("initrd-compress", "how to compress what is made of directories: zstd or none (default: none)", text(), "HOW")
      ("initrd-cmdline", "command line of the initrd, for pvh", text(), "STRING")
      ("module", "a further module, for pvh; may be repeated", text(), "FILE")
      ("module-cmdline", "command line of the --module of the same rank; may be repeated", text(), "STRING")
      ("rng-seed", "bytes for Linux's random number generator; no secret, and the same at every start", text(), "HEX")
      ("fdt", "a flattened device tree: for AArch64 instead of ours, with /chosen and /memory filled in; for x86 in setup_data", text(), "FILE")
      ("dtb", "another name for --fdt", text(), "FILE")
      ("fdt-overlay", "a device-tree overlay to apply to an AArch64 guest's tree; may be repeated", text(), "FILE");
  parser.add_options("Machine")
      ("memory", "the guest's RAM, up to 1T (default: 512M)", text(), "SIZE")
      ("cpus", "the guest's vCPUs, 1 to 1024; AArch64: 123, with GICv2 8 (default: 1)", text(), "N")
      ("gic", "interrupt controller of an AArch64 guest: v3 or v2 (default: v3)", text(), "NAME")
      ("its", "give an AArch64 guest GICv3's interrupt translation service, for MSIs")
      ("numa", "a NUMA node, such as cpus=0-1,memory=1G; repeat it until all vCPUs and RAM are in one", text(), "NODE")
      ("numa-distance", "A:B=D, distance between nodes A and B, 11 to 254 (default: 20)", text(), "A:B=D")
      ("acpi-table", "a table to add, or to use instead of ours; may be repeated", text(), "FILE")
      ("no-acpi", "compose no ACPI tables")
      ("smbios", "what SMBIOS says, such as product=Turnip; may be repeated, the keys are below", text(), "KEY=VALUE");
  parser.add_options("Output")
      ("o,output", "the snapshot to write; '-' is standard output", text(), "FILE")
      ("timings", "say on standard error how long each step took")
      ("q,quiet", "print nothing when all is well")
      ("h,help", "print this help");
  // clang-format on
  return parser;
}

cxxopts::Options inspect_parser() {
  cxxopts::Options parser("compose-snapshot inspect", "Say what is in a snapshot or an IGVM file.\n");
  parser.custom_help("FILE [--json]");
  parser.positional_help("");
  parser.set_width(79);
  // clang-format off
  parser.add_options()
      ("json", "print JSON: sizes and file offsets as numbers, addresses and registers as hexadecimal strings")
      ("h,help", "print this help");
  parser.add_options("hidden")("file", "", cxxopts::value<std::vector<std::string>>());
  // clang-format on
  parser.parse_positional({"file"});
  return parser;
}

// cxxopts quotes an option's bare name: "Option 'x' does not exist". People type it with its dashes.
std::string with_dashes(std::string text) {
  for (const std::string_view quote : {"\u2018", "\u2019"})
    for (std::size_t at = text.find(quote); at != std::string::npos; at = text.find(quote))
      text.replace(at, quote.size(), "'");
  constexpr std::string_view kStart = "Option '";
  if (!text.starts_with(kStart)) return text;
  const std::size_t name = text.find('\'', kStart.size()) - kStart.size();
  return fmt::format("option '{}{}", name == 1 ? "-" : "--", text.substr(kStart.size()));
}

std::string flag_with_value(std::string_view option) {
  return fmt::format("option '{}' takes no value: give it alone, or leave it out", option);
}

// cxxopts says only that an option does not exist; people want to know which one they meant.
std::string usage_error(const std::exception& error, const cxxopts::Options& parser, int argc,
                        const char* const* argv) {
  std::vector<std::string> names;
  for (const std::string& group : parser.groups())
    for (const auto& option : parser.group_help(group).options)
      if (!option.l.empty() && group != "hidden") names.push_back("--" + option.l[0]);
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string text = with_dashes(error.what());
  for (int i = 1; i < argc; ++i) {
    const std::string_view whole = argv[i];
    const std::string_view word = whole.substr(0, whole.find('='));
    // Every value is text, so only that of a flag can fail to parse.
    if (word.size() < whole.size() &&
        text == fmt::format("Argument '{}' failed to parse", whole.substr(word.size() + 1)))
      return flag_with_value(word);
    // "-kernel" is read as -k, -e and so on.
    if (word.size() > 2 && word[0] == '-' && text.find(fmt::format("'{}'", word.substr(0, 2))) != text.npos)
      if (const std::string meant = fmt::format("-{}", word);
          std::find(known.begin(), known.end(), meant) != known.end())
        return fmt::format("unknown option '{}' (did you mean '{}'?): see {} --help", word, meant,
                           parser.program());
    if (text.find(fmt::format("'{}'", word)) == std::string::npos) continue;
    if (std::find(known.begin(), known.end(), word) == known.end() && word.starts_with("--"))
      return fmt::format("unknown option '{}'{}: see {} --help", word, did_you_mean(word, known),
                         parser.program());
  }
  return fmt::format("{}: see {} --help", text, parser.program());
}

Result<cxxopts::ParseResult> parse(cxxopts::Options& parser, int argc, const char* const* argv) {
  try {
    cxxopts::ParseResult result = parser.parse(argc, argv);
    for (const auto& option : result.arguments()) {
      const bool repeatable =
          std::find(std::begin(kRepeatable), std::end(kRepeatable), option.key()) != std::end(kRepeatable);
      const bool file = std::find(std::begin(kFiles), std::end(kFiles), option.key()) != std::end(kFiles);
      if (file && option.value().empty())
        return option.key() == "file"
                   ? fail("the file to inspect has an empty name: give another")
                   : fail("option '--{}' has an empty name: name a file, or leave it out", option.key());
      const bool flag = std::find(std::begin(kFlags), std::end(kFlags), option.key()) != std::end(kFlags);
      if (flag && option.value() != "true") return fail("{}", flag_with_value("--" + option.key()));
      if (option.key() == "file" || repeatable || result.count(option.key()) < 2) continue;
      return fail("option '--{}' is given {} times: give it once", option.key(), result.count(option.key()));
    }
    if (!result.unmatched().empty())
      return fail("'{}' is one argument too many: options start with '--'", result.unmatched().front());
    return result;
  } catch (const std::exception& error) {
    return fail("{}", usage_error(error, parser, argc, argv));
  }
}

Result<std::string> checked_protocol(const std::string& name) {
  std::vector<std::string_view> names;
  for (const BootProtocol* protocol : boot_protocols()) {
    if (protocol->name == name) return name;
    names.push_back(protocol->name);
  }
  return fail("unknown protocol '{}'{}: choose from {}", name, did_you_mean(name, names),
              fmt::join(names, ", "));
}

// Every value of an option, in the order given.
std::vector<std::string> values_of(const cxxopts::ParseResult& result, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& option : result.arguments())
    if (option.key() == name) values.push_back(option.value());
  return values;
}

Result<std::vector<ModuleOption>> parse_modules(const cxxopts::ParseResult& result) {
  std::vector<ModuleOption> modules;
  for (const std::string& path : values_of(result, "module")) modules.push_back({path, ""});
  const std::vector<std::string> cmdlines = values_of(result, "module-cmdline");
  if (cmdlines.size() > modules.size())
    return fail("there are {} --module-cmdline and {} --module: each belongs to the module of the same rank",
                cmdlines.size(), modules.size());
  for (std::size_t i = 0; i < cmdlines.size(); ++i) modules[i].cmdline = cmdlines[i];
  return modules;
}

Result<void> parse_data(const cxxopts::ParseResult& result, BuildOptions& options) {
  for (const auto& option : result.arguments())
    if (option.key() == "initrd" || option.key() == "initrd-dir")
      options.initrds.push_back({option.value(), option.key() == "initrd-dir"});
  if (result.count("initrd-compress")) {
    const std::string how = result["initrd-compress"].as<std::string>();
    if (how != "zstd" && how != "none") return fail("--initrd-compress '{}' is neither zstd nor none", how);
    const bool directories = std::any_of(options.initrds.begin(), options.initrds.end(),
                                         [](const InitrdOption& initrd) { return initrd.is_directory; });
    if (!directories) return fail("--initrd-compress is for what --initrd-dir makes: there is none");
    options.initrd_zstd = how == "zstd";
  }
  if (result.count("initrd-cmdline")) options.initrd_cmdline = result["initrd-cmdline"].as<std::string>();
  options.modules = TRY(parse_modules(result));
  if (result.count("fdt") && result.count("dtb")) return fail("--fdt and --dtb are one option: give it once");
  for (const char* name : {"fdt", "dtb"})
    if (result.count(name)) options.dtb = result[name].as<std::string>();
  options.overlays = values_of(result, "fdt-overlay");
  return {};
}

Result<Gic> parse_gic(const std::string& name) {
  for (const Gic gic : {Gic::v2, Gic::v3})
    if (gic_name(gic) == name) return gic;
  return fail("--gic '{}' is neither v2 nor v3", name);
}

Result<void> parse_machine(const cxxopts::ParseResult& result, BuildOptions& options) {
  const auto text = [&](const char* name) { return result[name].as<std::string>(); };
  if (result.count("memory")) options.memory = TRY(with_context(parse_size(text("memory")), "--memory"));
  if (options.memory < kMiB || options.memory > kMaxMemory)
    return fail("--memory {} bytes is not between 1M and 1T", options.memory);
  if (result.count("cpus")) options.cpus = TRY(parse_number("--cpus", text("cpus"), 1, x86::kMaxCpus));
  if (result.count("gic")) options.gic = TRY(parse_gic(text("gic")));
  options.its = result.count("its") > 0;
  if (options.its && options.gic == Gic::v2)
    return fail("--its is a part of GICv3, and --gic v2 has none: leave one of them out");
  options.numa = TRY(parse_numa(values_of(result, "numa"), values_of(result, "numa-distance"), options.cpus,
                                options.memory));
  options.acpi = result.count("no-acpi") == 0;
  options.acpi_tables = values_of(result, "acpi-table");
  if (!options.acpi && !options.acpi_tables.empty())
    return fail("--acpi-table and --no-acpi contradict each other: leave one of them out");
  if (!options.acpi && !options.numa.nodes.empty())
    return fail("--numa is told in ACPI tables, and --no-acpi leaves them out: leave one of them out");
  options.smbios = TRY(parse_smbios(values_of(result, "smbios")));
  return {};
}

Result<void> parse_kernel(const cxxopts::ParseResult& result, BuildOptions& options) {
  const auto text = [&](const char* name) { return result[name].as<std::string>(); };
  constexpr std::uint32_t kMaxProfile = 999;
  options.kernel = text("kernel");
  if (result.count("profile"))
    options.profile = TRY(parse_number("--profile", text("profile"), 0, kMaxProfile));
  options.keep_compressed = result.count("keep-compressed") > 0;
  if (result.count("cmdline")) options.cmdline = text("cmdline");
  if (result.count("append")) options.append = text("append");
  if (result.count("protocol")) options.protocol = TRY(checked_protocol(text("protocol")));
  if (result.count("device-tree")) {
    if (options.protocol && *options.protocol != kDeviceTreeProtocol)
      return fail("--device-tree and --protocol {} contradict each other: leave one of them out",
                  *options.protocol);
    options.protocol = std::string(kDeviceTreeProtocol);
  }
  if (result.count("kaslr-seed"))
    options.kaslr_seed = TRY(with_context(parse_hex(text("kaslr-seed")), "--kaslr-seed"));
  if (result.count("rng-seed"))
    options.rng_seed = TRY(with_context(parse_hex(text("rng-seed")), "--rng-seed"));
  return {};
}

Result<Options> parse_build(int argc, const char* const* argv) {
  cxxopts::Options parser = build_parser();
  const cxxopts::ParseResult result = TRY(parse(parser, argc, argv));
  if (result.count("help"))
    return PrintOptions{parser.help({"Output", "Kernel", "Initrd and other data", "Machine"}) +
                        kBuildExamples + smbios_help()};
  BuildOptions options;
  if (!result.count("output")) return fail("no output is given: add -o FILE");
  if (!result.count("kernel")) return fail("no kernel is given: add --kernel FILE");
  options.output = result["output"].as<std::string>();
  TRY(parse_kernel(result, options));
  TRY(parse_data(result, options));
  TRY(parse_machine(result, options));
  options.timings = result.count("timings") > 0;
  options.quiet = result.count("quiet") > 0;
  return options;
}

Result<Options> parse_inspect(int argc, const char* const* argv) {
  cxxopts::Options parser = inspect_parser();
  const cxxopts::ParseResult result = TRY(parse(parser, argc, argv));
  if (result.count("help")) return PrintOptions{parser.help({""})};
  if (result.count("file") != 1)
    return fail("inspect takes one file, and {} are given", result.count("file") == 0 ? "none" : "several");
  return InspectOptions{.file = result["file"].as<std::vector<std::string>>().front(),
                        .json = result.count("json") > 0};
}

}  // namespace

Result<Options> parse_options(int argc, const char* const* argv) {
  if (argc < 2) return fail("no command is given: try compose-snapshot --help");
  const std::string_view command = argv[1];
  if (command == "--help" || command == "-h" || command == "help") return PrintOptions{kHelp};
  if (command == "--version") return PrintOptions{fmt::format("compose-snapshot {}\n", kVersion)};
  if (command == "build") return parse_build(argc - 1, argv + 1);
  if (command == "inspect") return parse_inspect(argc - 1, argv + 1);
  return fail("unknown command '{}'{}: try compose-snapshot --help", command,
              did_you_mean(command, kCommands));
}

}  // namespace tintype
