// Guests of a few instructions under real KVM, in the real run-snapshot.
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

#include "runner/guests.h"
#include "runner/process.h"

using namespace tintype;
using guests::Code;
using guests::Image;
using guests::kCode;
using guests::Octets;
using process::Child;
using process::Ended;
using process::Input;

namespace {

#define NEED_KVM()                             \
  if (const auto reason = process::no_kvm()) { \
    skip_test(*reason);                        \
    return;                                    \
  }

Ended run(const Octets& image, std::vector<std::string> options = {}, Input input = {}) {
  const guests::TemporaryFile file(image);
  options.push_back(file.path());
  return process::run(options, std::move(input));
}

Ended run(const Code& code, std::vector<std::string> options = {}, Input input = {}) {
  return run(guests::image_of(code), std::move(options), std::move(input));
}

bool has(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

std::string vector(const std::string& name) {
  return std::string(TINTYPE_TESTS_DIR) + "/vectors/igvm/" + name;
}

}  // namespace

TEST_CASE("the code that a guest writes to the exit port is the status") {
  NEED_KVM();
  for (const std::uint8_t code : {std::uint8_t{0}, std::uint8_t{42}, std::uint8_t{119}}) {
    const Ended ended = run(Code().exit(code));
    CHECK(ended.status == code);
    CHECK(ended.err.empty());
  }
  const Ended ended = run(Code().exit(200));
  CHECK(ended.status == 121);
  CHECK(has(ended.err, "200"));
}

TEST_CASE("power-off, reset and the keyboard controller's reset") {
  NEED_KVM();
  CHECK(run(Code().out(x86::kSleepControlPort, kSleepEnable | kSleepTypeOff << 2).halt()).status == 0);
  const Ended reset = run(Code().out(x86::kResetPort, 1).halt());
  CHECK(reset.status == 120);
  CHECK(has(reset.err, "reset"));
  CHECK(run(Code().out(x86::kI8042Port, 0xFE).halt()).status == 120);
}

TEST_CASE("a panic event is a crash with registers; a crash kernel's is nothing") {
  NEED_KVM();
  Code panic;
  panic.mov_esi(0xCAFE1234).out(x86::kPvpanicPort, 1).halt();
  const Ended ended = run(panic);
  CHECK(ended.status == 121);
  CHECK(has(ended.err, "the guest panicked"));
  CHECK(has(ended.err, "rsi 00000000cafe1234"));
  CHECK(run(Code().out(x86::kPvpanicPort, 2).mov_edx(x86::kPvpanicPort).in_al().exit_al()).status == 3);
}

TEST_CASE("a triple fault is a crash, with the bytes at the instruction pointer") {
  NEED_KVM();
  // lidt [kCode + 0x800], which has limit 0; ud2
  Code code;
  code.bytes({0x0F, 0x01, 0x1D}).word(kCode + 0x800).bytes({0x0F, 0x0B, 0xAA, 0xBB, 0xCC});
  const Ended ended = run(code);
  CHECK(ended.status == 121);
  CHECK(has(ended.err, "crashed"));
  CHECK(has(ended.err, "rip 0000000000100007"));
  CHECK(has(ended.err, "code at 100007: 0f 0b aa bb cc"));
}

TEST_CASE("a guest that runs on is stopped when its time is over") {
  NEED_KVM();
  for (const Code& code : {Code().halt(), Code().bytes({0xEB, 0xFE})}) {
    const Ended ended = run(code, {"--timeout", "0.4"});
    CHECK(ended.status == 124);
    CHECK(has(ended.err, "0.4 s"));
    CHECK(ended.seconds >= 0.4);
    CHECK(ended.seconds < 10);
  }
}

TEST_CASE("a halted machine costs no processor time, whatever its vCPUs and its input do") {
  NEED_KVM();
  for (const Input::Kind kind : {Input::Kind::empty, Input::Kind::held_open}) {
    const Ended ended = run(Code().halt(), {"--timeout", "1.5", "--cpus", "3"}, {.kind = kind});
    CHECK(ended.status == 124);
    CHECK(ended.cpu_seconds < 0.75);
  }
}

TEST_CASE("the console: string output, line input, end of input") {
  NEED_KVM();
  // mov ecx, 5; mov esi, text; mov edx, 0x3f8; cld; rep outsb
  Code text;
  text.mov_ecx(5)
      .mov_esi(kCode + 0x200)
      .mov_edx(x86::kSerialPort)
      .bytes({0xFC, 0xF3, 0x6E})
      .exit(9)
      .pad_to(0x200);
  for (const char c : std::string("hello")) text.bytes({c});
  const Ended output = run(text);
  CHECK(output.out == "hello");
  CHECK(output.status == 9);

  // Echoes until it reads a '.'.
  Code echo;
  echo.read_key();
  echo.bytes({0x3C, '.', 0x74, 3, 0xEE, 0xEB});  // cmp al, '.'; je over; out dx, al; jmp to the start
  echo.bytes({-static_cast<int>(echo.size()) - 1});
  echo.exit(5);
  const Ended echoed =
      run(echo, {"--timeout", "20"}, {.kind = Input::Kind::text, .text = "a longer text than a FIFO.x"});
  CHECK(echoed.out == "a longer text than a FIFO");
  CHECK(echoed.status == 5);
}

TEST_CASE("string input to memory") {
  NEED_KVM();
  // mov edi, page; mov ecx, 3; mov edx, 0x3ff (scratch); rep insb; mov eax, [page]
  Code code;
  code.out(x86::kSerialPort + 7, 0x21).mov_edi(0x5000).mov_ecx(3).mov_edx(x86::kSerialPort + 7);
  code.bytes({0xFC, 0xF3, 0x6C}).load(0x5000).expect_eax(0x00212121, 1).exit(0);
  CHECK(run(code).status == 0);
}

TEST_CASE("nothing is where nothing is: all ones, at any width, and writes vanish") {
  NEED_KVM();
  Code code;
  code.store(0xE0000000, 0x12345678).load(0xE0000000).expect_eax(0xFFFFFFFF, 1);
  code.load(0xFFFFFFF0).expect_eax(0xFFFFFFFF, 2);
  code.mov_edx(0xCF8).bytes({0xEF}).bytes({0xED}).expect_eax(0xFFFFFFFF, 3);      // out dx, eax; in
  code.mov_eax(0).mov_edx(0x1234).bytes({0x66, 0xED}).expect_eax(0x0000FFFF, 4);  // in ax, dx
  code.load(static_cast<std::uint32_t>(x86::kVirtioBase)).expect_eax(0x74726976, 5);
  code.load(static_cast<std::uint32_t>(x86::kVirtioBase) + 4).expect_eax(2, 6);
  code.load(static_cast<std::uint32_t>(x86::kVirtioBase) + 0x7008).expect_eax(0, 7);
  code.load(static_cast<std::uint32_t>(x86::kVirtioBase) + 0x8000).expect_eax(0xFFFFFFFF, 8);
  code.exit(0);
  CHECK(run(code).status == 0);
}

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
    const Ended ended = run(image.machine(machine).write(), {"--timeout", "20"});
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
  CHECK(run(image.write(), {"--cpus", "2", "--timeout", "20"}).status == 1);
}

