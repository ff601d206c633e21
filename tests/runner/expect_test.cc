#include "runner/expect.h"

#include <sys/mman.h>
#include <unistd.h>

#include "formats/container.h"
#include "formats/machine_tree.h"
#include "runner/load.h"
#include "runner/runs.h"
#include "runner/snapshot_file.h"

using namespace tintype;
using guests::Code;
using guests::Image;
using guests::kCode;
using guests::Octets;
using process::Ended;
using runs::has;
using runs::run;

namespace {

Octets image_of(std::uint8_t status) {
  Machine machine;
  machine.memory = 16 * kMiB;
  machine.protocol = "test";
  Image image;
  image.pages(kCode, Code().exit(status).octets()).start(guests::start_32());
  return image.machine(machine).write();
}

LaunchDigest digest_of(const Octets& image) {
  const auto launch = native_launch(igvm::read(image).value(), read_machine(image).value());
  REQUIRE_OK(launch);
  return measure_native(*launch);
}

Octets packed(const Octets& image) {
  Octets result;
  ContainerWriter writer(
      [&](Bytes part) -> Result<void> {
        result.insert(result.end(), part.begin(), part.end());
        return {};
      },
      1);
  REQUIRE_OK(writer.write(image));
  REQUIRE_OK(writer.finish());
  return result;
}

std::string hex_of(const Octets& image) {
  return to_hex(digest_of(image).value);
}

}  // namespace

TEST_CASE("what is expected runs, compressed or not, and nothing else") {
  NEED_KVM();
  const Octets image = image_of(33), other = image_of(34);
  REQUIRE(hex_of(image) != hex_of(other));
  const std::string ours = "native=" + hex_of(image), theirs = "native=sha256:" + hex_of(other);
  CHECK(run(image, {"--timeout", "60", "--expect", ours}).status == 33);
  CHECK(run(packed(image)).status == 33);
  CHECK(run(packed(image), {"--timeout", "60", "--expect", ours}).status == 33);
  for (const Octets& file : {image, packed(image)}) {
    const Ended ended = run(file, {"--timeout", "60", "--expect", theirs});
    CHECK(ended.status == 126);
    CHECK(has(ended.err, "has the launch digest native sha256:" + hex_of(image)));
    CHECK(has(ended.err, "and native sha256:" + hex_of(other) + " is expected"));
  }
}

TEST_CASE("what was hashed is what runs: a later change of the file reaches neither") {
  const Octets image = image_of(33);
  const guests::TemporaryFile file(image);
  auto opened = MappedFile::open(file.path());
  REQUIRE_OK(opened);
  const auto settled = settle_bytes(std::move(*opened), true);
  REQUIRE_OK(settled);
  const auto plan = plan_guest(settled->bytes(), {}, Arch::x86_64);
  REQUIRE_OK(plan);
  const auto memory = GuestMemory::reserve(plan->memory);
  REQUIRE_OK(memory);
  REQUIRE_OK(load_guest(*plan, *settled, *memory));
  const Octets other = image_of(34);
  REQUIRE(other.size() == image.size());
  std::ofstream(file.path(), std::ios::binary | std::ios::in)
      .write(reinterpret_cast<const char*>(other.data()), static_cast<std::streamsize>(other.size()));
  REQUIRE_OK(check_expected(settled->bytes(), *memory, digest_of(image)));
  CHECK_FALSE(check_expected(settled->bytes(), *memory, digest_of(other)));
  // Nobody can write to the copy, not even this process.
  CHECK(::pwrite(settled->fd(), "x", 1, 0) == -1);
  CHECK(::ftruncate(settled->fd(), 0) == -1);
  CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, settled->fd(), 0) == MAP_FAILED);
  // Guest memory itself is what is looked at.
  (*memory->at(kCode, 1))[0] ^= 1;
  CHECK_FALSE(check_expected(settled->bytes(), *memory, digest_of(image)));
}

TEST_CASE("a file that needs no copy is run as it is") {
  const guests::TemporaryFile file(image_of(1));
  auto opened = MappedFile::open(file.path());
  REQUIRE_OK(opened);
  const int fd = opened->fd();
  const auto settled = settle_bytes(std::move(*opened), false);
  REQUIRE_OK(settled);
  CHECK(settled->fd() == fd);
}

TEST_CASE("only the native digest can be expected here") {
  CHECK(parse_expected("native=" + std::string(64, '0')).value().value == std::vector<std::uint8_t>(32));
  CHECK(parse_expected("snp=" + std::string(96, '0')).error().message() ==
        "--expect takes native=HEX, and not 'snp': this runner launches no isolated machines, so only their "
        "own "
        "firmware can say what was launched");
  for (const char* text : {"snp=12", "all=", "=12"})
    CHECK(has(parse_expected(text).error().message(), "--expect takes native=HEX, and not '"));
  CHECK(has(parse_expected("12").error().message(), "'12' is no platform and digest: write them as "));
  CHECK(has(parse_expected("native=12").error().message(), "has 64 hexadecimal digits, and this has 2"));
}
