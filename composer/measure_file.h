// The launch digests of a file, as `compose-snapshot measure` prints them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "composer/files.h"
#include "formats/measure.h"

namespace tintype {

// Who builds the save areas of an SEV-SNP launch, and so when and where they are measured.
enum class SnpLaunch : std::uint8_t {
  file,     // the loader, as the file has them: OpenVMM
  kvm,      // KVM, one for each vCPU, after all pages: formats/launch_kvm.h
  kvm_bsp,  // KVM, the boot processor's only
};

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

struct MeasureFileOptions {
  std::string file;
  std::optional<LaunchPlatform> platform = std::nullopt;  // none: all that the file declares
  // What some option is about: without it there would be no reason to give that.
  std::optional<LaunchPlatform> wanted = std::nullopt;
  HostOptions host = {};
  bool json = false;
  unsigned threads = 1;
};

// The digest of `file`, whose machine description is `machine`, on one platform. Errors: those of
// launch_steps(), native_launch() and kvm_launch().
Result<LaunchDigest> measure_platform(const igvm::File& file, const std::optional<Machine>& machine,
                                      LaunchPlatform platform, const HostOptions& host,
                                      const MeasureOptions& options);

struct FileDigests {
  std::vector<LaunchDigest> digests;  // native, vbs, snp, tdx
  std::vector<std::string> notes;     // sentences: what the file itself expects, and is not so
};

// The digests that `options` ask for of the file `input`. Errors name the file.
Result<FileDigests> measure_file(const InputFile& input, const MeasureFileOptions& options);

// A line each: "snp sha384:588be15a...".
std::string measure_text(const FileDigests& measured);
// The same as an object, with what the digests depend on besides the file.
std::string measure_json(const FileDigests& measured, const MeasureFileOptions& options);

}  // namespace tintype
