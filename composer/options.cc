#include "composer/options.h"

#include <charconv>
#include <cxxopts.hpp>
#include <vector>

#include "formats/machine.h"
#include "formats/size.h"
#include "formats/suggest.h"
#include "layouts/protocol.h"
#include "version.h"

namespace tintype {

namespace {

constexpr std::string_view kCommands[] = {"build", "inspect"};

constexpr char kHelp[] = R"(compose-snapshot - compose boot snapshots offline

Usage:
  compose-snapshot build -o FILE --kernel FILE [OPTION...]
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
  compose-snapshot build -o - --kernel vmlinux | ssh host 'cat > image.bin'

A bzImage is unpacked at compose time, so the guest runs no decompressor. SIZE
is a number of bytes, or has a suffix K, M, G or T (powers of 1024).
)";

cxxopts::Options build_parser() {
  std::string protocols = "how the guest is entered:";
  for (const BootProtocol* protocol : boot_protocols()) protocols += " " + std::string(protocol->name);
  cxxopts::Options parser("compose-snapshot build", "Compose a snapshot.\n");
  parser.custom_help("-o FILE --kernel FILE [OPTION...]");
  parser.set_width(79);
  // clang-format off
  parser.add_options()
      ("o,output", "the snapshot to write; '-' is standard output", cxxopts::value<std::string>(), "FILE")
      ("kernel", "an x86_64 ELF64 vmlinux, or a bzImage of boot protocol 2.12 or newer",
       cxxopts::value<std::string>(), "FILE")
      ("initrd", "the initial RAM disk, placed as it is", cxxopts::value<std::string>(), "FILE")
      ("cmdline", "the kernel's command line", cxxopts::value<std::string>(), "STRING")
      ("memory", "the guest's RAM, up to 1T (default: 512M)", cxxopts::value<std::string>(), "SIZE")
      ("cpus", "the guest's vCPUs, 1 to 1024 (default: 1)", cxxopts::value<std::string>(), "N")
      ("protocol", protocols + " (default: what the kernel calls for)", cxxopts::value<std::string>(), "NAME")
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
    const std::string_view word = std::string_view(argv[i]).substr(0, std::string_view(argv[i]).find('='));
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
      if (option.key() == "file" || result.count(option.key()) < 2) continue;
      return fail("option '--{}' is given {} times: give it once", option.key(), result.count(option.key()));
    }
    if (!result.unmatched().empty())
      return fail("'{}' is one argument too many: options start with '--'", result.unmatched().front());
    return result;
  } catch (const std::exception& error) {
    return fail("{}", usage_error(error, parser, argc, argv));
  }
}

Result<std::uint32_t> parse_cpus(const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || value < 1 || value > x86::kMaxCpus)
    return fail("--cpus '{}' is not a number from 1 to {}", text, x86::kMaxCpus);
  return value;
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

Result<Options> parse_build(int argc, const char* const* argv) {
  cxxopts::Options parser = build_parser();
  const cxxopts::ParseResult result = TRY(parse(parser, argc, argv));
  if (result.count("help")) return PrintOptions{parser.help() + kBuildExamples};
  const auto text = [&](const char* name) { return result[name].as<std::string>(); };
  BuildOptions options;
  if (!result.count("output")) return fail("no output is given: add -o FILE");
  if (!result.count("kernel")) return fail("no kernel is given: add --kernel FILE");
  options.output = text("output");
  options.kernel = text("kernel");
  if (result.count("initrd")) options.initrd = text("initrd");
  if (result.count("cmdline")) options.cmdline = text("cmdline");
  if (result.count("memory")) options.memory = TRY(with_context(parse_size(text("memory")), "--memory"));
  if (options.memory < kMiB || options.memory > x86::kMaxMemory)
    return fail("--memory {} bytes is not between 1M and 1T", options.memory);
  if (result.count("cpus")) options.cpus = TRY(parse_cpus(text("cpus")));
  if (result.count("protocol")) options.protocol = TRY(checked_protocol(text("protocol")));
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
