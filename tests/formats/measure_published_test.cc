// SEV-SNP digests that other projects publish in their tests, of launches whose every byte can be made here.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "formats/launch_kvm.h"
#include "formats/measure.h"
#include "support/test_main.h"

namespace tintype {
namespace {

using Kind = LaunchStep::Kind;
using Octets = std::vector<std::uint8_t>;

void put(Octets& bytes, std::size_t offset, std::string_view text) {
  std::copy(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::uint8_t digit(char c) {
  return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
}

Octets from_hex(std::string_view text) {
  Octets bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  return bytes;
}

void put_hex(Octets& bytes, std::size_t offset, std::string_view text) {
  const Octets data = from_hex(text);
  std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::string snp(const std::vector<LaunchStep>& steps, const MeasureOptions& options = {}) {
  return to_hex(measure_snp(steps, options).value);
}

// The reset state that hosts before Linux 6.10 measured: nothing of the FPU.
VmsaPage without_fpu(VmsaPage page) {
  page.mxcsr = 0u;
  page.x87_fcw = std::uint16_t{0};
  return page;
}

}  // namespace

// google/gce-tcb-verifier, sev/sev_test.go
TEST_CASE("normal and zero pages: gce-tcb-verifier, TestUpdateData and TestZeroContentUpdateData") {
  Octets data(3 * 4096);
  put(data, 0, "LGTMLGTMLGTMLGTM");
  put(data, data.size() - 16, "LGTMLGTMLGTMLGTM");
  CHECK(snp({{.kind = Kind::page, .gpa = 0, .pages = 3, .data = data}}) ==
        "cba1cd767c33b30f96271837dbbae4081a945464a5af397b9b0336b5d8759ee88cc6b62c05d915c4424a9ac5747437d4");
  CHECK(snp({{.kind = Kind::page, .gpa = 0x9000, .pages = 3}}, {.snp_zero_type = true}) ==
        "4bfe18477ba370a50329da74b9621e721c4f29663176e08fbcf088a17c1bc45f133898b86d5082acbe202a6e9419808a");
}

TEST_CASE("a whole launch of every type of page: gce-tcb-verifier, TestLaunchDigest and TestUnsignedSnp") {
  // A firmware of one page: metadata at its start, and a table of GUIDs that ends 32 bytes before its end.
  Octets firmware(4096);
  put(firmware, 0x800, "LGTMLGTMLGTMLGTM");
  put(firmware, 0xA00, "LGTMLGTMLGTMLGTM");
  put_hex(firmware, 0,
          "41534556340000000100000003000000"
          "001000ff0010000001000000"
          "003000ff0010000003000000"
          "004000ff0010000002000000");
  put_hex(firmware, 4096 - 32 - 62,
          "001000001600666588dc4a989847a75e5585a7bf67cc"
          "ff0000ff1600de71f7007e1acb4f890e68c77e2fb44e"
          "3e00de82b596b21ff745baeaa366c55a082d");
  // That host's reset state has another PAT, and another processor.
  VmsaPage boot = without_fpu(reset_vmsa(1, 0x600));
  boot.g_pat = std::uint64_t{0x70106};
  VmsaPage other = boot;
  other.cs.base = std::uint64_t{0xFF000000};
  other.rip = std::uint64_t{0xFF};
  std::vector<LaunchStep> steps = {
      {.kind = Kind::page, .gpa = 0xFFFFF000, .data = firmware},
      {.kind = Kind::unmeasured, .gpa = 0xFF001000},
      {.kind = Kind::cpuid, .gpa = 0xFF003000},
      {.kind = Kind::secrets, .gpa = 0xFF004000},
      {.kind = Kind::vmsa, .gpa = kKvmVmsaGpa, .data = bytes_of(boot)},
  };
  CHECK(snp(steps) ==
        "06843de00c62bb9a12fd870bd340e1af8b0ebf516e3fe04f5c9add43b7981a1df2e825b4c712fbd87c97b129eba2e6de");
  for (std::uint16_t index = 1; index < 4; ++index)
    steps.push_back({.kind = Kind::vmsa, .gpa = kKvmVmsaGpa, .data = bytes_of(other), .vp_index = index});
  CHECK(snp(steps) ==
        "1a8cd8039cdcdcd1ec9800ca215ba5cbbed437697debf0b2fc1a9b873f1eb15f82dc7d5cf246dbee4df1bb9d3b6c7a16");
}

// virtee/sev, tests/measurement.rs, and virtee/sev-snp-measure, tests/test_guest.py: what QEMU and Linux 6.10
// launch. The chain begins after the pages of a firmware, whose digest they publish too.
TEST_CASE(
    "the registers that KVM measures: virtee/sev, test_snp_ovmf_hash_gen and test_snp_with_multiple_vcpus") {
  // SHA-256 of kernel, initrd and command line, all empty but for the command line's NUL, as QEMU hands them
  // to OVMF.
  Octets hashes(4096);
  put_hex(hashes, 0xC00,
          "06d63894224fc94cb479a793d411fd21a800d82dd09720bd944caa78e7714d36ab2a3200"
          "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
          "31f7ba442f3ad74b9af141e29169781d3200"
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
          "3794e74dd2ab7f42b835d5b172d2045b3200"
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::vector<LaunchStep> pages = {{.kind = Kind::page, .gpa = 0x800000, .pages = 9},
                                         {.kind = Kind::page, .gpa = 0x80A000, .pages = 3},
                                         {.kind = Kind::secrets, .gpa = 0x80D000},
                                         {.kind = Kind::cpuid, .gpa = 0x80E000},
                                         {.kind = Kind::page, .gpa = 0x80F000},
                                         {.kind = Kind::page, .gpa = 0x810000, .data = hashes},
                                         {.kind = Kind::page, .gpa = 0x811000, .pages = 15}};
  MeasureOptions options{.snp_zero_type = true};
  const Octets start = from_hex(
      "086e2e9149ebf45abdc3445fba5b2da8270bdbb04094d7a2c37faaa4b24af3aa16aff8c374c2a55c467a50da6d466b74");
  std::copy(start.begin(), start.end(), options.snp_start.begin());

  struct Published {
    std::uint64_t features;
    std::uint16_t cpus;
    std::string_view digest;
  };
  static constexpr Published kPublished[] = {
      {0x01, 1,
       "ddc5224521617a536ee7ce9dd6224d1b58a8d4fda1c741f3ac99fc4bfa04ba6e9fc98646d4a07a9079397fa3852819b5"},
      {0x21, 1,
       "329c8ce0972ae52343b64d34a434a86f245dfd74f5ed7aae15d22efc78fb9683632b9b50e4e1d7fa41179ef98a7ef198"},
      {0x01, 4,
       "5061fffb019493a903613d56d54b94912a1a2f9e4502385f5c194616753720a92441310ba6c4933de877c36e23046ad5"},
      {0x21, 4,
       "4953b1fb416fa874980e8442b3706d345926d5f38879134e00813c5d7abcbe78eafe7b422907be0b4698e2414a631942"}};
  for (const Published& published : kPublished) {
    CAPTURE(published.digest);
    const std::uint32_t processor = *parse_processor("EPYC-v4");
    const VmsaPage boot = reset_vmsa(published.features, processor);
    // Other processors start where OVMF says.
    VmsaPage other = boot;
    other.cs.base = std::uint64_t{0x800000};
    other.rip = std::uint64_t{0xB004};
    std::vector<LaunchStep> steps = pages;
    steps.push_back({.kind = Kind::vmsa, .gpa = 0, .data = bytes_of(boot)});
    for (std::uint16_t index = 1; index < published.cpus; ++index)
      steps.push_back({.kind = Kind::vmsa, .gpa = 0, .data = bytes_of(other), .vp_index = index});
    const auto launch = kvm_launch(steps, {.count = published.cpus});
    REQUIRE_OK(launch);
    for (const unsigned threads : {1u, 3u}) {
      options.threads = threads;
      CHECK(snp(launch->steps, options) == published.digest);
    }
  }
}

}  // namespace tintype
