// A layout from a kernel's bytes to the image, for tests that ask where things landed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "formats/linux_boot.h"
#include "formats/setup_data.h"
#include "layouts/check.h"
#include "layouts/protocol.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"

namespace tintype {

inline const BootProtocol& protocol_named(std::string_view name) {
  for (const BootProtocol* protocol : boot_protocols())
    if (protocol->name == name) return *protocol;
  FAIL("the protocol is not registered");
  std::abort();
}

// Everything that a compose makes between the kernel and the image, kept alive together.
struct Layout {
  tiny::File file;
  LoadedKernel loaded;
  std::vector<std::uint8_t> initrd;
  Inputs inputs;
  Arena arena;
  GuestImage image;

  const PlacedRegion& region(std::string_view name) const {
    const PlacedRegion* found = region_named(image, name);
    REQUIRE_MESSAGE(found, "no region '" << std::string(name) << "'");
    return *found;
  }
  std::vector<std::uint8_t> bytes(std::uint64_t gpa, std::uint64_t size) const {
    return bytes_at(image, gpa, size);
  }
  const VcpuX86& x86() const { return std::get<VcpuX86>(image.boot_vcpu); }
  const VcpuArm64& arm64() const { return std::get<VcpuArm64>(image.boot_vcpu); }
  template <Wire T>
  T at(std::uint64_t gpa) const {
    const auto found = bytes(gpa, sizeof(T));
    return read_at<T>(found, 0, "memory").value();
  }
  BootParams boot_params() const { return at<BootParams>(x86().rsi); }
};

struct Request {
  tiny::File kernel = tiny::elf();
  std::optional<std::vector<std::uint8_t>> initrd = std::nullopt;
  std::string cmdline = "console=ttyS0";
  std::uint64_t memory = 64 * kMiB;
  std::uint32_t cpus = 1;
  std::string protocol = "linux-x86_64";
  Gic gic = Gic::v3;  // of AArch64
  bool its = false;
  LoadOptions load = {};
  std::function<void(Inputs&)> change = [](Inputs&) {};
};

inline Result<std::unique_ptr<Layout>> lay_out(const Request& request) {
  auto layout = std::make_unique<Layout>();
  layout->file = request.kernel;
  layout->loaded = TRY(load_kernel(layout->file, request.load));
  layout->inputs.kernel = &layout->loaded.kernel;
  layout->inputs.machine = {.arch = layout->loaded.kernel.arch,
                            .gic = request.gic,
                            .its = request.its,
                            .memory = request.memory,
                            .cpus = request.cpus,
                            .protocol = request.protocol};
  layout->inputs.acpi = AcpiInputs{.machine = layout->inputs.machine};
  layout->inputs.cmdline = request.cmdline;
  if (request.initrd) {
    layout->initrd = *request.initrd;
    layout->inputs.initrd = {layout->initrd};
  }
  request.change(layout->inputs);
  const BootProtocol& protocol = protocol_named(request.protocol);
  TRY(protocol.accepts(layout->loaded.kernel));
  LayoutPlan plan(layout->inputs.machine);
  TRY(protocol.plan(layout->inputs, plan));
  TRY(plan.place());
  layout->image.regions = plan.realize(layout->arena);
  layout->image.machine = layout->inputs.machine;
  layout->image.memory = plan.addresses().memory();
  layout->image.boot_vcpu = protocol.entry(layout->inputs, plan.addresses());
  TRY(run_checks(layout->image));
  return layout;
}

inline std::unique_ptr<Layout> must_lay_out(const Request& request) {
  auto layout = lay_out(request);
  REQUIRE_OK(layout);
  return std::move(*layout);
}

inline std::string refusal(const Request& request) {
  const auto layout = lay_out(request);
  REQUIRE_FALSE(layout);
  return layout.error().message();
}

inline std::string text_at(const Layout& layout, std::uint64_t gpa, std::size_t size) {
  const auto bytes = layout.bytes(gpa, size);
  return {bytes.begin(), bytes.end()};
}

inline std::vector<std::uint8_t> initrd_of(std::size_t size) {
  std::vector<std::uint8_t> initrd(size);
  for (std::size_t i = 0; i < size; ++i) initrd[i] = static_cast<std::uint8_t>(i * 13 + i / 251 + 1);
  return initrd;
}

}  // namespace tintype
