#include "composer/measure_file.h"

#include <algorithm>

#include "formats/machine_tree.h"

namespace tintype {

namespace {

// Lets go of the parts of a mapped file that were measured, in runs worth a system call.
class Releaser {
 public:
  explicit Releaser(const InputFile& input) : input_(input) {}

  void operator()(Bytes done) {
    const bool follows = !run_.empty() && run_.data() + run_.size() == done.data();
    if (!follows && !run_.empty()) flush();
    run_ = follows ? Bytes(run_.data(), run_.size() + done.size()) : done;
    if (run_.size() >= kRun) flush();
  }

 private:
  static constexpr std::size_t kRun = 4 << 20;
  void flush() {
    input_.release(run_);
    run_ = {};
  }

  const InputFile& input_;
  Bytes run_;
};

// What the file's ID block expects, if that is something else.
std::optional<std::string> id_block_note(const igvm::File& file, const std::string& name,
                                         const LaunchDigest& digest) {
  const auto mask = launch_mask(file, LaunchPlatform::snp);
  for (const igvm::Directive& directive : file.directives) {
    const auto* boxed = std::get_if<igvm::Boxed<IGVM_VHS_SNP_ID_BLOCK>>(&directive);
    if (boxed == nullptr || !mask) continue;
    const IGVM_VHS_SNP_ID_BLOCK& block = **boxed;
    if ((block.compatibility_mask & *mask) == 0 ||
        std::equal(block.ld.begin(), block.ld.end(), digest.value.begin(), digest.value.end()))
      continue;
    return fmt::format(
        "the SNP ID block of {} expects another digest, sha384:{}: firmware that is given the block refuses "
        "this launch",
        name, to_hex(block.ld));
  }
  return std::nullopt;
}

Result<std::vector<LaunchPlatform>> platforms_of(const igvm::File& file, const MeasureFileOptions& options) {
  const std::vector<LaunchPlatform> declared = declared_platforms(file);
  const std::optional<LaunchPlatform> wanted = options.platform ? options.platform : options.wanted;
  if (wanted) TRY(launch_mask(file, *wanted));
  if (declared.empty()) {
    const auto none = launch_mask(file, LaunchPlatform::native);
    return fail("{}, and digests of native, vbs, snp and tdx are known", none.error().what);
  }
  return options.platform ? std::vector{*options.platform} : declared;
}

}  // namespace

Result<FileDigests> measure_file(const InputFile& input, const MeasureFileOptions& options) {
  const igvm::File file = TRY(with_context(igvm::read(input.bytes()), options.file));
  const std::optional<Machine> machine = TRY(with_context(read_machine(input.bytes()), options.file));
  // Headers are as many as pages, and were read once.
  input.release(input.bytes());
  FileDigests measured;
  for (const LaunchPlatform platform : TRY(said_of(options.file, platforms_of(file, options)))) {
    const MeasureOptions how{.threads = options.threads, .done = Releaser(input)};
    const HostLaunch launch = TRY(said_of(options.file, host_launch(file, machine, platform, options.host)));
    measured.digests.push_back(measure_launch(launch, how));
    const Json host = host_json(launch);
    for (const auto& [name, value] : *host.members()) measured.host[name] = value;
    if (launch.assumption) measured.notes.push_back(options.file + ": " + *launch.assumption);
    if (platform != LaunchPlatform::snp) continue;
    if (const auto note = id_block_note(file, options.file, measured.digests.back()))
      measured.notes.push_back(*note);
  }
  return measured;
}

std::string measure_text(const FileDigests& measured) {
  std::string text;
  for (const LaunchDigest& digest : measured.digests) text += digest.text() + "\n";
  return text;
}

std::string measure_json(const FileDigests& measured, const std::string& file) {
  Json json = {{"file", file}};
  json["digests"] = Json::object();
  for (const LaunchDigest& digest : measured.digests)
    json["digests"][launch_platform_name(digest.platform)] =
        fmt::format("{}:{}", digest_algorithm(digest.platform), to_hex(digest.value));
  for (const auto& [name, value] : *measured.host.members()) json[name] = value;
  json["notes"] = Json(measured.notes);
  return json_text(json);
}

}  // namespace tintype
