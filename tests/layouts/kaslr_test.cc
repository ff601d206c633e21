#include "layouts/kaslr.h"

#include <set>

#include "support/test_main.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

constexpr std::uint64_t kLink = tiny::kRelocatableBase;
constexpr std::uint64_t kRam = 64 * kMiB;

struct Loaded {
  tiny::File file;
  LoadedKernel loaded;
};

std::unique_ptr<Loaded> load(tiny::ElfSpec spec = tiny::relocatable_spec()) {
  auto result = std::make_unique<Loaded>();
  tiny::BzImageSpec image = tiny::bzimage_spec();
  image.kernel = tiny::elf(spec);
  image.header.init_size = static_cast<std::uint32_t>(5 * kMiB);
  result->file = tiny::bzimage(image);
  auto loaded = load_kernel(result->file);
  REQUIRE_OK(loaded);
  result->loaded = std::move(*loaded);
  return result;
}

std::string error_of(const Kernel& kernel, std::uint64_t initrd = 0, std::uint64_t ram = kRam) {
  const auto place = choose_kernel_place(kernel, bytes_of(std::string_view("s")), initrd, ram);
  return place ? "no error" : place.error().message();
}

TEST_CASE("a seed chooses among all places that there are, and the same one each time") {
  const auto kernel = load();
  std::set<std::uint64_t> physical, virtual_addresses;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    const le32 bytes(seed);
    const auto place = choose_kernel_place(kernel->loaded.kernel, bytes_of(bytes), 3 * kMiB, kRam);
    REQUIRE_OK(place);
    CHECK(place->by == KernelPlace::By::seed);
    CHECK(*place == *choose_kernel_place(kernel->loaded.kernel, bytes_of(bytes), 3 * kMiB, kRam));
    physical.insert(place->physical);
    virtual_addresses.insert(place->virtual_address);
  }
  // 6 MiB of kernel and 4 MiB of initrd between 16 and 64 MiB, in steps of 2 MiB.
  CHECK(*physical.begin() == kLink);
  CHECK(*physical.rbegin() == kRam - 10 * kMiB);
  CHECK(physical.size() == 20);
  for (const std::uint64_t address : physical) CHECK(is_aligned(address, 2 * kMiB));
  // 6 MiB from 16 MiB to 1 GiB: 502 places, of which 400 draws find more than half.
  CHECK(*virtual_addresses.begin() >= kKernelMap + kLink);
  CHECK(*virtual_addresses.rbegin() <= kKernelMap + kGiB - 6 * kMiB);
  CHECK(virtual_addresses.size() > 251);
  for (const std::uint64_t address : virtual_addresses) CHECK(is_aligned(address, 2 * kMiB));
}

TEST_CASE("the places of a known seed") {
  // printf 'tintype kaslr physical\x01\x02' | sha256sum: the first eight bytes, little-endian, modulo 20; and
  // the same of 'virtual', modulo 502.
  const auto kernel = load();
  const std::uint8_t seed[] = {1, 2};
  const auto place = choose_kernel_place(kernel->loaded.kernel, seed, 3 * kMiB, kRam);
  REQUIRE_OK(place);
  CHECK(place->physical == kLink + 3 * 2 * kMiB);
  CHECK(place->virtual_address == kKernelMap + kLink + 241 * 2 * kMiB);
}

TEST_CASE("a kernel's alignment is its own") {
  auto kernel = load();
  kernel->loaded.kernel.setup->kernel_alignment = static_cast<std::uint32_t>(16 * kMiB);
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const auto place = choose_kernel_place(kernel->loaded.kernel, bytes_of(le32(seed)), 0, kRam);
    REQUIRE_OK(place);
    CHECK(is_aligned(place->physical, 16 * kMiB));
    CHECK(is_aligned(place->virtual_address, 16 * kMiB));
  }
  kernel->loaded.kernel.setup->kernel_alignment = 0x300000;
  CHECK(error_of(kernel->loaded.kernel).find("are not those of an x86_64 Linux") != std::string::npos);
}

TEST_CASE("what cannot be moved says why") {
  auto kernel = load();
  CHECK(error_of(kernel->loaded.kernel, 0, kLink + 6 * kMiB) == "no error");
  CHECK(error_of(kernel->loaded.kernel, 0, kLink + 6 * kMiB - 1).find("give --memory at least 22M") !=
        std::string::npos);
  CHECK(error_of(kernel->loaded.kernel, 1, kLink + 6 * kMiB).find("give --memory at least 24M") !=
        std::string::npos);
  CHECK(error_of(kernel->loaded.kernel, 0, kMiB).find("give --memory at least 22M") != std::string::npos);
  tiny::ElfSpec spec = tiny::relocatable_spec();
  spec.after.clear();
  CHECK(error_of(load(spec)->loaded.kernel).find("has no relocation table") != std::string::npos);
  spec = tiny::relocatable_spec();
  spec.segments[0].vaddr += 2 * kMiB;
  CHECK(error_of(load(spec)->loaded.kernel).find("are not those of an x86_64 Linux") != std::string::npos);
  kernel->loaded.kernel.is_linux = false;
  CHECK(error_of(kernel->loaded.kernel).find("moves Linux kernels, and this is none") != std::string::npos);
  kernel->loaded.kernel.unpacks_itself = true;
  CHECK(error_of(kernel->loaded.kernel).find("with --keep-compressed it chooses its place at boot") !=
        std::string::npos);
}

}  // namespace
}  // namespace tintype
