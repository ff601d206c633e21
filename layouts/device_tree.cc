#include "layouts/device_tree.h"

#include <array>

#include "formats/fdt.h"

namespace tintype {

namespace {

// Devicetree bindings interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml: the first cell of an interrupt,
// and what the third says of it.
enum : std::uint32_t { kSpi = 0, kPpi = 1 };
enum : std::uint32_t { kEdgeRising = 1, kLevelHigh = 4 };
// GICv2 has in bits 8 to 15 of the third cell the processors that a PPI goes to.
constexpr std::uint32_t kPpiCpuShift = 8;
// INTIDs of private peripheral interrupts start here (Arm IHI 0069, 2.2.1).
constexpr std::uint32_t kFirstPpi = 16;

// include/uapi/linux/input-event-codes.h, KEY_POWER
constexpr std::uint32_t kKeyPower = 116;
// Devicetree bindings gpio/gpio.txt, GPIO_ACTIVE_HIGH
constexpr std::uint32_t kGpioActiveHigh = 0;

constexpr char kClockName[] = "apb_pclk";

// What labels stand for. A vCPU's and a slot's number is added.
enum Phandle : std::uint32_t {
  kGicPhandle = 1,
  kClockPhandle,
  kGpioPhandle,
  kChosenPhandle,
  kMemoryPhandle,
  kCpusPhandle,
  kPsciPhandle,
  kTimerPhandle,
  kItsPhandle,
  kUartPhandle,
  kRtcPhandle,
  kGpioKeysPhandle,
  kPowerKeyPhandle,
  kExitCodePhandle,
  kVirtioPhandle = 0x40,
  kCpuPhandle = 0x100,
};

// The writer, and the paths of what has a label.
class Tree {
 public:
  explicit Tree(const Machine& machine) : machine_(machine) {}

  const Machine& machine() const { return machine_; }
  FdtWriter* operator->() { return &writer_; }

  void begin(const std::string& name) {
    path_.push_back(name);
    writer_.begin(name);
  }
  void begin(const std::string& name, const std::string& label, std::uint32_t phandle) {
    begin(name);
    writer_.cell("phandle", phandle);
    std::string path;
    for (std::size_t i = 1; i < path_.size(); ++i) path += "/" + path_[i];
    symbols_.push_back({label, path});
  }
  void end() {
    path_.pop_back();
    writer_.end();
  }
  void add_symbols() {
    begin("__symbols__");
    for (const Symbol& symbol : symbols_) writer_.string(symbol.label, symbol.path);
    end();
  }

  // "reg" where addresses and sizes have two cells each.
  void reg(std::uint64_t base, std::uint64_t size) { writer_.wide_cells("reg", {{base, size}}); }
  void spi(std::uint32_t line, std::uint32_t trigger) {
    writer_.cells("interrupts", {{kSpi, line, trigger}});
  }

