#include "runner/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <tuple>

#include "runner/image.h"
#include "support/test_main.h"

extern char** environ;

namespace process {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds. A loaded machine may take its time; only what hangs is to end.
constexpr double kPatience = 60;

struct Pipe {
  int read = -1, write = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return {ends[0], ends[1]};
}

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments, Input input, int out_fd, int err_fd) {
  std::vector<std::string> words = {TINTYPE_RUN_SNAPSHOT};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.kind == Input::Kind::fd ? input.fd : in.read, 0);
  posix_spawn_file_actions_adddup2(&actions, out_fd >= 0 ? out_fd : out.write, 1);
  posix_spawn_file_actions_adddup2(&actions, err_fd >= 0 ? err_fd : err.write, 2);
  // Writing to a child that has ended must not end the test, and the child gets what a shell would give it.
  std::signal(SIGPIPE, SIG_IGN);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  started_ = now();
  REQUIRE(::posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(in.read);
  ::close(out.write);
  ::close(err.write);
  in_ = in.write;
  out_ = out.read;
  err_ = err.read;
  if (!input.text.empty()) type(input.text);
  if (input.kind != Input::Kind::held_open) close_fd(in_);
}

Child::~Child() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_fd(in_);
  close_fd(out_);
  close_fd(err_);
}

// A child that has ended meanwhile takes nothing.
void Child::type(const std::string& text) {
  const bool taken = ::write(in_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  REQUIRE((taken || errno == EPIPE));
}

void Child::signal(int number) const {
  REQUIRE(::kill(pid_, number) == 0);
}

void Child::close_output() {
  close_fd(out_);
}

// Takes what there is to read. False once both ends are closed.
bool Child::pump(int milliseconds) {
  std::array<pollfd, 2> fds = {
      {{.fd = out_, .events = POLLIN, .revents = 0}, {.fd = err_, .events = POLLIN, .revents = 0}}};
  if (out_ < 0 && err_ < 0) return false;
  ::poll(fds.data(), fds.size(), milliseconds);
  std::array<char, 4096> buffer;
  for (const auto& [fd, end, text] :
       {std::tuple{&fds[0], &out_, &ended_.out}, std::tuple{&fds[1], &err_, &ended_.err}}) {
    if (fd->revents == 0) continue;
    const ssize_t count = ::read(*end, buffer.data(), buffer.size());
    if (count > 0) {
      text->append(buffer.data(), static_cast<std::size_t>(count));
    } else {
      close_fd(*end);
    }
  }
  return true;
}

bool Child::wait_for_output(const std::string& text) {
  for (const double limit = now() + kPatience; now() < limit;) {
    if (ended_.out.find(text) != std::string::npos) return true;
    if (!pump(100)) return false;
  }
  return false;
}

Ended Child::wait() {
  bool killed = false;
  for (const double limit = now() + 2 * kPatience; pump(100);) {
    if (now() < limit || killed) continue;
    ::kill(pid_, SIGKILL);
    killed = true;
  }
  int status = 0;
  rusage usage = {};
  REQUIRE(::wait4(pid_, &status, 0, &usage) == pid_);
  pid_ = -1;
  ended_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  ended_.seconds = now() - started_;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  ended_.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  return ended_;
}

Ended run(const std::vector<std::string>& arguments, Input input) {
  return Child(arguments, std::move(input)).wait();
}

std::optional<std::string> no_kvm() {
  if (tintype::kHostArch != tintype::Arch::x86_64) return "the guests of these tests are for x86_64";
  const int fd = ::open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (fd < 0) return std::string("no access to /dev/kvm: ") + std::strerror(errno);
  ::close(fd);
  return std::nullopt;
}

bool sanitized() {
#if defined(__SANITIZE_ADDRESS__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  return true;
#endif
#endif
  return false;
}

}  // namespace process

using process::Child;
using process::Ended;
using process::Input;

TEST_CASE("a child's status, output and errors are its own") {
  const Ended ended = process::run({"--version"});
  CHECK(ended.status == 0);
  CHECK(ended.out.starts_with("run-snapshot "));
  CHECK(ended.err.empty());
}

TEST_CASE("a child that has ended takes no input, and that is no end of the test") {
  Child child({"--version"}, {.kind = Input::Kind::held_open});
  REQUIRE(child.wait_for_output("\n"));
  for (int i = 0; i < 100; ++i) child.type("nobody reads this");
  CHECK(child.wait().status == 0);
}
