#include "runner/machine_run.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "runner/runs.h"

using namespace tintype;
using guests::Code;
using guests::Image;
using guests::kCode;
using guests::Octets;
using process::Child;
using process::Ended;
using process::Input;
using runs::has;
using runs::run;
using runs::vector;

TEST_CASE("another vCPU starts on INIT and SIPI through the local APIC") {
  NEED_KVM();
  // Real mode at 0x8000: mov dx, 0x501; mov al, 33; out dx, al; hlt
  const Octets other = {0xBA, 0x01, 0x05, 0xB0, 33, 0xEE, 0xF4};
  Code xapic;
  xapic.store(0xFEE000F0, 0x1FF);  // on
  xapic.store(0xFEE00310, 1u << 24).store(0xFEE00300, 0x4500);
  xapic.mov_ecx(2000).bytes({0xE2, 0xFE});  // loop .
  xapic.store(0xFEE00310, 1u << 24).store(0xFEE00300, 0x4608).halt();
  // IA32_APIC_BASE.EXTD, then the 64-bit ICR at MSR 0x830
  Code x2apic;
  x2apic.mov_ecx(0x1B).bytes({0x0F, 0x32, 0x0D}).word(0xC00).bytes({0x0F, 0x30});  // rdmsr; or eax; wrmsr
  x2apic.mov_ecx(0x830).mov_edx(1).mov_eax(0x4500).bytes({0x0F, 0x30});
  x2apic.mov_ecx(2000).bytes({0xE2, 0xFE});
  x2apic.mov_ecx(0x830).mov_edx(1).mov_eax(0x4608).bytes({0x0F, 0x30}).halt();
  for (const bool wide : {false, true}) {
    CAPTURE(wide);
    const Code& code = wide ? x2apic : xapic;
    Image image;
    image.pages(0x8000, other).pages(kCode, code.octets()).start(guests::start_32());
    Machine machine;
    machine.memory = 16 * kMiB;
    machine.cpus = 2;
    machine.protocol = "test";
    const Ended ended = run(image.machine(machine).write());
    CHECK(ended.status == 33);
    CHECK(ended.err == "");
  }
}

TEST_CASE("each vCPU finds its own APIC ID in CPUID, and the hypervisor bit") {
  NEED_KVM();
  // mov eax, 1; cpuid; shr ebx, 24; test ecx, 1 << 31; jz fail; mov eax, ebx; exit
  Code code;
  code.mov_eax(1).bytes({0x0F, 0xA2, 0x85, 0xC9, 0x79, 12, 0xC1, 0xEB, 24, 0x89, 0xD8});
  code.mov_edx(x86::kExitPort).out_al().bytes({0xF4}).exit(77);
  CHECK(run(code).status == 0);
  // The same, started as vCPU 1 with registers of its own while vCPU 0 halts.
  VcpuX86 second = guests::start_32();
  second.rip = kCode + 0x100;
  Code both;
  both.halt().pad_to(0x100);
  Code text = both;
  for (const std::uint8_t byte : code.octets()) text.bytes({byte});
  Image image;
  image.pages(kCode, text.octets()).start(guests::start_32()).start(second, 1);
  CHECK(run(image.write(), {"--cpus", "2", "--timeout", "60"}).status == 1);
}

TEST_CASE("guests that other tools made run, and are told of their machine") {
  NEED_KVM();
  const Ended narrow = process::run({"--timeout", "60", "--cpus", "3", vector("digest/native-x64.igvm")});
  CHECK(narrow.status == 16);
  CHECK(has(narrow.out, "IGVM probe32"));
  CHECK(has(narrow.out, "si=cafe1234"));
  CHECK(has(narrow.out, "vp_count=00000003"));
  CHECK(has(narrow.out, "env_info=00000001"));
  CHECK(has(narrow.out, "init_data=8877665544332211"));
  CHECK(has(narrow.out, "mm 0000000000000000 0000000000010000 0000"));  // 256 MiB
  CHECK(has(narrow.out, "IGVM probe done"));
  const Ended wide =
      process::run({"--timeout", "60", "--memory", "5G", vector("digest/native-x64-long.igvm")});
  CHECK(wide.status == 16);
  CHECK(has(wide.out, "si=1122334455667788"));
  CHECK(has(wide.out, "vp_count=00000001"));
  CHECK(has(wide.out, "mm 0000000000000000 00000000000c0000 0000"));  // 3 GiB
  CHECK(has(wide.out, "mm 0000000000100000 0000000000080000 0000"));  // 2 GiB from 4 GiB on
}

TEST_CASE("a guest without registers starts at the reset vector") {
  NEED_KVM();
  Octets top(kPageSize, 0xF4);
  // mov dx, 0x501; mov al, 21; out dx, al
  const Octets code = {0xBA, 0x01, 0x05, 0xB0, 21, 0xEE};
  std::copy(code.begin(), code.end(), top.begin() + 0xFF0);
  CHECK(run(Image().pages(4 * kGiB - kPageSize, top).write()).status == 21);
}

TEST_CASE("registers that no processor can have are the file's fault") {
  NEED_KVM();
  VcpuX86 start = guests::start_32();
  start.cr0 = x86::kCr0Pg;  // paging without protection
  const Ended ended = run(Image().pages(kCode, Code().exit(0).octets()).start(start).write());
  CHECK(ended.status == 126);
  CHECK(has(ended.err, "cr0 0x80000000"));
}

