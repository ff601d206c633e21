#include "composer/verify.h"

#include <fstream>

#include "composer/compose.h"
#include "composer/files.h"
#include "composer/manifest.h"
#include "formats/machine_tree.h"
#include "support/temporary_folder.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

void compose_to(const std::string& output, const TemporaryFolder& folder, const std::string& cmdline,
                std::uint32_t cpus = 1) {
  const BuildOptions options = {.output = output,
                                .kernel = folder.write("vmlinux", tiny::elf()),
                                .cmdline = cmdline,
                                .memory = 64 * kMiB,
                                .cpus = cpus};
  Progress progress("test");
  REQUIRE_OK(compose(options, progress));
}

LaunchDigest digest_of(const std::string& path) {
  const auto input = InputFile::open_snapshot(path);
  REQUIRE_OK(input);
  const auto file = igvm::read(input->bytes());
  REQUIRE_OK(file);
  const auto launch = native_launch(*file, read_machine(input->bytes()).value());
  REQUIRE_OK(launch);
  return measure_native(*launch);
}

void write_manifest(const std::string& image, const std::string& path) {
  const auto input = InputFile::open_snapshot(image);
  REQUIRE_OK(input);
  const auto file = igvm::read(input->bytes());
  REQUIRE_OK(file);
  auto manifest = describe(*file, *read_machine(input->bytes()).value());
  REQUIRE_OK(manifest);
  manifest->recipe = Json::object();
  std::ofstream(path) << manifest_text(*manifest);
}

std::string error_of(const VerifyOptions& options) {
  const auto result = verify(options);
  return result ? "it was verified" : result.error().message();
}

TEST_CASE("a snapshot has its own digest, compressed or not, and not another one's") {
  const TemporaryFolder folder;
  const std::string image = folder / "image.bin", packed = folder / "image.bin.zst", other = folder / "other";
  compose_to(image, folder, "quiet");
  compose_to(packed, folder, "quiet");
  compose_to(other, folder, "quiet debug");
  const LaunchDigest digest = digest_of(image), others = digest_of(other);
  REQUIRE(digest.value != others.value);
  CHECK(verify({.file = image, .manifest = {}, .digests = {digest}}).value() ==
        image + ": as expected: " + digest.text() + "\n");
  REQUIRE_OK(verify({.file = packed, .manifest = {}, .digests = {digest}}));
  CHECK(error_of({.file = other, .manifest = {}, .digests = {digest}}) ==
        other + ": has the launch digest " + others.text() + ", and " + digest.text() +
            " is expected: it is another snapshot, or was changed");
}

TEST_CASE("a platform that the file does not declare has no digest") {
  const std::string file = std::string(TINTYPE_TESTS_DIR) + "/vectors/igvm/digest/native-x64.igvm";
  const LaunchDigest zero = {LaunchPlatform::tdx, std::vector<std::uint8_t>(48)};
  CHECK(error_of({.file = file, .manifest = {}, .digests = {zero}}) ==
        file + " declares native only, and " + zero.text() + " is expected");
}

TEST_CASE("options about a platform are of no use without its digest") {
  const TemporaryFolder folder;
  const std::string image = folder / "image.bin", manifest = folder / "image.json";
  compose_to(image, folder, "quiet");
  write_manifest(image, manifest);
  CHECK(error_of({.file = image, .manifest = manifest, .digests = {}, .about = LaunchPlatform::tdx}) ==
        "there are options about tdx, and no digest of it is expected: add --digest tdx=HEX, or leave them "
        "out");
}

TEST_CASE("a manifest's regions are held against those of the file") {
  const TemporaryFolder folder;
  const std::string image = folder / "image.bin", path = folder / "image.json";
  compose_to(image, folder, "quiet");
  write_manifest(image, path);
  // The manifest with `from`, where it first stands behind "regions", as `to`.
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = text_of(path);
    const std::size_t at = text.find(from, text.find("\"regions\""));
    REQUIRE(at != text.npos);
    std::ofstream(folder / "changed.json") << text.replace(at, from.size(), to);
    return error_of({.file = image, .manifest = folder / "changed.json", .digests = {}});
  };
  CHECK(changed("\"gdt\"", "\"gdt\"") == "it was verified");
  CHECK(changed("\"gdt\"", "\"gtd\"").find("has region 'gdt' 0x") != std::string::npos);
  CHECK(changed("\"normal\"", "\"shared\"").find(", normal, and the manifest says ") != std::string::npos);
  const std::string text = text_of(path);
  const std::size_t hash = text.find("\"sha256\": \"", text.find("\"regions\"")) + 11;
  const std::string right = text.substr(hash, 64);
  CHECK(changed(right, std::string(64, '0'))
            .find("the SHA-256 " + right + ", and the manifest says " + std::string(64, '0')) !=
        std::string::npos);
  CHECK(changed("\"name\"",
                "\"name\": \"more\", \"gpa\": \"0x1\", \"size\": 1, \"kind\": \"normal\", "
                "\"sha256\": null}, {\"name\"")
            .find("has a number of regions of ") != std::string::npos);
}

TEST_CASE("a manifest is of one snapshot") {
  const TemporaryFolder folder;
  const std::string image = folder / "image.bin", manifest = folder / "image.json";
  compose_to(image, folder, "quiet");
  write_manifest(image, manifest);
  REQUIRE_OK(verify({.file = image, .manifest = manifest, .digests = {digest_of(image)}}));
  const std::string cpus = folder / "cpus", cmdline = folder / "cmdline";
  compose_to(cpus, folder, "quiet", 2);
  CHECK(error_of({.file = cpus, .manifest = manifest, .digests = {}}) ==
        cpus +
            ": has a number of vCPUs of 2, and the manifest says 1: it is another snapshot, or was changed");
  compose_to(cmdline, folder, "loud");
  CHECK(error_of({.file = cmdline, .manifest = manifest, .digests = {}})
            .find("has the launch digest native sha256:") != std::string::npos);
  const std::string text = text_of(manifest);
  const std::string hash = to_hex(sha256(tiny::elf()));
  REQUIRE(text.find(hash) != std::string::npos);
  std::string changed = text;
  changed.replace(changed.find(hash), 64, std::string(64, '0'));
  std::ofstream(folder / "changed.json") << changed;
  CHECK(error_of({.file = image, .manifest = folder / "changed.json", .digests = {}}) ==
        image + ": has for component 'kernel' the SHA-256 " + hash + ", and the manifest says " +
            std::string(64, '0') + ": it is another snapshot, or was changed");
  const std::string foreign = std::string(TINTYPE_TESTS_DIR) + "/vectors/igvm/digest/native-x64.igvm";
  CHECK(error_of({.file = foreign, .manifest = manifest, .digests = {}}) ==
        foreign + ": has no machine description, so it is not what " + manifest + " is of");
}

}  // namespace
}  // namespace tintype
