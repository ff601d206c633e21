#include "runner/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "runner/outcome.h"

namespace tintype {

namespace {

// Whatever would end the process and leave its terminal raw, apart from the mistakes below.
constexpr int kEnding[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU};
constexpr int kMistakes[] = {SIGSEGV, SIGILL, SIGFPE, SIGABRT};

// A handler has no other way to anything: the one object of this program that is not handed from caller to
// callee.
std::atomic<const LastWords*> last_words = nullptr;
static_assert(std::atomic<const LastWords*>::is_always_lock_free);

void ignore(int) {}

void die_of_bus_error(int) {
  if (const LastWords* words = last_words.load(); words != nullptr) {
    if (words->terminal != nullptr) words->terminal->restore();
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, words->text.data(), words->text.size());
  }
  ::_exit(kStatusFile);
}

// The handler is gone when it returns (SA_RESETHAND), so that the mistake happens again and takes its usual
// course.
void restore_and_die(int) {
  if (const LastWords* words = last_words.load(); words != nullptr && words->terminal != nullptr)
    words->terminal->restore();
}

void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

bool ignored(int number) {
  struct sigaction action = {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void ignore_closed_pipes() {
  handle(SIGPIPE, SIG_IGN, 0);
}

Result<Fd> take_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kEnding)
    if (!ignored(number)) sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // Reading in the background is an end of input and not a reason to stop; nor is giving the terminal back.
  handle(SIGTTIN, SIG_IGN, 0);
  handle(SIGTTOU, SIG_IGN, 0);
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail("the host has no signal descriptor to spare: {}", std::strerror(errno));
  return fd;
}

int next_signal(int fd) {
  signalfd_siginfo info = {};
  return ::read(fd, &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? fmt::format("signal {}", number) : fmt::format("SIG{}", name);
}

int vcpu_signal() {
  return SIGRTMIN;
}

void handle_vcpu_signal() {
  handle(vcpu_signal(), ignore, 0);
}

BusErrorGuard::BusErrorGuard(const LastWords& words) : before_(last_words.exchange(&words)) {
  handle(SIGBUS, die_of_bus_error, 0);
  if (words.terminal == nullptr || !words.terminal->raw()) return;
  for (const int number : kMistakes) handle(number, restore_and_die, static_cast<int>(SA_RESETHAND));
}

BusErrorGuard::~BusErrorGuard() {
  last_words.store(before_);
}

}  // namespace tintype