 private:
  struct Symbol {
    std::string label;
    std::string path;
  };
  const Machine& machine_;
  FdtWriter writer_;
  std::vector<std::string> path_;
  std::vector<Symbol> symbols_;
};

std::string unit(std::string_view name, std::uint64_t address) {
  return fmt::format("{}@{:x}", name, address);
}

// Devicetree Specification 0.4, 3.3 "/aliases" and 3.6 "/chosen"
void add_chosen(Tree& tree) {
  const std::string console = "/" + unit("serial", arm64::kUart);
  tree.begin("aliases");
  tree->string("serial0", console);
  tree.end();
  tree.begin("chosen", "chosen", kChosenPhandle);
  tree->string("stdout-path", console);
  tree.end();
}

// Devicetree Specification 0.4, 3.4 "/memory"
void add_memory(Tree& tree) {
  tree.begin(unit("memory", arm64::kRamStart), "memory", kMemoryPhandle);
  tree->string("device_type", "memory");
  tree.reg(arm64::kRamStart, tree.machine().memory);
  tree.end();
}

// cpu/cpu-topology.txt: one socket, whose cores are in one cluster.
void add_cpu_map(Tree& tree) {
  tree.begin("cpu-map");
  tree.begin("cluster0");
  for (std::uint32_t i = 0; i < tree.machine().cpus; ++i) {
    tree.begin(fmt::format("core{}", i));
    tree->cell("cpu", kCpuPhandle + i);
    tree.end();
  }
  tree.end();
  tree.end();
}

// arm/cpus.yaml: one cell holds an affinity without Aff3. What a vCPU is the host decides, so nothing more is
// said than its architecture.
void add_cpus(Tree& tree) {
  tree.begin("cpus", "cpus", kCpusPhandle);
  tree->cell("#address-cells", 1);
  tree->cell("#size-cells", 0);
  add_cpu_map(tree);
  for (std::uint32_t i = 0; i < tree.machine().cpus; ++i) {
    const auto affinity = static_cast<std::uint32_t>(arm64_mpidr(i));
    tree.begin(unit("cpu", affinity), fmt::format("cpu{}", i), kCpuPhandle + i);
    tree->string("device_type", "cpu");
    tree->string("compatible", "arm,armv8");
    tree->cell("reg", affinity);
    tree->string("enable-method", "psci");
    tree.end();
  }
  tree.end();
}

// arm/psci.yaml
void add_psci(Tree& tree) {
  tree.begin("psci", "psci", kPsciPhandle);
  tree->strings("compatible", {"arm,psci-1.0", "arm,psci-0.2"});
  tree->string("method", "hvc");
  tree.end();
}

// timer/arm,arch_timer.yaml. The virtual counter runs on while no vCPU does.
void add_timer(Tree& tree) {
  const Machine& machine = tree.machine();
  const std::uint32_t cpus = machine.gic == Gic::v2 ? (1u << machine.cpus) - 1 : 0;
  const std::uint32_t flags = kLevelHigh | cpus << kPpiCpuShift;
  std::vector<std::uint32_t> interrupts;
  for (const std::uint32_t intid :
       {arm64::kSecureTimer, arm64::kPhysicalTimer, arm64::kVirtualTimer, arm64::kHypervisorTimer})
    interrupts.insert(interrupts.end(), {kPpi, intid - kFirstPpi, flags});
  tree.begin("timer", "timer", kTimerPhandle);
  tree->string("compatible", "arm,armv8-timer");
  tree->cells("interrupts", interrupts);
  tree->flag("always-on");
  tree.end();
}

// interrupt-controller/arm,gic.yaml
void add_gic_v2(Tree& tree) {
  tree->string("compatible", "arm,gic-400");
  tree->cell("#address-cells", 0);
  tree->wide_cells("reg", {{arm64::kGicd, arm64::kGicdSize, arm64::kGicc, arm64::kGiccSize}});
}

// interrupt-controller/arm,gic-v3.yaml
void add_gic_v3(Tree& tree) {
  const Machine& machine = tree.machine();
  tree->string("compatible", "arm,gic-v3");
  tree->cell("#redistributor-regions", 1);
  tree->wide_cells("reg",
                   {{arm64::kGicd, arm64::kGicdSize, arm64::kGicr, machine.cpus * arm64::kGicrStride}});
  // Of a child's address; and, since no interrupt-map goes here, of nothing else.
  tree->cell("#address-cells", machine.its ? 2 : 0);
  if (!machine.its) return;
  tree->cell("#size-cells", 2);
  tree->flag("ranges");
  tree.begin(unit("msi-controller", arm64::kIts), "its", kItsPhandle);
  tree->string("compatible", "arm,gic-v3-its");
  tree->flag("msi-controller");
  tree->cell("#msi-cells", 1);
  tree.reg(arm64::kIts, arm64::kItsSize);
  tree.end();
}

void add_gic(Tree& tree) {
  tree.begin(unit("interrupt-controller", arm64::kGicd), "gic", kGicPhandle);
  tree->flag("interrupt-controller");
  tree->cell("#interrupt-cells", 3);
  if (tree.machine().gic == Gic::v2)
    add_gic_v2(tree);
  else
    add_gic_v3(tree);
  tree.end();
}

// clock/fixed-clock.yaml. Linux's driver for the bus of the PrimeCells wants to turn a clock on.
void add_clock(Tree& tree) {
  tree.begin("apb-pclk", kClockName, kClockPhandle);
  tree->string("compatible", "fixed-clock");
  tree->cell("#clock-cells", 0);
  tree->cell("clock-frequency", arm64::kUartClock);
  tree->string("clock-output-names", "clk24mhz");
  tree.end();
}

// arm/primecell.yaml
void begin_primecell(Tree& tree, std::string_view name, const std::string& label, std::uint32_t phandle,
                     std::string_view compatible, std::uint64_t base, std::uint32_t spi) {
  tree.begin(unit(name, base), label, phandle);
  tree->strings("compatible", {compatible, "arm,primecell"});
  tree.reg(base, arm64::kDeviceSize);
  tree.spi(spi, kLevelHigh);
}

// serial/pl011.yaml, rtc/arm,pl031.yaml
void add_uart_and_rtc(Tree& tree) {
  begin_primecell(tree, "serial", "uart0", kUartPhandle, "arm,pl011", arm64::kUart, arm64::kUartSpi);
  tree->cells("clocks", {{kClockPhandle, kClockPhandle}});
  tree->strings("clock-names", {"uartclk", kClockName});
  tree.end();
  begin_primecell(tree, "rtc", "rtc", kRtcPhandle, "arm,pl031", arm64::kRtc, arm64::kRtcSpi);
  tree->cell("clocks", kClockPhandle);
  tree->string("clock-names", kClockName);
  tree.end();
}

// gpio/pl061-gpio.yaml, input/gpio-keys.yaml
void add_power_key(Tree& tree) {
  begin_primecell(tree, "gpio", "gpio0", kGpioPhandle, "arm,pl061", arm64::kGpio, arm64::kGpioSpi);
  tree->flag("gpio-controller");
  tree->cell("#gpio-cells", 2);
  tree->flag("interrupt-controller");
  tree->cell("#interrupt-cells", 2);
  tree->cell("#address-cells", 0);
  tree->cell("clocks", kClockPhandle);
  tree->string("clock-names", kClockName);
  tree.end();
  tree.begin("gpio-keys", "gpio_keys", kGpioKeysPhandle);
  tree->string("compatible", "gpio-keys");
  tree.begin("power-key", "power_key", kPowerKeyPhandle);
  tree->string("label", "Power");
  tree->cell("linux,code", kKeyPower);
  tree->cells("gpios", {{kGpioPhandle, arm64::kPowerPin, kGpioActiveHigh}});
  tree.end();
  tree.end();
}

// Ours: a 32-bit write is the runner's exit status.
void add_exit_code(Tree& tree) {
  tree.begin(unit("exit-code", arm64::kExitCode), "exit_code", kExitCodePhandle);
  tree->string("compatible", "tintype,exit-code");
  tree.reg(arm64::kExitCode, arm64::kDeviceSize);
  tree.end();
}

// virtio/mmio.yaml
void add_virtio(Tree& tree) {
  for (std::uint32_t i = 0; i < arm64::kVirtioSlots; ++i) {
    const std::uint64_t base = arm64::kVirtioBase + i * arm64::kVirtioStride;
    tree.begin(unit("virtio", base), fmt::format("virtio{}", i), kVirtioPhandle + i);
    tree->string("compatible", "virtio,mmio");
    tree.reg(base, arm64::kVirtioStride);
    tree.spi(arm64::kVirtioSpi + i, kEdgeRising);
    tree->flag("dma-coherent");
    tree.end();
  }
}

}  // namespace

std::vector<std::uint8_t> machine_device_tree(const Machine& machine, bool symbols) {
  Tree tree(machine);
  tree.begin("");
  // arm/linux,dummy-virt.yaml: a machine without a board's code in the kernel.
  tree->string("compatible", "linux,dummy-virt");
  tree->string("model", "tintype,arm64");
  tree->cell("#address-cells", 2);
  tree->cell("#size-cells", 2);
  tree->cell("interrupt-parent", kGicPhandle);
  for (const auto add : {add_chosen, add_memory, add_cpus, add_psci, add_timer, add_gic, add_clock,
                         add_uart_and_rtc, add_power_key, add_exit_code, add_virtio})
    add(tree);
  if (symbols) tree.add_symbols();
  tree.end();
  return tree->finish();
}

}  // namespace tintype
