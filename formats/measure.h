// Launch digests: what a platform's firmware or hypervisor would report of a launch.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "formats/digest.h"
#include "formats/launch.h"

namespace tintype {

// A digest of at most 48 bytes.
struct LaunchDigest {
  LaunchPlatform platform = LaunchPlatform::native;
  std::vector<std::uint8_t> value;
  // "snp sha384:588be15a..."
  std::string text() const;
  bool operator==(const LaunchDigest&) const = default;
};

// "sha256", "sha384"
std::string_view digest_algorithm(LaunchPlatform platform);
// In bytes.
std::size_t digest_size(LaunchPlatform platform);

// The order in which a TDX module is told of pages and of what is in them.
enum class TdxOrder : std::uint8_t {
  per_page,  // each page is added, and then measured
  two_pass,  // of each maximal run of measured pages that follow each other, all are added and then all
             // measured
};

struct MeasureOptions {
  unsigned threads = 1;
  TdxOrder tdx_order = TdxOrder::per_page;
  // Whether SEV-SNP firmware is told of a page without file data as PAGE_TYPE_ZERO, as some loaders do, and
  // not as a normal page whose contents are zero.
  bool snp_zero_type = false;
  // What an SEV-SNP digest goes on from: zeroes at a launch.
  Sha384 snp_start = {};
  // Told of every operation that the digest takes in, in order: its step, which page of it (of registers:
  // which register), and the digest after it. Costs a digest for each.
  std::function<void(const LaunchStep& step, std::uint64_t index, Bytes digest)> observe = {};
  // The same for the records of a native digest that belong to no step, by their names in NATIVE-DIGEST.md:
  // "version", "architecture", "RAM", "machine", each "parameters" and "registers" record in the order of
  // NativeLaunch, and "end".
  std::function<void(std::string_view record, Bytes digest)> observe_record = {};
  // Told of bytes of the file that are not needed any more, in order.
  std::function<void(Bytes done)> done = {};
};

// The digests of `steps`, which are launch_steps() for the platform.
//
// SEV-SNP: AMD SEV Secure Nested Paging Firmware ABI Specification (56860, 1.55), 8.17.2: a chain of SHA-384
// over a PAGE_INFO for each page, VMSAs in the file's order, at the addresses of the file (KVM's order:
// launch_kvm.h). TDX: Intel TDX Module Architecture Specification (348549), MRTD: SHA-384 over a buffer for
// each TDH.MEM.PAGE.ADD and TDH.MR.EXTEND. VBS: the `igvm` crate (igvm/src/measurement/vbs.rs): a chain of
// SHA-256 over a chunk for each page and, last, each register.
LaunchDigest measure_snp(const std::vector<LaunchStep>& steps, const MeasureOptions& options = {});
LaunchDigest measure_tdx(const std::vector<LaunchStep>& steps, const MeasureOptions& options = {});
LaunchDigest measure_vbs(const std::vector<LaunchStep>& steps, const MeasureOptions& options = {});

// Everything that a guest without isolation can see when its first instruction runs.
struct NativeLaunch {
  Arch arch = Arch::x86_64;
  std::vector<GpaRange> ram;       // ascending, joined where they touch
  std::optional<Machine> machine;  // as the file describes it
  std::vector<LaunchStep> steps;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> parameters;  // address and IGVM_VHT_*, ascending
  std::vector<std::pair<std::uint16_t, VcpuState>> vcpus;           // by index, ascending
};

// What `file`, whose machine description is `machine`, starts without isolation. Borrows from the file's
// bytes. Errors: those of launch_steps() and check_arch(), and registers that cannot be read.
Result<NativeLaunch> native_launch(const igvm::File& file, const std::optional<Machine>& machine);

// NATIVE-DIGEST.md. options.observe is told of pages; tdx_order has no meaning here.
LaunchDigest measure_native(const NativeLaunch& launch, const MeasureOptions& options = {});

}  // namespace tintype