TEST_CASE("SIGTERM presses the power button") {
  NEED_KVM();
  // IOAPIC pin 9 to vector 0x40 by edge, the local APIC on; then interrupts stay off and the guest waits for
  // the vector to become pending (bit 0 of IRR word 2): mov eax, [irr]; test al, 1; jz back
  Code code;
  code.store(0xFEE000F0, 0x1FF);
  code.store(0xFEC00000, 0x11 + 2 * x86::kGedGsi).store(0xFEC00010, 0);
  code.store(0xFEC00000, 0x10 + 2 * x86::kGedGsi).store(0xFEC00010, 0x40);
  code.print("R").load(0xFEE00220).bytes({0xA8, 0x01, 0x74, 0xF7});
  code.out(x86::kSleepControlPort, kSleepEnable | kSleepTypeOff << 2).halt();
  const guests::TemporaryFile file(guests::image_of(code));
  Child child({"--timeout", "20", file.path()}, {.kind = Input::Kind::held_open});
  REQUIRE(child.wait_for_output("R"));
  child.signal(SIGTERM);
  const Ended ended = child.wait();
  CHECK(ended.err == "");
  CHECK(ended.status == 0);
  CHECK(ended.seconds < 5);
}

TEST_CASE(
    "a guest that ignores the power button is stopped after five seconds, or at once by a second SIGTERM") {
  NEED_KVM();
  const guests::TemporaryFile file(guests::image_of(Code().print("R").halt()));
  Child patient({file.path()}, {.kind = Input::Kind::held_open});
  Child hasty({file.path()}, {.kind = Input::Kind::held_open});
  REQUIRE(patient.wait_for_output("R"));
  REQUIRE(hasty.wait_for_output("R"));
  patient.signal(SIGTERM);
  hasty.signal(SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  hasty.signal(SIGTERM);
  const Ended second = hasty.wait();
  CHECK(second.status == 143);
  CHECK(second.seconds < 5);
  const Ended grace = patient.wait();
  CHECK(grace.status == 143);
  CHECK(grace.seconds >= 5);
  CHECK(has(grace.err, "did not power off within 5 s"));
}

TEST_CASE("other signals stop it at once") {
  NEED_KVM();
  const guests::TemporaryFile file(guests::image_of(Code().print("R").halt()));
  for (const int number : {SIGINT, SIGHUP, SIGQUIT, SIGUSR1}) {
    Child child({file.path()}, {.kind = Input::Kind::held_open});
    REQUIRE(child.wait_for_output("R"));
    child.signal(number);
    CHECK(child.wait().status == 128 + number);
  }
}

TEST_CASE("a file that is truncated while the guest runs is a sentence and status 126") {
  NEED_KVM();
  for (const bool spins : {false, true}) {
    Code code;
    code.print("R");
    if (spins) {
      code.bytes({0xA1}).word(kCode + 0x80000).bytes({0xEB, 0xF9});  // mov eax, [far]; jmp back
    } else {
      code.read_key().load(kCode + 0x80000).exit(3);
    }
    Octets pages(0x100000, 0x11);
    std::copy(code.octets().begin(), code.octets().end(), pages.begin());
    const guests::TemporaryFile file(Image().pages(kCode, pages).start(guests::start_32()).write());
    Child child({"--timeout", "20", file.path()}, {.kind = Input::Kind::held_open});
    REQUIRE(child.wait_for_output("R"));
    REQUIRE(::truncate(file.path().c_str(), 0x3000) == 0);
    if (!spins) child.type("k");
    const Ended ended = child.wait();
    CHECK(ended.status == 126);
    CHECK(has(ended.err, "truncated"));
    CHECK(has(ended.err, file.path()));
  }
}

TEST_CASE("the guest's writes to mapped pages never reach the file") {
  NEED_KVM();
  Code code;
  code.store(kCode + 0x1000, 0xDEADBEEF).load(kCode + 0x1000).expect_eax(0xDEADBEEF, 1).exit(0);
  Octets pages(2 * kPageSize, 0x11);
  std::copy(code.octets().begin(), code.octets().end(), pages.begin());
  const Octets image = Image().pages(kCode, pages).start(guests::start_32()).write();
  const guests::TemporaryFile file(image);
  CHECK(process::run({file.path()}).status == 0);
  std::ifstream again(file.path(), std::ios::binary);
  CHECK(Octets{std::istreambuf_iterator<char>(again), {}} == image);
}

TEST_CASE("console output that nobody can take ends the run") {
  NEED_KVM();
  // Prints for ever.
  Code code;
  code.print("R").bytes({0xEE, 0xEB, 0xFD});
  const guests::TemporaryFile file(guests::image_of(code));
  Child child({"--timeout", "20", file.path()});
  REQUIRE(child.wait_for_output("R"));
  child.close_output();
  const Ended ended = child.wait();
  CHECK(ended.status == 125);
  CHECK(has(ended.err, "standard output"));
  // A pipe that is full and never read does not keep the time limit from its work.
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  Child stuck({"--timeout", "0.5", file.path()}, {}, ends[1]);
  CHECK(stuck.wait().status == 124);
  // Nor does a non-blocking one lose anything.
  REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  Child full({"--timeout", "0.5", file.path()}, {}, ends[1]);
  CHECK(full.wait().status == 124);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("on a terminal every key is the guest's, Ctrl-A X quits, and its modes come back") {
  NEED_KVM();
  // The terminal must be the foreground one of the child's session, so there is a process in between.
  const guests::TemporaryFile file(guests::image_of(Code().print("R").read_key().out_al().halt()));
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(master >= 0);
  REQUIRE(::grantpt(master) == 0);
  REQUIRE(::unlockpt(master) == 0);
  const std::string slave = ::ptsname(master);
  const int modes = ::open(slave.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(modes >= 0);
  termios before = {};
  REQUIRE(::tcgetattr(modes, &before) == 0);
  for (const bool killed : {false, true}) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::setsid();
      const int fd = ::open(slave.c_str(), O_RDWR);
      ::dup2(fd, 0);
      ::dup2(fd, 1);
      ::dup2(fd, 2);
      ::execl(TINTYPE_RUN_SNAPSHOT, TINTYPE_RUN_SNAPSHOT, "--timeout", "20", file.path().c_str(), nullptr);
      ::_exit(99);
    }
    const auto read_until = [&](char wanted) {
      char c = 0;
      while (::read(master, &c, 1) == 1)
        if (c == wanted) return true;
      return false;
    };
    REQUIRE(read_until('R'));
    termios during = {};
    REQUIRE(::tcgetattr(modes, &during) == 0);
    CHECK((during.c_lflag & (ECHO | ICANON | ISIG)) == 0);
    REQUIRE(::write(master, "\x03", 1) == 1);  // Ctrl-C goes to the guest, which echoes it
    CHECK(read_until('\x03'));
    if (killed) {
      REQUIRE(::kill(child, SIGHUP) == 0);
    } else {
      REQUIRE(::write(master, "\x01x", 2) == 2);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == (killed ? 128 + SIGHUP : 130));
    termios after = {};
    REQUIRE(::tcgetattr(modes, &after) == 0);
    CHECK(after.c_lflag == before.c_lflag);
    CHECK(after.c_iflag == before.c_iflag);
  }
  ::close(modes);
  ::close(master);
}

namespace {

// The value after `name` in /proc/<pid>/task/*/status, of every thread.
std::vector<std::string> thread_facts(int pid, const std::string& name) {
  std::vector<std::string> values;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with(name + ":")) values.push_back(line.substr(line.find_last_of('\t') + 1));
  }
  return values;
}

}  // namespace

