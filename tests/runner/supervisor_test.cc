#include "runner/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>

#include "runner/runs.h"

using namespace tintype;
using guests::Code;
using process::Child;
using process::Ended;
using process::Input;
using runs::has;
using runs::run;

TEST_CASE("a guest that runs on is stopped when its time is over") {
  NEED_KVM();
  for (const Code& code : {Code().halt(), Code().bytes({0xEB, 0xFE})}) {
    const Ended ended = run(code, {"--timeout", "0.4"});
    CHECK(ended.status == 124);
    CHECK(has(ended.err, "0.4 s"));
    CHECK(ended.seconds >= 0.4);
  }
}

TEST_CASE("a halted machine costs no processor time, whatever its vCPUs and its input do") {
  NEED_KVM();
  const auto cost = [](const char* seconds, Input::Kind input) {
    const Ended ended = run(Code().halt(), {"--timeout", seconds, "--cpus", "3"}, {.kind = input});
    CHECK(ended.status == 124);
    return ended.cpu_seconds;
  };
  for (const Input::Kind kind : {Input::Kind::empty, Input::Kind::held_open})
    CHECK(cost("1.5", kind) < cost("0", kind) + 0.7);
}

namespace {

// Prints R once IOAPIC pin 9 is vector 0x40 by edge and the local APIC is on, and B when the vector is
// pending (bit 0 of IRR word 2); interrupts stay off.
Code button_watcher() {
  Code code;
  code.store(0xFEE000F0, 0x1FF);
  code.store(0xFEC00000, 0x11 + 2 * x86::kGedGsi).store(0xFEC00010, 0);
  code.store(0xFEC00000, 0x10 + 2 * x86::kGedGsi).store(0xFEC00010, 0x40);
  code.print("R").load(0xFEE00220).bytes({0xA8, 0x01, 0x74, 0xF7});  // mov eax, [irr]; test al, 1; jz back
  return code.print("B");
}

}  // namespace

TEST_CASE("SIGTERM presses the power button") {
  NEED_KVM();
  const guests::TemporaryFile file(guests::image_of(
      button_watcher().out(x86::kSleepControlPort, kSleepEnable | kSleepTypeOff << 2).halt()));
  Child child({"--timeout", "60", file.path()}, {.kind = Input::Kind::held_open});
  REQUIRE(child.wait_for_output("R"));
  child.signal(SIGTERM);
  const Ended ended = child.wait();
  CHECK(ended.err == "");
  CHECK(ended.status == 0);
}

