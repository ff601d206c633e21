#include "runner/run_loop.h"

#include <fcntl.h>
#include <unistd.h>

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
      run(echo, runs::kLimit, {.kind = Input::Kind::text, .text = "a longer text than a FIFO.x"});
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
    Child child({"--timeout", "60", file.path()}, {.kind = Input::Kind::held_open});
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
  Child child({"--timeout", "60", file.path()});
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
