#include "formats/kernel_relocs.h"

#include "support/test_main.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

constexpr std::uint64_t kMoved = 34 * kMiB;

template <Wire T>
auto value_at(const LoadedKernel& loaded, std::uint64_t offset) {
  return read_at<T>(loaded.kernel.segments[0].data, offset, "code").value().value();
}

void check_moved(const LoadedKernel& loaded, bool differences) {
  constexpr std::uint64_t kLink = kKernelMap + tiny::kRelocatableBase;
  CHECK(value_at<le32>(loaded, 64) == static_cast<std::uint32_t>(kLink + kMoved + 5));
  CHECK(value_at<le32>(loaded, 68) == static_cast<std::uint32_t>(0 - kLink - (differences ? kMoved : 0)));
  CHECK(value_at<le64>(loaded, 72) == kLink + kMoved + 7);
  CHECK(loaded.kernel.virtual_base == kLink + kMoved);
  CHECK(loaded.kernel.segments[0].gpa == tiny::kRelocatableBase + 4 * kMiB);
  CHECK(loaded.kernel.segments[1].gpa == tiny::kRelocatableBase + 6 * kMiB);
  CHECK(loaded.kernel.entry == tiny::kRelocatableBase + 4 * kMiB);
}

TEST_CASE("every place that the table names moves, and the kernel with them") {
  for (const int lists : {2, 3}) {
    CAPTURE(lists);
    const tiny::File file = tiny::elf(tiny::relocatable_spec(lists));
    auto plain = load_kernel(file);
    REQUIRE_OK(plain);
    REQUIRE_OK(relocate_kernel(*plain, kMoved, 4 * kMiB));
    check_moved(*plain, lists == 3);
    // The file itself is somebody's mapping, and stays as it was.
    CHECK(file == tiny::elf(tiny::relocatable_spec(lists)));

    tiny::BzImageSpec spec = tiny::bzimage_spec();
    spec.kernel = file;
    const tiny::File image = tiny::bzimage(spec);
    auto unpacked = load_kernel(image);
    REQUIRE_OK(unpacked);
    REQUIRE_OK(relocate_kernel(*unpacked, kMoved, 4 * kMiB));
    check_moved(*unpacked, lists == 3);
  }
}

TEST_CASE("without a virtual move the bytes stay, and only the place changes") {
  const tiny::File file = tiny::elf(tiny::relocatable_spec());
  auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  REQUIRE_OK(relocate_kernel(*loaded, 0, 2 * kMiB));
  CHECK(loaded->kernel.segments[0].gpa == tiny::kRelocatableBase + 2 * kMiB);
  CHECK(loaded->kernel.segments[0].data.data() == file.data() + 64 + 2 * 56);
}

std::string error_of(const tiny::File& after) {
  tiny::ElfSpec spec = tiny::relocatable_spec();
  spec.after = after;
  const tiny::File file = tiny::elf(spec);
  auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  const auto moved = relocate_kernel(*loaded, 2 * kMiB, 0);
  return moved ? "no error" : moved.error().message();
}

tiny::File words(std::initializer_list<std::uint32_t> values) {
  tiny::File file;
  for (const std::uint32_t value : values)
    for (unsigned i = 0; i < 4; ++i) file.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return file;
}

TEST_CASE("a table of another form, or that points elsewhere, is refused") {
  CHECK(error_of({}).find("has no relocation table, so it cannot be moved") != std::string::npos);
  CHECK(error_of({0, 0, 0, 0, 1}).find("5 bytes follow the kernel's ELF file") != std::string::npos);
  CHECK(error_of(words({1, 0})).find("are not a relocation table") != std::string::npos);
  CHECK(error_of(words({0})).find("has one list") != std::string::npos);
  CHECK(error_of(words({0, 0, 0, 0})).find("more than three lists") != std::string::npos);
  CHECK(error_of(words({0, 0, 0})) == "no error");
  // Just before the kernel, its last bytes but not all of them, behind it, and what is no kernel address.
  for (const std::uint32_t place :
       {0x80FFFFFFu, 0x8100004Du, 0x81000050u, 0x81200008u, 0x1000000u, 0xFFFFFFFFu}) {
    CAPTURE(place);
    const std::string error = error_of(words({0, 0, place}));
    CHECK(error.find(fmt::format("an entry names {:#x}, where the kernel has no bytes",
                                 0xFFFFFFFF00000000 | place)) != std::string::npos);
  }
  CHECK(error_of(words({0, 0, 0x8100004C})) == "no error");
  CHECK(error_of(words({0, 0x8100004C, 0})).find("no bytes") != std::string::npos);
  CHECK(error_of(words({0, 0x81000048, 0})) == "no error");
}

}  // namespace
}  // namespace tintype
