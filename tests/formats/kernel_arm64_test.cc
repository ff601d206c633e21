#include "formats/kernel_arm64.h"

#include "support/kernel_invariants.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"

using namespace tintype;
using tiny::File;

TEST_CASE("an Image is one segment, entered at its start") {
  const File file = tiny::arm64_image();
  const auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  const Kernel& kernel = loaded->kernel;
  CHECK(broken_invariant(*loaded, file) == "");
  CHECK(kernel.arch == Arch::aarch64);
  CHECK(kernel.format == "arm64 Image");
  CHECK(kernel.is_linux);
  CHECK(kernel.is_64bit);
  CHECK(kernel.version == "6.99.0-tiny (tests) #1 SMP");
  CHECK(kernel.entry == 0);
  CHECK_FALSE(kernel.pvh_entry.has_value());
  REQUIRE(kernel.segments.size() == 1);
  CHECK(kernel.segments[0].gpa == 0);
  CHECK(kernel.segments[0].data.data() == file.data());
  CHECK(kernel.segments[0].data.size() == file.size());
  CHECK(kernel.segments[0].memory_size == 0x20000);
  REQUIRE(kernel.arm64.has_value());
  CHECK(kernel.arm64->text_offset == 0);
  CHECK(kernel.arm64->image_size == 0x20000);
  CHECK(kernel.arm64->page_size == 4096);
  CHECK(kernel.arm64->anywhere);
}