TEST_CASE("a guest that ignores the power button is stopped after five seconds, or by a second SIGTERM") {
  NEED_KVM();
  const guests::TemporaryFile file(guests::image_of(button_watcher().halt()));
  Child patient({file.path()}, {.kind = Input::Kind::held_open});
  REQUIRE(patient.wait_for_output("R"));
  patient.signal(SIGTERM);
  const Ended grace = patient.wait();
  CHECK(grace.status == 143);
  CHECK(grace.seconds >= 5);
  CHECK(has(grace.err, "did not power off within 5 s"));
  // The second is only a second one if the first has been taken. A machine that takes five seconds to get
  // from there to here proves nothing, and is let off.
  Child hasty({file.path()}, {.kind = Input::Kind::held_open});
  REQUIRE(hasty.wait_for_output("R"));
  hasty.signal(SIGTERM);
  REQUIRE(hasty.wait_for_output("B"));
  hasty.signal(SIGTERM);
  const Ended second = hasty.wait();
  CHECK(second.status == 143);
  if (second.seconds < 5) CHECK(has(second.err, "stopped by SIGTERM"));
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

namespace {

// A pseudo-terminal, of which the test has the far end.
class FarEnd {
 public:
  FarEnd() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(master_ >= 0);
    REQUIRE(::grantpt(master_) == 0);
    REQUIRE(::unlockpt(master_) == 0);
    name_ = ::ptsname(master_);
    near_ = ::open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(near_ >= 0);
  }
  FarEnd(const FarEnd&) = delete;
  FarEnd& operator=(const FarEnd&) = delete;
  ~FarEnd() {
    ::close(near_);
    ::close(master_);
  }
  const std::string& name() const { return name_; }
  termios modes() const {
    termios modes = {};
    REQUIRE(::tcgetattr(near_, &modes) == 0);
    return modes;
  }
  void type(std::string_view keys) const {
    REQUIRE(::write(master_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
  }
  // Reads up to `wanted`. False if it does not come within a minute.
  bool read_until(char wanted) const {
    pollfd ready = {.fd = master_, .events = POLLIN, .revents = 0};
    for (char c = 0; ::poll(&ready, 1, 60'000) == 1 && ::read(master_, &c, 1) == 1;)
      if (c == wanted) return true;
    return false;
  }

 private:
  int master_ = -1, near_ = -1;
  std::string name_;
};

// In a forked child: a session of its own with the terminal as its standard descriptors.
int take_terminal(const std::string& name) {
  ::setsid();
  const int fd = ::open(name.c_str(), O_RDWR);
  for (const int standard : {0, 1, 2}) ::dup2(fd, standard);
  return fd;
}

void become_run_snapshot(const std::string& image) {
  ::execl(TINTYPE_RUN_SNAPSHOT, TINTYPE_RUN_SNAPSHOT, "--timeout", "60", image.c_str(), nullptr);
  ::_exit(99);
}

int status_of(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

bool same_modes(const termios& a, const termios& b) {
  return a.c_lflag == b.c_lflag && a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag;
}

}  // namespace

TEST_CASE("on a terminal every key is the guest's, Ctrl-A X quits, and its modes come back") {
  NEED_KVM();
  const guests::TemporaryFile file(guests::image_of(Code().print("R").read_key().out_al().halt()));
  const FarEnd terminal;
  const termios before = terminal.modes();
  for (const bool killed : {false, true}) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      take_terminal(terminal.name());
      become_run_snapshot(file.path());
    }
    REQUIRE(terminal.read_until('R'));
    CHECK((terminal.modes().c_lflag & (ECHO | ICANON | ISIG)) == 0);
    terminal.type("\x03");  // Ctrl-C goes to the guest, which echoes it
    CHECK(terminal.read_until('\x03'));
    if (killed) {
      REQUIRE(::kill(child, SIGHUP) == 0);
    } else {
      terminal.type("\x01x");
    }
    CHECK(status_of(child) == (killed ? 128 + SIGHUP : 130));
    CHECK(same_modes(terminal.modes(), before));
  }
}

TEST_CASE("put into the background it still gives the terminal back and ends") {
  NEED_KVM();
  const guests::TemporaryFile file(guests::image_of(Code().print("R").read_key().halt()));
  const FarEnd terminal;
  const termios before = terminal.modes();
  const pid_t shell = ::fork();
  REQUIRE(shell >= 0);
  if (shell == 0) {
    // What a shell does for a job: a process group that has the terminal, until a key takes it back.
    std::signal(SIGTTOU, SIG_IGN);
    const int fd = take_terminal(terminal.name());
    std::array<int, 2> go{};
    if (::pipe(go.data()) != 0) ::_exit(98);
    const pid_t job = ::fork();
    if (job == 0) {
      char c = 0;
      std::signal(SIGTTOU, SIG_DFL);
      if (::read(go[0], &c, 1) == 1) become_run_snapshot(file.path());
      ::_exit(97);
    }
    ::setpgid(job, job);
    ::tcsetpgrp(fd, job);
    if (::write(go[1], "g", 1) != 1) ::_exit(96);
    while (::usleep(10'000) == 0) {
      termios modes = {};
      if (::tcgetattr(fd, &modes) == 0 && (modes.c_lflag & ICANON) == 0) break;
    }
    ::tcsetpgrp(fd, ::getpgrp());
    ::kill(job, SIGINT);
    int status = 0;
    ::waitpid(job, &status, WUNTRACED);
    ::kill(job, SIGKILL);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 95);
  }
  CHECK(status_of(shell) == 130);
  CHECK(same_modes(terminal.modes(), before));
}
