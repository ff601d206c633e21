// A PL031 real-time clock: the host's wall clock, moved by what the guest sets.
//
// The match interrupt is raised when somebody looks and not by itself: no guest is woken by this clock.
//
// Source: Arm DDI 0224, PrimeCell Real Time Clock (PL031) Technical Reference Manual, chapter 3. Not
// thread-safe; bus.h holds the lock.
#pragma once

#include <cstdint>
#include <functional>

namespace tintype {

class Pl031 {
 public:
  // `set_line` is told each change of the interrupt output; `clock` gives seconds since 1970, of which the
  // counter has the lower 32 bits.
  Pl031(std::function<void(bool)> set_line, std::function<std::uint64_t()> clock)
      : set_line_(std::move(set_line)), clock_(std::move(clock)) {}

  // The register at `offset`, a multiple of 4 below 0x1000.
  std::uint32_t read(std::uint32_t offset);
  void write(std::uint32_t offset, std::uint32_t value);

 private:
  std::uint32_t counter() const { return static_cast<std::uint32_t>(clock_()) + offset_; }
  void look();

  std::function<void(bool)> set_line_;
  std::function<std::uint64_t()> clock_;
  std::uint32_t offset_ = 0;  // counter less clock
  std::uint32_t load_ = 0, match_ = 0;
  bool armed_ = false, raw_ = false, enabled_ = false, line_ = false;
};

}  // namespace tintype
