// Prints the launch digests of a file.
#include "composer/command.h"
#include "composer/command_line.h"
#include "composer/measure_file.h"
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
  CommandSpec spec{
      .name = "measure",
      .summary = "Print the launch digests of a snapshot or an IGVM file.",
      .usage = kUsage,
      .groups = {{.title = "",
                  .options = {{.name = "platform",
                               .value = "NAME",
                               .help = "native, vbs, snp, tdx, or all that the file declares (the default)"},
                              {.name = "json", .help = "print JSON"}}}},
      .operands = {"file to measure"},
      .epilogue = kEpilogue};
  for (OptionGroup& group : host_option_groups()) spec.groups.push_back(std::move(group));
  return spec;
}

Result<Done> run(const MeasureFileOptions& options) {
  const InputFile input = TRY(InputFile::open_snapshot(options.file));
  const FileDigests measured = TRY(measure_file(input, options));
  if (options.json) return Done{.text = measure_json(measured, options.file)};
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
  const LaunchChoice choice = TRY(parse_launch_choice(line));
  options.platform = choice.platform;
  options.wanted = choice.wanted;
  options.host = choice.host;
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
