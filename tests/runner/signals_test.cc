#include "runner/signals.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "runner/guests.h"
#include "runner/outcome.h"
#include "support/test_main.h"

using namespace tintype;

namespace {

struct Died {
  int status = 0;
  std::string said;
};

// What becomes of a process that does `what`, which does not return.
Died die_of(const std::function<void()>& what) {
  const guests::TemporaryFile said(Bytes{});
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(::open(said.path().c_str(), O_WRONLY), STDERR_FILENO);
    what();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  std::ifstream text(said.path());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status),
          std::string{std::istreambuf_iterator<char>(text), {}}};
}

// Reads a page of a file that was truncated after it was mapped.
void read_what_is_gone() {
  char path[] = "/tmp/tintype-XXXXXX";
  const int fd = ::mkstemp(path);
  ::unlink(path);
  if (fd < 0 || ::ftruncate(fd, kPageSize) != 0) ::_exit(99);
  const auto* page = static_cast<volatile char*>(::mmap(nullptr, kPageSize, PROT_READ, MAP_PRIVATE, fd, 0));
  if (::ftruncate(fd, 0) != 0) ::_exit(99);
  [[maybe_unused]] const char byte = *page;
}

}  // namespace

TEST_CASE("a page that is gone ends the process with the words of the innermost guard") {
  const LastWords outer{"outer\n"}, inner{"inner\n"};
  const Died nested = die_of([&] {
    const BusErrorGuard first(outer);
    const BusErrorGuard second(inner);
    read_what_is_gone();
  });
  CHECK(nested.status == kStatusFile);
  CHECK(nested.said == "inner\n");
  const Died after = die_of([&] {
    const BusErrorGuard first(outer);
    { const BusErrorGuard second(inner); }
    read_what_is_gone();
  });
  CHECK(after.status == kStatusFile);
  CHECK(after.said == "outer\n");
}

TEST_CASE("signals that would end the process arrive on the descriptor, by name") {
  const Died died = die_of([] {
    const auto signals = take_signals();
    if (!signals || next_signal(signals->get()) != 0) ::_exit(1);
    ::raise(SIGTERM);
    if (next_signal(signals->get()) != SIGTERM || signal_name(SIGTERM) != "SIGTERM") ::_exit(2);
    ::_exit(77);
  });
  CHECK(died.status == 77);
}

TEST_CASE("a signal that was ignored before stays ignored") {
  const Died died = die_of([] {
    std::signal(SIGHUP, SIG_IGN);
    const auto signals = take_signals();
    ::raise(SIGHUP);
    ::_exit(signals && next_signal(signals->get()) == 0 ? 77 : 1);
  });
  CHECK(died.status == 77);
}
