#include "runner/expect.h"

#include "formats/digest_text.h"
#include "formats/machine_tree.h"
#include "formats/ordered_work.h"

namespace tintype {

Result<LaunchDigest> parse_expected(std::string_view text) {
  const std::string_view platform = text.substr(0, text.find('='));
  if (platform.size() < text.size() && platform != launch_platform_name(LaunchPlatform::native))
    return fail(
        "--expect takes native=HEX, and not '{}': this runner launches no isolated machines, so only "
        "their own firmware can say what was launched",
        platform);
  return with_context(parse_launch_digest(text), "--expect");
}

Result<void> check_expected(Bytes file, const GuestMemory& memory, const LaunchDigest& expected) {
  NativeLaunch launch = TRY(native_launch(TRY(igvm::read(file)), TRY(read_machine(file))));
  for (LaunchStep& step : launch.steps) {
    // Pages of zeroes have no data, and are not touched: memory that nothing was loaded to is zero.
    if (step.kind != LaunchStep::Kind::page || step.data.empty()) continue;
    const auto held = memory.at(step.gpa, step.data.size());
    if (!held) return fail("has pages at {:#x} that lie outside memory", step.gpa);
    step.data = *held;
  }
  return expect_digest(measure_native(launch, {.threads = usable_threads()}), expected);
}

}  // namespace tintype
