// A PL061 GPIO controller with one thing on its eight pins: the power button.
//
// Source: Arm DDI 0190, PrimeCell GPIO (PL061) Technical Reference Manual, chapter 3. Not thread-safe; bus.h
// holds the lock.
#pragma once

#include <cstdint>
#include <functional>

namespace tintype {

class Pl061 {
 public:
  // `set_line` is told each change of the interrupt output.
  explicit Pl061(std::function<void(bool)> set_line) : set_line_(std::move(set_line)) {}

  // The register at `offset`, a multiple of 4 below 0x1000.
  std::uint32_t read(std::uint32_t offset);
  void write(std::uint32_t offset, std::uint32_t value);

  // Drives input pin 0-7 from outside. A pin that rises without its interrupt enabled gives one pulse of the
  // output: formats/machine.h, kGpio, says for whom.
  void set_pin(unsigned pin, bool high);

 private:
  std::uint8_t pins() const;
  std::uint8_t raw() const;
  void see_edges(std::uint8_t before);
  void update_line();

  std::function<void(bool)> set_line_;
  bool line_ = false;
  std::uint8_t driven_ = 0;                // the pins from outside
  std::uint8_t data_ = 0, direction_ = 0;  // of those that are outputs
  std::uint8_t level_ = 0, both_ = 0, high_ = 0, enabled_ = 0;
  std::uint8_t edges_ = 0;  // seen and not cleared
  std::uint8_t alternate_ = 0;
};

}  // namespace tintype
