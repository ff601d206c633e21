// load_kernel() on any bytes: an error with a sentence, or a kernel that keeps its promises.
#include <cstdio>
#include <cstdlib>

#include "formats/kernel.h"
#include "formats/linux_boot.h"
#include "tests/support/kernel_invariants.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tintype::Bytes file(data, size);
  const auto loaded = tintype::load_kernel(file, {.unpack_limit = tintype::kMiB});
  std::string broken;
  if (!loaded)
    broken = loaded.error().what.empty() ? "an error says nothing" : "";
  else if (!try_make_boot_params(loaded->kernel, {}))
    broken = "its setup header does not fit boot_params";
  else
    broken = tintype::broken_invariant(*loaded, file);
  if (broken.empty()) return 0;
  std::fprintf(stderr, "%s\n", broken.c_str());
  std::abort();
}