TEST_CASE("what cannot be run is refused with its status") {
  CHECK(process::run({"--no-such-option", "x"}).status == 2);
  CHECK(process::run({}).status == 2);
  const Ended missing = process::run({"/nonexistent/image"});
  CHECK(missing.status == 126);
  CHECK(has(missing.err, "run-snapshot: /nonexistent/image: cannot be opened"));
  CHECK(process::run({vector("digest/tdx.igvm")}).status == 126);
  CHECK(process::run({vector("digest/aarch64.igvm")}).status == 126);
  CHECK(process::run({vector("reject/no-platform.igvm")}).status == 126);
  const Octets image = guests::image_of(Code().exit(0));
  Octets damaged = image;
  damaged[40] ^= 1;
  CHECK(run(damaged).status == 126);
}

namespace {

// IA32_APIC_BASE.EXTD, then the spurious interrupt vector register with the software enable.
Code& enable_x2apic(Code& code) {
  code.mov_ecx(0x1B).bytes({0x0F, 0x32, 0x0D}).word(0xC00).bytes({0x0F, 0x30});  // rdmsr; or eax; wrmsr
  return code.mov_ecx(0x80F).mov_edx(0).mov_eax(0x1FF).bytes({0x0F, 0x30});
}

// vCPU 0 waits for vCPU 258 to be up, sends the serial port's interrupt to APIC ID 258 and makes one; vCPU
// 258 ends the machine with 5 when it arrives. Both start with registers of their own.
Octets image_with_a_distant_interrupt() {
  constexpr std::uint32_t kUp = 0x5000, kDistant = 258;
  constexpr std::uint64_t kDistantCode = kCode + kPageSize;
  Code first;
  enable_x2apic(first).load(kUp).bytes({0xA8, 0x01, 0x74, 0xF7});  // test al, 1; jz back to the load
  first.store(0xFEC00000, 0x11 + 2 * x86::kSerialGsi).store(0xFEC00010, kDistant << 24 | kDistant >> 8 << 16);
  first.store(0xFEC00000, 0x10 + 2 * x86::kSerialGsi).store(0xFEC00010, 0x40);
  first.out(x86::kSerialPort + 4, 8).out(x86::kSerialPort + 1, 2).halt();  // OUT2; transmit interrupt
  Code distant;
  enable_x2apic(distant).store(kUp, 1).mov_ecx(0x822);          // the IRR's word 2
  distant.bytes({0x0F, 0x32, 0xA8, 0x01, 0x74, 0xFA}).exit(5);  // rdmsr; test al, 1; jz back
  VcpuX86 start = guests::start_32();
  start.rip = kDistantCode;
  Image image;
  image.pages(kCode, first.octets()).pages(kDistantCode, distant.octets());
  return image.start(guests::start_32()).start(start, kDistant).write();
}

}  // namespace

TEST_CASE("an interrupt of the IOAPIC reaches a vCPU above 255, and a vCPU need not fit the limit of files") {
  NEED_KVM();
  rlimit limit = {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit few = {.rlim_cur = std::min<rlim_t>(limit.rlim_cur, 100), .rlim_max = limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const Ended ended = run(image_with_a_distant_interrupt(), {"--timeout", "60", "--cpus", "259"});
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (ended.status == 126 && ended.err.find("needs 259 vCPUs") != std::string::npos) {
    skip_test("this host's KVM has fewer than 259 vCPUs");
    return;
  }
  CHECK(ended.err == "");
  CHECK(ended.status == 5);
}

TEST_CASE("a closed output does not change what the status says") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  ::close(ends[0]);
  CHECK(Child({"/nonexistent/image"}, {}, -1, ends[1]).wait().status == 126);
  CHECK(Child({"--no-such-option"}, {}, -1, ends[1]).wait().status == 2);
  const Ended help = Child({"--help"}, {}, ends[1]).wait();
  CHECK(help.status == 125);
  CHECK(has(help.err, "standard output: Broken pipe"));
  ::close(ends[1]);
}

TEST_CASE("more vCPUs than KVM has are refused with both numbers") {
  NEED_KVM();
  const Ended ended = run(Code().exit(4), {"--cpus", "1024", "--timeout", "60"});
  if (ended.status == 126) {
    CHECK(has(ended.err, "needs 1024 vCPUs, and this host's KVM"));
  } else {
    CHECK(ended.status == 4);  // this host has them
  }
}

TEST_CASE("memory beside the guest's stays under 3 MiB at the first port write of a 64 MiB image") {
  NEED_KVM();
  if (process::sanitized()) {
    skip_test("sanitizers need memory of their own: measured in the release build");
    return;
  }
  Octets pages(64 * kMiB, 0x5A);
  const Octets code = Code().print("R").halt().octets();
  std::copy(code.begin(), code.end(), pages.begin());
  const guests::TemporaryFile file(Image().pages(kCode, pages).start(guests::start_32()).write());
  Child child({file.path()}, {.kind = Input::Kind::held_open});
  REQUIRE(child.wait_for_output("R"));
  // RAM is what is mapped from the image, and the anonymous mappings next to it, which are larger than any
  // stack.
  std::ifstream maps("/proc/" + std::to_string(child.pid()) + "/smaps");
  std::uint64_t resident = 0;
  bool ram = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long start = 0, end = 0;
    unsigned long long kib = 0;
    char path[512] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %*s %*s %*s %*s %511s", &start, &end, path) >= 2) {
      ram = file.path() == path || (path[0] == 0 && end - start >= kMiB);
    } else if (std::sscanf(line.c_str(), "Rss: %llu kB", &kib) == 1 && !ram) {
      resident += kib;
    }
  }
  MESSAGE("resident outside RAM: " << resident << " KiB");
  CHECK(resident > 0);
  CHECK(resident <= 3 * 1024);
  child.signal(SIGINT);
  child.wait();
}
