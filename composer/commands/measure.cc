// Prints the launch digests of a file.
#include <algorithm>
#include <charconv>

#include "composer/command.h"
#include "composer/command_line.h"
#include "composer/measure_file.h"
#include "formats/launch_kvm.h"
#include "formats/ordered_work.h"

namespace tintype {

namespace {

constexpr char kUsage[] = "FILE [--platform native|vbs|snp|tdx|all] [OPTION...]";

constexpr char kEpilogue[] =
    "Prints a line for each platform: PLATFORM ALGORITHM:HEX.\n\n"
    "--snp-launch file measures VMSAs where the file has them, as OpenVMM launches. KVM takes all pages "
    "first,\n"
    "and then the VMSA of each vCPU in turn, all at 0xfffffffff000. A vCPU has the registers of its VMSA in "
    "the\n"
    "file. One without starts as after a reset, as QEMU and Linux 6.10 or later set it up: real mode at\n"
    "f000:fff0 with the base of CS at 0xffff0000, EFER 0x1000, CR0 0x10, CR4 0x40, DR6 0xffff0ff0, DR7 "
    "0x400,\n"
    "PAT 0x7040600070406, XCR0 1, x87 control word 0x37f, MXCSR 0x1f80, RFLAGS 2, the SEV features of vCPU "
    "0,\n"
    "and in RDX the processor's signature: --snp-processor says which. All else in it is zero.\n\n"
    "What the digests cover, and what they were checked against: see compose-snapshot(1).\n";

CommandSpec spec() {
  return {
      .name = "measure",
      .summary = "Print the launch digests of a snapshot or an IGVM file.",
      .usage = kUsage,
      .groups =
          {{.title = "",
            .options = {{.name = "platform",
                         .value = "NAME",
                         .help = "native, vbs, snp, tdx, or all that the file declares (the default)"},
                        {.name = "json", .help = "print JSON"}}},
           {.title = "SEV-SNP",
            .options = {{.name = "snp-launch",
                         .value = "HOW",
                         .help = "who builds VMSAs: file (the default), kvm, or kvm-bsp, which is KVM with "
                                 "that of vCPU 0 only"},
                        {.name = "cpus",
                         .value = "N",
                         .help = "vCPUs of --snp-launch kvm; default: those of the machine description, or "
                                 "of the file's VMSAs"},
                        {.name = "snp-processor",
                         .value = "MODEL",
                         .help = "of --snp-launch kvm, for vCPUs that have no VMSA in the file: EPYC, "
                                 "EPYC-Rome, -Milan, -Genoa, -Turin, or CPUID leaf 1 EAX"},
                        {.name = "snp-zero-pages",
                         .value = "TYPE",
                         .help = "how firmware is told of pages without data: normal (the default: QEMU, "
                                 "OpenVMM) or zero (PAGE_TYPE_ZERO)"}}},
           {.title = "TDX",
            .options = {{.name = "tdx-order",
                         .value = "ORDER",
                         .help = "per-page (the default): each page is added and measured; two-pass: all "
                                 "pages of a run are added, then all measured"}}}},
      .operands = {"file to measure"},
      .epilogue = kEpilogue};
}

Result<std::uint32_t> parse_cpus(const std::string& text) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count == 0 || count > kMaxKvmVcpus)
    return fail("--cpus {}: give a number of vCPUs, 1 to {}", text, kMaxKvmVcpus);
  return count;
}

Result<SnpLaunch> parse_snp_launch(const std::string& text) {
  if (text == "file") return SnpLaunch::file;
  if (text == "kvm") return SnpLaunch::kvm;
  if (text == "kvm-bsp") return SnpLaunch::kvm_bsp;
  return fail("--snp-launch {}: give file, kvm or kvm-bsp", text);
}

// Which of two words was given; the first is the default.
Result<bool> is_second(const CommandLine& line, const std::string& option, std::string_view first,
                       std::string_view second) {
  const std::string text = line.find(option).value_or(std::string(first));
  if (text != first && text != second) return fail("--{} {}: give {} or {}", option, text, first, second);
  return text == second;
}

// Options of one platform are an error where another is asked for, and want theirs where all are.
Result<std::optional<LaunchPlatform>> wanted_by(const CommandLine& line,
                                                std::optional<LaunchPlatform> platform) {
  struct Belongs {
    std::string_view option;
    LaunchPlatform platform;
  };
  static constexpr Belongs kOptions[] = {{"snp-launch", LaunchPlatform::snp},
                                         {"cpus", LaunchPlatform::snp},
                                         {"snp-processor", LaunchPlatform::snp},
                                         {"snp-zero-pages", LaunchPlatform::snp},
                                         {"tdx-order", LaunchPlatform::tdx}};
  std::optional<LaunchPlatform> wanted;
  for (const Belongs& known : kOptions) {
    if (!line.has(known.option)) continue;
    if (platform && *platform != known.platform)
      return fail("--{} is about {}, and --platform is {}: leave one of them out", known.option,
                  launch_platform_name(known.platform), launch_platform_name(*platform));
    if (!wanted) wanted = known.platform;
  }
  return wanted;
}

Result<HostOptions> parse_host(const CommandLine& line) {
  HostOptions host;
  if (const auto text = line.find("snp-launch")) host.snp_launch = TRY(parse_snp_launch(*text));
  for (const std::string_view option : {"cpus", "snp-processor"})
    if (line.has(option) && host.snp_launch != SnpLaunch::kvm)
      return fail("--{} is for --snp-launch kvm, where KVM makes VMSAs of its own: give both, or neither",
                  option);
  if (const auto text = line.find("cpus")) host.cpus = TRY(parse_cpus(*text));
  if (const auto text = line.find("snp-processor"))
    host.snp_processor = TRY(with_context(parse_processor(*text), "--snp-processor"));
  host.snp_zero_type = TRY(is_second(line, "snp-zero-pages", "normal", "zero"));
  host.tdx_order =
      TRY(is_second(line, "tdx-order", "per-page", "two-pass")) ? TdxOrder::two_pass : TdxOrder::per_page;
  return host;
}

Result<Done> run(const MeasureFileOptions& options) {
  const InputFile input = TRY(InputFile::open(options.file));
  const FileDigests measured = TRY(measure_file(input, options));
  if (options.json) return Done{.text = measure_json(measured, options)};
  Done done{.text = measure_text(measured)};
  for (const std::string& note : measured.notes) done.note += (done.note.empty() ? "" : "\n") + note;
  return done;
}

Result<Action> parse(int argc, const char* const* argv) {
  const auto parsed = TRY(parse_command_line(spec(), argc, argv));
  if (const auto* text = std::get_if<PrintOptions>(&parsed)) return print(text->text);
  const auto& line = std::get<CommandLine>(parsed);
  MeasureFileOptions options{
      .file = line.operands()[0], .json = line.has("json"), .threads = usable_threads()};
  if (const std::string name = line.find("platform").value_or("all"); name != "all") {
    options.platform = launch_platform_named(name);
    if (!options.platform) return fail("--platform {}: give native, vbs, snp, tdx or all", name);
  }
  options.wanted = TRY(wanted_by(line, options.platform));
  options.host = TRY(parse_host(line));
  return [options] { return run(options); };
}

}  // namespace

extern const Command command_measure;
const Command command_measure = {
    .name = "measure",
    .summary = "print the launch digests of a snapshot, or of anyone's IGVM file:\nnative, VBS, SEV-SNP, TDX",
    .usage = kUsage,
    .rank = 2,
    .parse = parse,
};

}  // namespace tintype
