// load_kernel() on any bytes, unpacked and as they are, and the relocation table of what it loads: an error
// with a sentence, or a kernel that keeps its promises.
#include <cstdio>
#include <cstdlib>

#include "formats/kernel.h"
#include "formats/kernel_relocs.h"
#include "formats/linux_boot.h"
#include "tests/support/kernel_invariants.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace tintype;

std::string moved(LoadedKernel& loaded) {
  const KernelSegment before = loaded.kernel.segments.front();
  const Result<void> result = relocate_kernel(loaded, 32 * kMiB, 2 * kMiB);
  if (!result) return result.error().what.empty() ? "an error of the relocations says nothing" : "";
  const KernelSegment& after = loaded.kernel.segments.front();
  const bool same = after.gpa == before.gpa + 2 * kMiB && after.data.size() == before.data.size();
  return same ? "" : "the kernel did not move as a whole";
}

std::string fault(Bytes file, bool keep_compressed) {
  auto loaded = load_kernel(file, {.keep_compressed = keep_compressed, .unpack_limit = kMiB});
  if (!loaded) return loaded.error().what.empty() ? "an error says nothing" : "";
  if (!try_make_boot_params(loaded->kernel, {})) return "its setup header does not fit boot_params";
  std::string broken = broken_invariant(*loaded, file);
  return broken.empty() ? moved(*loaded) : broken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const bool keep_compressed : {false, true}) {
    const std::string broken = fault({data, size}, keep_compressed);
    if (broken.empty()) continue;
    std::fprintf(stderr, "%s\n", broken.c_str());
    std::abort();
  }
  return 0;
}
