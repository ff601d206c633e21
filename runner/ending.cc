#include "runner/ending.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace tintype {

Result<Fd> Ending::make_bell() {
  Fd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return fail("the host has no event descriptor to spare: {}", std::strerror(errno));
  return bell;
}

void Ending::report(Outcome outcome) {
  {
    const std::lock_guard lock(mutex_);
    if (!outcome_) outcome_ = std::move(outcome);
  }
  over_.store(true, std::memory_order_release);
  ring();
}

Outcome Ending::outcome() const {
  const std::lock_guard lock(mutex_);
  return outcome_.value_or(Outcome{kStatusHost, "the run ended for no reason"});
}

// A full counter fails the write, and then the bell rings already.
void Ending::ring() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(bell_.get(), &one, sizeof(one));
}

void Ending::hush() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(bell_.get(), &count, sizeof(count));
}

}  // namespace tintype
