// Launches as a host makes them of a file: what a digest depends on besides the file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "composer/command_line.h"
#include "composer/json.h"
#include "formats/launch_kvm.h"
#include "formats/measure.h"

namespace tintype {

// Who builds the save areas of an SEV-SNP launch, and so when and where they are measured.
enum class SnpLaunch : std::uint8_t {
  file,     // the loader, as the file has them: OpenVMM
  kvm,      // KVM, one for each vCPU, after all pages: formats/launch_kvm.h
  kvm_bsp,  // KVM, the boot processor's only
};

// "file", "kvm", "kvm-bsp"
std::string_view snp_launch_name(SnpLaunch launch);

// How the host launches, as far as a digest depends on it.
struct HostOptions {
  SnpLaunch snp_launch = SnpLaunch::file;
  // vCPUs of SnpLaunch::kvm; without it those of the machine description, or as many as the file has save
  // areas for.
  std::optional<std::uint32_t> cpus = std::nullopt;
  std::optional<std::uint32_t> snp_processor = std::nullopt;  // KvmVcpus::processor
  bool snp_zero_type = false;                                 // MeasureOptions
  TdxOrder tdx_order = TdxOrder::per_page;                    // MeasureOptions
};

// The options of a command that say so.
std::vector<OptionGroup> host_option_groups();

// What they and --platform say.
struct LaunchChoice {
  std::optional<LaunchPlatform> platform = std::nullopt;  // none: all
  // What one of the host's options is about: without it there would be no reason to give that.
  std::optional<LaunchPlatform> wanted = std::nullopt;
  HostOptions host = {};
};
// Errors: a value that is none, an option without the one that it is for, or about another platform.
Result<LaunchChoice> parse_launch_choice(const CommandLine& line);

struct HostLaunch {
  LaunchPlatform platform = LaunchPlatform::native;
  NativeLaunch native;          // the steps on every platform; the rest on the native one
  std::vector<VmsaPage> reset;  // that steps borrow, besides the file's bytes
  // As they were used: with SnpLaunch::kvm `cpus` is set, and `snp_processor` exactly if a vCPU has no VMSA.
  HostOptions host;
  std::string_view cpus_from = {};  // who says host.cpus: "--cpus", "the machine description", ...
  std::uint32_t without_vmsa = 0;   // of host.cpus: those that the file has no VMSA for
  // A sentence: what is taken for granted that neither the file nor the options say.
  std::optional<std::string> assumption = std::nullopt;

  const std::vector<LaunchStep>& steps() const { return native.steps; }
};

// `file`, whose machine description is `machine`, as a host launches it. Borrows from the file's bytes.
// Errors: those of launch_steps(), native_launch() and kvm_launch().
Result<HostLaunch> host_launch(const igvm::File& file, const std::optional<Machine>& machine,
                               LaunchPlatform platform, const HostOptions& host = {});

// The options that the digest of `launch` depends on, defaults too, as members of an object: "snp_launch",
// "tdx_order", ... Empty on platforms that have none.
Json host_json(const HostLaunch& launch);

// "image.bin declares native only": the error of a launch says what the file `name` does.
template <typename T>
Result<T> said_of(const std::string& name, Result<T> result) {
  if (result) return result;
  if (!result.error().context.empty()) return with_context(std::move(result), name);
  result.error().what = name + " " + result.error().what;
  return result;
}

// Its digest. Of `options` those that HostOptions have are taken from there.
LaunchDigest measure_launch(const HostLaunch& launch, MeasureOptions options);

}  // namespace tintype
