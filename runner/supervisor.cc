#include "runner/supervisor.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "runner/signals.h"

namespace tintype {

namespace {

// Keys that a guest does not take are kept up to here, and read on for the runner's own. A pipe is not read
// before the guest has taken all.
constexpr std::size_t kMaxPending = 4096;

// A driver that probes the UART enables its interrupts for a moment, and then throws away what it has
// received. So the first input waits until the guest has wanted it for this long.
constexpr std::chrono::milliseconds kSettle{20};

// A vCPU that was interrupted between its last look and a system call is interrupted again after this.
constexpr std::chrono::milliseconds kInterruptAgain{5};

timespec to_timespec(Clock::duration duration) {
  const auto left = std::max(duration, Clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(),
          .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds).count()};
}

// Bytes that either machine's UART holds.
constexpr std::size_t kUartFifo = 16;

double in_seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Supervisor::Supervisor(Supervision what) : what_(std::move(what)) {
  if (what_.timeout) time_limit_ = Clock::now() + *what_.timeout;
}

void Supervisor::run() {
  while (!what_.ending.over()) wait();
  const timespec pause = to_timespec(kInterruptAgain);
  while (what_.crew.interrupt()) ::nanosleep(&pause, nullptr);
}

std::optional<Clock::time_point> Supervisor::next_deadline() const {
  std::optional<Clock::time_point> next;
  for (const auto& limit : {time_limit_, power_off_limit_, settled_, release_})
    if (limit && (!next || *limit < *next)) next = limit;
  return next;
}

bool Supervisor::wants_input() const {
  if (input_ended_) return false;
  return what_.has_keys || pending_.empty();
}

void Supervisor::wait() {
  std::array<pollfd, 3> events = {{
      {.fd = what_.ending.bell(), .events = POLLIN, .revents = 0},
      {.fd = what_.signals, .events = POLLIN, .revents = 0},
      {.fd = wants_input() ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0},
  }};
  timespec timeout = {};
  const auto deadline = next_deadline();
  if (deadline) timeout = to_timespec(*deadline - Clock::now());
  const int ready = ::ppoll(events.data(), events.size(), deadline ? &timeout : nullptr, nullptr);
  check_time();
  if (ready <= 0) return;
  if (events[0].revents != 0) {
    what_.ending.hush();
    offer_input();
  }
  if (events[1].revents != 0) take_signal(next_signal(what_.signals));
  if (events[2].revents != 0) take_input();
}

void Supervisor::check_time() {
  const auto now = Clock::now();
  if (settled_ && now >= *settled_) {
    settled_.reset();
    pass_input_on();
  }
  if (release_ && now >= *release_) {
    release_.reset();
    what_.bus.set_power_button(false);
  }
  if (time_limit_ && now >= *time_limit_) {
    what_.ending.report({kStatusTimeout, fmt::format("the guest still ran after {:g} s (--timeout)",
                                                     in_seconds(*what_.timeout))});
  } else if (power_off_limit_ && now >= *power_off_limit_) {
    what_.ending.report(
        {kStatusSignal + SIGTERM,
         fmt::format("the guest did not power off within {} s of SIGTERM", kPowerOffGrace.count())});
  }
}

void Supervisor::take_signal(int number) {
  if (number == 0) return;
  if (number == SIGTERM && !power_off_limit_) {
    power_off_limit_ = Clock::now() + kPowerOffGrace;
    release_ = Clock::now() + kButtonPress;
    what_.bus.set_power_button(true);
    return;
  }
  what_.ending.report({kStatusSignal + number, fmt::format("stopped by {}", signal_name(number))});
}

void Supervisor::take_input() {
  std::array<std::uint8_t, 256> buffer;
  // From a pipe no more than the UART holds: what is not read stays with its writer.
  const std::size_t room = what_.has_keys ? buffer.size() : kUartFifo;
  const ssize_t count = ::read(STDIN_FILENO, buffer.data(), room);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) {
    input_ended_ = true;
    return;
  }
  const Bytes typed = Bytes(buffer).first(static_cast<std::size_t>(count));
  if (!what_.has_keys) {
    pending_.append(typed.begin(), typed.end());
  } else if (keys_.filter(typed, pending_)) {
    what_.ending.report({kStatusSignal + SIGINT, "stopped from the keyboard"});
  }
  pending_.resize(std::min(pending_.size(), kMaxPending));
  offer_input();
}

void Supervisor::offer_input() {
  if (guest_reads_) {
    pass_input_on();
  } else if (!pending_.empty()) {
    settled_ = Clock::now() + kSettle;
  }
}

void Supervisor::pass_input_on() {
  if (pending_.empty()) return;
  const std::size_t taken = what_.bus.receive(bytes_of(pending_));
  pending_.erase(0, taken);
  guest_reads_ = guest_reads_ || taken > 0;
}

}  // namespace tintype