TEST_CASE("while a guest runs every thread is under the system-call filter") {
  NEED_KVM();
  const guests::TemporaryFile file(guests::image_of(Code().print("R").halt()));
  for (const bool filtered : {true, false}) {
    std::vector<std::string> arguments = {"--cpus", "2", file.path()};
    if (!filtered) arguments.insert(arguments.begin(), "--no-seccomp");
    Child child(arguments, {.kind = Input::Kind::held_open});
    REQUIRE(child.wait_for_output("R"));
    const auto facts = thread_facts(child.pid(), "Seccomp");
    CHECK(facts.size() >= 3);  // two vCPUs and the supervisor, and one of the kernel's own on some hosts
    for (const std::string& fact : facts) CHECK(fact == (filtered ? "2" : "0"));
    child.signal(SIGINT);
    CHECK(child.wait().status == 130);
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

TEST_CASE("guests that other tools made run, and are told of their machine") {
  NEED_KVM();
  const Ended narrow = process::run({"--timeout", "20", "--cpus", "3", vector("digest/native-x64.igvm")});
  CHECK(narrow.status == 16);
  CHECK(has(narrow.out, "IGVM probe32"));
  CHECK(has(narrow.out, "si=cafe1234"));
  CHECK(has(narrow.out, "vp_count=00000003"));
  CHECK(has(narrow.out, "env_info=00000001"));
  CHECK(has(narrow.out, "init_data=8877665544332211"));
  CHECK(has(narrow.out, "mm 0000000000000000 0000000000010000 0000"));  // 256 MiB
  CHECK(has(narrow.out, "IGVM probe done"));
  const Ended wide =
      process::run({"--timeout", "20", "--memory", "5G", vector("digest/native-x64-long.igvm")});
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
  CHECK(run(Image().pages(4 * kGiB - kPageSize, top).write(), {"--timeout", "20"}).status == 21);
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

TEST_CASE("more vCPUs than KVM has are refused with both numbers") {
  NEED_KVM();
  const Ended ended = run(Code().exit(4), {"--cpus", "1024", "--timeout", "60"});
  if (ended.status == 126) {
    CHECK(has(ended.err, "needs 1024 vCPUs, and this host's KVM"));
  } else {
    CHECK(ended.status == 4);  // this host has them
  }
}

TEST_CASE("without /dev/kvm it says what to do about it") {
  const guests::TemporaryFile file(guests::image_of(Code().exit(0)));
  const guests::TemporaryFile said(Bytes{});
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // A /dev of its own, empty but for the standard descriptors, which are open.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", "/dev", "tmpfs", 0, nullptr) != 0)
      ::_exit(98);
    ::dup2(::open(said.path().c_str(), O_WRONLY), 2);
    ::execl(TINTYPE_RUN_SNAPSHOT, TINTYPE_RUN_SNAPSHOT, file.path().c_str(), nullptr);
    ::_exit(99);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WEXITSTATUS(status) == 98) {
    skip_test("this user may not make a mount namespace");
    return;
  }
  CHECK(WEXITSTATUS(status) == 125);
  std::ifstream text(said.path());
  CHECK(has(std::string{std::istreambuf_iterator<char>(text), {}}, "modprobe"));
}
